package kernelstest

import (
	"math"
	"math/rand/v2"
	"testing"

	"nas/blocks/kernels"
)

// draw returns n normal numbers.
func draw(r *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return v
}

// differs is the distance of the gradient d of f from finite differences, by each of the values v, relative to the
// length of the gradient.
func differs(v, d []float64, f func() float64) float64 {
	const h = 1e-5
	var far, all float64
	for i := range v {
		x := v[i]
		v[i] = x + h
		up := f()
		v[i] = x - h
		down := f()
		v[i] = x
		e := (up-down)/(2*h) - d[i]
		far += e * e
		all += d[i] * d[i]
	}
	return math.Sqrt(far / max(all, 1e-12))
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// convs are the kinds of convolutions and their options.
func convs() []kernels.Conv {
	var all []kernels.Conv
	for _, k := range []struct{ c, n, k, s, d, p, g int }{
		{5, 7, 1, 1, 1, 0, 1}, {5, 7, 1, 2, 1, 0, 1}, {3, 4, 3, 1, 1, 1, 1}, {3, 4, 3, 2, 1, 1, 1}, {3, 4, 3, 1, 2, 2, 1},
		{3, 4, 3, 2, 2, 1, 1}, {6, 4, 3, 1, 1, 1, 2}, {6, 9, 3, 2, 1, 0, 3}, {5, 5, 3, 1, 1, 1, 5}, {5, 5, 3, 2, 1, 1, 5},
		{5, 5, 5, 1, 1, 2, 5}, {5, 5, 3, 1, 2, 2, 5}, {4, 8, 3, 1, 1, 1, 4}, {5, 5, 4, 2, 1, 1, 5}, {2, 3, 2, 1, 1, 0, 1},
	} {
		const h, w = 7, 6
		out := func(n int) int { return (n+2*k.p-k.d*(k.k-1)-1)/k.s + 1 }
		all = append(all, kernels.Conv{H: h, W: w, C: k.c, OH: out(h), OW: out(w), N: k.n, KH: k.k, KW: k.k, SH: k.s, SW: k.s,
			DH: k.d, DW: k.d, PadT: k.p, PadL: k.p, Groups: k.g})
	}
	return all
}

const tolerance = 1e-6

func TestConvGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, g := range convs() {
		x, w, bias := draw(r, g.H*g.W*g.C), draw(r, g.KH*g.KW*g.C/g.Groups*g.N), draw(r, g.N)
		dy := draw(r, g.OH*g.OW*g.N)
		y := make([]float64, len(dy))
		f := func() float64 { Conv(&g, y, x, w, bias); return dot(y, dy) }
		dx, dw, db := make([]float64, len(x)), make([]float64, len(w)), make([]float64, len(bias))
		ConvBackward(&g, dx, dw, db, dy, x, w)
		for name, e := range map[string]float64{
			"input": differs(x, dx, f), "weights": differs(w, dw, f), "bias": differs(bias, db, f),
		} {
			if e > tolerance {
				t.Errorf("%+v: gradient by %s differs by %.2g", g, name, e)
			}
		}
	}
}

func TestNormGradient(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const c, px = 3, 11
	x, scale, shift, dy := draw(r, c*px), draw(r, c), draw(r, c), draw(r, c*px)
	for i := range x {
		x[i] = 2*x[i] + 5
	}
	y := make([]float64, len(x))
	f := func() float64 { Norm(y, x, scale, shift, 1e-3); return dot(y, dy) }
	dx, ds, dh := make([]float64, len(x)), make([]float64, c), make([]float64, c)
	NormBackward(dx, ds, dh, dy, x, scale, 1e-3)
	for name, e := range map[string]float64{
		"input": differs(x, dx, f), "scale": differs(scale, ds, f), "shift": differs(shift, dh, f),
	} {
		if e > tolerance {
			t.Errorf("gradient by %s differs by %.2g", name, e)
		}
	}
}

func TestSlope(t *testing.T) {
	for _, act := range Acts() {
		for u := -7.05; u < 7; u += 0.1 { // never at a corner
			x := []float64{u}
			d := []float64{Slope(act, u)}
			if e := differs(x, d, func() float64 { return Act(act, x[0]) }); d[0] != 0 && e > tolerance {
				t.Errorf("%v at %g: %g, differs by %.2g", act, u, d[0], e)
			} else if d[0] == 0 && e > 1e-3 {
				t.Errorf("%v at %g: 0, differs by %.2g", act, u, e)
			}
		}
	}
}
