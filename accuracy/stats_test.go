package accuracy

import (
	"math"
	"math/rand/v2"
	"strconv"
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
	if got, want := Spearman([]float64{1, 2, 2, 3}, []float64{4, 3, 2, 1}), -4.5/math.Sqrt(4.5*5); math.Abs(got-want) > 1e-12 {
		t.Errorf("spearman %v with a tie, want %v", got, want)
	}
}

func TestRegretByHand(t *testing.T) {
	rows := []Judged{
		{ID: "a", MACs: 0, Truth: 50, Score: 1},
		{ID: "b", MACs: 50, Truth: 70, Score: 3},
		{ID: "c", MACs: 60, Truth: 72, Score: 2},
		{ID: "d", MACs: 100, Truth: 71, Score: 4},
	}
	// Budgets 10 ... 40 leave a alone; 50 takes b; 60 to 90 prefer b to c, 2 points lost; 100 picks d, 1 lost.
	mean, worst := Regret(rows)
	if math.Abs(mean-0.9) > 1e-12 || worst != 2 {
		t.Errorf("regret %v, %v, want 0.9, 2", mean, worst)
	}
}

// TestSameCostIgnoresCost: a score that is the cost itself is worth nothing at
// equal cost, whatever it is worth over all.
func TestSameCostIgnoresCost(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var rows []Judged
	for i := range 2000 {
		cost := r.IntN(1e6)
		rows = append(rows, Judged{ID: strconv.Itoa(i), MACs: int64(cost), Truth: float64(cost/1e5) + 0.1*r.NormFloat64(), Score: float64(cost)})
	}
	if got := SameCostTau(rows); math.Abs(got) > 0.05 {
		t.Errorf("same-cost tau %v of the cost, want about 0", got)
	}
	for i := range rows {
		rows[i].Score = rows[i].Truth
	}
	if got := SameCostTau(rows); math.Abs(got-1) > 1e-12 {
		t.Errorf("same-cost tau %v of the truth, want 1", got)
	}
}
