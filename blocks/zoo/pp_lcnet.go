package zoo

import (
	"strconv"

	"nas/blocks"
)

// lcBlocks are kernel size, output channels, stride and squeeze-and-excite of the
// depthwise-separable blocks (Cui et al., 2021, table 1).
var lcBlocks = []struct {
	kernel, out, stride int
	se                  bool
}{
	{3, 32, 1, false},
	{3, 64, 2, false}, {3, 64, 1, false},
	{3, 128, 2, false}, {3, 128, 1, false},
	{3, 256, 2, false},
	{5, 256, 1, false}, {5, 256, 1, false}, {5, 256, 1, false}, {5, 256, 1, false}, {5, 256, 1, false},
	{5, 512, 2, true}, {5, 512, 1, true},
}

const lcMACs = "counts two operations for each batch-normalised value"

var ppLCNet = []Entry{{
	Name:    "pp_lcnet",
	Paper:   "Cui et al., PP-LCNet: A Lightweight CPU Convolutional Neural Network, 2021, arXiv:2109.15099",
	Options: []Option{width(1), res(224, 224), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 71.32, "paper", ""},
		{"width=0.5", "top1_pct", 63.14, "paper", ""},
		{"width=2.5", "top1_pct", 76.6, "paper", ""},
		{"", "macs", 161e6, "paper", lcMACs},
		{"width=0.5", "macs", 47e6, "paper", lcMACs},
		{"width=2.5", "macs", 906e6, "paper", lcMACs},
		{"width=2.5", "params", 9.0e6, "paper", "rounded"},
		{"", "params", 2.95e6, "timm", ""},
		{"width=0.5", "params", 1.88e6, "timm", ""},
		{"width=0.75", "params", 2.36e6, "timm", ""},
		{"width=1.5", "params", 4.5e6, "timm", ""},
		{"", "macs", 0.16e9, "timm", withBN},
		{"width=1.5", "macs", 0.34e9, "timm", withBN},
	},
	build: func(b *blocks.Builder, s settings) {
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scale(16, s.width), Kernel: 3, Stride: 2, Act: blocks.HSwish})
		number, block := 1, 0
		for _, r := range lcBlocks {
			if block++; r.stride == 2 {
				number, block = number+1, 1
			}
			p := blocks.DepthwiseSeparable{Out: scale(r.out, s.width), Kernel: r.kernel, Stride: r.stride, Act: blocks.HSwish}
			if r.se {
				p.SE = &blocks.SqueezeExcite{Hidden: b.Shape(x).C / 4, Act: blocks.ReLU, Gate: blocks.HSigmoid}
			}
			b.Mark(number, block)
			x = blocks.Named{Name: "stage" + strconv.Itoa(number) + ".block" + strconv.Itoa(block), Block: p}.Build(b, x)
		}
		b.Mark(number+1, 0)
		x = b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		x = b.Act(blocks.HSwish, b.Apply("head.hidden", &blocks.Linear{Out: 1280}, x))
		b.Apply("head.classifier", &blocks.Linear{Out: s.classes, Bias: true}, x)
	},
}}
