package zoo

import "nas/blocks"

// v2Stages is table 2 of Sandler et al. (CVPR 2018).
var v2Stages = []stage{
	{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 24, n: 2, stride: 2, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 32, n: 3, stride: 2, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 64, n: 4, stride: 2, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 96, n: 3, stride: 1, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 160, n: 3, stride: 2, kernel: 3, act: blocks.ReLU6},
	{expand: 6, out: 320, n: 1, stride: 1, kernel: 3, act: blocks.ReLU6},
}

const withoutBN = "counts no batch normalisation"

var mobileNetV2 = []Entry{{
	Name:    "mobilenet_v2",
	Paper:   "Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
	Options: []Option{width(1), res(224, 224), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 71.8, "slim README", ""},
		{"", "top1_pct", 71.88, "torchvision, IMAGENET1K_V1", ""},
		{"width=1.4", "top1_pct", 75.0, "slim README", ""},
		{"width=1.4", "params", 6.06e6, "slim README", withoutBN},
		{"width=1.4", "macs", 582e6, "slim README", ""},
		{"width=1.3", "params", 5.34e6, "slim README", withoutBN},
		{"width=1.3", "macs", 509e6, "slim README", ""},
		{"", "params", 3.47e6, "slim README", withoutBN},
		{"", "macs", 300e6, "slim README", ""},
		{"width=0.75", "params", 2.61e6, "slim README", withoutBN},
		{"width=0.75", "macs", 209e6, "slim README", ""},
		{"width=0.5", "params", 1.95e6, "slim README", withoutBN},
		{"width=0.5", "macs", 97e6, "slim README", ""},
		{"width=0.35", "params", 1.66e6, "slim README", withoutBN},
		{"width=0.35", "macs", 59e6, "slim README", ""},
		{"width=0.35,res=96", "macs", 11e6, "slim README", "11.93 M, truncated"},
	},
	build: func(b *blocks.Builder, s settings) {
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scale(32, s.width), Kernel: 3, Stride: 2, Act: blocks.ReLU6})
		outs := inverted{stages: v2Stages, width: s.width}.build(b, x)
		// The last layer is not narrowed.
		x = convAs(b, "head.conv", outs[len(outs)-1], blocks.ConvBNAct{Out: scale(1280, max(1, s.width)), Act: blocks.ReLU6})
		classify(b, x, s.classes)
	},
}}
