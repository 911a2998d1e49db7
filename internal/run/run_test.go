package run

import (
	"context"
	"errors"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/view"
	"nas/internal/work"
)

func mustRun(t *testing.T, ctx context.Context, o Options) *Outcome {
	t.Helper()
	out, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNothingFeasible(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c := runtest.Config(t, "")
	c.Constraints.MaxParams = &config.Limit{Value: 10}
	c.Search.Trials = 200
	out := mustRun(t, t.Context(), Options{Config: c})
	want := "the binding constraint is max_params, which every one of them breaks"
	if len(out.Front) != 0 || !strings.Contains(out.NoFront, want) {
		t.Errorf("outcome is %+v, want no front and the binding constraint", out)
	}
}

func TestChecks(t *testing.T) {
	_, err := config.Decode("x.toml", []byte(`[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = 16
[accuracy]
proxy = "guess"
[constraints]
max_latency = "1.2 mobilenet_v9"
[search]
algorithm = "luck"
start = ["mobilenet_v2", "nobody"]
`), evaluator.Check)
	var e *config.Error
	if !errors.As(err, &e) || len(e.Problems) != 4 {
		t.Fatalf("error is %v, want four problems", err)
	}
	for i, line := range []int{7, 9, 11, 12} {
		if e.Problems[i].Line != line {
			t.Errorf("problem %d is on line %d, want %d: %v", i, e.Problems[i].Line, line, e.Problems[i])
		}
	}
}

// A run of one objective draws it over the trials, marks the best, and has a report; every rule picks the best.
func TestOneObjective(t *testing.T) {
	c := runtest.Config(t, runtest.Profile(t))
	c.Search.Objectives, c.Output.Measure, c.Accuracy.Proxy = []string{"macs"}, 0, "depth"
	var said []string
	o := Options{Config: c, Options: work.Options{Say: func(s string) { said = append(said, s) }}}
	c.Search.Population = c.Search.Most() + 1
	mustRun(t, t.Context(), o)
	if !strings.Contains(strings.Join(said, "\n"), "search.population = 41 is more than the 40 evaluations") {
		t.Errorf("no word of the population: %q", said)
	}
	dir := c.Output.Dir
	for _, name := range []string{"front.svg", "front.png", runstore.ReportFile, "export/best.json"} {
		runtest.Read(t, dir, name)
	}
	s, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := view.Front(s)
	if err != nil {
		t.Fatal(err)
	}
	best := f.Series[0].Front
	if len(best) < 2 || len(f.Picks) != 1 || f.Picks[0].Y != best[len(best)-1].Y || f.X.Label != "trial" {
		t.Fatalf("best so far %v, marked %v", best, f.Picks)
	}
	for _, p := range f.Series[0].Trials {
		if p.Y < f.Picks[0].Y {
			t.Errorf("trial %v is better than the best, %v", p, f.Picks[0])
		}
	}
	for _, rule := range []results.PickRule{
		results.AtKnee{}, results.WithinBudget{Ms: 1e6}, results.ByWeights{"macs": 1}, results.ByHypervolume{N: 2},
	} {
		picked, err := s.Pick(rule)
		if err != nil || len(picked) != 1 || picked[0].Objectives[runstore.KeyMACs] != f.Picks[0].Y {
			t.Errorf("%T picks %v (%v), the best has %v", rule, picked, err, f.Picks[0].Y)
		}
	}
}
