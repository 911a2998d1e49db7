package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// outsider is a random op that only networks from outside have: an op for an input of the
// given shape, and the shape of its second input, zero: none.
type outsider func(r *rand.Rand, s blocks.Shape) (op blocks.Op, second blocks.Shape)

func one(f func(r *rand.Rand, s blocks.Shape) blocks.Op) outsider {
	return func(r *rand.Rand, s blocks.Shape) (blocks.Op, blocks.Shape) { return f(r, s), blocks.Shape{} }
}

func flip(r *rand.Rand) bool { return r.IntN(2) == 0 }

var outsiders = map[string]outsider{
	"unary": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		f := []blocks.UnaryFunc{"leaky_relu", "elu", "celu", "selu", "thresholded_relu", "shrink", "at_least", "at_most",
			"clip", "tanh", "erf", "gelu", "gelu_tanh", "mish", "softplus", "softsign", "exp", "log", "sqrt", "neg", "abs",
			"reciprocal", "floor", "ceil", "round", "sign", "sin", "atan"}
		return &blocks.Unary{Func: f[r.IntN(len(f))], Alpha: 0.1 + r.Float64(), Beta: 1.1 + r.Float64()}
	}),
	"prelu": one(func(*rand.Rand, blocks.Shape) blocks.Op { return &blocks.PReLU{} }),
	"normalize": one(func(r *rand.Rand, s blocks.Shape) blocks.Op {
		groups := []int{0, 0, 1, s.C}
		for n := 2; n < s.C; n++ {
			if s.C%n == 0 {
				groups = append(groups, n)
			}
		}
		return &blocks.Normalize{Groups: groups[r.IntN(len(groups))], Plain: flip(r), Epsilon: 1e-3}
	}),
	"binary": func(r *rand.Rand, s blocks.Shape) (blocks.Op, blocks.Shape) {
		f := []blocks.BinaryFunc{"add", "sub", "mul", "div", "min", "max", "pow"}
		second := s
		for _, n := range []*int{&second.H, &second.W, &second.C} {
			if flip(r) {
				*n = 1
			}
		}
		return &blocks.Binary{Func: f[r.IntN(len(f))]}, second
	},
	"matmul": func(r *rand.Rand, s blocks.Shape) (blocks.Op, blocks.Shape) {
		second := blocks.Shape{H: s.H, W: s.C, C: 1 + r.IntN(40)}
		if r.IntN(3) == 0 {
			second.H = 1
		} else if s.H == 1 {
			second.H = 1 + r.IntN(3)
		}
		return &blocks.MatMul{}, second
	},
	"rearrange": one(randomRearrange),
	"select": one(func(r *rand.Rand, s blocks.Shape) blocks.Op {
		o := &blocks.Select{}
		for range 1 + r.IntN(30) {
			o.Channels = append(o.Channels, r.IntN(s.C))
		}
		return o
	}),
	"border": one(func(r *rand.Rand, s blocks.Shape) blocks.Op {
		n := func(extent int) int { return r.IntN(2*min(extent, 3)) - min(extent, 3) + 1 - min(extent, 2)/2 }
		return &blocks.Border{Pad: blocks.Pad{Top: n(s.H), Bottom: n(s.H), Left: n(s.W), Right: n(s.W)}, Front: n(s.C),
			Back: n(s.C), Mode: []string{"", "constant", "edge", "reflect", "wrap"}[r.IntN(5)], Value: 0.5}
	}),
	"reduce": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		f := []blocks.ReduceFunc{"mean", "sum", "max", "min", "prod", "l1", "l2", "sum_square"}
		return &blocks.Reduce{Func: f[r.IntN(len(f))], H: flip(r), W: flip(r), C: flip(r)}
	}),
	"channel_pool": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		return &blocks.ChannelPool{Pool: []blocks.PoolKind{blocks.MaxPool, blocks.AvgPool}[r.IntN(2)]}
	}),
	"conv_transpose": one(func(r *rand.Rand, s blocks.Shape) blocks.Op {
		two := func(n int) [2]int { return [2]int{1 + r.IntN(n), 1 + r.IntN(n)} }
		groups := []int{1, 1, s.C}[r.IntN(3)]
		return &blocks.ConvTranspose{Out: groups * (1 + r.IntN(1+20/groups)), Groups: groups, Kernel: two(5), Stride: two(3),
			Dilation: two(2), Pad: blocks.Pad{Top: r.IntN(4), Left: r.IntN(4), Bottom: r.IntN(4), Right: r.IntN(4)},
			Extra: [2]int{r.IntN(2), r.IntN(2)}, Bias: flip(r)}
	}),
	"interpolate": one(func(r *rand.Rand, s blocks.Shape) blocks.Op {
		return &blocks.Interpolate{H: 1 + r.IntN(2*s.H+2), W: 1 + r.IntN(2*s.W+2),
			Mode: []string{"nearest", "linear", "cubic"}[r.IntN(3)],
			Coordinates: []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric",
				"half_pixel_symmetric"}[r.IntN(5)],
			Rounding: []string{"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"}[r.IntN(4)], Cubic: -0.75,
			Exclude: flip(r), Antialias: flip(r)}
	}),
	"lrn": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		return &blocks.LRN{Size: 1 + 2*r.IntN(4), Alpha: r.Float64(), Beta: []float64{0.5, 0.75, 1, 0.6}[r.IntN(4)], Bias: 1}
	}),
	"softmax": one(func(*rand.Rand, blocks.Shape) blocks.Op { return &blocks.Softmax{Log: true} }),
	"fake_quant": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		return &blocks.FakeQuant{Scale: 0.01 + r.Float64()/10, Zero: r.IntN(20), Low: -r.IntN(128), High: 20 + r.IntN(100)}
	}),
	"constant": one(func(r *rand.Rand, _ blocks.Shape) blocks.Op {
		return &blocks.Constant{Shape: blocks.Shape{H: 1 + r.IntN(9), W: 1 + r.IntN(9), C: 1 + r.IntN(20)}}
	}),
}

// outsideRoutines are the routines of outsiders. TestOutsiders holds them.
var outsideRoutines = []string{"unary", "prelu", "layernorm", "groupnorm", "binary", "matmul", "rearrange", "select",
	"border", "reduce", "channel_pool", "conv_transpose", "interpolate", "constant", "lrn",
	"log_softmax", "fake_quant"}

// randomRearrange is a transpose of the three extents, split at random, or a flip.
func randomRearrange(r *rand.Rand, s blocks.Shape) blocks.Op {
	if r.IntN(4) == 0 {
		return &blocks.Rearrange{H: []blocks.Stride{{N: s.H, Step: -s.W * s.C}}, W: []blocks.Stride{{N: s.W, Step: s.C}},
			C: []blocks.Stride{{N: s.C, Step: 1}, {N: 2, Step: 0}}, From: (s.H - 1) * s.W * s.C}
	}
	var loops []blocks.Stride
	for _, l := range []blocks.Stride{{N: s.H, Step: s.W * s.C}, {N: s.W, Step: s.C}, {N: s.C, Step: 1}} {
		for n := 2; n <= l.N; n++ {
			if l.N%n == 0 && flip(r) {
				loops = append(loops, blocks.Stride{N: n, Step: l.Step * (l.N / n)})
				l.N /= n
			}
		}
		loops = append(loops, l)
	}
	if flip(r) {
		r.Shuffle(len(loops), func(i, j int) { loops[i], loops[j] = loops[j], loops[i] })
	}
	a, b := r.IntN(len(loops)), r.IntN(len(loops))
	a, b = min(a, b), max(a, b)
	return &blocks.Rearrange{H: loops[:a], W: loops[a:b], C: loops[b:]}
}

// outsiderNet is a network around a random op of a kind: behind the input or a slice of a
// concatenation, before nothing, an activation, or a concatenation.
func outsiderNet(t *testing.T, kind string, seed uint64) *blocks.Network {
	t.Helper()
	for try := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, try))
		b := blocks.NewBuilder(fmt.Sprintf("%s_%d", kind, seed), blocks.Shape{H: 1 + r.IntN(9), W: 1 + r.IntN(9),
			C: []int{1, 3, 6, 16, 24, 37}[r.IntN(6)]})
		x := b.Input()
		if flip(r) {
			n := b.Shape(x).C
			from := r.IntN(n + 1)
			x = b.Apply("slice", &blocks.ChannelSlice{From: from, To: from + n}, b.Apply("twice", &blocks.Concat{}, x, x))
		}
		op, second := outsiders[kind](r, b.Shape(x))
		in := []blocks.Value{x}
		shapes := []blocks.Shape{b.Shape(x)}
		if second.C > 0 {
			in, shapes = append(in, b.Apply("second", &blocks.Constant{Shape: second}, x)), append(shapes, second)
			if flip(r) {
				slices.Reverse(in)
				slices.Reverse(shapes)
			}
		}
		out, err := op.OutShape(shapes)
		if err != nil || out.Elems() > 1<<16 {
			continue
		}
		y := b.Apply("op", op, in...)
		switch r.IntN(4) {
		case 0:
			b.Act(blocks.ReLU6, b.Apply("bn", &blocks.BatchNorm{}, y))
		case 1:
			if out.H == b.Shape(x).H && out.W == b.Shape(x).W {
				b.Apply("concat", &blocks.Concat{}, y, b.Apply("side", &blocks.Conv{Out: 3, Kernel: [2]int{1, 1}}, x))
			}
		}
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("%s: no op in 100 tries", kind)
	return nil
}

// alike is near, but NaN and infinities are compared with themselves.
func alike(t *testing.T, what string, got, want []float32) {
	t.Helper()
	g, w := slices.Clone(got), slices.Clone(want)
	for i, v := range w {
		if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
			if v == g[i] || v != v && g[i] != g[i] {
				g[i], w[i] = 0, 0
			} else {
				t.Fatalf("%s: value %d is %v, want %v", what, i, g[i], v)
			}
		}
	}
	near(t, what, g, w, tolerance)
}

func alikeBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i, v := range want {
		if math.Float32bits(got[i]) != math.Float32bits(v) && (v == v || got[i] == got[i]) {
			t.Fatalf("%s: value %d is %v, want the same as %v", what, i, got[i], v)
		}
	}
}

// runParts runs every unit in so many parts, however small it is, the last part first.
func runParts(
	t *testing.T, n *blocks.Network, w *blocks.Weights, isa string, batch, parts int, in []float32,
) []float32 {
	t.Helper()
	p, err := Compile(n, small(isa, parts), Options{Batch: batch})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bind(w); err != nil {
		t.Fatal(err)
	}
	out := make([]float32, p.OutLen())
	if !p.direct {
		t.Fatal("the output is not computed in place")
	}
	p.attach(in, out)
	for _, r := range p.runs {
		for part := parts - 1; part >= 0; part-- {
			r.run(part, parts, &p.team.threads[part])
		}
	}
	return out
}

// TestOutsiders holds the routines of ops from outside against the reference, over random
// shapes, settings and surroundings, and any number of threads against one, to the bit.
func TestOutsiders(t *testing.T) {
	count := uint64(60)
	if testing.Short() {
		count = 12
	}
	seen := map[string]bool{}
	for kind := range outsiders {
		t.Run(kind, func(t *testing.T) {
			for seed := range count {
				n := outsiderNet(t, kind, seed)
				w := randomWeights(t, n, seed)
				for i := range n.Nodes {
					for k, v := range w.Node(i) {
						if _, ok := n.Nodes[i].Op.(*blocks.BatchNorm); !ok {
							copy(v, noise(len(v), 100*seed+uint64(i+k)))
						}
					}
				}
				const batch = 2
				in := noise(batch*n.Input().Elems(), seed)
				want := oracle(t, n, w, in, batch)
				for _, isa := range kernels.Supported() {
					name := fmt.Sprintf("%s %s %+v", n.Name, isa, n.Nodes)
					got := mustRun(t, n, w, small(isa, 1), Options{Batch: batch}, in)
					alike(t, name, got, want)
					for parts := 2; parts < 5; parts++ {
						alikeBits(t, fmt.Sprintf("%s in %d parts", name, parts), runParts(t, n, w, isa, batch, parts, in), got)
					}
				}
				p, err := Compile(n, small("avx2", 1), Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range p.Kernels() {
					if u, err := ParseUnit(c.Unit.Key()); err != nil || u != c.Unit {
						t.Errorf("unit %v is read as %v (%v)", c.Unit, u, err)
					}
					kind, _, _ := strings.Cut(c.Unit.Name, ".")
					if seen[kind] = true; routineOf(c.Unit.Name) == nil {
						t.Errorf("%s has a unit %s", n.Name, c.Unit.Name)
					}
				}
			}
		})
	}
	for _, name := range outsideRoutines {
		if !seen[name] {
			t.Errorf("no network has a unit %s", name)
		}
	}
}

// TestOutsidersAllocateNothing: a run allocates nothing, and a traced one gives the same bits.
func TestOutsidersAllocateNothing(t *testing.T) {
	for kind := range outsiders {
		for seed := range uint64(4) {
			n := outsiderNet(t, kind, seed)
			w := randomWeights(t, n, seed)
			p, err := Compile(n, Host(1), Options{Batch: 2})
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Bind(w); err != nil {
				t.Fatal(err)
			}
			in, out, traced := noise(p.InLen(), seed), make([]float32, p.OutLen()), make([]float32, p.OutLen())
			if a := testing.AllocsPerRun(2, func() { _ = p.Run(out, in) }); a != 0 {
				t.Errorf("%s: %v allocations, units %v", n.Name, a, p.Kernels())
			}
			if err := p.RunTraced(traced, in, new(Trace)); err != nil {
				t.Fatal(err)
			}
			alikeBits(t, n.Name+" traced", traced, out)
		}
	}
}

// TestOutsidersAreTracedInSegments: the time of a long unit is cut.
func TestOutsidersAreTracedInSegments(t *testing.T) {
	for _, op := range []blocks.Op{&blocks.Normalize{}, &blocks.Unary{Func: "gelu"}, &blocks.Unary{Func: "mish"}} {
		n := build(t, "long", blocks.Shape{H: 56, W: 56, C: 96}, func(b *blocks.Builder, x blocks.Value) blocks.Value {
			return b.Apply("op", op, x)
		})
		p, err := Compile(n, Host(1), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Bind(blocks.NewWeights(n, 1)); err != nil {
			t.Fatal(err)
		}
		var tr Trace
		if err := p.RunTraced(make([]float32, p.OutLen()), noise(p.InLen(), 1), &tr); err != nil {
			t.Fatal(err)
		}
		if got := len(tr.Threads[0].Segments); got < 3 || got > 50 {
			t.Errorf("%s is cut into %d segments", p.Kernels()[0].Unit, got)
		}
	}
}
