package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSplitSpecs(t *testing.T) {
	for in, want := range map[string][]string{
		"":                                 nil,
		"macs":                             {"macs"},
		" macs , rankmean(naswot,depth),a": {"macs", "rankmean(naswot,depth)", "a"},
		"rankmean(a,b":                     {"rankmean(a,b"},
		"a,,b":                             {"a", "b"},
	} {
		if got := splitSpecs(in); !reflect.DeepEqual(got, want) {
			t.Errorf("splitSpecs(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShellWord(t *testing.T) {
	for path, want := range map[string]string{
		"results/a/config.toml": "results/a/config.toml", "a b/c": "'a b/c'",
		"-x/c": "./-x/c", "it's": `'it'\''s'`, "$HOME": "'$HOME'",
	} {
		if got := shellWord(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestReadArchs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archs.txt")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("# two networks\nmobilenet_v2\n\n  " + tinyArch + "\n")
	nets, err := readArchs(path)
	if err != nil || len(nets) != 2 || nets[0].Name != "mobilenet_v2" {
		t.Errorf("%d networks, %v", len(nets), err)
	}
	write("mobilenet_v2\nmobilnet\n")
	if _, err := readArchs(path); err == nil || !strings.Contains(err.Error(), "archs.txt:2: ") {
		t.Errorf("error %v, want one with the line", err)
	}
	write("# none\n")
	if _, err := readArchs(path); err == nil || !strings.Contains(err.Error(), "lists no network") {
		t.Errorf("error %v", err)
	}
}

// phoneTable is a table of measurements for nas calibrate --from.
const phoneTable = "network,ms\nmobilenet_v1,30\nmobilenet_v2,20\nmobilenet_v3_large,16\nmobilenet_v3_small,6\n" +
	"mobilenet_v2@width=0.5,8\n"

func TestProfileFromATable(t *testing.T) {
	dir := t.TempDir()
	table, out := filepath.Join(dir, "phone.csv"), filepath.Join(dir, "phone.json")
	if err := os.WriteFile(table, []byte(phoneTable), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, err := nas(t, "calibrate", "--from", table, "--out", out); code != 0 {
		t.Fatal(err)
	}
	_, text, _ := nas(t, "predict", "mobilenet_v2@width=0.75", "--profile", out, "--json")
	var e struct {
		Device    string  `json:"device"`
		LatencyMs float64 `json:"latency_ms"`
		LowMs     float64 `json:"low_ms"`
		HighMs    float64 `json:"high_ms"`
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	if e.Device != "measurements on phone, 1 thread" || e.LatencyMs < 8 || e.LatencyMs > 20 || e.LowMs >= e.LatencyMs ||
		e.HighMs <= e.LatencyMs {
		t.Errorf("between 8 ms and 20 ms it predicts %+v", e)
	}
	wantExit(t, exitUsage, "this machine cannot check", "validate", "latency", "--profile", out,
		"--space", "testdata/tiny.toml")
	for want, args := range map[string][]string{
		"--out is missing":      {"--from", table},
		"say which with --base": {"--measurements", table, "--out", out},
		"exclude each other":    {"--measurements", table, "--from", table, "--out", out},
		"--device nowhere":      {"--device", "nowhere"},
	} {
		wantExit(t, exitUsage, want, append([]string{"calibrate"}, args...)...)
	}
}

// The whole chain on a space of 20 networks: run, resume, plot, report, and the
// commands that name a trial.
func TestRunPlotReport(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates for some seconds")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "tiny")
	args := []string{"run", "testdata/tiny.toml", "--out", dir, "--evaluations", "20", "--seed", "7"}
	code, out, err := nas(t, args...)
	if code != 0 {
		t.Fatalf("code %d: %s", code, err)
	}
	if !strings.Contains(out, "on the front") || !strings.Contains(err, "calibrat") {
		t.Errorf("stdout %q, stderr %q", out, err)
	}
	trials, e := os.ReadFile(filepath.Join(dir, "trials.jsonl"))
	if e != nil {
		t.Fatal(e)
	}
	wantExit(t, exitUsage, "--resume", args...)
	if code, _, err := nas(t, append(args, "--resume", "--quiet")...); code != 0 || err != "" {
		t.Errorf("resumed: code %d, stderr %q", code, err)
	}
	if again, _ := os.ReadFile(filepath.Join(dir, "trials.jsonl")); !bytes.Equal(again, trials) {
		t.Error("resuming a finished run changed its trials")
	}
	page := filepath.Join(dir, "page.html")
	for _, args := range [][]string{
		{"plot", dir, "--out", filepath.Join(dir, "x.pdf")},
		{"plot", dir, dir, "--out", filepath.Join(dir, "two.svg")},
		{"plot", dir, "--what", "genes", "--out", filepath.Join(dir, "genes.png")},
		{"plot", dir, dir, "--what", "hypervolume", "--out", filepath.Join(dir, "h.png")},
		{"report", dir, "--out", page},
		{"show", dir + ":0"},
		{"predict", dir + ":1", "--profile", filepath.Join(dir, "profile.json"), "--kernels", "--plot", filepath.Join(dir, "b.svg")},
	} {
		if code, _, err := nas(t, args...); code != 0 {
			t.Errorf("nas %s: code %d, %s", strings.Join(args, " "), code, err)
		}
	}
	if b, e := os.ReadFile(page); e != nil || !bytes.Contains(b, []byte("Members of the front")) {
		t.Errorf("no report: %v", e)
	}
	wantExit(t, exitUsage, "hypervolume", "plot", dir, "--what", "nothing", "--out", "x.svg")
	wantExit(t, exitUsage, "holds no run", "plot", t.TempDir(), "--out", "x.svg")
}

func TestExportsInShort(t *testing.T) {
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{"r/export/fastest.onnx", "r/export/fastest.toml", "r/export/knee.onnx", "r/export/knee.toml"}, "fastest, knee; each as .onnx .toml"},
		{[]string{"r/export/fastest.py", "r/export/fastest.safetensors"}, "fastest; each as .py .safetensors"},
		{[]string{"r/a.toml", "r/b.json"}, "r/a.toml, r/b.json"},
	} {
		if got := exports(c.files); got != c.want {
			t.Errorf("%v: %q, want %q", c.files, got, c.want)
		}
	}
}
