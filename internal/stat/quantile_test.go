package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Ranks as tables of the sign test give them: the 95 % interval of the median of
// n values runs from the d-th smallest to the d-th largest, d counted from 1.
func TestMedianRank(t *testing.T) {
	for _, c := range []struct{ n, d int }{
		{5, 0}, {6, 1}, {8, 1}, {9, 2}, {11, 2}, {12, 3}, {15, 4}, {20, 6}, {25, 8}, {30, 10}, {50, 18}, {100, 40},
	} {
		if got := MedianRank(c.n, 0.95) + 1; got != c.d {
			t.Errorf("n=%d: rank %d, tables say %d", c.n, got, c.d)
		}
	}
	if k := MedianRank(100000, 0.95); k < 49000 || k >= 50000 {
		t.Errorf("n=100000: rank %d", k)
	}
}

func TestConformalQuantile(t *testing.T) {
	s := make([]float64, 19)
	for i := range s {
		s[i] = float64(19 - i)
	}
	if q := ConformalQuantile(s, 0.9); q != 18 { // ceil(20 x 0.9) = 18
		t.Errorf("19 scores: %g, want the 18th", q)
	}
	if q := ConformalQuantile([]float64{3, 1, 2}, 0.9); q != 3 {
		t.Errorf("3 scores: %g, want the largest", q)
	}
}

// Values of R's default, type 7.
func TestQuantile(t *testing.T) {
	v := []float64{1, 2, 4, 8, 16}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.1, 1.4}, {0.25, 2}, {0.5, 4}, {0.9, 12.8}, {1, 16}} {
		if got := Quantile(v, c.q); math.Abs(got-c.want) > 1e-14 {
			t.Errorf("quantile %v: %v, want %v", c.q, got, c.want)
		}
	}
	if got := Quantile([]float64{3}, 0.7); got != 3 {
		t.Errorf("of one value: %v", got)
	}
	if m := Median([]float64{9, 1, 4, 2}); m != 3 {
		t.Errorf("median %v, want 3", m)
	}
	if m := Median(nil); !math.IsNaN(m) {
		t.Errorf("median of nothing: %v", m)
	}
	if got := RMS([]float64{3, -4}); math.Abs(got-math.Sqrt(12.5)) > 1e-15 || RMS(nil) != 0 {
		t.Errorf("root mean square %v", got)
	}
}

// A conformal quantile holds one more score with the probability asked for.
func TestConformalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	const trials, q = 4000, 0.9
	hit := 0
	for range trials {
		s := make([]float64, 30)
		for i := range s {
			s[i] = r.ExpFloat64()
		}
		if r.ExpFloat64() <= ConformalQuantile(s, q) {
			hit++
		}
	}
	// ceil(31 x 0.9) = 28 of 31: 0.903; four standard errors are 0.019.
	if p := float64(hit) / trials; math.Abs(p-28.0/31) > 0.019 {
		t.Errorf("%.3f of new scores inside, want %.3f", p, 28.0/31)
	}
}
