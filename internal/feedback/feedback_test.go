package feedback

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/stat"
	"nas/search"
	"nas/space"
)

// TestAskTell trains networks by a made-up rule that the run's score does not
// know, and tells them: what was told stays with the run, the front moves towards
// the rule's, the run's own files stay, and no network is asked for twice.
func TestAskTell(t *testing.T) {
	c := runtest.Config(t, runtest.Profile(t))
	c.Search.Evaluations, c.Output.Measure = 60, 0
	c.Accuracy.Proxy = "depth"
	if _, err := run.Run(t.Context(), run.Options{Config: c}); err != nil {
		t.Fatal(err)
	}
	dir := c.Output.Dir
	trials, front := runtest.Read(t, dir, "trials.jsonl"), runtest.Read(t, dir, "front.csv")
	train := func(arch string) float64 { // more parameters at a given depth are better
		n, err := resolve.NetworkOf(arch)
		if err != nil {
			t.Fatal(err)
		}
		k := n.Counts()
		return 50 + 4*math.Log2(float64(k.Params)/5000)
	}
	table := func(asked []Asked) string {
		var b strings.Builder
		b.WriteString("id, arch, accuracy\n")
		for i, q := range asked {
			if i%2 == 0 {
				fmt.Fprintf(&b, "%d,,%.3f\n", q.ID, train(q.Arch))
			} else {
				fmt.Fprintf(&b, ",%s,%.3f %%\n", q.Arch, train(q.Arch))
			}
		}
		path := filepath.Join(t.TempDir(), "trained.csv")
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(b.String(), " %\n", "%\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ask := func(n int) []Asked {
		t.Helper()
		asked, err := Ask(dir, n)
		if err != nil {
			t.Fatal(err)
		}
		return asked
	}

	few := ask(3)
	for i := range few[1:] {
		if few[i].ExplainsPct < few[i+1].ExplainsPct {
			t.Errorf("network %d tells %v, the next one %v: want the most telling first", i, few[i].ExplainsPct, few[i+1].ExplainsPct)
		}
	}
	r, err := Tell(t.Context(), dir, table(few), evaluator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Refit || r.Trained != 3 || !strings.Contains(r.String(), "needs 5") {
		t.Errorf("after three networks: %s", r)
	}
	more := ask(17)
	for _, q := range more {
		if slices.ContainsFunc(few, func(p Asked) bool { return p.ArchID == q.ArchID }) {
			t.Errorf("trial %d is asked for twice", q.ID)
		}
	}
	if r, err = Tell(t.Context(), dir, table(more), evaluator.Options{}); err != nil {
		t.Fatal(err)
	}
	if !r.Refit || r.Trained != 20 || r.New != 17 || r.After != len(r.Front) || r.Kept+r.Joined != r.After || r.After == 0 {
		t.Fatalf("after twenty: %+v", r)
	}
	var told, truth []float64
	for _, m := range r.Front {
		told, truth = append(told, m.Accuracy), append(truth, train(m.Arch))
		if m.Trained != (m.Low == m.High) || m.Trained && math.Abs(m.Accuracy-train(m.Arch)) > 0.001 {
			t.Errorf("member %+v, the rule gives %v", m, train(m.Arch))
		}
	}
	if tau := stat.KendallTau(told, truth); tau < 0.6 {
		t.Errorf("tau of the re-ranked front with the rule is %v", tau)
	}
	// By the rule, the new front holds more than the one of the run's score.
	s, err := results.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	volume := func(archs []string, ms []float64) float64 {
		var points [][]float64
		for i, a := range archs {
			points = append(points, []float64{ms[i], -train(a)})
		}
		return search.Hypervolume(points, []float64{s.Manifest.Reference[0], 0})
	}
	var oldA, newA []string
	var oldMs, newMs []float64
	for _, x := range s.Front.Trials() {
		oldA, oldMs = append(oldA, x.Arch), append(oldMs, x.Objectives[runstore.KeyLatency])
	}
	for _, m := range r.Front {
		newA, newMs = append(newA, m.Arch), append(newMs, m.LatencyMs)
	}
	if a, b := volume(oldA, oldMs), volume(newA, newMs); b < a {
		t.Errorf("by the rule the old front holds %v, the new one %v", a, b)
	}
	if !bytes.Equal(trials, runtest.Read(t, dir, "trials.jsonl")) || !bytes.Equal(front, runtest.Read(t, dir, "front.csv")) {
		t.Error("telling changed the run's own files")
	}
	rows, err := runstore.ReadTrained(dir)
	if err != nil || len(rows) != 20 {
		t.Errorf("%d rows in %s (%v)", len(rows), runstore.TrainedFile, err)
	}
	runtest.Read(t, dir, runstore.RerankedFile)
}

func TestToldTableIsChecked(t *testing.T) {
	s := &results.Stored{Dir: t.TempDir(), Trials: 1}
	trial := runstore.AppendTrial(nil, &search.Trial{ArchID: "0"})
	if err := os.WriteFile(filepath.Join(s.Dir, runstore.TrialsFile), trial, 0o644); err != nil {
		t.Fatal(err)
	}
	const arch = "32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10"
	for text, want := range map[string]string{
		"":                            "want a table",
		"id,loss\n0,1\n":              "line 1: the columns are id,loss",
		"id,accuracy\n":               "no network",
		"id,accuracy\n0,\n":           "no network", // asked for, not trained
		"id,accuracy\n7,60\n":         `line 2, column 1: id "7"`,
		"id,accuracy\n0,160\n":        `line 2, column 2: accuracy "160"`,
		"arch,accuracy\nx|y,60\n":     "line 2, column 1: arch \"x|y\": space",
		"id,accuracy\n9,60\n0,many\n": `line 3, column 2: accuracy "many"`,
	} {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readTable(path, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v, want %q", text, err, want)
		}
	}
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte("Accuracy,arch,id\n61.5,"+arch+",\n62,,0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := space.Parse(arch)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readTable(path, s)
	want := []runstore.TrainedRow{{ID: -1, ArchID: a.ID(), Arch: arch, Accuracy: 61.5}, {ID: 0, ArchID: "0", Accuracy: 62}}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("rows are %+v (%v), want %+v", rows, err, want)
	}
	var usage *config.UsageError
	if _, err := Ask(t.TempDir(), 3); !errors.As(err, &usage) {
		t.Errorf("asking a directory without a run gives %v", err)
	}
}

// TestCondition: once a network is known, so is its twin, less the noise of
// training; one that has nothing to do with it stays as it was.
func TestCondition(t *testing.T) {
	u := unknown{covariance: [][]float64{{1, 1, 0}, {1, 1, 0}, {0, 0, 1}}}
	u.condition(0)
	left := 1 - 1/(1+trainedNoise)
	for i, want := range []float64{left, left, 1} {
		if got := u.covariance[i][i]; math.Abs(got-want) > 1e-12 {
			t.Errorf("variance %d is %v, want %v", i, got, want)
		}
	}
}

// TestChoose: the first choice explains most, a twin of it is worth little after that, and trained
// networks are never chosen.
func TestChoose(t *testing.T) {
	cov := func() [][]float64 { return [][]float64{{1, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}} }
	for _, c := range []struct {
		name    string
		weights []float64
		trained []bool
		n       int
		want    []int
	}{
		{"twins count together", []float64{0.6, 0.6, 1, 0.1}, make([]bool, 4), 3, []int{0, 2, 3}},
		{"trained are left out", []float64{0.6, 0.6, 1, 0.1}, []bool{true, true, false, false}, 4, []int{2, 3}},
		{"without weight", []float64{0, 0, 1, 0}, make([]bool, 4), 4, []int{2}},
		{"those with an index beyond the weights", []float64{0.1, 0.1}, make([]bool, 2), 1, []int{0}},
	} {
		u := unknown{cov(), c.weights, c.trained}
		before := u.variance()
		var got []int
		sum := 0.0
		for _, x := range u.choose(c.n) {
			got, sum = append(got, x.index), sum+x.gain
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: chosen %v, want %v", c.name, got, c.want)
		}
		if after := u.variance(); math.Abs(before-sum-after) > 1e-12 {
			t.Errorf("%s: the gains sum to %v, the variance fell from %v to %v", c.name, sum, before, after)
		}
	}
}

func TestCovariance(t *testing.T) {
	genes := []space.Genes{{0, 1, 2, 3}, {0, 1, 2, 9}, {5, 1, 2, 3}}
	live := [][]bool{{true, true, true, false}, {true, true, true, false}, {true, true, true, true}}
	k := covarianceOf(genes, live)
	for _, c := range []struct {
		i, j  int
		share float64 // of the genes that differ
	}{{0, 0, 0}, {0, 1, 0}, {1, 0, 0}, {0, 2, 0.5}, {2, 1, 0.5}} {
		if want := math.Exp(-c.share / lengthScale); math.Abs(k[c.i][c.j]-want) > 1e-12 {
			t.Errorf("covariance %d, %d is %v, want %v", c.i, c.j, k[c.i][c.j], want)
		}
	}
}
