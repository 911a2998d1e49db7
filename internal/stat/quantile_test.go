package stat

import (
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
