package search_test

import (
	"math"
	"testing"

	"nas/search"
)

func TestEstimateFinal(t *testing.T) {
	few := [][]float64{{60, 80}, {70, 84}}
	line := [][]float64{{50, 80}, {60, 84}, {70, 88}, {80, 92}, {90, 96}}
	falling := [][]float64{{50, 90}, {60, 88}, {70, 86}, {80, 84}, {90, 82}}
	for _, c := range []struct {
		reached  []float64
		finished [][]float64
		want     float64
	}{
		{[]float64{65}, nil, 65},
		{[]float64{65}, few, 82},                            // the mean gain is 17
		{[]float64{0}, line, 60},                            // on the line
		{[]float64{100}, line, 100},                         // beyond it
		{[]float64{0}, falling, 86},                         // a worse start does not end better
		{[]float64{10, 70}, [][]float64{{20, 60, 90}}, 100}, // from the second of three rungs
	} {
		if got := search.EstimateFinal(c.reached, c.finished); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%v after %v: %g, want %g", c.reached, c.finished, got, c.want)
		}
	}
}

// A stopped trial is on no front.
func TestStoppedTrials(t *testing.T) {
	objectives := []search.Objective{{Name: "cost"}, {Name: "accuracy", Direction: search.Maximize}}
	f, err := search.NewFront(objectives, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := search.Result{Objectives: map[string]float64{"cost": 1, "accuracy": 90}, Rungs: []float64{50}, Stopped: true}
	if f.Add(search.Trial{Result: r}) || r.Feasible() {
		t.Error("a stopped trial is on the front")
	}
	r.Stopped = false
	if !f.Add(search.Trial{Result: r}) {
		t.Error("a finished trial is not on the front")
	}
}
