package zoo

import "nas/blocks"

// fbNetC is FBNet-C, figure 5 of Wu et al. (CVPR 2019).
var fbNetC = []stage{
	{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 24, n: 1, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 1, out: 24, n: 2, stride: 1, kernel: 3, act: blocks.ReLU, more: true},
	{expand: 6, out: 32, n: 1, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 3, out: 32, n: 1, stride: 1, kernel: 5, act: blocks.ReLU, more: true},
	{expand: 6, out: 32, n: 1, stride: 1, kernel: 5, act: blocks.ReLU, more: true},
	{expand: 6, out: 32, n: 1, stride: 1, kernel: 3, act: blocks.ReLU, more: true},
	{expand: 6, out: 64, n: 1, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 3, out: 64, n: 1, stride: 1, kernel: 5, act: blocks.ReLU, more: true},
	{expand: 6, out: 64, n: 2, stride: 1, kernel: 5, act: blocks.ReLU, more: true},
	{expand: 6, out: 112, n: 3, stride: 1, kernel: 5, act: blocks.ReLU},
	{expand: 3, out: 112, n: 1, stride: 1, kernel: 5, act: blocks.ReLU, more: true},
	{expand: 6, out: 184, n: 4, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 6, out: 352, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
}

var fbNet = []Entry{{
	Name: "fbnet_c",
	Paper: "Wu et al., FBNet: Hardware-Aware Efficient ConvNet Design via Differentiable Neural Architecture Search, CVPR 2019. " +
		"Blocks without expansion have no first convolution",
	Options: []Option{width(1), res(224, 224), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 74.9, "paper", ""},
		{"", "params", 5.5e6, "paper", "rounded"},
		{"", "macs", 375e6, "paper", ""},
		{"", "params", 5572200, "imgclsmob", "has a first convolution in the three blocks without expansion: 1,536 weights more"},
	},
	build: func(b *blocks.Builder, s settings) {
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scale(16, s.width), Kernel: 3, Stride: 2, Act: blocks.ReLU})
		outs := inverted{stages: fbNetC, width: s.width}.build(b, x)
		x = convAs(b, "head.conv", outs[len(outs)-1], blocks.ConvBNAct{Out: scale(1984, max(1, s.width)), Act: blocks.ReLU})
		classify(b, x, s.classes)
	},
}}
