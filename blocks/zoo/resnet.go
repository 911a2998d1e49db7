package zoo

import (
	"strconv"

	"nas/blocks"
)

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
				p := blocks.Bottleneck{Out: 256 << i, Inner: 64 << i, Kernel: 3, Act: blocks.ReLU}
				if i > 0 && j == 0 {
					p.Stride = 2
				}
				b.Mark(i+1, j+1)
				x = blocks.Named{Name: "stage" + strconv.Itoa(i+1) + ".block" + strconv.Itoa(j+1), Block: p}.Build(b, x)
			}
		}
		b.Mark(5, 0)
		classify(b, x, s.classes)
	},
}}
