package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/search"
)

func mustRun(t *testing.T, ctx context.Context, o Options) *Outcome {
	t.Helper()
	out, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestChain carries out a run from nothing, and holds it to what is promised of
// a run directory: the same bytes with any number of workers, and after it was
// stopped and resumed; no overwriting; derived files made again.
func TestChain(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	c := runtest.Config(t, "")
	out := mustRun(t, t.Context(), Options{Options: evaluator.Options{Workers: 2}, Config: c})
	dir := c.Output.Dir
	if out.Summary.Status != search.StatusEvaluations || out.Summary.Evaluations != 40 || len(out.Front) < 3 {
		t.Fatalf("outcome is %+v", out)
	}
	for _, m := range out.Front {
		if l := m.Latency; !(l.Low < l.Mid && l.Mid < l.High) {
			t.Errorf("trial %d: latency %v is not inside its interval %v to %v", m.ID, l.Mid, l.Low, l.High)
		}
		if m.Parts[runstore.KeyParams] > 500e3 {
			t.Errorf("trial %d has %v params, more than the limit", m.ID, m.Parts[runstore.KeyParams])
		}
	}
	for _, name := range []string{"config.toml", "profile.json", "manifest.json", "trials.jsonl", "front.csv", "measured.csv",
		"front.svg", "front.png", "hypervolume.svg", "export/knee.onnx", "export/fastest.toml", "export/most_accurate.json"} {
		if len(runtest.Read(t, dir, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
	if out.Measured == nil || out.Measured.Members == 0 {
		t.Errorf("the front was not measured: %+v", out.Measured)
	}

	t.Run("no overwriting", func(t *testing.T) {
		_, err := Run(t.Context(), Options{Config: c})
		var exists *runstore.ExistsError
		var usage *config.UsageError
		if !errors.As(err, &exists) || !errors.As(err, &usage) {
			t.Errorf("error is %v, want an ExistsError as wrong use", err)
		}
	})

	t.Run("one worker", func(t *testing.T) {
		d := runtest.Config(t, filepath.Join(dir, "profile.json"))
		mustRun(t, t.Context(), Options{Options: evaluator.Options{Workers: 1}, Config: d})
		for _, name := range []string{"trials.jsonl", "front.csv"} {
			if !bytes.Equal(runtest.Read(t, dir, name), runtest.Read(t, d.Output.Dir, name)) {
				t.Errorf("%s differs between one worker and two", name)
			}
		}
	})

	t.Run("watched", func(t *testing.T) { testLive(t, dir) })

	t.Run("stopped and resumed", func(t *testing.T) {
		d := runtest.Config(t, filepath.Join(dir, "profile.json"))
		ctx, cancel := context.WithCancel(t.Context())
		progress := func(p evaluator.Progress) {
			if p.Step == "search" && p.Done >= 10 {
				cancel()
			}
		}
		o := Options{Options: evaluator.Options{Workers: 2, Progress: progress}, Config: d}
		if got := mustRun(t, ctx, o); got.Summary.Status != search.StatusInterrupted && got.Summary.Status != search.StatusEvaluations {
			t.Fatalf("status is %v", got.Summary.Status)
		}
		// A torn last line is what a power cut leaves.
		f, err := os.OpenFile(filepath.Join(d.Output.Dir, "trials.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(`{"id":`)
		f.Close()
		again := runtest.Config(t, filepath.Join(dir, "profile.json"))
		again.Output.Dir = d.Output.Dir
		mustRun(t, t.Context(), Options{Options: evaluator.Options{Workers: 2}, Config: again, Resume: true})
		for _, name := range []string{"trials.jsonl", "front.csv"} {
			if !bytes.Equal(runtest.Read(t, dir, name), runtest.Read(t, d.Output.Dir, name)) {
				t.Errorf("%s of a resumed run differs from one never stopped", name)
			}
		}
	})

	t.Run("derived files come back", func(t *testing.T) {
		want := runtest.Read(t, dir, "front.svg")
		os.Remove(filepath.Join(dir, "front.svg"))
		os.Remove(filepath.Join(dir, "front.csv"))
		mustRun(t, t.Context(), Options{Config: c, Resume: true})
		if !bytes.Equal(want, runtest.Read(t, dir, "front.svg")) {
			t.Error("front.svg drawn again is another picture")
		}
		runtest.Read(t, dir, "front.csv")
	})

	t.Run("another config", func(t *testing.T) {
		d := runtest.Config(t, "")
		d.Output.Dir, d.Seed = dir, 7
		_, err := Run(t.Context(), Options{Config: d, Resume: true})
		var usage *config.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("error is %v, want wrong use", err)
		}
	})
}

func TestNothingFeasible(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c := runtest.Config(t, "")
	c.Constraints.MaxParams = &config.Limit{Value: 10}
	c.Search.Trials = 200
	out := mustRun(t, t.Context(), Options{Config: c})
	if len(out.Front) != 0 || out.NoFront == "" {
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

func TestEvenly(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{{10, 3, 3}, {2, 5, 2}, {1, 1, 1}, {0, 0, 0}, {100, 40, 40}} {
		got := evenly(c.m, c.n)
		if len(got) != c.want || c.want > 1 && (got[0] != 0 || got[len(got)-1] != c.m-1) {
			t.Errorf("evenly(%d, %d) is %v, want %d with both ends", c.m, c.n, got, c.want)
		}
	}
}
