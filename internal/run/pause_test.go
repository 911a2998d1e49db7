package run

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"nas/internal/config"
	"nas/internal/runtest"
	"nas/internal/work"
	"nas/search"
)

// A run that is paused at each of its steps stands still until it may go on, and ends with the bytes of one that was
// not.
func TestPause(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates")
	}
	gate, held := new(work.Gate), map[string]int{}
	var reports atomic.Int64
	progress := func(p work.Progress) {
		reports.Add(1)
		held[p.Step]++
		if p.Ended || held[p.Step] != 1 {
			return
		}
		gate.Close()
		go func() {
			for { // what has begun is finished
				before := reports.Load()
				time.Sleep(100 * time.Millisecond)
				if _, waiting := gate.State(); waiting && reports.Load() == before {
					break
				}
			}
			before := reports.Load()
			time.Sleep(100 * time.Millisecond)
			if n := reports.Load() - before; n > 0 {
				t.Errorf("%s: %d reports while the run was paused", p.Step, n)
			}
			gate.Open()
		}()
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	c := runtest.Config(t, "")
	c.Search.Evaluations = 200
	out := mustRun(t, t.Context(), Options{Options: work.Options{Workers: 2, Progress: progress, Gate: gate}, Config: c})
	for _, step := range []string{"calibrate", "search", "measure"} {
		if held[step] < 2 {
			t.Errorf("%s: %d reports", step, held[step])
		}
	}
	if gate.Held() < 600*time.Millisecond {
		t.Errorf("held for %v, three times", gate.Held())
	}
	plain := runtest.Config(t, filepath.Join(out.Dir, "profile.json"))
	plain.Search.Evaluations = 200
	mustRun(t, t.Context(), Options{Options: work.Options{Workers: 2}, Config: plain})
	sameTrials(t, out.Dir, plain.Output.Dir)
}

// A run that is stopped while it is paused ends cleanly, and can be resumed.
func TestStopWhilePaused(t *testing.T) {
	profile := runtest.Profile(t)
	gate, begun := new(work.Gate), false
	ctx, stop := context.WithCancel(t.Context())
	progress := func(p work.Progress) {
		if p.Step == "search" && !begun {
			begun = true
			gate.Close()
			go func() {
				gate.Open()
				time.Sleep(5 * time.Millisecond) // some networks, and not all
				gate.Close()
				time.AfterFunc(50*time.Millisecond, stop)
			}()
		}
	}
	c := runtest.Config(t, profile)
	c.Search.Evaluations = 480
	o := Options{Options: work.Options{Workers: 2, Progress: progress, Gate: gate}, Config: c}
	out, err := Run(ctx, o)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err != nil || out.Summary.Status != search.StatusInterrupted {
		t.Fatalf("ended %v: %v", out, err)
	}
	n := len(runtest.Trials(t, out.Dir))
	c = runtest.Config(t, profile)
	c.Search.Evaluations, c.Output.Dir = config.Evaluations(n+20), out.Dir
	again := mustRun(t, t.Context(), Options{Options: work.Options{Workers: 2}, Config: c, Resume: true})
	if again.Summary.Evaluations < n+20 {
		t.Errorf("resumed after %d trials: %d evaluations", n, again.Summary.Evaluations)
	}
}
