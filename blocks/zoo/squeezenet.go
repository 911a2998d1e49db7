package zoo

import (
	"strconv"

	"nas/blocks"
)

// fire is SqueezeNet's module (Iandola et al., 2016, figure 1): a 1x1
// convolution to few channels, then 1x1 and 3x3 convolutions side by side.
type fire struct{ squeeze, expand int }

// Build appends the module.
func (p fire) Build(b *blocks.Builder, x blocks.Value) blocks.Value {
	x = biased(b, "squeeze", x, p.squeeze, 1, 1, 0)
	return b.Apply("concat", &blocks.Concat{}, biased(b, "expand1x1", x, p.expand, 1, 1, 0),
		biased(b, "expand3x3", x, p.expand, 3, 1, 1))
}

// biased appends a convolution with bias and ReLU.
func biased(b *blocks.Builder, name string, x blocks.Value, out, kernel, stride, pad int) blocks.Value {
	b.Scope(name, func() {
		x = b.Apply("conv", &blocks.Conv{Out: out, Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride},
			Pad: blocks.PadAll(pad), Bias: true}, x)
		x = b.Act(blocks.ReLU, x)
	})
	return x
}

// squeeze is a SqueezeNet: a stem of so many channels and kernel size, and
// stages of fire modules with a max pooling before each.
func squeeze(channels, kernel int, stages [][]fire) func(b *blocks.Builder, s settings) {
	return func(b *blocks.Builder, s settings) {
		x := biased(b, "stem", b.Input(), channels, kernel, 2, 0)
		for i, st := range stages {
			b.Mark(i+1, 0)
			x = b.Apply("stage"+strconv.Itoa(i+1)+".pool", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3},
				Stride: [2]int{2, 2}, Ceil: true}, x)
			for j, f := range st {
				b.Mark(i+1, j+1)
				x = blocks.Named{Name: "stage" + strconv.Itoa(i+1) + ".block" + strconv.Itoa(j+1), Block: f}.Build(b, x)
			}
		}
		b.Mark(len(stages)+1, 0)
		x = biased(b, "head", x, s.classes, 1, 1, 0)
		b.Apply("head.pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	}
}

const squeezePaper = "Iandola et al., SqueezeNet: AlexNet-level accuracy with 50x fewer parameters " +
	"and <0.5MB model size, 2016, arXiv:1602.07360"

var squeezeNet = []Entry{
	{
		Name: "squeezenet", Paper: squeezePaper + "; without bypass", Options: []Option{res(224, 224), classes(1000)},
		Figures: []Figure{
			{"", "top1_pct", 58.09, "torchvision, IMAGENET1K_V1", ""},
			{"", "params", 1248424, "torchvision", ""},
		},
		build: squeeze(96, 7, [][]fire{{{16, 64}, {16, 64}, {32, 128}}, {{32, 128}, {48, 192}, {48, 192}, {64, 256}}, {{64, 256}}}),
	},
	{
		Name: "squeezenet_1_1", Paper: squeezePaper + "; the authors' later version with fewer MACs", Options: []Option{res(224, 224), classes(1000)},
		Figures: []Figure{
			{"", "top1_pct", 58.18, "torchvision, IMAGENET1K_V1", ""},
			{"", "params", 1235496, "torchvision", ""},
		},
		build: squeeze(64, 3, [][]fire{{{16, 64}, {16, 64}}, {{32, 128}, {32, 128}}, {{48, 192}, {48, 192}, {64, 256}, {64, 256}}}),
	},
}
