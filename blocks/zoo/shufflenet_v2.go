package zoo

import (
	"strconv"

	"nas/blocks"
)

// shuffleUnit is the unit of Ma et al. (ECCV 2018), figure 3: half of the
// channels pass, the others go through 1x1, 3x3 depthwise and 1x1; with stride 2
// all go both ways. Concatenation and a shuffle of two groups follow.
type shuffleUnit struct{ out, stride int }

// Build appends the unit.
func (p shuffleUnit) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	half := p.out / 2
	left, right := in, in
	if p.stride == 1 {
		left = b.Apply("left", &blocks.ChannelSlice{To: half}, in)
		right = b.Apply("right", &blocks.ChannelSlice{From: half, To: p.out}, in)
	} else {
		left = convAs(b, "left.depthwise", left, blocks.ConvBNAct{Kernel: 3, Stride: p.stride, Groups: blocks.Depthwise})
		left = convAs(b, "left.pointwise", left, blocks.ConvBNAct{Out: half, Act: blocks.ReLU})
	}
	right = convAs(b, "right.expand", right, blocks.ConvBNAct{Out: half, Act: blocks.ReLU})
	right = convAs(b, "right.depthwise", right, blocks.ConvBNAct{Kernel: 3, Stride: p.stride, Groups: blocks.Depthwise})
	right = convAs(b, "right.project", right, blocks.ConvBNAct{Out: half, Act: blocks.ReLU})
	x := b.Apply("concat", &blocks.Concat{}, left, right)
	return b.Apply("shuffle", &blocks.ChannelShuffle{Groups: 2}, x)
}

// shuffleChannels are the output channels of the three stages and of the last
// convolution, by width (table 5).
var shuffleChannels = map[float64][4]int{
	0.5: {48, 96, 192, 1024},
	1:   {116, 232, 464, 1024},
	1.5: {176, 352, 704, 1024},
	2:   {244, 488, 976, 2048},
}

var shuffleNetV2 = []Entry{{
	Name:    "shufflenet_v2",
	Paper:   "Ma et al., ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design, ECCV 2018",
	Options: []Option{widthOf(1, 0.5, 1, 1.5, 2), res(224, 224), classes(1000)},
	Figures: []Figure{
		{"width=0.5", "top1_pct", 60.55, "torchvision, IMAGENET1K_V1", ""},
		{"", "top1_pct", 69.36, "torchvision, IMAGENET1K_V1", ""},
		{"width=1.5", "top1_pct", 73.00, "torchvision, IMAGENET1K_V1", ""},
		{"width=2", "top1_pct", 76.23, "torchvision, IMAGENET1K_V1", ""},
		{"width=0.5", "params", 1366792, "torchvision", ""},
		{"", "params", 2278604, "torchvision", ""},
		{"width=1.5", "params", 3503624, "torchvision", ""},
		{"width=2", "params", 7393996, "torchvision", ""},
		{"width=0.5", "macs", 41e6, "paper, table 8", otherWork},
		{"", "macs", 146e6, "paper, table 8", ""},
		{"width=1.5", "macs", 299e6, "paper, table 8", otherWork},
		{"width=2", "macs", 591e6, "paper, table 8", otherWork},
	},
	build: func(b *blocks.Builder, s settings) {
		channels := shuffleChannels[s.width]
		x := convAs(b, "stem", b.Input(), blocks.ConvBNAct{Out: 24, Kernel: 3, Stride: 2, Act: blocks.ReLU})
		x = b.Apply("stem.pool", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2},
			Pad: blocks.PadAll(1)}, x)
		for i, n := range []int{4, 8, 4} {
			for j := range n {
				b.Mark(i+1, j+1)
				x = blocks.Named{Name: "stage" + strconv.Itoa(i+1) + ".block" + strconv.Itoa(j+1),
					Block: shuffleUnit{out: channels[i], stride: 1 + max(0, 1-j)}}.Build(b, x)
			}
		}
		b.Mark(4, 0)
		x = convAs(b, "head.conv", x, blocks.ConvBNAct{Out: channels[3], Act: blocks.ReLU})
		classify(b, x, s.classes)
	},
}}
