package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// allSets returns a set for every instruction set that this machine has, by
// name, and one of all its kernels where the machine's choice leaves some out.
func allSets() (out []*Set) {
	for i, a := range isas() {
		if !a.has() {
			continue
		}
		out = append(out, sets()[i])
		if a.best != nil {
			a.name, a.best, a.narrowK = a.name+"_all", nil, 0
			out = append(out, newSet(a, sets()[0]))
		}
	}
	return
}

// allRows returns the kernels of every instruction set of this program.
func allRows() (out []row) {
	for _, a := range isas() {
		out = append(out, a.rows...)
	}
	return
}

// eachSet runs f for allSets.
func eachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	for _, s := range allSets() {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

// TestEveryRow runs layers that need every tile: each row of the registry that
// this machine can run is called, and the results are those of the reference.
func TestEveryRow(t *testing.T) {
	for _, a := range isas()[1:] {
		if !a.has() {
			continue
		}
		called := map[string]bool{}
		own := isa{name: a.name, peak: a.peak}
		for _, r := range a.rows {
			called[r.name] = false
			q := r
			if r.gemm != nil {
				q.gemm = func(a *gemmArgs) { called[r.name] = true; r.gemm(a) }
			} else if r.taps != nil {
				q.taps = func(a *tapArgs) { called[r.name] = true; r.taps(a) }
			} else if r.pair != nil {
				q.pair = func(a *pairArgs) { called[r.name] = true; r.pair(a) }
			} else {
				q.vecf = func(a *vecArgs) { called[r.name] = true; r.vecf(a) }
			}
			own.rows = append(own.rows, q)
		}
		s := newSet(own, sets()[0])
		t.Run(a.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(10, 11))
			for m := 1; m <= 14; m++ {
				for _, n := range []int{5, 16, 20, 31, 64, 140} {
					g := conv(1, m, 1+r.IntN(9), n, 1, 1, 1, 0, 1)
					convCase{g: g, act: Act(r.IntN(int(numActs))), residual: n%2 == 0}.check(t, s, r)
					g = conv(2, m, 16, n, 3, 1, 1, 1, 1)
					convCase{g: g, residual: n%2 == 1}.check(t, s, r)
				}
				for _, k := range []int{3, 5, 6, 7} {
					for st := 1; st <= 2; st++ {
						// An odd number of output rows, so that there is one without a partner.
						g := conv(5, m*st, 33, 33, k, st, 1, k/2, 33)
						g.OW = m
						convCase{g: g}.check(t, s, r)
						convCase{g: conv(k+4, k+(m-1)*st, 33, 33, k, st, 1, 0, 33)}.check(t, s, r)
					}
				}
			}
			for name, was := range called {
				if r := name[:4]; !was && (r == "gemm" || r == "igem" || r[:2] == "dw") {
					t.Errorf("%s: not called", name)
				}
			}
		})
	}
}

const guard = 40

var nan = float32(math.NaN())

// guarded returns n floats with NaN on both sides and, if fill, random values;
// otherwise NaN too.
func guarded(r *rand.Rand, n int, fill bool) []float32 {
	b := Alloc(n + 2*guard)
	for i := range b {
		b[i] = nan
	}
	d := b[guard : guard+n]
	if fill {
		for i := range d {
			d[i] = float32(r.NormFloat64())
		}
	}
	return d
}

// intact fails the test if what lies around b, made by guarded, was written.
func intact(t *testing.T, what string, b []float32) {
	t.Helper()
	p := at(&b[0], -guard)
	all := span(p, len(b)+2*guard)
	for i := range guard {
		if all[i] == all[i] || all[len(all)-1-i] == all[len(all)-1-i] {
			t.Fatalf("%s: written outside", what)
		}
	}
}

func same(a, b float32) bool { return a == b || a != a && b != b }

func equal(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// convCase is a convolution with its place in memory.
type convCase struct {
	g            Conv
	act          Act
	residual     bool
	srcPix, dPix int // extra channels of the wider maps
}

func (c convCase) String() string {
	return fmt.Sprintf("%+v", struct{ convCase any }{c.g}) + fmt.Sprint(c.act, c.residual, c.srcPix, c.dPix)
}

// check compares the driver with the reference, to the bit.
func (c convCase) check(t *testing.T, s *Set, r *rand.Rand) {
	t.Helper()
	g := c.g
	sp, dp := g.C+c.srcPix, g.N+c.dPix
	src := guarded(r, (g.H*g.W-1)*sp+g.C, false)
	dense := make([]float32, g.H*g.W*g.C)
	for p := range g.H * g.W {
		for i := range g.C {
			v := float32(r.NormFloat64())
			src[p*sp+i], dense[p*g.C+i] = v, v
		}
	}
	w, bias := make([]float32, g.KH*g.KW*(g.C/g.Groups)*g.N), make([]float32, g.N)
	for i := range w {
		w[i] = float32(r.NormFloat64())
	}
	for i := range bias {
		bias[i] = float32(r.NormFloat64())
	}
	pw, pb := Alloc(g.PackedLen()), Alloc(g.BiasLen())
	g.Pack(pw, w)
	g.PackBias(pb, bias)
	want := make([]float32, g.OH*g.OW*g.N)
	dst := guarded(r, (g.OH*g.OW-1)*dp+g.N, false)
	ep := Epilogue{Act: c.act}
	var res []float32
	if c.residual {
		res = guarded(r, g.OH*g.OW*g.N, true)
		ep.Residual = View{Data: res, Row: g.OW * g.N, Pix: g.N}
	}
	refConv(&g, want, dense, w, bias, res, c.act)
	sc := NewScratch(s.ConvNeed(&g))
	sv, dv := View{Data: src, Row: g.W * sp, Pix: sp}, View{Data: dst, Row: g.OW * dp, Pix: dp}
	// Uneven parts of the rows and of the channels.
	ys := []int{0, g.OH / 3, g.OH}
	var ns []int
	if step := 16; g.Groups == 1 || g.Depthwise() {
		ns = []int{0, g.N / 2 / step * step, g.N}
	} else {
		ns = []int{0, g.Groups / 2 * (g.N / g.Groups), g.N}
	}
	for i := range 2 {
		for j := range len(ns) - 1 {
			s.Conv(&g, pw, pb, dv, sv, ep, Range{ys[i], ys[i+1], ns[j], ns[j+1]}, sc)
		}
	}
	intact(t, c.String(), dst)
	for p := range g.OH * g.OW {
		for i := range dp {
			if p*dp+i >= len(dst) {
				break
			}
			v := dst[p*dp+i]
			if i >= g.N {
				if v == v {
					t.Fatalf("%v: written between the pixels", c)
				}
				continue
			}
			if !same(v, want[p*g.N+i]) {
				t.Fatalf("%v: pixel %d channel %d is %v, want %v", c, p, i, v, want[p*g.N+i])
			}
		}
	}
}

func conv(h, w, c, n, k, s, d, pad, groups int) Conv {
	out := func(i int) int { return (i+2*pad-d*(k-1)-1)/s + 1 }
	return Conv{H: h, W: w, C: c, OH: out(h), OW: out(w), N: n, KH: k, KW: k, SH: s, SW: s, DH: d, DW: d,
		PadT: pad, PadL: pad, Groups: groups}
}

func TestConvSizes(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(1, 2))
		for w := 1; w <= 20; w++ {
			for _, k := range []int{1, 3, 5, 7} {
				for _, st := range []int{1, 2} {
					if st == 2 && w == 1 && k == 1 {
						continue
					}
					h := 1 + r.IntN(6)
					g := conv(h, w, 1+r.IntN(20), 1+r.IntN(40), k, st, 1, k/2, 1)
					convCase{g: g, act: Act(r.IntN(int(numActs)))}.check(t, s, r)
					c := 2 + r.IntN(40)
					d := 1 + r.IntN(3)
					convCase{g: conv(h, w, c, c, k, st, d, (k-1)*d/2+r.IntN(2), c), act: ReLU6, residual: w%2 == 0}.check(t, s, r)
				}
			}
		}
	})
}

// TestConvChannels goes through all channel remainders.
func TestConvChannels(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(2, 3))
		for n := 1; n <= 70; n++ {
			act, res := Act(n%int(numActs)), n%3 == 0
			c := 1 + r.IntN(33)
			convCase{g: conv(2, 9, c, n, 1, 1, 1, 0, 1), act: act, residual: res, srcPix: n % 3, dPix: n % 5}.check(t, s, r)
			convCase{g: conv(3, 5, c, n, 3, 1+n%2, 1, 1, 1), act: act, residual: res, srcPix: n % 2, dPix: n % 3}.check(t, s, r)
			convCase{g: conv(1, 1, 1+r.IntN(90), n*2, 1, 1, 1, 0, 1), act: act}.check(t, s, r)
			for k := 2; k <= 7; k++ {
				if testing.Short() && k != 2+n%6 {
					continue
				}
				d := 1 + r.IntN(2)
				h, w := (k-1)*d+1+r.IntN(4), (k-1)*d+1+r.IntN(12)
				g := conv(h, w, n+1, n+1, k, 1+r.IntN(3), d, r.IntN(k), n+1)
				convCase{g: g, act: act, residual: res, srcPix: n % 2, dPix: n % 4}.check(t, s, r)
			}
		}
	})
}

// TestConvPairs covers depthwise layers whose rows go two at once, with every
// number of rows and columns in the padding.
func TestConvPairs(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(18, 19))
		for w := 1; w <= 20; w++ {
			for _, k := range []int{3, 5} {
				for st := 1; st <= 2; st++ {
					for d := 1; d <= 3; d++ {
						c := 2 + r.IntN(40)
						g := Conv{H: 1 + r.IntN(16), W: w, C: c, N: c, KH: k, KW: k, SH: st, SW: st, DH: d, DW: 1 + r.IntN(d), Groups: c}
						g.PadT, g.PadL = r.IntN(k*d/2+2), r.IntN(k*g.DW/2+2)
						g.OH = 1 + max(0, g.H+2*g.PadT-d*(k-1)-1)/st
						g.OW = 1 + max(0, w+2*g.PadL-g.DW*(k-1)-1)/st
						convCase{g: g, act: Act(r.IntN(int(numActs))), residual: w%3 == 0, srcPix: w % 2, dPix: r.IntN(3)}.check(t, s, r)
					}
				}
			}
		}
	})
}

// TestConvGroups covers grouped convolutions and channel multipliers.
func TestConvGroups(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(4, 5))
		for groups := 2; groups <= 6; groups++ {
			for npg := 1; npg <= 40; npg += 1 + npg/8 {
				g := conv(4, 6, groups*(1+r.IntN(20)), groups*npg, 1+2*r.IntN(2), 1+r.IntN(2), 1, 1, groups)
				convCase{g: g, act: ReLU6, residual: npg%2 == 0}.check(t, s, r)
			}
			convCase{g: conv(4, 6, groups, 3*groups, 3, 1, 1, 1, groups)}.check(t, s, r)
		}
	})
}

// TestConvShapes covers rectangular kernels, strides, dilations and uneven padding.
func TestConvShapes(t *testing.T) {
	n := 400
	if testing.Short() {
		n = 60
	}
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(6, 7))
		for range n {
			randomConv(r).check(t, s, r)
		}
	})
}

// TestConvAllPadding is a window that lies in the padding but for one column,
// and one that lies in it altogether.
func TestConvAllPadding(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(8, 9))
		for _, g := range []Conv{
			{H: 2, W: 1, C: 1, OH: 1, OW: 1, N: 1, KH: 2, KW: 2, PadL: 7},
			{H: 3, W: 2, C: 3, OH: 3, OW: 2, N: 16, KH: 3, KW: 3, PadL: 9, PadT: 1},
		} {
			g.SH, g.SW, g.DH, g.DW, g.Groups = 1, 1, 1, 1, 1
			convCase{g: g}.check(t, s, r)
		}
	})
}

func randomConv(r *rand.Rand) convCase {
	g := Conv{H: 1 + r.IntN(20), W: 1 + r.IntN(20), KH: 1 + r.IntN(7), KW: 1 + r.IntN(7),
		SH: 1 + r.IntN(3), SW: 1 + r.IntN(3), DH: 1 + r.IntN(3), DW: 1 + r.IntN(3)}
	g.Groups = 1
	switch r.IntN(3) {
	case 0:
		g.C = 1 + r.IntN(40)
		g.N, g.Groups = g.C, g.C
	case 1:
		g.C, g.N = 1+r.IntN(24), 1+r.IntN(40)
	default:
		g.Groups = 1 + r.IntN(4)
		g.C, g.N = g.Groups*(1+r.IntN(10)), g.Groups*(1+r.IntN(20))
	}
	// Padding of up to the whole kernel, so that some rows and columns see nothing else.
	h, w := (g.KH-1)*g.DH+1, (g.KW-1)*g.DW+1
	g.PadT, g.PadL = r.IntN(h+1), r.IntN(w+1)
	g.OH = max(1, (g.H+g.PadT+r.IntN(h+1)-h)/g.SH+1)
	g.OW = max(1, (g.W+g.PadL+r.IntN(w+1)-w)/g.SW+1)
	return convCase{g: g, act: Act(r.IntN(int(numActs))), residual: r.IntN(2) == 0, srcPix: r.IntN(4), dPix: r.IntN(4)}
}

// TestConvCut covers maps large enough for their outer columns to be computed
// without the taps in the padding, wide padding included.
func TestConvCut(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(16, 17))
		for _, k := range [][2]int{{3, 3}, {5, 5}, {1, 7}, {7, 1}, {2, 4}} {
			for d := 1; d <= 2; d++ {
				for st := 1; st <= 2; st++ {
					g := Conv{H: 18, W: 20, C: 16 + r.IntN(3), N: 1 + r.IntN(40), KH: k[0], KW: k[1], SH: st, SW: st,
						DH: d, DW: d, PadT: r.IntN(9), PadL: r.IntN(9), Groups: 1}
					g.OH, g.OW = (18+2*g.PadT-d*(k[0]-1)-1)/st+1, (20+2*g.PadL-d*(k[1]-1)-1)/st+1
					convCase{g: g, act: Act(r.IntN(int(numActs))), residual: d == st, dPix: 1}.check(t, s, r)
				}
			}
		}
	})
}

// TestConvRing runs a layer from one ring into another, a few rows at a time.
func TestConvRing(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		r := rand.New(rand.NewPCG(8, 9))
		for _, groups := range []int{1, 40} {
			for _, k := range []int{1, 3, 5} {
				if groups > 1 && k == 1 {
					continue
				}
				g := conv(17, 9, 40, 40, k, 1, 1, k/2, groups)
				b := s.NewBench(BenchShape{Conv: g})
				b.Run()
				row := g.W * g.C
				ring := k + 2
				in := View{Data: guarded(r, ring*row, false), Row: row, Pix: g.C, Ring: ring}
				out := View{Data: guarded(r, 3*row, false), Row: row, Pix: g.N, Ring: 3}
				have := 0
				for y := 0; y < g.OH; y += 2 {
					y1 := min(y+2, g.OH)
					for ; have < min(g.H, y1-1+k/2+1); have++ {
						copy(in.Data[have%ring*row:][:row], b.src.Data[have*row:])
					}
					s.Conv(&g, b.w, b.bias, out, in, Epilogue{Act: ReLU6}, Range{y, y1, 0, g.N}, b.sc)
					for i := y; i < y1; i++ {
						equal(t, fmt.Sprintf("row %d of k%d", i, k), out.Data[i%3*row:][:row], b.dst.Data[i*row:][:row])
					}
				}
				intact(t, "ring", out.Data)
			}
		}
	})
}

// FuzzConv draws shapes from a seed.
func FuzzConv(f *testing.F) {
	for seed := range uint64(5) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		for _, name := range Supported() {
			s, _ := ByName(name)
			r := rand.New(rand.NewPCG(seed, 0))
			randomConv(r).check(t, s, r)
		}
	})
}

// TestNext wants the same bytes whatever a layer is told to fetch meanwhile.
func TestNext(t *testing.T) {
	g := Conv{H: 7, W: 7, C: 40, OH: 7, OW: 7, N: 100, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
	eachSet(t, func(t *testing.T, s *Set) {
		b := s.NewBench(BenchShape{Conv: g})
		b.Run()
		want := slices.Clone(b.dst.Data)
		for _, n := range []int{1, 1000, 4000, 1 << 20} {
			clear(b.dst.Data)
			s.Conv(&g, b.w, b.bias, b.dst, b.src, Epilogue{Act: ReLU6, Next: make([]float32, n)}, g.All(), b.sc)
			equal(t, fmt.Sprint(n, " floats fetched"), b.dst.Data, want)
		}
	})
}
