package zoo

import (
	"strconv"

	"nas/blocks"
)

// v1Blocks are stride and output channels of the 13 depthwise-separable blocks
// (Howard et al., 2017, table 1; the stride 2 printed for the last depthwise
// row is a misprint: its map stays 7x7).
var v1Blocks = [][2]int{{1, 64}, {2, 128}, {1, 128}, {2, 256}, {1, 256}, {2, 512}, {1, 512}, {1, 512}, {1, 512},
	{1, 512}, {1, 512}, {2, 1024}, {1, 1024}}

var mobileNetV1 = []Entry{{
	Name:    "mobilenet_v1",
	Paper:   "Howard et al., MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017, arXiv:1704.04861",
	Options: []Option{width(1), res(224, 224), classes(1000), channels(3)},
	Figures: []Figure{
		{"", "top1_pct", 70.9, "slim README", ""},
		{"width=0.75", "top1_pct", 68.4, "slim README", ""},
		{"width=0.5", "top1_pct", 63.3, "slim README", ""},
		{"width=0.25", "top1_pct", 49.8, "slim README", ""},
		{"", "params", 4.24e6, "slim README", "counts one more number for each batch-normalised channel than scale and shift without the scale: 4.23 M here"},
		{"", "macs", 569e6, "slim README", ""},
		{"width=0.75", "params", 2.59e6, "slim README", ""},
		{"width=0.75", "macs", 317e6, "slim README", "leaves the stem convolution (8.13 M) out; the paper says 325 M"},
		{"width=0.5", "params", 1.34e6, "slim README", "as for the base form"},
		{"width=0.5", "macs", 150e6, "slim README", ""},
		{"width=0.25", "params", 0.47e6, "slim README", ""},
		{"width=0.25", "macs", 41e6, "slim README", ""},
		{"width=0.25,res=192", "macs", 34e6, "slim README", "a misprint: 30.2 M"},
	},
	build: func(b *blocks.Builder, s settings) {
		scaled := func(c int) int { return max(8, int(float64(c)*s.width)) }
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scaled(32), Kernel: 3, Stride: 2, Act: blocks.ReLU})
		stage, block := 1, 0
		for _, p := range v1Blocks {
			if block++; p[0] == 2 {
				stage, block = stage+1, 1
			}
			b.Mark(stage, block)
			x = blocks.Named{Name: "stage" + strconv.Itoa(stage) + ".block" + strconv.Itoa(block),
				Block: blocks.DepthwiseSeparable{Out: scaled(p[1]), Stride: p[0], Act: blocks.ReLU}}.Build(b, x)
		}
		b.Mark(stage+1, 0)
		classify(b, x, s.classes)
	},
}}
