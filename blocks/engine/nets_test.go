package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"nas/blocks"
)

// build makes a network from a function.
func build(t testing.TB, name string, in blocks.Shape, f func(b *blocks.Builder, x blocks.Value) blocks.Value) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(name, in)
	f(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mobilenetV1 to V3 in their published forms.
func mobilenetV1(t testing.TB, res int) *blocks.Network {
	return build(t, "mobilenet_v1", blocks.Shape{H: res, W: res, C: 3}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, x)
		for _, l := range [][2]int{{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}} {
			x = blocks.DepthwiseSeparable{Out: l[0], Stride: l[1], Act: blocks.ReLU6}.Build(b, x)
		}
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		return b.Apply("fc", &blocks.Linear{Out: 1000, Bias: true}, x)
	})
}

func mobilenetV2(t testing.TB, res int) *blocks.Network {
	return build(t, "mobilenet_v2", blocks.Shape{H: res, W: res, C: 3}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, x)
		for _, l := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
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
	return build(t, name, blocks.Shape{H: res, W: res, C: 3}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
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
	return build(t, "efficientnet_b0", blocks.Shape{H: res, W: res, C: 3}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		x = blocks.ConvBNAct{Out: 32, Kernel: 3, Stride: 2, Act: blocks.Swish}.Build(b, x)
		for _, l := range [][5]int{{1, 3, 16, 1, 1}, {6, 3, 24, 2, 2}, {6, 5, 40, 2, 2}, {6, 3, 80, 3, 2}, {6, 5, 112, 3, 1}, {6, 5, 192, 4, 2}, {6, 3, 320, 1, 1}} {
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

// randomNet grows a network from random ops: every kind, branches, residuals,
// nested concatenations, odd sizes.
func randomNet(t testing.TB, seed uint64) *blocks.Network {
	r := rand.New(rand.NewPCG(seed, 77))
	pick := func(xs ...int) int { return xs[r.IntN(len(xs))] }
	act := func() blocks.ActFunc { return blocks.ActFunc(r.IntN(len(blocks.ActFuncs()))) }
	name := fmt.Sprintf("random_%d", seed)
	return build(t, name, blocks.Shape{H: 5 + r.IntN(16), W: 5 + r.IntN(16), C: pick(1, 3, 16)}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
		if r.IntN(3) == 0 { // a stem: wide maps, small weights
			x = blocks.ConvBNAct{Out: pick(8, 16), Kernel: 3, Stride: pick(1, 2), Act: act()}.Build(b, x)
			x = blocks.DepthwiseSeparable{Out: pick(8, 16, 24), Kernel: pick(3, 5), Stride: pick(1, 2), Act: act(), SE: pick2(r, nil, &blocks.SqueezeExcite{Hidden: 3})}.Build(b, x)
		}
		all := []blocks.Value{x}
		same := func(x blocks.Value) blocks.Value { // an earlier value of the same shape
			for range 8 {
				if v := all[r.IntN(len(all))]; b.Shape(v) == b.Shape(x) {
					return v
				}
			}
			return x
		}
		for range 6 + r.IntN(14) {
			if r.IntN(3) == 0 {
				x = all[r.IntN(len(all))]
			}
			s := b.Shape(x)
			k := pick(1, 3, 3, 5)
			d := pick(1, 1, 2)
			st := pick(1, 1, 2)
			if s.H < 5 || s.W < 5 {
				st = 1
			}
			switch r.IntN(20) {
			case 0, 1:
				x = blocks.ConvBNAct{Out: 1 + r.IntN(40), Kernel: k, Stride: st, Dilation: d, Act: act()}.Build(b, x)
			case 2:
				x = blocks.ConvBNAct{Kernel: k, Stride: st, Dilation: d, Groups: blocks.Depthwise, Act: act()}.Build(b, x)
			case 3, 4:
				p := blocks.InvertedResidual{Out: pick(s.C, s.C, 8, 24), Expanded: s.C * pick(1, 2, 3), Kernel: pick(3, 5), Stride: st, Dilation: d, Act: act(), ProjectAct: pick2(r, blocks.Identity, act())}
				if r.IntN(3) == 0 {
					p.SE = &blocks.SqueezeExcite{Hidden: 1 + r.IntN(9)}
				}
				x = p.Build(b, x)
			case 5:
				x = blocks.XceptionSeparable{Out: pick(s.C, 20), Kernel: 3, Stride: st, PreAct: act(), Residual: true}.Build(b, x)
			case 6:
				x = b.Apply("add", &blocks.Add{}, x, same(x))
				x = b.Act(act(), x)
			case 7:
				x = b.Apply("add", &blocks.Add{}, x, same(x), same(x))
				x = b.Act(act(), x)
			case 8:
				x = b.Act(act(), b.Apply("mul", &blocks.Mul{}, x, same(x)))
			case 9, 10: // branches joined
				vs := []blocks.Value{x}
				for range 1 + r.IntN(3) {
					vs = append(vs, blocks.ConvBNAct{Out: 1 + r.IntN(24), Kernel: pick(1, 3), Act: act()}.Build(b, x))
				}
				if r.IntN(2) == 0 {
					vs = append(vs, same(x))
				}
				r.Shuffle(len(vs), func(i, j int) { vs[i], vs[j] = vs[j], vs[i] })
				x = b.Apply("concat", &blocks.Concat{}, vs...)
				if b.Shape(x).C > 90 {
					x = blocks.ConvBNAct{Out: 16}.Build(b, x)
				}
			case 11:
				p := &blocks.Pool{Pool: blocks.PoolKind(r.IntN(2)), Kernel: [2]int{3, 2}, Stride: [2]int{st, st}, Pad: blocks.Pad{Top: 1, Bottom: 1, Right: r.IntN(2)}, Ceil: r.IntN(2) == 0, CountPad: r.IntN(2) == 0}
				if s.W > 1 {
					x = b.Apply("pool", p, x)
				}
			case 12:
				x = b.Apply("resize", &blocks.Resize{H: 1 + r.IntN(14), W: 1 + r.IntN(14), Mode: blocks.ResizeMode(r.IntN(2)), AlignCorners: r.IntN(2) == 0}, x)
			case 13:
				x = b.Apply("softmax", &blocks.Softmax{}, x)
			case 14:
				x = b.Apply("bn", &blocks.BatchNorm{}, b.Act(act(), x))
			case 15:
				g := blocks.PoolKind(r.IntN(2))
				y := b.Apply("gap", &blocks.GlobalPool{Pool: g}, x)
				x = b.Apply("mul", &blocks.Mul{}, x, y)
			case 17:
				if s.C > 1 {
					from := r.IntN(s.C - 1)
					y := b.Apply("slice", &blocks.ChannelSlice{From: from, To: from + 1 + r.IntN(s.C-from)}, x)
					all = append(all, y)
					if r.IntN(2) == 0 {
						x = b.Apply("concat", &blocks.Concat{}, y, blocks.ConvBNAct{Out: 4, Act: act()}.Build(b, x))
					} else {
						x = y
					}
				}
			case 18:
				for _, g := range []int{2, 3, 4} {
					if s.C%g == 0 {
						x = b.Apply("shuffle", &blocks.ChannelShuffle{Groups: g}, x)
					}
				}
			case 19:
				shares := b.Act(blocks.Sigmoid, b.Apply("route", &blocks.Linear{Out: 3, Bias: true}, b.Apply("gap", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)))
				x = b.Apply("cond", &blocks.CondConv{Experts: 3, Out: 4 + r.IntN(20), Kernel: [2]int{k, 1}, Pad: blocks.Pad{Top: k / 2, Bottom: k / 2}}, x, shares)
				x = b.Act(act(), b.Apply("bn", &blocks.BatchNorm{}, x))
			case 16:
				y := b.Apply("spatial", &blocks.Conv{Out: 1, Kernel: [2]int{1, 1}, Bias: true}, x)
				if s.C > 1 {
					x = b.Apply("mul", &blocks.Mul{}, x, b.Act(blocks.Sigmoid, y))
				}
				if g := pick(2, 3, 4); s.C%g == 0 {
					x = b.Apply("grouped", &blocks.Conv{Out: g * (1 + r.IntN(9)), Kernel: [2]int{k, 1 + r.IntN(3)}, Pad: blocks.Pad{Top: 2, Left: 1, Bottom: 3, Right: 1}, Groups: g, Bias: true}, x)
				}
			}
			all = append(all, x)
		}
		if r.IntN(2) == 0 {
			x = b.Apply("fc", &blocks.Linear{Out: 1 + r.IntN(40), Bias: true}, x)
			x = b.Act(act(), x)
		}
		return x
	})
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
