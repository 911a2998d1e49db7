package results

import (
	"math"
	"slices"
	"testing"

	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
)

func certainTrial(id int, ms, accuracy float64) search.Trial {
	return search.Trial{ID: id, ArchID: string(rune('a' + id)), Genes: []uint16{uint16(id)}, Result: search.Result{
		Objectives: map[string]float64{runstore.KeyLatency: ms, runstore.KeyAccuracy: accuracy}}}
}

// TestCandidates: the first fronts come first, infeasible trials never, and the order is that of the ids.
func TestCandidates(t *testing.T) {
	broken := certainTrial(3, 1, 99)
	broken.AtMost("max_latency", 1, 0.5)
	s := &Stored{Dir: trialFile(t,
		certainTrial(0, 30, 50), // third front
		certainTrial(1, 20, 60), // second
		certainTrial(2, 10, 60), // first
		broken,
		certainTrial(4, 25, 70), // first
	)}
	s.Manifest.Objectives = latencyAndAccuracy
	for n, want := range map[int][]int{1: {2}, 2: {2, 4}, 3: {1, 2, 4}, 9: {0, 1, 2, 4}} {
		trials, err := s.Candidates(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := ids(trials); !slices.Equal(got, want) {
			t.Errorf("%d candidates: trials %v, want %v", n, got, want)
		}
	}
}

// TestAssumeError: only an objective whose values state no error gets one.
func TestAssumeError(t *testing.T) {
	trials := []search.Trial{certainTrial(0, 10, 70), certainTrial(1, 10, 69), certainTrial(2, 10, 10)}
	c := contendersOf(latencyAndAccuracy, trials)
	if p := c.FrontProbabilities(); p[0] != 1 || p[1] != 0 {
		t.Errorf("certain values give %v", p)
	}
	c.AssumeError(runstore.KeyAccuracy, 0.25)
	if p := c.FrontProbabilities(); p[1] < 0.3 || p[2] > 0.01 {
		t.Errorf("with errors of a quarter of the standard deviation: %v", p)
	}
	stated := append(slices.Clone(trials), uncertainTrial(3, 10, 0, 70, 3))
	c = contendersOf(latencyAndAccuracy, stated)
	c.AssumeError(runstore.KeyAccuracy, 0.25)
	if p := c.FrontProbabilities(); p[1] > 0.4 || p[2] != 0 {
		t.Errorf("where one value states its error the others have none: %v", p)
	}
	c = contendersOf(latencyAndAccuracy[:1], trials)
	c.AssumeError(runstore.KeyAccuracy, 0.25) // no objective: nothing to do
	if p := c.FrontProbabilities(); p[0] != 1 {
		t.Errorf("latency alone gives %v", p)
	}
}

// TestUncertainCost: what is drawn is the error that a value does not share, in a unit in which it is normal.
func TestUncertainCost(t *testing.T) {
	ms, accuracy, macs := latencyAndAccuracy[0], latencyAndAccuracy[1], search.Objective{Name: runstore.KeyMACs}
	for _, c := range []struct {
		name  string
		value runstore.Value
		of    search.Objective
		want  uncertain
	}{
		{"certain", runstore.Value{Mid: 5, Low: math.NaN(), High: math.NaN()}, macs, uncertain{5, 0, 0}},
		{"interval", runstore.Value{Mid: 5, Low: 4, High: 8}, macs, uncertain{5, 1 / stat.Half90, 3 / stat.Half90}},
		{"to be maximised", runstore.Value{Mid: 5, Low: 4, High: 8}, accuracy, uncertain{-5, 3 / stat.Half90, 1 / stat.Half90}},
		{"own error", runstore.Value{Mid: 5, Low: 1, High: 9, BetweenSD: 0.5}, accuracy, uncertain{-5, 0.5, 0.5}},
		{"latency", runstore.Value{Mid: math.E, Low: 1, High: math.Exp(3)}, ms, uncertain{1, 1 / stat.Half90, 2 / stat.Half90}},
		{"interval to one side", runstore.Value{Mid: 5, Low: 5, High: 8}, macs, uncertain{5, 0, 3 / stat.Half90}},
	} {
		got := uncertainCost(c.value, c.of)
		for i, d := range []float64{got.mid - c.want.mid, got.below - c.want.below, got.above - c.want.above} {
			if math.Abs(d) > 1e-12 {
				t.Errorf("%s: %+v, want %+v (%d)", c.name, got, c.want, i)
			}
		}
	}
}

func TestAxes(t *testing.T) {
	o := func(name string) search.Objective { return search.Objective{Name: name} }
	for _, c := range []struct {
		name string
		of   []search.Objective
		x, y string
	}{
		{"one", []search.Objective{o("macs")}, "trial", "macs"},
		{"usual", latencyAndAccuracy, "latency_ms", "accuracy"},
		{"accuracy first", []search.Objective{o("accuracy"), o("macs")}, "macs", "accuracy"},
		{"two latencies", []search.Objective{o("macs"), o("latency_ms@b"), o("latency_ms@a"), o("accuracy")},
			"latency_ms@b", "accuracy"},
		{"no accuracy", []search.Objective{o("params"), o("macs")}, "params", "macs"},
		{"latencies alone", []search.Objective{o("latency_ms@a"), o("latency_ms@b")}, "latency_ms@a", "latency_ms@b"},
	} {
		s := &Stored{}
		s.Manifest.Objectives = c.of
		if x, y := s.Axes(); x.Name != c.x || y.Name != c.y {
			t.Errorf("%s: %s against %s, want %s against %s", c.name, x.Name, y.Name, c.x, c.y)
		}
	}
}
