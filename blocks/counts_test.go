package blocks

import "testing"

func build(t *testing.T, in Shape, f func(b *Builder, x Value)) *Network {
	t.Helper()
	b := NewBuilder("test", in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func conv(out, k, stride int) *Conv {
	return &Conv{Out: out, Kernel: [2]int{k, k}, Stride: [2]int{stride, stride}, Pad: PadSame(k, k, 1)}
}

func TestPeakActivations(t *testing.T) {
	for _, c := range []struct {
		name string
		in   Shape
		f    func(b *Builder, x Value)
		want int64
	}{
		{"two tensors of a chain", Shape{4, 4, 2}, func(b *Builder, x Value) {
			x = b.Apply("a", conv(4, 3, 1), x) // 32 + 64
			b.Apply("b", conv(1, 3, 1), x)     // 64 + 16
		}, 96},
		{"batch normalisation and activation in place", Shape{4, 4, 2}, func(b *Builder, x Value) {
			ConvBNAct{Out: 4, Kernel: 3, Act: ReLU}.Build(b, x) // 32 + 64, nothing on top
		}, 96},
		{"an activation that others read past is a tensor of its own", Shape{4, 4, 2}, func(b *Builder, x Value) {
			y := b.Apply("a", conv(2, 3, 1), x) // 32 + 32
			z := b.Act(ReLU, y)                 // y + z (the input is dead)
			b.Apply("add", &Add{}, y, z)        // y + z + 32
		}, 96},
		{"a residual keeps its input alive", Shape{4, 4, 2}, func(b *Builder, x Value) {
			y := ConvBNAct{Out: 12, Act: ReLU6}.Build(b, x)                     // 32 + 192
			y = ConvBNAct{Kernel: 3, Groups: Depthwise, Act: ReLU6}.Build(b, y) // 32 + 192 + 192
			y = ConvBNAct{Out: 2}.Build(b, y)                                   // 32 + 192 + 32
			b.Apply("add", &Add{}, y, x)
		}, 416},
		{"a concat needs all its inputs", Shape{4, 4, 1}, func(b *Builder, x Value) {
			p, q := b.Apply("p", conv(3, 1, 1), x), b.Apply("q", conv(5, 1, 1), x)
			b.Apply("concat", &Concat{}, p, q) // 48 + 80 + 128
		}, 256},
		{"the output lives to the end even when read before", Shape{2, 2, 1}, func(b *Builder, x Value) {
			b.Apply("pool", &GlobalPool{Pool: AvgPool}, x)
		}, 5},
	} {
		if got := build(t, c.in, c.f).Counts().PeakActivations; got != c.want {
			t.Errorf("%s: %d values, want %d", c.name, got, c.want)
		}
	}
}

func TestReceptiveField(t *testing.T) {
	in := Shape{64, 64, 3}
	for _, c := range []struct {
		name string
		f    func(b *Builder, x Value)
		want int
	}{
		{"one 3x3", func(b *Builder, x Value) { b.Apply("a", conv(8, 3, 1), x) }, 3},
		{"two 3x3", func(b *Builder, x Value) { b.Apply("b", conv(8, 3, 1), b.Apply("a", conv(8, 3, 1), x)) }, 5},
		{"stride doubles the step", func(b *Builder, x Value) {
			x = b.Apply("a", conv(8, 3, 2), x)
			b.Apply("b", conv(8, 3, 1), x)
		}, 7},
		{"dilation", func(b *Builder, x Value) {
			b.Apply("a", &Conv{Out: 4, Kernel: [2]int{3, 3}, Dilation: [2]int{4, 4}, Pad: PadAll(4)}, x)
		}, 9},
		{"the wider side counts", func(b *Builder, x Value) {
			b.Apply("a", &Conv{Out: 4, Kernel: [2]int{1, 7}, Pad: Pad{Left: 3, Right: 3}}, x)
		}, 7},
		{"the widest branch", func(b *Builder, x Value) {
			b.Apply("add", &Add{}, b.Apply("a", conv(4, 5, 1), x), b.Apply("b", conv(4, 1, 1), x))
		}, 5},
		{"resize shortens the step", func(b *Builder, x Value) {
			x = b.Apply("a", conv(4, 3, 2), x)
			x = b.Apply("up", &Resize{H: 64, W: 64}, x)
			b.Apply("b", conv(4, 3, 1), x)
		}, 5},
		{"global pooling adds nothing", func(b *Builder, x Value) {
			b.Apply("fc", &Linear{Out: 2}, b.Apply("pool", &GlobalPool{Pool: AvgPool}, b.Apply("a", conv(4, 3, 1), x)))
		}, 3},
	} {
		if got := build(t, in, c.f).ReceptiveField(); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// The cost of a depthwise-separable convolution is 1/Out + 1/K^2 of the
// standard one's: 11.50 % for K = 3 and 256 outputs.
func TestSeparableCost(t *testing.T) {
	in := Shape{56, 56, 128}
	macs := func(p Block) int64 {
		return build(t, in, func(b *Builder, x Value) { p.Build(b, x) }).Counts().MACs
	}
	for _, c := range []struct {
		out     int
		percent float64
	}{{256, 11.50}, {512, 11.31}} {
		std, sep := macs(ConvBNAct{Out: c.out, Kernel: 3}), macs(DepthwiseSeparable{Out: c.out})
		if want := int64(56*56*128) * int64(9*c.out); std != want {
			t.Errorf("standard: %d MACs, want %d", std, want)
		}
		if want := int64(56*56*128) * int64(9+c.out); sep != want {
			t.Errorf("separable: %d MACs, want %d", sep, want)
		}
		if p := 100 * float64(sep) / float64(std); p < c.percent-0.005 || p > c.percent+0.005 {
			t.Errorf("%d outputs: separable is %.3f %%, want %.2f", c.out, p, c.percent)
		}
	}
}

func TestLayersAddUpAndCarryMarks(t *testing.T) {
	n := build(t, Shape{32, 32, 3}, func(b *Builder, x Value) {
		x = ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: HSwish}.Build(b, x)
		b.Mark(1, 2)
		se := &SqueezeExcite{Hidden: 8, Gate: HSigmoid}
		x = Named{"stage1.block2", InvertedResidual{Out: 8, Expanded: 24, Kernel: 5, Act: HSwish, SE: se}}.Build(b, x)
		b.Mark(2, 0)
		b.Apply("fc", &Linear{Out: 10, Bias: true}, b.Apply("pool", &GlobalPool{Pool: AvgPool}, x))
	})
	c := n.Counts()
	var macs, params int64
	names := map[string]Layer{}
	for _, l := range n.Layers() {
		macs, params = macs+l.MACs, params+l.Params
		names[l.Name] = l
	}
	if macs != c.MACs || params != c.Params {
		t.Errorf("layers add up to %d MACs, %d params; counts say %d, %d", macs, params, c.MACs, c.Params)
	}
	dw := names["stage1.block2.depthwise.conv"]
	if dw.Stage != 1 || dw.Block != 2 || dw.Groups != 24 || dw.Kernel != [2]int{5, 5} || dw.MACs != 16*16*24*25 ||
		dw.Params != 24*25 {
		t.Errorf("depthwise row: %+v", dw)
	}
	// stem 3x3x3x8 + BN 16; expand 8x24 + 48; depthwise 600 + 48; SE 24x8+8 + 8x24+24; project 24x8 + 16; fc 80 + 10
	if want := int64(216 + 16 + 192 + 48 + 600 + 48 + 200 + 216 + 192 + 16 + 90); c.Params != want {
		t.Errorf("%d params, want %d", c.Params, want)
	}
}
