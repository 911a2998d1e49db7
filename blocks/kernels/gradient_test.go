package kernels_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"nas/blocks/kernels"
	"nas/blocks/kernels/kernelstest"
)

// everySet calls f for each set of kernels that this machine runs.
func everySet(t *testing.T, f func(t *testing.T, s *kernels.Set)) {
	for _, name := range kernels.Supported() {
		s, err := kernels.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, s) })
	}
}

// both draws the same numbers in both precisions. The float32 slice ends where its memory ends.
func both(r *rand.Rand, n int) (single []float32, double []float64) {
	single, double = kernels.Alloc(n), make([]float64, n)
	for i := range double {
		single[i] = float32(r.NormFloat64())
		double[i] = float64(single[i])
	}
	return single, double
}

// near fails unless got is want but for a part of want's length.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	var far, all float64
	for i, v := range want {
		d := float64(got[i]) - v
		far += d * d
		all += v * v
	}
	if e := math.Sqrt(far / max(all, 1e-12)); !(e <= 1e-5) {
		t.Errorf("%s differs by %.2g", what, e)
	}
}

// gradientConvs are layers whose sizes leave remainders of all tiles.
func gradientConvs() (all []kernels.Conv) {
	for _, k := range []struct{ h, w, c, n, k, s, d, p, g int }{
		{9, 7, 5, 7, 1, 1, 1, 0, 1}, {8, 8, 19, 33, 1, 1, 1, 0, 1}, {20, 17, 16, 24, 1, 1, 1, 0, 1}, {9, 8, 7, 20, 1, 2, 1, 0, 1},
		{9, 8, 3, 16, 3, 1, 1, 1, 1}, {10, 9, 1, 12, 3, 2, 1, 1, 1}, {8, 8, 17, 18, 3, 1, 1, 1, 1}, {11, 9, 20, 9, 5, 2, 1, 2, 1},
		{9, 9, 8, 16, 3, 1, 2, 2, 1}, {9, 8, 8, 5, 3, 2, 2, 2, 1}, {8, 7, 12, 18, 3, 1, 1, 1, 3}, {9, 8, 32, 32, 3, 2, 1, 1, 4},
		{8, 9, 5, 5, 3, 1, 1, 1, 5}, {9, 8, 37, 37, 3, 2, 1, 1, 37}, {8, 8, 40, 40, 5, 1, 1, 2, 40}, {9, 10, 16, 16, 3, 1, 2, 2, 16},
		{9, 10, 24, 24, 3, 2, 2, 2, 24}, {7, 7, 9, 18, 3, 1, 1, 1, 9}, {6, 6, 12, 12, 7, 1, 1, 3, 12}, {5, 5, 8, 8, 4, 2, 1, 1, 8},
		{4, 4, 8, 8, 3, 1, 1, 0, 8}, {1, 1, 30, 10, 1, 1, 1, 0, 1}, {2, 2, 16, 16, 5, 1, 1, 2, 16},
	} {
		out := func(n int) int { return (n+2*k.p-k.d*(k.k-1)-1)/k.s + 1 }
		all = append(all, kernels.Conv{H: k.h, W: k.w, C: k.c, OH: out(k.h), OW: out(k.w), N: k.n, KH: k.k, KW: k.k, SH: k.s,
			SW: k.s, DH: k.d, DW: k.d, PadT: k.p, PadL: k.p, Groups: k.g})
	}
	return all
}

// TestConvGradients compares the gradients by weights and input with their definition.
func TestConvGradients(t *testing.T) {
	everySet(t, func(t *testing.T, s *kernels.Set) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, g := range gradientConvs() {
			x, x64 := both(r, g.H*g.W*g.C)
			w, w64 := both(r, g.KH*g.KW*g.C/g.Groups*g.N)
			dy, dy64 := both(r, g.OH*g.OW*g.N)
			dw, dw64 := both(r, len(w)) // gradients are added to
			dx64 := make([]float64, len(x))
			kernelstest.ConvBackward(&g, dx64, dw64, nil, dy64, x64, w64)
			back := g.Transpose()
			sc := kernels.NewScratch(s.ConvNeed(&back).Max(g.WeightGradNeed()))
			s.ConvWeightGrad(&g, dw, x, dy, sc)
			near(t, "the gradient by the weights", dw, dw64)

			turned, packed := make([]float32, len(w)), kernels.Alloc(back.PackedLen())
			g.TransposeWeights(turned, w)
			back.Pack(packed, turned)
			if g.SH > 1 || g.SW > 1 {
				spread := kernels.Alloc(back.H * back.W * back.C)
				g.Spread(spread, dy)
				dy = spread
			}
			dx := kernels.Alloc(len(x))
			s.Conv(&back, packed, kernels.Alloc(back.BiasLen()), kernels.Dense(dx, g.H, g.W, g.C),
				kernels.Dense(dy, back.H, back.W, back.C), kernels.Epilogue{}, back.All(), sc)
			near(t, "the gradient by the input", dx, dx64)
			if t.Failed() {
				t.Fatalf("%+v", g)
			}
		}
	})
}

// TestSumsOfPixels compares the sums of batch normalisation with their definitions, for all remainders of channels.
func TestSumsOfPixels(t *testing.T) {
	everySet(t, func(t *testing.T, s *kernels.Set) {
		r := rand.New(rand.NewPCG(7, 8))
		sc := kernels.NewScratch(kernels.Need{})
		for c := 1; c <= 70; c++ {
			px := 1 + r.IntN(9)
			a, a64 := both(r, px*c)
			b, b64 := both(r, px*c)
			m, m64 := both(r, c)
			sum, sum64 := both(r, c)
			square, square64 := both(r, c)
			dot, dot64 := both(r, c)
			for i := range a {
				sum64[i%c] += a64[i]
				square64[i%c] += (a64[i] - m64[i%c]) * (a64[i] - m64[i%c])
				dot64[i%c] += a64[i] * (b64[i] - m64[i%c])
			}
			s.AddPixels(sum, a, px, c, sc)
			s.AddSquares(square, a, m, px, c, sc)
			s.AddProducts(dot, a, b, m, px, c, sc)
			near(t, "the sum", sum, sum64)
			near(t, "the squares", square, square64)
			near(t, "the products", dot, dot64)
		}
	})
}

// TestSlopes compares the derivatives of activations with their definitions, for all remainders of vectors, and all
// instruction sets with the portable kernels, to the bit.
func TestSlopes(t *testing.T) {
	plain, err := kernels.ByName("generic")
	if err != nil {
		t.Fatal(err)
	}
	everySet(t, func(t *testing.T, s *kernels.Set) {
		r := rand.New(rand.NewPCG(9, 10))
		sc := kernels.NewScratch(kernels.Need{})
		for _, act := range kernelstest.Acts() {
			for n := 1; n <= 70; n++ {
				u, _ := both(r, n)
				d, want := both(r, n)
				most := make([]float64, n) // error: sigmoid' is a difference of numbers near 1
				for i := range u {
					u[i] *= 4
					most[i] = 1e-6 * math.Abs(want[i])
					want[i] *= kernelstest.Slope(act, float64(u[i]))
				}
				same := append([]float32(nil), d...)
				s.Slope(act, d, u, sc)
				plain.Slope(act, same, u, sc)
				for i := range d {
					if e := math.Abs(float64(d[i]) - want[i]); !(e <= most[i]) {
						t.Fatalf("%v at %g: %g, want %g", act, u[i], d[i], want[i])
					}
					if d[i] != same[i] {
						t.Fatalf("%v at %g: %g, and %g of the portable kernel", act, u[i], d[i], same[i])
					}
				}
			}
			edges := []float32{0, 6, -3, 3, float32(math.Inf(1)), float32(math.Inf(-1)), -90, 90, 1e30, -1e30}
			for _, x := range edges[:8] {
				d := []float32{1}
				s.Slope(act, d, []float32{x}, sc)
				if want := kernelstest.Slope(act, float64(x)); act != kernels.Swish && act != kernels.HSwish &&
					math.Abs(float64(d[0])-want) > 1e-6 {
					t.Errorf("%v at %g: %g, want %g", act, x, d[0], want)
				}
			}
		}
	})
}
