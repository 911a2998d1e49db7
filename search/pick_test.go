package search_test

import (
	"math"
	"strings"
	"testing"

	"nas/search"
)

func pickFront(t *testing.T) *search.Front {
	t.Helper()
	f, err := search.NewFront([]search.Objective{{Name: "latency", Unit: "ms"}, {Name: "accuracy", Direction: search.Maximize}}, []float64{50, 60})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range [][2]float64{{10, 62}, {15, 72}, {30, 74}, {40, 75}} {
		if !f.Add(search.Trial{ID: i, Result: search.Result{Objectives: map[string]float64{"latency": p[0], "accuracy": p[1]}}}) {
			t.Fatal("not on the front")
		}
	}
	return f
}

func TestPicks(t *testing.T) {
	f := pickFront(t)
	for _, c := range []struct {
		name string
		pick func() (search.Pick, error)
		id   int
		why  string
	}{
		{"knee", f.Knee, 1, "the knee"},
		{"30 ms", func() (search.Pick, error) { return f.Within("latency", 30, "accuracy") }, 2, "the best accuracy of 3 members with latency within 30 ms"},
		{"73 %", func() (search.Pick, error) { return f.Within("accuracy", 73, "latency") }, 2, "the best latency of 2 members with accuracy within 73"},
		{"contribution", f.Contributor, 1, "would shrink most"},
		{"accuracy", func() (search.Pick, error) { return f.Weighted(map[string]float64{"accuracy": 1}) }, 3, "accuracy 1"},
		{"both", func() (search.Pick, error) { return f.Weighted(map[string]float64{"latency": 3, "accuracy": 1}) }, 1, "accuracy 1, latency 3"},
	} {
		p, err := c.pick()
		if err != nil || p.Trial.ID != c.id || !strings.Contains(p.Reason, c.why) {
			t.Errorf("%s: trial %d because %q, %v; want trial %d because %q", c.name, p.Trial.ID, p.Reason, err, c.id, c.why)
		}
	}
	for _, err := range []error{
		second(f.Within("latency", 5, "accuracy")), second(f.Within("speed", 5, "accuracy")), second(f.Weighted(nil)),
		second(f.Weighted(map[string]float64{"latency": -1})),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
	if _, err := f.Within("latency", 5, "accuracy"); err.Error() != "search: no member of the front has latency within 5 ms; the closest, trial 0, has 10 ms" {
		t.Error(err)
	}
	empty, _ := search.NewFront([]search.Objective{{Name: "a"}}, nil)
	if _, err := empty.Knee(); err == nil {
		t.Error("an empty front has a knee")
	}
}

func second(_ search.Pick, err error) error { return err }

func TestFrontProbability(t *testing.T) {
	objectives := []search.Objective{{Name: "ms"}, {Name: "top1", Direction: search.Maximize}}
	exact := func(v float64) search.Interval { return search.Interval{Value: v, Low: v, High: v} }
	p := search.FrontProbability([][]search.Interval{
		{exact(1), exact(70)},
		{exact(2), exact(69)}, // dominated for sure
		// Equal means and equal intervals, the latency a little worse: one in two.
		{exact(1.5), {Value: 70, Low: 69, High: 71}},
		{exact(0.5), exact(60)},
	}, objectives, 4000, 1)
	for i, want := range []float64{1, 0, 0.5, 1} {
		if math.Abs(p[i]-want) > 0.03 {
			t.Errorf("point %d: %v, want %v", i, p[i], want)
		}
	}
}
