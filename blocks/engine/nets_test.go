package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"nas/blocks"
)

// build makes a network from a function.
func build(t testing.TB, name string, in blocks.Shape,
	f func(b *blocks.Builder, x blocks.Value) blocks.Value) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(name, in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// image is the shape of a square colour image.
func image(res int) blocks.Shape { return blocks.Shape{H: res, W: res, C: 3} }

// mobileNets are the five networks below.
func mobileNets(t testing.TB, res int) []*blocks.Network {
	return []*blocks.Network{
		mobilenetV1(t, res), mobilenetV2(t, res), mobilenetV3Large(t, res), mobilenetV3Small(t, res), efficientNetB0(t, res),
	}
}

// mobilenetV1 to V3 in their published forms.
func mobilenetV1(t testing.TB, res int) *blocks.Network {
	return build(t, "mobilenet_v1", image(res), func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, x)
		for _, l := range [][2]int{
			{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1},
			{1024, 2}, {1024, 1},
		} {
			x = blocks.DepthwiseSeparable{Out: l[0], Stride: l[1], Act: blocks.ReLU6}.Build(b, x)
		}
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		return b.Apply("fc", &blocks.Linear{Out: 1000, Bias: true}, x)
	})
}

func mobilenetV2(t testing.TB, res int) *blocks.Network {
	return build(t, "mobilenet_v2", image(res), func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, x)
		for _, l := range [][4]int{
			{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
		} {
			for i := range l[2] {
				s := l[3]
				if i > 0 {
					s = 1
				}
				x = blocks.InvertedResidual{Out: l[1], Expanded: l[0] * b.Shape(x).C, Stride: s, Act: blocks.ReLU6}.Build(b, x)
			}
		}
		x = blocks.ConvBNAct{Out: 1280, Act: blocks.ReLU6}.Build(b, x)
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		return b.Apply("fc", &blocks.Linear{Out: 1000, Bias: true}, x)
	})
}

type v3Row struct {
	k, exp, out int
	se          bool
	act         blocks.ActFunc
	s           int
}

func mobilenetV3(t testing.TB, name string, res int, rows []v3Row, head, hidden int) *blocks.Network {
	return build(t, name, image(res), func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.HSwish}.Build(b, x)
		for _, r := range rows {
			p := blocks.InvertedResidual{Out: r.out, Expanded: r.exp, Kernel: r.k, Stride: r.s, Act: r.act}
			if r.se {
				p.SE = &blocks.SqueezeExcite{Hidden: blocks.MakeDivisible(float64(r.exp)/4, 8), Gate: blocks.HSigmoid}
			}
			x = p.Build(b, x)
		}
		x = blocks.ConvBNAct{Out: head, Act: blocks.HSwish}.Build(b, x)
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		x = b.Apply("fc1", &blocks.Linear{Out: hidden, Bias: true}, x)
		x = b.Act(blocks.HSwish, x)
		return b.Apply("fc2", &blocks.Linear{Out: 1000, Bias: true}, x)
	})
}

func mobilenetV3Large(t testing.TB, res int) *blocks.Network {
	re, hs := blocks.ReLU, blocks.HSwish
	return mobilenetV3(t, "mobilenet_v3_large", res, []v3Row{
		{3, 16, 16, false, re, 1}, {3, 64, 24, false, re, 2}, {3, 72, 24, false, re, 1}, {5, 72, 40, true, re, 2},
		{5, 120, 40, true, re, 1}, {5, 120, 40, true, re, 1}, {3, 240, 80, false, hs, 2}, {3, 200, 80, false, hs, 1},
		{3, 184, 80, false, hs, 1}, {3, 184, 80, false, hs, 1}, {3, 480, 112, true, hs, 1}, {3, 672, 112, true, hs, 1},
		{5, 672, 160, true, hs, 2}, {5, 960, 160, true, hs, 1}, {5, 960, 160, true, hs, 1}}, 960, 1280)
}

func mobilenetV3Small(t testing.TB, res int) *blocks.Network {
	re, hs := blocks.ReLU, blocks.HSwish
	return mobilenetV3(t, "mobilenet_v3_small", res, []v3Row{
		{3, 16, 16, true, re, 2}, {3, 72, 24, false, re, 2}, {3, 88, 24, false, re, 1}, {5, 96, 40, true, hs, 2},
		{5, 240, 40, true, hs, 1}, {5, 240, 40, true, hs, 1}, {5, 120, 48, true, hs, 1}, {5, 144, 48, true, hs, 1},
		{5, 288, 96, true, hs, 2}, {5, 576, 96, true, hs, 1}, {5, 576, 96, true, hs, 1}}, 576, 1024)
}

// efficientNetB0 as in Tan and Le, ICML 2019, table 1.
func efficientNetB0(t testing.TB, res int) *blocks.Network {
	return build(t, "efficientnet_b0", image(res), func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.Swish}.Build(b, x)
		for _, l := range [][5]int{
			{1, 3, 16, 1, 1}, {6, 3, 24, 2, 2}, {6, 5, 40, 2, 2}, {6, 3, 80, 3, 2}, {6, 5, 112, 3, 1}, {6, 5, 192, 4, 2},
			{6, 3, 320, 1, 1},
		} {
			for i := range l[3] {
				s := l[4]
				if i > 0 {
					s = 1
				}
				c := b.Shape(x).C
				x = blocks.InvertedResidual{Out: l[2], Expanded: l[0] * c, Kernel: l[1], Stride: s, Act: blocks.Swish,
					SE: &blocks.SqueezeExcite{Hidden: max(1, c/4), Act: blocks.Swish}}.Build(b, x)
			}
		}
		x = blocks.ConvBNAct{Out: 1280, Act: blocks.Swish}.Build(b, x)
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		return b.Apply("fc", &blocks.Linear{Out: 1000, Bias: true}, x)
	})
}

// growth is a random network being built.
type growth struct {
	*rand.Rand
	b                        *blocks.Builder
	all                      []blocks.Value // so far
	kernel, dilation, stride int            // for the next op
}

func (g *growth) pick(xs ...int) int { return xs[g.IntN(len(xs))] }

func (g *growth) act() blocks.ActFunc { return blocks.ActFunc(g.IntN(len(blocks.ActFuncs()))) }

// same returns an earlier value of the shape of x.
func (g *growth) same(x blocks.Value) blocks.Value {
	for range 8 {
		if v := g.all[g.IntN(len(g.all))]; g.b.Shape(v) == g.b.Shape(x) {
			return v
		}
	}
	return x
}

// randomNet grows a network from random ops: every kind, branches, residuals,
// nested concatenations, odd sizes.
func randomNet(t testing.TB, seed uint64) *blocks.Network {
	g := &growth{Rand: rand.New(rand.NewPCG(seed, 77))}
	in := blocks.Shape{H: 5 + g.IntN(16), W: 5 + g.IntN(16), C: g.pick(1, 3, 16)}
	return build(t, fmt.Sprintf("random_%d", seed), in, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		g.b = b
		if g.IntN(3) == 0 { // a stem: wide maps, small weights
			x = blocks.ConvBNAct{Out: g.pick(8, 16), Kernel: 3, Stride: g.pick(1, 2), Act: g.act()}.Build(b, x)
			x = blocks.DepthwiseSeparable{Out: g.pick(8, 16, 24), Kernel: g.pick(3, 5), Stride: g.pick(1, 2), Act: g.act(),
				SE: pick2(g.Rand, nil, &blocks.SqueezeExcite{Hidden: 3})}.Build(b, x)
		}
		g.all = append(g.all, x)
		for range 6 + g.IntN(14) {
			if g.IntN(3) == 0 {
				x = g.all[g.IntN(len(g.all))]
			}
			s := b.Shape(x)
			g.kernel, g.dilation, g.stride = g.pick(1, 3, 3, 5), g.pick(1, 1, 2), g.pick(1, 1, 2)
			if s.H < 5 || s.W < 5 {
				g.stride = 1
			}
			x = growths[g.IntN(len(growths))](g, b, x, s)
			g.all = append(g.all, x)
		}
		if g.IntN(2) == 0 {
			x = b.Apply("fc", &blocks.Linear{Out: 1 + g.IntN(40), Bias: true}, x)
			x = b.Act(g.act(), x)
		}
		return x
	})
}

// growths are the ways in which a network grows from value x of shape s.
var growths = [20]func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value{
	0: growConv,
	1: growConv,
	2: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return blocks.ConvBNAct{Kernel: g.kernel, Stride: g.stride, Dilation: g.dilation, Groups: blocks.Depthwise,
			Act: g.act()}.Build(b, x)
	},
	3: growInverted,
	4: growInverted,
	5: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return blocks.XceptionSeparable{Out: g.pick(s.C, 20), Kernel: 3, Stride: g.stride, PreAct: g.act(),
			Residual: true}.Build(b, x)
	},
	6: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		x = b.Apply("add", &blocks.Add{}, x, g.same(x))
		return b.Act(g.act(), x)
	},
	7: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		x = b.Apply("add", &blocks.Add{}, x, g.same(x), g.same(x))
		return b.Act(g.act(), x)
	},
	8: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return b.Act(g.act(), b.Apply("mul", &blocks.Mul{}, x, g.same(x)))
	},
	9:  growBranches,
	10: growBranches,
	11: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		p := &blocks.Pool{Pool: blocks.PoolKind(g.IntN(2)), Kernel: [2]int{3, 2}, Stride: [2]int{g.stride, g.stride},
			Pad: blocks.Pad{Top: 1, Bottom: 1, Right: g.IntN(2)}, Ceil: g.IntN(2) == 0, CountPad: g.IntN(2) == 0}
		if s.W > 1 {
			x = b.Apply("pool", p, x)
		}
		return x
	},
	12: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return b.Apply("resize", &blocks.Resize{H: 1 + g.IntN(14), W: 1 + g.IntN(14), Mode: blocks.ResizeMode(g.IntN(2)),
			AlignCorners: g.IntN(2) == 0}, x)
	},
	13: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return b.Apply("softmax", &blocks.Softmax{}, x)
	},
	14: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		return b.Apply("bn", &blocks.BatchNorm{}, b.Act(g.act(), x))
	},
	15: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		y := b.Apply("gap", &blocks.GlobalPool{Pool: blocks.PoolKind(g.IntN(2))}, x)
		return b.Apply("mul", &blocks.Mul{}, x, y)
	},
	16: growMapsAndGroups,
	17: growSlice,
	18: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		for _, n := range []int{2, 3, 4} {
			if s.C%n == 0 {
				x = b.Apply("shuffle", &blocks.ChannelShuffle{Groups: n}, x)
			}
		}
		return x
	},
	19: func(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
		pooled := b.Apply("gap", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		shares := b.Act(blocks.Sigmoid, b.Apply("route", &blocks.Linear{Out: 3, Bias: true}, pooled))
		x = b.Apply("cond", &blocks.CondConv{Experts: 3, Out: 4 + g.IntN(20), Kernel: [2]int{g.kernel, 1},
			Pad: blocks.Pad{Top: g.kernel / 2, Bottom: g.kernel / 2}}, x, shares)
		return b.Act(g.act(), b.Apply("bn", &blocks.BatchNorm{}, x))
	},
}

func growConv(g *growth, b *blocks.Builder, x blocks.Value, _ blocks.Shape) blocks.Value {
	return blocks.ConvBNAct{Out: 1 + g.IntN(40), Kernel: g.kernel, Stride: g.stride, Dilation: g.dilation,
		Act: g.act()}.Build(b, x)
}

func growInverted(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
	p := blocks.InvertedResidual{Out: g.pick(s.C, s.C, 8, 24), Expanded: s.C * g.pick(1, 2, 3), Kernel: g.pick(3, 5),
		Stride: g.stride, Dilation: g.dilation, Act: g.act(), ProjectAct: pick2(g.Rand, blocks.Identity, g.act())}
	if g.IntN(3) == 0 {
		p.SE = &blocks.SqueezeExcite{Hidden: 1 + g.IntN(9)}
	}
	return p.Build(b, x)
}

// growBranches concatenates convolutions of x, x itself and perhaps a value of its shape.
func growBranches(g *growth, b *blocks.Builder, x blocks.Value, _ blocks.Shape) blocks.Value {
	vs := []blocks.Value{x}
	for range 1 + g.IntN(3) {
		vs = append(vs, blocks.ConvBNAct{Out: 1 + g.IntN(24), Kernel: g.pick(1, 3), Act: g.act()}.Build(b, x))
	}
	if g.IntN(2) == 0 {
		vs = append(vs, g.same(x))
	}
	g.Shuffle(len(vs), func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
	x = b.Apply("concat", &blocks.Concat{}, vs...)
	if b.Shape(x).C > 90 {
		x = blocks.ConvBNAct{Out: 16}.Build(b, x)
	}
	return x
}

// growMapsAndGroups multiplies by an attention map and convolves in groups.
func growMapsAndGroups(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
	y := b.Apply("spatial", &blocks.Conv{Out: 1, Kernel: [2]int{1, 1}, Bias: true}, x)
	if s.C > 1 {
		x = b.Apply("mul", &blocks.Mul{}, x, b.Act(blocks.Sigmoid, y))
	}
	if n := g.pick(2, 3, 4); s.C%n == 0 {
		x = b.Apply("grouped", &blocks.Conv{Out: n * (1 + g.IntN(9)), Kernel: [2]int{g.kernel, 1 + g.IntN(3)},
			Pad: blocks.Pad{Top: 2, Left: 1, Bottom: 3, Right: 1}, Groups: n, Bias: true}, x)
	}
	return x
}

// growSlice takes some of the channels, alone or beside a convolution of all.
func growSlice(g *growth, b *blocks.Builder, x blocks.Value, s blocks.Shape) blocks.Value {
	if s.C == 1 {
		return x
	}
	from := g.IntN(s.C - 1)
	y := b.Apply("slice", &blocks.ChannelSlice{From: from, To: from + 1 + g.IntN(s.C-from)}, x)
	g.all = append(g.all, y)
	if g.IntN(2) == 0 {
		return b.Apply("concat", &blocks.Concat{}, y, blocks.ConvBNAct{Out: 4, Act: g.act()}.Build(b, x))
	}
	return y
}

func pick2[T any](r *rand.Rand, a, b T) T {
	if r.IntN(2) == 0 {
		return a
	}
	return b
}

// randomWeights are weights in which no bias and no statistic is trivial.
func randomWeights(t testing.TB, n *blocks.Network, seed uint64) *blocks.Weights {
	t.Helper()
	w := blocks.NewWeights(n, seed)
	r := rand.New(rand.NewPCG(seed, 5))
	for i := range n.Nodes {
		switch n.Nodes[i].Op.(type) {
		case *blocks.BatchNorm:
			ts := w.Node(i)
			for k := range ts[0] {
				ts[0][k], ts[1][k] = 0.5+r.Float32(), r.Float32()-0.5
				ts[2][k], ts[3][k] = r.Float32()-0.5, 0.5+r.Float32()
			}
		case *blocks.Conv, *blocks.Linear:
			if ts := w.Node(i); len(ts) > 1 {
				for k := range ts[1] {
					ts[1][k] = r.Float32() - 0.5
				}
			}
		}
	}
	return w
}

func noise(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 9))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
