package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"nas/internal/config"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/work"
	"nas/search"
)

// TestChain carries out a run from nothing, calibration included, and holds it to what is promised of a
// run directory.
func TestChain(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	c := runtest.Config(t, "")
	c.Accuracy.Proxy = "rankmean(naswot,depth)"
	if testing.Short() {
		c.Accuracy.Proxy = "rankmean(params,depth)"
	}
	out := mustRun(t, t.Context(), Options{Options: work.Options{Workers: 2}, Config: c})
	for _, test := range []struct {
		name string
		test func(*testing.T, *Outcome)
	}{
		{"front", testFront},
		{"files", testFiles},
		{"no overwriting", testNoOverwriting},
		{"one worker", testOneWorker},
		{"watched", testLive},
		{"stopped and resumed", testStoppedAndResumed},
		{"stopped while it measures", testStoppedMeasuring},
		{"derived files come back", testDerivedFiles},
		{"another config", testAnotherConfig},
	} {
		t.Run(test.name, func(t *testing.T) { test.test(t, out) })
	}
}

func testFront(t *testing.T, out *Outcome) {
	if out.Summary.Status != search.StatusEvaluations || out.Summary.Evaluations != 40 || len(out.Front) < 3 {
		t.Errorf("ended by %v after %d evaluations with a front of %d",
			out.Summary.Status, out.Summary.Evaluations, len(out.Front))
	}
	for _, m := range out.Front {
		if l := m.Latency; !(l.Low < l.Mid && l.Mid < l.High) {
			t.Errorf("trial %d: latency %v is not inside its interval %v to %v", m.ID, l.Mid, l.Low, l.High)
		}
		if m.Parts[runstore.KeyParams] > 500e3 {
			t.Errorf("trial %d has %v params, more than the limit", m.ID, m.Parts[runstore.KeyParams])
		}
	}
	if out.Measured == nil || out.Measured.Members == 0 {
		t.Errorf("the front was not measured: %+v", out.Measured)
	}
}

func testFiles(t *testing.T, out *Outcome) {
	for _, name := range []string{
		"config.toml", "profile.json", "manifest.json", "trials.jsonl", "front.csv", "measured.csv",
		"front.svg", "front.png", "hypervolume.svg", "measured.svg", "report.html",
		"export/knee.onnx", "export/fastest.toml", "export/most_accurate.json",
	} {
		if len(runtest.Read(t, out.Dir, name)) == 0 {
			t.Errorf("%s is empty", name)
		}
	}
}

func testNoOverwriting(t *testing.T, out *Outcome) {
	_, err := Run(t.Context(), Options{Config: out.Setup.Config})
	var exists *runstore.ExistsError
	var usage *config.UsageError
	if !errors.As(err, &exists) || !errors.As(err, &usage) {
		t.Errorf("error is %v, want an ExistsError as wrong use", err)
	}
}

func testOneWorker(t *testing.T, out *Outcome) {
	c := runtest.Config(t, filepath.Join(out.Dir, "profile.json"))
	c.Accuracy.Proxy = out.Setup.Config.Accuracy.Proxy
	mustRun(t, t.Context(), Options{Options: work.Options{Workers: 1}, Config: c})
	sameTrials(t, out.Dir, c.Output.Dir)
}

// sameTrials wants the files that do not depend on how a run was made to be the same.
func sameTrials(t *testing.T, a, b string) {
	t.Helper()
	for _, name := range []string{"trials.jsonl", "front.csv"} {
		if !bytes.Equal(runtest.Read(t, a, name), runtest.Read(t, b, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func testStoppedAndResumed(t *testing.T, out *Outcome) {
	profile := filepath.Join(out.Dir, "profile.json")
	c := runtest.Config(t, profile)
	c.Accuracy.Proxy = out.Setup.Config.Accuracy.Proxy
	ctx, cancel := context.WithCancel(t.Context())
	progress := func(p work.Progress) {
		if p.Step == "search" && p.Done >= 10 {
			cancel()
		}
	}
	stopped := mustRun(t, ctx, Options{Options: work.Options{Workers: 2, Progress: progress}, Config: c})
	if s := stopped.Summary.Status; s != search.StatusInterrupted && s != search.StatusEvaluations {
		t.Fatalf("status is %v", s)
	}
	// A torn last line is what a power cut leaves.
	f, err := os.OpenFile(filepath.Join(stopped.Dir, "trials.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"id":`)
	f.Close()
	again := runtest.Config(t, profile)
	again.Output.Dir, again.Accuracy.Proxy = stopped.Dir, c.Accuracy.Proxy
	mustRun(t, t.Context(), Options{Options: work.Options{Workers: 2}, Config: again, Resume: true})
	sameTrials(t, out.Dir, stopped.Dir)
}

// A run that is stopped while it measures its front draws and exports nothing before it ends, and does all when it is
// resumed.
func testStoppedMeasuring(t *testing.T, out *Outcome) {
	c := runtest.Config(t, filepath.Join(out.Dir, "profile.json"))
	c.AcceptProfiles()
	c.Output.Measure = 3
	ctx, cancel := context.WithCancel(t.Context())
	progress := func(p work.Progress) {
		if p.Step == "measure" {
			cancel()
		}
	}
	stopped := mustRun(t, ctx, Options{Options: work.Options{Progress: progress}, Config: c})
	if !stopped.Interrupted || len(stopped.Exported) > 0 || stopped.Summary.Status != search.StatusEvaluations {
		t.Errorf("interrupted %v, exported %d files, the search ended by %v", stopped.Interrupted, len(stopped.Exported),
			stopped.Summary.Status)
	}
	if _, err := os.Stat(filepath.Join(stopped.Dir, "report.html")); err == nil {
		t.Error("a stopped run is drawn")
	}
	again := mustRun(t, t.Context(), Options{Config: c, Resume: true})
	runtest.Read(t, stopped.Dir, "report.html")
	if again.Interrupted || len(again.Exported) == 0 || again.Measured == nil || again.Measured.Skipped != "" {
		t.Errorf("resumed: interrupted %v, exported %d files, measured %+v", again.Interrupted, len(again.Exported),
			again.Measured)
	}
}

func testDerivedFiles(t *testing.T, out *Outcome) {
	names := []string{"front.svg", "front.csv"}
	var before [][]byte
	for _, name := range names {
		before = append(before, runtest.Read(t, out.Dir, name))
		os.Remove(filepath.Join(out.Dir, name))
	}
	mustRun(t, t.Context(), Options{Config: out.Setup.Config, Resume: true})
	for i, name := range names {
		if !bytes.Equal(before[i], runtest.Read(t, out.Dir, name)) {
			t.Errorf("%s made again is another one", name)
		}
	}
}

func testAnotherConfig(t *testing.T, out *Outcome) {
	c := runtest.Config(t, "")
	c.Output.Dir, c.Accuracy.Proxy, c.Seed = out.Dir, out.Setup.Config.Accuracy.Proxy, 7
	_, err := Run(t.Context(), Options{Config: c, Resume: true})
	var usage *config.UsageError
	if !errors.As(err, &usage) {
		t.Errorf("error is %v, want wrong use", err)
	}
}
