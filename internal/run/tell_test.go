package run

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

	"nas/internal/runstore"
	"nas/internal/stat"
	"nas/search"
	"nas/space"
)

// TestAskTell trains networks by a made-up rule that the run's score does not
// know, and tells them: what was told stays with the run, the front moves towards
// the rule's, the run's own files stay, and no network is asked for twice.
func TestAskTell(t *testing.T) {
	c := smoke(t, testProfile(t))
	c.Search.Evaluations, c.Output.Measure = 60, 0
	c.Accuracy.Proxy = "depth"
	mustRun(t, t.Context(), Options{Config: c})
	dir := c.Output.Dir
	trials, front := read(t, dir, "trials.jsonl"), read(t, dir, "front.csv")
	train := func(arch string) float64 { // more parameters at a given depth are better
		n, err := networkOf(arch)
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
		if few[i].Explains < few[i+1].Explains {
			t.Errorf("network %d tells %v, the next one %v: want the most telling first", i, few[i].Explains, few[i+1].Explains)
		}
	}
	r, err := Tell(t.Context(), dir, table(few), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Refit || r.Told != 3 || !strings.Contains(r.String(), "needs 5") {
		t.Errorf("after three networks: %s", r)
	}
	more := ask(17)
	for _, q := range more {
		if slices.ContainsFunc(few, func(p Asked) bool { return p.ArchID == q.ArchID }) {
			t.Errorf("trial %d is asked for twice", q.ID)
		}
	}
	if r, err = Tell(t.Context(), dir, table(more), Options{}); err != nil {
		t.Fatal(err)
	}
	if !r.Refit || r.Told != 20 || r.New != 17 || r.After != len(r.Front) || r.Kept+r.Joined != r.After || r.After == 0 {
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
	s, err := Load(dir)
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
		oldA, oldMs = append(oldA, x.Arch), append(oldMs, x.Objectives[keyLatency])
	}
	for _, m := range r.Front {
		newA, newMs = append(newA, m.Arch), append(newMs, m.LatencyMs)
	}
	if a, b := volume(oldA, oldMs), volume(newA, newMs); b < a {
		t.Errorf("by the rule the old front holds %v, the new one %v", a, b)
	}
	if !bytes.Equal(trials, read(t, dir, "trials.jsonl")) || !bytes.Equal(front, read(t, dir, "front.csv")) {
		t.Error("telling changed the run's own files")
	}
	rows, err := runstore.ReadTold(dir)
	if err != nil || len(rows) != 20 {
		t.Errorf("%d rows in %s (%v)", len(rows), runstore.ToldFile, err)
	}
	read(t, dir, runstore.ToldFrontFile)
}

func TestToldTableIsChecked(t *testing.T) {
	s := storedFront(t, [2]float64{10, 50})
	s.Dir, s.Trials = trialFile(t, s.Front.Trials()...), 1
	const arch = "32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10"
	for text, want := range map[string]string{
		"":                            "want a table",
		"id,loss\n0,1\n":              "line 1: the columns are id,loss",
		"id,accuracy\n":               "no network",
		"id,accuracy\n0,\n":           "no network", // asked for, not trained
		"id,accuracy\n7,60\n":         `line 2: id "7"`,
		"id,accuracy\n0,160\n":        `line 2: accuracy "160"`,
		"arch,accuracy\nx|y,60\n":     "line 2: space",
		"id,accuracy\n9,60\n0,many\n": `line 3: accuracy "many"`,
	} {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readTold(path, s); err == nil || !strings.Contains(err.Error(), want) {
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
	rows, err := readTold(path, s)
	want := []runstore.ToldRow{{ID: -1, ArchID: a.ID(), Arch: arch, Accuracy: 61.5}, {ID: 0, ArchID: "0", Accuracy: 62}}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("rows are %+v (%v), want %+v", rows, err, want)
	}
	var usage *UsageError
	if _, err := Ask(t.TempDir(), 3); !errors.As(err, &usage) {
		t.Errorf("asking a directory without a run gives %v", err)
	}
}

// TestCondition: once a network is known, so is its twin, less the noise of
// training; one that has nothing to do with it stays as it was.
func TestCondition(t *testing.T) {
	k := [][]float64{{1, 1, 0}, {1, 1, 0}, {0, 0, 1}}
	condition(k, 0)
	left := 1 - 1/(1+askNoise)
	for i, want := range []float64{left, left, 1} {
		if math.Abs(k[i][i]-want) > 1e-12 {
			t.Errorf("variance %d is %v, want %v", i, k[i][i], want)
		}
	}
}
