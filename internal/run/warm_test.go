package run

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
)

// TestWarmStart: a second run begins with the first one's front, can be resumed
// without it, and refuses scores on another scale.
func TestWarmStart(t *testing.T) {
	cold := smoke(t, testProfile(t))
	cold.Output.Measure = 0
	first := mustRun(t, t.Context(), Options{Config: cold})

	warm := smoke(t, testProfile(t))
	warm.Output.Measure, warm.Seed, warm.Search.Evaluations = 0, 2, 12
	second := mustRun(t, t.Context(), Options{Config: warm, WarmStart: []string{cold.Output.Dir}})
	s, err := Load(warm.Output.Dir)
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
	for _, x := range trialsOf(t, s.Dir)[:n] {
		if !front[x.ArchID] {
			t.Errorf("trial %d (%s) is not of the earlier front", x.ID, x.ArchID)
		}
	}
	// The ends of the earlier front are among what was taken over.
	if second.Front[0].Latency > first.Front[0].Latency {
		t.Errorf("the fastest of the warm run needs %v ms, that of the run before %v", second.Front[0].Latency, first.Front[0].Latency)
	}
	mustRun(t, t.Context(), Options{Config: s.Config, Resume: true})

	other := smoke(t, testProfile(t))
	other.Accuracy.Seed = 9
	_, err = Run(t.Context(), Options{Config: other, WarmStart: []string{cold.Output.Dir}})
	var usage *config.UsageError
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "another scale") {
		t.Errorf("another accuracy seed gives %v, want a refusal", err)
	}
	_, err = Run(t.Context(), Options{Config: smoke(t, testProfile(t)), WarmStart: []string{filepath.Join(t.TempDir(), "none")}})
	if !errors.As(err, &usage) {
		t.Errorf("a directory without a run gives %v, want wrong use", err)
	}
}

// TestRecall: a warm start scores and measures no network that the earlier run had
// scored or measured, and its trials are those of a run that computes everything.
func TestRecall(t *testing.T) {
	cold := smoke(t, testProfile(t))
	cold.Search.Evaluations = 24
	mustRun(t, t.Context(), Options{Config: cold})
	warm := smoke(t, testProfile(t))
	warm.Output.Measure, warm.Seed, warm.Search.Evaluations = 8, 2, 24
	var said []string
	mustRun(t, t.Context(), Options{Config: warm, WarmStart: []string{cold.Output.Dir}, Workers: 2, Say: func(s string) { said = append(said, s) }})
	find := func(pattern string) int {
		for _, s := range said {
			var n int
			if _, err := fmt.Sscanf(s, pattern, &n); err == nil {
				return n
			}
		}
		return 0
	}
	earlier, err := Load(cold.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	later, err := Load(warm.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	scored, measured := map[string]bool{}, map[string]float64{}
	before, after := trialsOf(t, earlier.Dir), trialsOf(t, later.Dir)
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
	if got := find("%d networks of the front have been measured"); got != same {
		t.Errorf("%d measurements used again, %d networks were measured in both runs", got, same)
	}

	alone := later.Config
	alone.Output.Dir, alone.Output.Measure = filepath.Join(t.TempDir(), "alone"), 0
	mustRun(t, t.Context(), Options{Config: alone, Workers: 1})
	for _, name := range []string{"trials.jsonl", "front.csv"} {
		if a, b := read(t, warm.Output.Dir, name), read(t, alone.Output.Dir, name); !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of a run which computed every score", name)
		}
	}
}

func TestSeedSpread(t *testing.T) {
	// Hypervolumes up to (100, 0): 90*50 = 4500, 80*60 = 4800, and 5300 together.
	a := storedFront(t, [2]float64{10, 50})
	b := storedFront(t, [2]float64{20, 60})
	s, err := Spread([]*Stored{a, b, a})
	if err != nil {
		t.Fatal(err)
	}
	if s.Min != 4500 || s.Median != 4500 || s.Max != 4800 || s.Joint != 5300 || s.SurvivePct != 100 {
		t.Errorf("spread is %+v", s)
	}
	// storedFront numbers its networks from 0, so all three fronts are network "0".
	if s.OverlapPct != 100 {
		t.Errorf("overlap is %v %%", s.OverlapPct)
	}
	// The first front's 10 ms, 50 is dominated by the other's 9 ms, 55; none is shared.
	c := storedFront(t, [2]float64{500, 1}, [2]float64{9, 55})
	s, err = Spread([]*Stored{a, c})
	if err != nil {
		t.Fatal(err)
	}
	if s.OverlapPct != 0 || s.SurvivePct != 50 || math.Abs(s.Joint-91*55) > 1e-9 {
		t.Errorf("spread is %+v", s)
	}
	d := storedFront(t, [2]float64{10, 50})
	d.Manifest.ScaleID = "other"
	if _, err := Spread([]*Stored{a, d}); err == nil {
		t.Error("runs on different scales are compared")
	}
}
