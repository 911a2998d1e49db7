package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestValidateAccuracyOwnTable judges a score on a table of the user's, and draws it.
func TestValidateAccuracyOwnTable(t *testing.T) {
	dir := t.TempDir()
	table, plot := filepath.Join(dir, "own.csv"), filepath.Join(dir, "own.svg")
	write := func(text string) {
		if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("arch,accuracy\nmobilenet_v2,71.8\nmobilenet_v2@width=0.5,65.4\nmobilenet_v2@width=0.35,60.3\n")
	code, out, errs := nas(t, "validate", "accuracy", "--benchmark", table, "--proxy", "macs", "--plot", plot)
	if code != 0 || !strings.Contains(out, "3 networks") || !strings.Contains(out, "1.000") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	if _, err := os.Stat(plot); err != nil {
		t.Error(err)
	}
	scores := filepath.Join(dir, "scores.csv")
	code, out, errs = nas(t, "validate", "accuracy", "--benchmark", table, "--proxy", "imagenet", "--recipe", "strong",
		"--out", scores)
	if code != 0 || !strings.Contains(out, "mean error") || !strings.Contains(out, "bias +") {
		t.Errorf("exit %d, %s%s; want mean error and a bias above 0 of networks of an early recipe", code, out, errs)
	}
	if text, err := os.ReadFile(scores); err != nil || strings.Count(string(text), "\nmobilenet_v2") != 3 {
		t.Errorf("the scores are %s (%v), want a row for each network", text, err)
	}
	wantExit(t, exitUsage, "want one of base", "validate", "accuracy", "--benchmark", table, "--proxy", "imagenet",
		"--recipe", "early")
	write("arch,accuracy\nmobilenet_v2,\n")
	wantExit(t, exitUsage, "line 2", "validate", "accuracy", "--benchmark", table, "--proxy", "macs")
	wantExit(t, exitUsage, "FILE.csv", "validate", "accuracy", "--benchmark", "macros", "--proxy", "macs")
}

// TestValidateAccuracyOfFiles scores networks of another program, whose nodes carry no marks.
func TestValidateAccuracyOfFiles(t *testing.T) {
	table, err := filepath.Abs("../../blocks/onnx/testdata/cases/unmarked.csv")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(table))
	code, out, errs := nas(t, "validate", "accuracy", "--benchmark", table, "--proxy", "profile,macs", "--json")
	var v struct {
		Proxies map[string]struct {
			Tau float64 `json:"kendall_tau"`
		}
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
		t.Fatalf("exit %d, %v, %s%s", code, err, out, errs)
	}
	for _, p := range []string{"profile", "macs"} {
		if tau := v.Proxies[p].Tau; tau < 1 {
			t.Errorf("%s: tau is %v, want 1", p, tau)
		}
	}
}

// A share of 18 pairs says little without the pairs.
func TestValidateAccuracyListsPairs(t *testing.T) {
	args := []string{"validate", "accuracy", "--benchmark", "ablations", "--proxy", "imagenet,depth"}
	code, out, err := nas(t, args...)
	if code != 0 {
		t.Fatal(err)
	}
	for _, want := range []string{"gates 0 -> 17", "mobilenet_v2 -> mobilenet_v2_se", "+1.20",
		"gates 2 -> 2, in other blocks", "hswish -> relu",
		"imagenet, the pairs", "of 18 are in the right order; the published difference lies in the interval in ", "depth, the pairs",
		"0 of 18 are in the right order, 18 tied, which the share counts as half\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	_, out, _ = nas(t, append(args, "--json")...)
	var v struct {
		Proxies map[string]struct {
			List []struct {
				From, To, Differ, Order string
				Published, Estimated    float64
				Interval                *[2]float64
			} `json:"one_thing_pairs"`
		}
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	if l := v.Proxies["imagenet"].List; len(l) != 18 || l[0].Interval == nil || l[0].From == "" || l[0].Order == "" {
		t.Errorf("%d pairs: %+v", len(l), l)
	}
	if l := v.Proxies["depth"].List; len(l) != 18 || l[0].Interval != nil {
		t.Errorf("depth has no error of differences: %+v", l)
	}
}
