package zoo

import "nas/blocks"

// mnasA1 and mnasB1 are figure 7 of Tan et al. (CVPR 2019) and its variant
// without squeeze-and-excite, after the authors' code. Two networks are called
// MnasNet: torchvision's is B1.
var mnasA1 = []stage{
	{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 24, n: 2, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 3, out: 40, n: 3, stride: 2, kernel: 5, se: 0.25, act: blocks.ReLU},
	{expand: 6, out: 80, n: 4, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 112, n: 2, stride: 1, kernel: 3, se: 0.25, act: blocks.ReLU},
	{expand: 6, out: 160, n: 3, stride: 2, kernel: 5, se: 0.25, act: blocks.ReLU},
	{expand: 6, out: 320, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
}

var mnasB1 = []stage{
	{expand: 1, out: 16, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
	{expand: 3, out: 24, n: 3, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 3, out: 40, n: 3, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 6, out: 80, n: 3, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 6, out: 96, n: 2, stride: 1, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 192, n: 4, stride: 2, kernel: 5, act: blocks.ReLU},
	{expand: 6, out: 320, n: 1, stride: 1, kernel: 3, act: blocks.ReLU},
}

// mnas builds either; stem and stages are scaled, the last layer is not.
func mnas(stages []stage) func(b *blocks.Builder, s settings) {
	return func(b *blocks.Builder, s settings) {
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: scale(32, s.width), Kernel: 3, Stride: 2, Act: blocks.ReLU})
		outs := inverted{stages: stages, width: s.width, seOfInput: true}.build(b, x)
		x = convAs(b, "head.conv", outs[len(outs)-1], blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU})
		classify(b, x, s.classes)
	}
}

const mnasPaper = "Tan et al., MnasNet: Platform-Aware Neural Architecture Search for Mobile, CVPR 2019"

var mnasNet = []Entry{
	{
		Name: "mnasnet_b1", Paper: mnasPaper, Options: []Option{width(1), res(224, 224), classes(1000)}, build: mnas(mnasB1),
		Figures: []Figure{
			{"", "top1_pct", 74.67, "timm, rmsp_in1k", ""},
			{"", "top1_pct", 73.46, "torchvision, IMAGENET1K_V1", ""},
			{"width=0.5", "top1_pct", 67.73, "torchvision, IMAGENET1K_V1", ""},
			{"width=0.75", "top1_pct", 71.18, "torchvision, IMAGENET1K_V1", ""},
			{"width=1.3", "top1_pct", 76.51, "torchvision, IMAGENET1K_V1", ""},
			{"", "params", 4383312, "torchvision", ""},
			{"width=0.5", "params", 2218512, "torchvision", ""},
			{"width=0.75", "params", 3170208, "torchvision", ""},
			{"width=1.3", "params", 6282256, "torchvision", ""},
		},
	},
	{
		Name: "mnasnet_a1", Paper: mnasPaper, Options: []Option{width(1), res(224, 224), classes(1000)}, build: mnas(mnasA1),
		Figures: []Figure{
			{"", "top1_pct", 75.2, "authors' README", ""},
			{"", "params", 3.89e6, "timm", ""},
			{"", "params", 3.9e6, "authors' README", ""},
			{"", "macs", 315.2e6, "authors' README", otherWork},
		},
	},
}
