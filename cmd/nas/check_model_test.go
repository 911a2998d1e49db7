package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckModel gives each verdict its exit code, without a device: predicted from a profile.
func TestCheckModel(t *testing.T) {
	dir := t.TempDir()
	table, profile := filepath.Join(dir, "phone.csv"), filepath.Join(dir, "phone.json")
	if err := os.WriteFile(table, []byte(phoneTable), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, err := nas(t, "calibrate", "--from", table, "--out", profile); code != 0 {
		t.Fatal(err)
	}
	for _, c := range []struct {
		model, against, verdict string
		code                    int
	}{
		{"mobilenet_v2", "mobilenet_v2", "same", exitDone},
		{"mobilenet_v2", "mobilenet_v2@width=0.35", "slower", exitFailed},
		{"mobilenet_v2@width=0.35", "mobilenet_v2", "faster", exitDone},
		{"mobilenet_v2@width=0.75", "mobilenet_v1@width=0.75", "undecided", exitUndecided},
	} {
		code, out, _ := nas(t, "check", c.model, "--against", c.against, "--profile", profile, "--json")
		var v struct {
			Verdict          string
			Ratio, Low, High float64
		}
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			t.Fatal(err)
		}
		if code != c.code || v.Verdict != c.verdict || !(v.Low <= v.Ratio && v.Ratio <= v.High) {
			t.Errorf("%s against %s: code %d, %+v; want %d and %s", c.model, c.against, code, v, c.code, c.verdict)
		}
	}
}

// TestBaseline: a baseline keeps the network that it was made of, and is not written over another file.
func TestBaseline(t *testing.T) {
	dir := t.TempDir()
	baseline, network, profile := filepath.Join(dir, "baseline.json"), filepath.Join(dir, "net.json"), "pixel4-int8"
	const small = "mobilenet_v2@width=0.35,res=96"
	wantExit(t, exitUsage, "--update writes it", "check", small, "--against", baseline)
	code, out, err := nas(t, "check", small, "--against", baseline, "--update")
	if code != 0 || !strings.Contains(out, small) {
		t.Fatalf("code %d: %s%s", code, out, err)
	}
	if code, out, err := nas(t, "check", small, "--against", baseline, "--profile", profile); code != 0 ||
		!strings.Contains(out, "as fast as "+small+" of "+baseline) {
		t.Errorf("code %d: %s%s", code, out, err)
	}
	wantExit(t, exitFailed, "is slower than", "check", "mobilenet_v2", "--against", baseline, "--profile", profile)
	if code, _, err := nas(t, "export", small, "--format", "json", "--out", network); code != 0 {
		t.Fatal(err)
	}
	if code, _, err := nas(t, "check", small, "--against", network, "--profile", profile); code != 0 {
		t.Errorf("against a network file: code %d: %s", code, err)
	}
	wantExit(t, exitUsage, "is no baseline", "check", small, "--against", network, "--update")
	text, e := os.ReadFile(baseline)
	if e != nil {
		t.Fatal(e)
	}
	for want, damaged := range map[string]string{
		"has the format 9": strings.Replace(string(text), `"format": 1`, `"format": 9`, 1),
		"no baseline":      strings.Replace(string(text), `"median_ms": `, `"median_ms": "x`+"\",\n\"y\": ", 1),
	} {
		if err := os.WriteFile(baseline, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		wantExit(t, exitUsage, want, "check", small, "--against", baseline, "--profile", profile)
	}
	for want, args := range map[string][]string{
		"a model is checked with --against": {small},
		"--update is for a model":           {"testdata/tiny.toml", "--update"},
		"--tolerance 0":                     {small, "--against", small, "--tolerance", "0"},
		"--budget -1s":                      {small, "--against", small, "--budget", "-1s"},
		"choose one":                        {small, "--against", baseline, "--update", "--profile", profile},
		"want a file that ends in .json":    {small, "--against", small, "--update"},
		"checked with one":                  {small, "--against", small, "--profile", profile, "--profile", profile},
	} {
		wantExit(t, exitUsage, want, append([]string{"check"}, args...)...)
	}
}
