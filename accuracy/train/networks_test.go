package train

import (
	"testing"

	"nas/blocks"
)

// networks are small ones that have every op that can be trained, with all options.
func networks(t *testing.T) map[string]*blocks.Network {
	t.Helper()
	out := map[string]*blocks.Network{}
	add := func(name string, in blocks.Shape, build func(b *blocks.Builder) blocks.Value) {
		b := blocks.NewBuilder(name, in)
		x := build(b)
		x = b.Apply("pool.end", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		b.Apply("classifier", &blocks.Linear{Out: 4, Bias: true}, x)
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		out[name] = n
	}
	conv := func(b *blocks.Builder, x blocks.Value, op blocks.Conv) blocks.Value { return b.Apply("conv", &op, x) }
	small := blocks.Shape{H: 9, W: 8, C: 3}
	add("mobile", small, func(b *blocks.Builder) blocks.Value {
		x := blocks.ConvBNAct{Out: 6, Kernel: 3, Stride: 2, Act: blocks.HSwish}.Build(b, b.Input())
		x = blocks.InvertedResidual{Out: 6, Expanded: 10, Kernel: 3, Act: blocks.ReLU6,
			Attention: blocks.SqueezeExcite{Hidden: 3, Gate: blocks.HSigmoid}}.Build(b, x)
		return blocks.InvertedResidual{Out: 8, Expanded: 12, Kernel: 5, Stride: 2, Act: blocks.Swish}.Build(b, x)
	})
	add("dilated", small, func(b *blocks.Builder) blocks.Value {
		x := conv(b, b.Input(), blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true})
		x = b.Act(blocks.Sigmoid, x)
		x = conv(b, x, blocks.Conv{Out: 8, Kernel: [2]int{3, 3}, Dilation: [2]int{2, 2}, Pad: blocks.PadAll(2), Groups: 8})
		x = conv(b, x, blocks.Conv{Out: 12, Kernel: [2]int{3, 3}, Stride: [2]int{2, 1}, Pad: blocks.PadAll(1), Groups: 2})
		x = b.Apply("shuffle", &blocks.ChannelShuffle{Groups: 3}, x)
		return conv(b, x, blocks.Conv{Out: 6, Kernel: [2]int{1, 1}, Stride: [2]int{2, 2}})
	})
	add("pyramid", small, func(b *blocks.Builder) blocks.Value {
		x := blocks.ConvBNAct{Out: 5, Kernel: 3, Act: blocks.ReLU}.Build(b, b.Input())
		p := b.Apply("max", &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{3, 3}, Stride: [2]int{2, 2},
			Pad: blocks.PadAll(1), Ceil: true}, x)
		q := b.Apply("avg", &blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{3, 2}, Stride: [2]int{2, 2},
			Pad: blocks.Pad{Top: 1, Left: 1}, CountPad: true}, x)
		s := b.Shape(x)
		p = b.Apply("up", &blocks.Resize{H: s.H, W: s.W}, p)
		q = b.Apply("near", &blocks.Resize{H: s.H, W: s.W, Mode: blocks.Nearest}, q)
		r := b.Apply("corners", &blocks.Resize{H: s.H, W: s.W, AlignCorners: true},
			b.Apply("inner", &blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{2, 2}, Stride: [2]int{2, 2}}, x))
		x = b.Apply("concat", &blocks.Concat{}, x, p, q, r)
		x = b.Apply("slice", &blocks.ChannelSlice{From: 2, To: 18}, x)
		return b.Apply("select", &blocks.Select{Channels: []int{3, 1, 4, 1, 5, 9, 2, 6}}, x)
	})
	add("attention", small, func(b *blocks.Builder) blocks.Value {
		x := blocks.ConvBNAct{Out: 6, Kernel: 3, Act: blocks.HSigmoid}.Build(b, b.Input())
		x = blocks.CBAM{Hidden: 3, Kernel: 3}.Build(b, x)
		x = blocks.ECA{Kernel: 3}.Build(b, x)
		y := blocks.ConvBNAct{Out: 6}.Build(b, x)
		x = b.Apply("mul", &blocks.Mul{}, x, y)
		x = b.Apply("add", &blocks.Add{}, x, y, x)
		x = b.Apply("square", &blocks.Mul{}, x, x)
		return b.Apply("act", &blocks.Activation{Func: blocks.ReLU6}, x)
	})
	add("aspp", small, func(b *blocks.Builder) blocks.Value {
		x := blocks.ConvBNAct{Out: 4, Kernel: 3, Stride: 2, Act: blocks.ReLU}.Build(b, b.Input())
		return blocks.ASPP{Out: 4, Rates: []int{1, 2}, Act: blocks.ReLU}.Build(b, x)
	})
	return out
}
