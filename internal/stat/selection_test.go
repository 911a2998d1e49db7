package stat

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

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
		rows = append(rows, Judged{ID: strconv.Itoa(i), MACs: int64(cost),
			Truth: float64(cost/1e5) + 0.1*r.NormFloat64(), Score: float64(cost)})
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
