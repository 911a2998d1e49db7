package zoo

import (
	"strconv"

	"nas/blocks"
)

// bottleneck is the residual block of He et al. (CVPR 2016), figure 5 right,
// with the stride in the 3x3 convolution (torchvision's and NVIDIA's "v1.5";
// the paper has it in the first 1x1).
type bottleneck struct {
	inner, stride int
	project       bool // the shortcut is a 1x1 convolution
}

// Build appends the block.
func (p bottleneck) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	x := convAs(b, "reduce", in, blocks.ConvBNAct{Out: p.inner, Act: blocks.ReLU})
	x = convAs(b, "conv", x, blocks.ConvBNAct{Out: p.inner, Kernel: 3, Stride: p.stride, Act: blocks.ReLU})
	x = convAs(b, "expand", x, blocks.ConvBNAct{Out: 4 * p.inner})
	if p.project {
		in = convAs(b, "shortcut", in, blocks.ConvBNAct{Out: 4 * p.inner, Stride: p.stride})
	}
	return b.Act(blocks.ReLU, b.Apply("add", &blocks.Add{}, x, in))
}

var resNet = []Entry{{
	Name:    "resnet50",
	Paper:   "He et al., Deep Residual Learning for Image Recognition, CVPR 2016; stride in the 3x3 convolutions, as in torchvision",
	Options: []Option{res(224, 224), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 76.13, "torchvision, IMAGENET1K_V1", ""},
		{"", "top1_pct", 80.86, "torchvision, IMAGENET1K_V2", ""},
		{"", "params", 25557032, "torchvision", ""},
		{"", "macs", 3.8e9, "paper, table 1", "has the stride in the first 1x1 convolution of a block"},
	},
	build: func(b *blocks.Builder, s settings) {
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: 64, Kernel: 7, Stride: 2, Act: blocks.ReLU})
		x = b.Apply("stem.pool", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2},
			Pad: blocks.PadAll(1)}, x)
		for i, n := range []int{3, 4, 6, 3} {
			for j := range n {
				p := bottleneck{inner: 64 << i, stride: 1, project: j == 0}
				if i > 0 && j == 0 {
					p.stride = 2
				}
				b.Mark(i+1, j+1)
				x = blocks.Named{Name: "stage" + strconv.Itoa(i+1) + ".block" + strconv.Itoa(j+1), Block: p}.Build(b, x)
			}
		}
		b.Mark(5, 0)
		classify(b, x, s.classes)
	},
}}
