package results

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/search"
)

var latencyAndAccuracy = []search.Objective{
	{Name: runstore.KeyLatency, Unit: "ms"}, {Name: runstore.KeyAccuracy, Direction: search.Maximize},
}

// storedFront is a run with the given front of (ms, accuracy).
func storedFront(t *testing.T, points ...[2]float64) *Stored {
	t.Helper()
	s := &Stored{Dir: "results/x"}
	s.Manifest.Objectives, s.Manifest.Reference = latencyAndAccuracy, []float64{100, 0}
	var err error
	if s.Front, err = search.NewFront(latencyAndAccuracy, s.Manifest.Reference); err != nil {
		t.Fatal(err)
	}
	for i, p := range points {
		s.Front.Add(search.Trial{ID: i, ArchID: fmt.Sprint(i), Result: search.Result{
			Objectives: map[string]float64{runstore.KeyLatency: p[0], runstore.KeyAccuracy: p[1]},
			Parts:      map[string]float64{runstore.KeyLatency + "_low": 0.9 * p[0], runstore.KeyLatency + "_high": 1.1 * p[0]},
		}})
	}
	return s
}

func TestPick(t *testing.T) {
	s := storedFront(t, [2]float64{10, 50}, [2]float64{12, 70}, [2]float64{20, 72}, [2]float64{60, 74})
	for _, c := range []struct {
		rule PickRule
		want []int
		why  string
	}{
		{WithinBudget{Ms: 20}, []int{2}, "3 are within 20 ms"},
		{WithinBudget{Ms: 20}, []int{2}, "interval reaches 22 ms"},
		{WithinBudget{Ms: 20, Sure: true}, []int{1}, "2 are within 20 ms"},
		{WithinBudget{Ms: 59}, []int{2}, "trial 3, just beyond the budget, would give score 74"},
		{WithinBudget{Ms: 1000}, []int{3}, "4 are within"},
		{AtKnee{}, []int{1}, "bends most"},
		{ByHypervolume{1}, []int{1}, "one of 1"},
		{ByHypervolume{9}, []int{0, 1, 2, 3}, "100.0 %"},
		{ByWeights{"latency": 1}, []int{0}, "least 1 x latency"},
		{ByWeights{"accuracy": 2}, []int{3}, "1 x accuracy"},
		{ByWeights{"accuracy": 1, "latency": 1}, []int{1}, "0.5 x latency + 0.5 x accuracy"},
	} {
		got, err := s.Pick(c.rule)
		if err != nil {
			t.Errorf("%+v: %v", c.rule, err)
			continue
		}
		var ids []int
		for _, p := range got {
			ids = append(ids, p.ID)
		}
		if !slices.Equal(ids, c.want) || !strings.Contains(got[0].Why, c.why) {
			t.Errorf("%+v picks %v because %q, want %v because %q", c.rule, ids, got[0].Why, c.want, c.why)
		}
	}
	for _, rule := range []PickRule{WithinBudget{Ms: 5}, WithinBudget{}, ByHypervolume{0}, ByWeights{"speed": 1},
		ByWeights{}, ByWeights{"latency": -1}} {
		_, err := s.Pick(rule)
		var usage *config.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%+v: error is %v, want wrong use", rule, err)
		}
	}
	var usage *config.UsageError
	if _, err := storedFront(t).Pick(AtKnee{}); !errors.As(err, &usage) {
		t.Errorf("an empty front gives %v", err)
	}
}
