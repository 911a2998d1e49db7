package stat

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// naiveTau is the definition.
func naiveTau(x, y []float64) float64 {
	var s, nx, ny float64
	for i := range x {
		for j := range i {
			a, b := sign(x[i]-x[j]), sign(y[i]-y[j])
			s, nx, ny = s+a*b, nx+a*a, ny+b*b
		}
	}
	if nx == 0 || ny == 0 {
		return 0
	}
	return s / math.Sqrt(nx) / math.Sqrt(ny)
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

func TestKendallTau(t *testing.T) {
	if got := KendallTau([]float64{1, 2, 3, 4}, []float64{1, 2, 4, 3}); math.Abs(got-2.0/3) > 1e-15 {
		t.Errorf("tau %v, want 2/3", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 60).Draw(t, "n")
		levels := rapid.IntRange(1, 30).Draw(t, "levels")
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i] = float64(rapid.IntRange(0, levels).Draw(t, "x"))
			y[i] = float64(rapid.IntRange(0, 9).Draw(t, "y"))
		}
		if got, want := KendallTau(x, y), naiveTau(x, y); math.Abs(got-want) > 1e-12 {
			t.Fatalf("tau %v, want %v", got, want)
		}
	})
}

func TestSpearman(t *testing.T) {
	if got := Spearman([]float64{1, 2, 3}, []float64{10, 100, 1000}); math.Abs(got-1) > 1e-15 {
		t.Errorf("spearman %v of a monotone map, want 1", got)
	}
	// Ranks 1, 2.5, 2.5, 4 against 4, 3, 2, 1.
	got, want := Spearman([]float64{1, 2, 2, 3}, []float64{4, 3, 2, 1}), -4.5/math.Sqrt(4.5*5)
	if math.Abs(got-want) > 1e-12 {
		t.Errorf("spearman %v with a tie, want %v", got, want)
	}
}
