package zoo

import (
	"strconv"

	"nas/blocks"
)

var dsCNN = []Entry{{
	Name: "ds_cnn",
	Paper: "Zhang et al., Hello Edge: Keyword Spotting on Microcontrollers, 2017, arXiv:1711.07128: DS-CNN S; keyword spotting of " +
		"MLPerf Tiny. Without the biases in front of batch normalisations",
	Options: []Option{width(1), resFrom(8, 49, 10), classes(12), channels(1)},
	Figures: []Figure{
		{"", "top1_pct", 94.4, "paper", "Speech Commands, not ImageNet"},
		{"", "top1_pct", 92.2, "MLPerf Tiny", "Speech Commands, not ImageNet"},
		{"", "macs", 2.7e6, "paper", "5.4 M operations, rounded"},
		{"", "params", 23756, "trainable weights of MLPerf Tiny's Keras model", "with 576 biases in front of batch normalisations"},
	},
	build: func(b *blocks.Builder, s settings) {
		c := max(1, int(64*s.width))
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: c, Kernel: 10, Width: 4, Stride: 2, Act: blocks.ReLU})
		for i := range 4 {
			b.Mark(1, i+1)
			x = blocks.Named{Name: "stage1.block" + strconv.Itoa(i+1),
				Block: blocks.DepthwiseSeparable{Out: c, Act: blocks.ReLU}}.Build(b, x)
		}
		b.Mark(2, 0)
		classify(b, x, s.classes)
	},
}}
