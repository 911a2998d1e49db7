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
		separable := func(out, stride int) blocks.Block {
			// Section 3.2.1: nothing between depthwise and pointwise.
			return blocks.DepthwiseSeparable{Out: out, Stride: stride, Act: blocks.ReLU, ActAfter: blocks.AfterPointwise}
		}
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU})
		x = blocks.Named{Name: "stem2", Block: separable(48, 2)}.Build(b, x)
		x = blocks.Named{Name: "stem3", Block: separable(64, 2)}.Build(b, x)
		fine := x
		outs := inverted{stages: fastBottlenecks}.build(b, x)
		x = blocks.Sequence{
			blocks.Named{Name: "head.context", Block: blocks.PyramidPooling{Out: 128, Act: blocks.ReLU}},
			blocks.Named{Name: "head.fusion", Block: blocks.FeatureFusion{Out: 128, Fine: fine, Act: blocks.ReLU}},
			blocks.Named{Name: "head.refine1", Block: separable(128, 1)},
			blocks.Named{Name: "head.refine2", Block: separable(128, 1)},
		}.Build(b, outs[len(outs)-1])
		segment(b, x, s.classes, input)
	},
}}

// segment appends a 1x1 classifier for each pixel and the resize to the input's extent.
func segment(b *blocks.Builder, x blocks.Value, classes int, input blocks.Shape) {
	x = b.Apply("head.classifier", &blocks.Conv{Out: classes, Kernel: [2]int{1, 1}, Bias: true}, x)
	b.Apply("head.resize", &blocks.Resize{H: input.H, W: input.W}, x)
}
