package run

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/results"
	"nas/internal/runtest"
	"nas/internal/work"
)

// TestWarmStart: a second run begins with the first one's front, can be resumed
// without it, and refuses scores on another scale.
func TestWarmStart(t *testing.T) {
	cold := runtest.Config(t, runtest.Profile(t))
	cold.Output.Measure = 0
	first := mustRun(t, t.Context(), Options{Config: cold})

	warm := runtest.Config(t, runtest.Profile(t))
	warm.Output.Measure, warm.Seed, warm.Search.Evaluations = 0, 2, 12
	second := mustRun(t, t.Context(), Options{Config: warm, WarmStart: []string{cold.Output.Dir}})
	s, err := results.Load(warm.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	n := len(s.Config.Search.Start)
	if n != min(len(first.Front), warm.Search.Population/2) {
		t.Errorf("%d networks of a front of %d start a population of %d", n, len(first.Front), warm.Search.Population)
	}
	front := map[string]bool{}
	for _, m := range first.Front {
		front[m.ArchID] = true
	}
	for _, x := range runtest.Trials(t, s.Dir)[:n] {
		if !front[x.ArchID] {
			t.Errorf("trial %d (%s) is not of the earlier front", x.ID, x.ArchID)
		}
	}
	// The ends of the earlier front are among what was taken over.
	if second.Front[0].Latency.Mid > first.Front[0].Latency.Mid {
		t.Errorf("the fastest of the warm run needs %v ms, that of the run before %v", second.Front[0].Latency.Mid,
			first.Front[0].Latency.Mid)
	}
	mustRun(t, t.Context(), Options{Config: s.Config, Resume: true})

	other := runtest.Config(t, runtest.Profile(t))
	other.Accuracy.Seed = 9
	_, err = Run(t.Context(), Options{Config: other, WarmStart: []string{cold.Output.Dir}})
	var usage *config.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "another scale") {
		t.Errorf("another accuracy seed gives %v, want a refusal", err)
	}
	_, err = Run(t.Context(), Options{Config: runtest.Config(t, runtest.Profile(t)),
		WarmStart: []string{filepath.Join(t.TempDir(), "none")}})
	if !errors.As(err, &usage) {
		t.Errorf("a directory without a run gives %v, want wrong use", err)
	}
}

// TestRecall: a warm start scores and measures no network that the earlier run had
// scored or measured, and its trials are those of a run that computes everything.
func TestRecall(t *testing.T) {
	cold := runtest.Config(t, runtest.Profile(t))
	cold.Search.Evaluations = 24
	mustRun(t, t.Context(), Options{Config: cold})
	warm := runtest.Config(t, runtest.Profile(t))
	warm.Output.Measure, warm.Seed, warm.Search.Evaluations = 8, 2, 24
	var said []string
	o := work.Options{Workers: 2, Say: func(s string) { said = append(said, s) }}
	mustRun(t, t.Context(), Options{Options: o, Config: warm, WarmStart: []string{cold.Output.Dir}})
	find := func(pattern string) int {
		for _, s := range said {
			var n int
			if _, err := fmt.Sscanf(s, pattern, &n); err == nil {
				return n
			}
		}
		return 0
	}
	earlier, err := results.Load(cold.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	later, err := results.Load(warm.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	scored, measured := map[string]bool{}, map[string]float64{}
	before, after := runtest.Trials(t, earlier.Dir), runtest.Trials(t, later.Dir)
	for _, x := range before {
		scored[x.ArchID] = !x.Screened
	}
	for _, r := range earlier.Measured {
		measured[before[r.ID].ArchID] = r.MeasuredMs
	}
	again, same := 0, 0
	for _, x := range after {
		if !x.Screened && scored[x.ArchID] {
			again++
		}
	}
	for _, r := range later.Measured {
		if ms, ok := measured[after[r.ID].ArchID]; ok {
			same++
			if r.MeasuredMs != ms {
				t.Errorf("trial %d was measured again: %v ms, %v before", r.ID, r.MeasuredMs, ms)
			}
		}
	}
	if got := find("%d scores of earlier runs were used again"); got < again || again < len(later.Config.Search.Start) {
		t.Errorf("%d scores used again, %d networks were scored in both runs", got, again)
	}
	if got := find("an earlier run with the same profile measured %d network"); got != same {
		t.Errorf("%d measurements used again, %d networks were measured in both runs", got, same)
	}

	alone := later.Config
	alone.Output.Dir, alone.Output.Measure = filepath.Join(t.TempDir(), "alone"), 0
	mustRun(t, t.Context(), Options{Options: work.Options{Workers: 1}, Config: alone})
	for _, name := range []string{"trials.jsonl", "front.csv"} {
		if a, b := runtest.Read(t, warm.Output.Dir, name), runtest.Read(t, alone.Output.Dir, name); !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of a run which computed every score", name)
		}
	}
}
