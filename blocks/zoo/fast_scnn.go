package zoo

import (
	"nas/blocks"
)

// fastBottlenecks are the global feature extractor's rows in table 1 of Poudel
// et al. (BMVC 2019).
var fastBottlenecks = []stage{
	{expand: 6, out: 64, n: 3, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 96, n: 3, stride: 2, kernel: 3, act: blocks.ReLU},
	{expand: 6, out: 128, n: 3, stride: 1, kernel: 3, act: blocks.ReLU},
}

var fastSCNN = []Entry{{
	Name:    "fast_scnn",
	Paper:   "Poudel, Liwicki and Cipolla, Fast-SCNN: Fast Semantic Segmentation Network, BMVC 2019",
	Options: []Option{res(1024, 2048), classes(19)},
	Figures: []Figure{
		{"", "miou_pct", 68.0, "paper, table 3, Cityscapes test", ""},
		{"", "params", 1.11e6, "paper, table 3", withoutBN},
	},
	build: func(b *blocks.Builder, s settings) {
		input := b.Shape(b.Input())
		separable := blocks.DepthwiseSeparable{Out: 128, Act: blocks.ReLU, ActAfter: blocks.AfterPointwise}
		stem := blocks.LearningToDownsample{Channels: [3]int{32, 48, 64}, Act: blocks.ReLU}
		fine := blocks.Named{Name: "stem", Block: stem}.Build(b, b.Input())
		outs := inverted{stages: fastBottlenecks}.build(b, fine)
		x := blocks.Sequence{
			blocks.Named{Name: "head.context", Block: blocks.PyramidPooling{Out: 128, Act: blocks.ReLU}},
			blocks.Named{Name: "head.fusion", Block: blocks.FeatureFusion{Out: 128, Fine: fine, Act: blocks.ReLU}},
			blocks.Named{Name: "head.refine1", Block: separable},
			blocks.Named{Name: "head.refine2", Block: separable},
		}.Build(b, outs[len(outs)-1])
		segment(b, x, s.classes, input)
	},
}}

// segment appends a 1x1 classifier for each pixel and the resize to the input's extent.
func segment(b *blocks.Builder, x blocks.Value, classes int, input blocks.Shape) {
	x = b.Apply("head.classifier", &blocks.Conv{Out: classes, Kernel: [2]int{1, 1}, Bias: true}, x)
	b.Apply("head.resize", &blocks.Resize{H: input.H, W: input.W}, x)
}
