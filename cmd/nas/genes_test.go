package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/space"
)

// TestGenesAndNarrow looks at the genes of a run and narrows its space. The score of the run counts parameters, so
// that the activation is no more than noise in either value, and the narrowed config fixes it.
func TestGenesAndNarrow(t *testing.T) {
	dir := t.TempDir()
	table, profile := filepath.Join(dir, "phone.csv"), filepath.Join(dir, "phone.json")
	path, run := filepath.Join(dir, "space.toml"), filepath.Join(dir, "run")
	for file, text := range map[string]string{table: phoneTable, path: `name = "few"
[space]
input   = [32, 32, 3]
classes = 10
width   = [0.5, 1.0]
[[space.stage]]
block      = ["ds", "mbconv"]
channels   = [16, 32]
stride     = 2
depth      = [1, 2, 3]
kernel     = [3, 5]
activation = ["relu", "relu6"]
[accuracy]
proxy = "params"
[search]
objectives = ["macs", "accuracy"]
algorithm = "random"
[output]
measure = 0
export  = []
`} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"calibrate", "--from", table, "--out", profile},
		{"run", path, "--profile", profile, "--evaluations", "150", "--out", run},
		{"plot", run, "--what", "importance", "--out", filepath.Join(dir, "importance.svg")},
	} {
		if code, _, err := nas(t, args...); code != 0 {
			t.Fatalf("nas %s: code %d, %s", strings.Join(args, " "), code, err)
		}
	}
	code, out, _ := nas(t, "genes", run, "--json")
	var v struct {
		Objectives []struct {
			Value string
			Genes []struct {
				Gene  string
				Total struct{ Pct float64 }
				Noise bool
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 || len(v.Objectives) != 2 {
		t.Fatalf("code %d, %v: %s", code, err, out)
	}
	for _, o := range v.Objectives {
		for _, g := range o.Genes {
			if g.Noise != (g.Gene == "stage[1].activation") {
				t.Errorf("%s: noise is %v of %s, total %v", o.Value, g.Noise, g.Gene, g.Total.Pct)
			}
		}
	}
	narrow := filepath.Join(dir, "narrow.toml")
	if code, _, err := nas(t, "space", path, "--narrow", run, "--out", narrow); code != 0 {
		t.Fatal(err)
	}
	text, err := os.ReadFile(narrow)
	if err != nil {
		t.Fatal(err)
	}
	_, reason, _ := strings.Cut(string(text), "# without ")
	if !strings.Contains(string(text), "narrowed by what "+run+" showed") ||
		!strings.Contains(reason, "no more than noise") {
		t.Errorf("the config does not say why:\n%s", text)
	}
	c, err := config.Load(narrow)
	if err != nil {
		t.Fatal(err)
	}
	s, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range s.Genes() {
		if g.Key == "activation" {
			t.Errorf("%s is still a gene", g.Name)
		}
	}
	wantExit(t, exitUsage, "searched another space", "space", "testdata/tiny.toml", "--narrow", run)
	wantExit(t, exitUsage, "--narrow", "space", path, "--out", narrow)
	wantExit(t, exitUsage, "holds no run", "genes", dir)
	wantExit(t, exitUsage, "want the directory of one run", "genes")
}
