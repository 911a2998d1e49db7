package scale

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestECDFKnown(t *testing.T) {
	// 20 values 0, 10 ... 190: position of value 10i is (i + 1/2)/20, and the slope is 1/200 everywhere.
	var sample []float64
	for i := range 20 {
		sample = append(sample, float64(190-10*i))
	}
	r := newECDF(sample)
	for _, tt := range []struct{ v, want float64 }{{0, 0.025}, {5, 0.05}, {100, 0.525}, {190, 0.975}, {390, 1.975},
		{-200, -0.975}} {
		if got := r.position(tt.v); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("position(%g) = %g, want %g", tt.v, got, tt.want)
		}
	}
	// Ties share the middle of their positions, as in depth.
	r = newECDF([]float64{3, 3, 3, 5})
	if got := r.position(3); got != 0.375 {
		t.Errorf("tied position %g, want 0.375", got)
	}
}

func TestECDFStrictlyIncreasing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sample := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 300).Draw(t, "sample")
		if rapid.Bool().Draw(t, "ties") {
			for i := range sample {
				sample[i] = math.Round(sample[i] / 100)
			}
		}
		r := newECDF(sample)
		a := rapid.Float64Range(-2e3, 2e3).Draw(t, "a")
		b := a + rapid.Float64Range(1e-3, 1e3).Draw(t, "step")
		if pa, pb := r.position(a), r.position(b); !(pa < pb) {
			t.Fatalf("position(%g) = %g, position(%g) = %g", a, pa, b, pb)
		}
	})
}
