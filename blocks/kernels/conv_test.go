package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// each runs f for every instruction set that this machine has.
func eachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	for _, name := range Supported() {
		s, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, s) })
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
	ringS, ringD bool
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
	RefConv(&g, want, dense, w, bias, res, c.act)
	sc := NewScratch(s.ConvNeed(&g))
	sv, dv := View{Data: src, Row: g.W * sp, Pix: sp}, View{Data: dst, Row: g.OW * dp, Pix: dp}
	// Uneven parts of the rows and of the channels.
	ys := []int{0, g.OH / 3, g.OH}
	ns := []int{0, g.N}
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
	return Conv{H: h, W: w, C: c, OH: out(h), OW: out(w), N: n, KH: k, KW: k, SH: s, SW: s, DH: d, DW: d, PadT: pad, PadL: pad, Groups: groups}
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
					convCase{g: conv(h, w, 1+r.IntN(20), 1+r.IntN(40), k, st, 1, k/2, 1), act: Act(r.IntN(int(numActs)))}.check(t, s, r)
					c := 2 + r.IntN(40)
					d := 1 + r.IntN(3)
					convCase{g: conv(h, w, c, c, k, st, d, (k-1)*d/2+r.IntN(2), c), act: ReLU6, residual: w%2 == 0}.check(t, s, r)
				}
			}
		}
	})
}
