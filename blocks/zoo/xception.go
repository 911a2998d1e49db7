package zoo

import (
	"strconv"

	"nas/blocks"
)

// xceptionBlock is one residual block of figure 5 of Chollet (CVPR 2017):
// separable convolutions to the given channels, and where pool is set a 3x3
// max pooling of stride 2 with a 1x1 convolution of stride 2 around it all.
type xceptionBlock struct {
	channels []int
	bare     bool // no activation before the first separable convolution
	pool     bool
}

var xceptionBlocks = []xceptionBlock{
	{channels: []int{128, 128}, bare: true, pool: true},
	{channels: []int{256, 256}, pool: true},
	{channels: []int{728, 728}, pool: true},
	{channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}},
	{channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}}, {channels: []int{728, 728, 728}},
	{channels: []int{728, 1024}, pool: true},
}

// Build appends the block.
func (p xceptionBlock) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	x := in
	for i, c := range p.channels {
		act := blocks.ReLU
		if i == 0 && p.bare {
			act = blocks.Identity
		}
		block := blocks.XceptionSeparable{Out: c, PreAct: act}
		x = blocks.Named{Name: "separable" + strconv.Itoa(i+1), Block: block}.Build(b, x)
	}
	if p.pool {
		x = b.Apply("pool", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2},
			Pad: blocks.PadAll(1)}, x)
		in = convAs(b, "shortcut", in, blocks.ConvBNAct{Out: p.channels[len(p.channels)-1], Stride: 2})
	}
	return b.Apply("add", &blocks.Add{}, x, in)
}

var xception = []Entry{{
	Name:    "xception",
	Paper:   "Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, CVPR 2017",
	Options: []Option{res(299, 299), classes(1000)},
	Figures: []Figure{
		{"", "top1_pct", 79.0, "paper, table 1", ""},
		{"", "top5_pct", 94.5, "paper, table 1", ""},
		{"", "params", 22855952, "paper, table 3", ""},
		{"", "params", 22910480, "Keras", "counts 54,528 moving statistics of batch normalisation too"},
		{"", "macs", 8403.6e6, "imgclsmob", "counts other work too"},
	},
	build: func(b *blocks.Builder, s settings) {
		valid := &blocks.Pad{}
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Pad: valid, Act: blocks.ReLU})
		x = convAs(b, "stem2", x, blocks.ConvBNAct{Out: 64, Kernel: 3, Pad: valid, Act: blocks.ReLU})
		stage, block := 1, 0
		for i, p := range xceptionBlocks {
			if block++; i < 4 || p.pool {
				stage, block = i+1, 1
				if i > 3 {
					stage = 5
				}
			}
			b.Mark(stage, block)
			x = blocks.Named{Name: "stage" + strconv.Itoa(stage) + ".block" + strconv.Itoa(block), Block: p}.Build(b, x)
		}
		b.Mark(6, 0)
		for i, c := range []int{1536, 2048} {
			x = blocks.Named{Name: "head.separable" + strconv.Itoa(i+1), Block: blocks.XceptionSeparable{Out: c}}.Build(b, x)
			x = b.Act(blocks.ReLU, x)
		}
		classify(b, x, s.classes)
	},
}}
