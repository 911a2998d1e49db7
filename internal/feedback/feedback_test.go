package feedback

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/stat"
	"nas/internal/view"
	"nas/internal/work"
	"nas/search"
)

// byRule is the accuracy that the tests train a network to: by a rule that the score of the run,
// its depth, does not know. More parameters at a given depth are better.
func byRule(t *testing.T, arch string) float64 {
	t.Helper()
	n, err := resolve.NetworkOf(arch)
	if err != nil {
		t.Fatal(err)
	}
	return 50 + 4*math.Log2(float64(n.Counts().Params)/5000)
}

// tableOf is a table of networks that were trained, by turns named by their id and by their arch.
func tableOf(t *testing.T, asked []Asked) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id, arch, accuracy\n")
	for i, q := range asked {
		if i%2 == 0 {
			fmt.Fprintf(&b, "%d,,%.3f\n", q.ID, byRule(t, q.Arch))
		} else {
			fmt.Fprintf(&b, ",%s,%.3f%%\n", q.Arch, byRule(t, q.Arch))
		}
	}
	path := filepath.Join(t.TempDir(), "trained.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustAsk(t *testing.T, dir string, n int) []Asked {
	t.Helper()
	asked, err := Ask(dir, n)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// TestAskTell trains networks of a run and tells them: what was told stays with the run, the front moves
// towards the rule's, the run's own files stay, and no network is asked for twice.
func TestAskTell(t *testing.T) {
	c := runtest.Config(t, runtest.Profile(t))
	c.Search.Evaluations, c.Output.Measure = 60, 0
	c.Accuracy.Proxy = "depth"
	if _, err := run.Run(t.Context(), run.Options{Config: c}); err != nil {
		t.Fatal(err)
	}
	dir := c.Output.Dir
	trials, front := runtest.Read(t, dir, "trials.jsonl"), runtest.Read(t, dir, "front.csv")

	first := mustAsk(t, dir, 3)
	for i := range first[1:] {
		if a, b := first[i].ExplainsPct, first[i+1].ExplainsPct; a < b {
			t.Errorf("network %d explains %v, the next one %v: want the most informative first", i, a, b)
		}
	}
	r, err := Tell(t.Context(), dir, tableOf(t, first), work.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Refit || r.Trained != 3 || !strings.Contains(r.String(), "needs 5") {
		t.Errorf("after three networks: %s", r)
	}

	s, err := results.LoadTold(dir)
	if err != nil || s.Told == nil || s.Told.Ranked != 0 {
		t.Errorf("three networks rank the run anew: %+v, %v", s.Told, err)
	}

	more := mustAsk(t, dir, 17)
	for _, q := range more {
		if slices.ContainsFunc(first, func(p Asked) bool { return p.ArchID == q.ArchID }) {
			t.Errorf("trial %d is asked for twice", q.ID)
		}
	}
	if r, err = Tell(t.Context(), dir, tableOf(t, more), work.Options{}); err != nil {
		t.Fatal(err)
	}
	if !r.Refit || r.Trained != 20 || r.New != 17 {
		t.Fatalf("after twenty: %+v", r)
	}
	if r.After != len(r.Front) || r.Kept+r.Joined != r.After || r.After == 0 {
		t.Errorf("%d members, of which %d are kept and %d join; the front has %d", r.After, r.Kept, r.Joined, len(r.Front))
	}
	checkFront(t, dir, r)
	if !bytes.Equal(trials, runtest.Read(t, dir, "trials.jsonl")) {
		t.Error("telling changed the trials")
	}
	checkBoth(t, front, runtest.Read(t, dir, "front.csv"))
	checkTold(t, dir, r)
	rows, err := runstore.ReadTrained(dir)
	if err != nil || len(rows) != 20 {
		t.Errorf("%d rows in %s (%v)", len(rows), runstore.TrainedFile, err)
	}
	runtest.Read(t, dir, runstore.RerankedFile)
}

// checkFront wants the new front to agree with the rule, and to hold more by it than the one of the
// run's score.
func checkFront(t *testing.T, dir string, r *Rerank) {
	t.Helper()
	s, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ranked, truth []float64
	var before, after [][]float64 // (latency, -accuracy) by the rule
	for _, x := range s.Front.Trials() {
		before = append(before, []float64{x.Objectives[runstore.KeyLatency], -byRule(t, x.Arch)})
	}
	for _, m := range r.Front {
		want := byRule(t, m.Arch)
		if m.Trained != (m.Low == m.High) || m.Trained && math.Abs(m.Accuracy-want) > 0.001 {
			t.Errorf("member %+v, the rule gives %v", m, want)
		}
		ranked, truth = append(ranked, m.Accuracy), append(truth, want)
		after = append(after, []float64{m.LatencyMs, -want})
	}
	if tau := stat.KendallTau(ranked, truth); tau < 0.6 {
		t.Errorf("tau of the re-ranked front with the rule is %v", tau)
	}
	ref := []float64{s.Manifest.Reference[0], 0}
	if a, b := search.Hypervolume(before, ref), search.Hypervolume(after, ref); b < a {
		t.Errorf("by the rule the old front holds %v, the new one %v", a, b)
	}
}

// checkBoth wants a front.csv with its lines as they were, and behind them the trained accuracies.
func checkBoth(t *testing.T, before, after []byte) {
	t.Helper()
	old, both := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	if len(old) != len(both) || both[0] != old[0]+",accuracy_trained" {
		t.Fatalf("front.csv has %d lines, want %d; its head is %s", len(both), len(old), both[0])
	}
	trained := 0
	for i, line := range both[1:] {
		rest, ok := strings.CutPrefix(line, old[i+1])
		if !ok {
			t.Errorf("line %d is %s, want %s and more", i+2, line, old[i+1])
		}
		if len(rest) > 1 {
			trained++
		}
	}
	if trained == 0 {
		t.Error("no member of the front has a trained accuracy")
	}
}

// checkTold wants the run as pick, plot and report see it: by what was told.
func checkTold(t *testing.T, dir string, r *Rerank) {
	t.Helper()
	s, err := results.LoadTold(dir)
	if err != nil {
		t.Fatal(err)
	}
	front := s.Front.Trials()
	if len(front) != len(r.Front) {
		t.Fatalf("%d members, want %d", len(front), len(r.Front))
	}
	for i := range front {
		if front[i].ID != r.Front[i].ID || front[i].Objectives[runstore.KeyAccuracy] != r.Front[i].Accuracy {
			t.Errorf("member %d is %v, want %v", i, front[i], r.Front[i])
		}
	}
	picked, err := s.Pick(results.ByHypervolume{N: len(front)})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range picked {
		want := "(by the surrogate of trained networks"
		if slices.ContainsFunc(r.Front, func(m Member) bool { return m.ID == p.ID && m.Trained }) {
			want = "(trained"
		}
		if !strings.Contains(p.Why, want) {
			t.Errorf("trial %d was picked because %s, want %s", p.ID, p.Why, want)
		}
	}
	page, err := view.Page(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	says := func(n string) bool { return strings.Contains(n, "Accuracy is that of training") }
	if !slices.ContainsFunc(page.Fronts.Notes, says) {
		t.Errorf("the notes do not say whose accuracy it is: %q", page.Fronts.Notes)
	}
	if page.Trials.Len() != r.Candidates {
		t.Errorf("%d trials are shown, want %d", page.Trials.Len(), r.Candidates)
	}
}
