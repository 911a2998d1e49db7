package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompare compares what can be without measuring: networks, shipped profiles, and runs for two devices.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	space := filepath.Join(dir, "space.toml")
	text, err := os.ReadFile("testdata/tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(space, text, 0o644); err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, profile := range []string{"pixel4", "s10"} {
		run := filepath.Join(dir, profile)
		if code, _, err := nas(t, "run", space, "--profile", profile, "--evaluations", "16", "--out", run); code != 0 {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	for _, c := range []struct {
		args []string
		keys string // of the JSON object
	}{
		{[]string{"mobilenet_v1", "proxyless_mobile", "pixel4", "pixel4-int8"}, "devices networks orders swaps"},
		{[]string{"mobilenet_v2", "pixel4", "pixel4-int8"}, "latency_ms of rows"},
		{[]string{"mobilenet_v2", "mobilenet_v1", "pixel4"}, "device latency_ms of rows"},
		{[]string{runs[0], "s10"}, "devices networks orders swaps"},
		{runs, "ahead_pct between device runs"},
	} {
		code, out, stderr := nas(t, append([]string{"compare", "--json"}, c.args...)...)
		v := map[string]any{}
		if err := json.Unmarshal([]byte(out), &v); err != nil || code != 0 {
			t.Errorf("%q: code %d, %v: %s", c.args, code, err, stderr)
		}
		for _, key := range strings.Fields(c.keys) {
			if v[key] == nil {
				t.Errorf("%q: the object has no %s: %.200s", c.args, key, out)
			}
		}
		if code, out, stderr := nas(t, append([]string{"compare"}, c.args...)...); code != 0 || out == "" {
			t.Errorf("%q: code %d: %s", c.args, code, stderr)
		}
	}
	_, out, _ := nas(t, "compare", "mobilenet_v1", "proxyless_mobile", "pixel4", "pixel4-int8")
	if !strings.Contains(out, "1 pair changes places") {
		t.Errorf("float32 and int8 put these two in different orders:\n%s", out)
	}
	picture := filepath.Join(dir, "compare.svg")
	if code, _, err := nas(t, "plot", runs[0], runs[1], "--what", "compare", "--out", picture); code != 0 {
		t.Error(err)
	}
	if svg, err := os.ReadFile(picture); err != nil || !strings.Contains(string(svg), "s10") {
		t.Errorf("%v: the picture does not name the second run", err)
	}
	for want, args := range map[string][]string{
		"want two or more":   {"mobilenet_v2"},
		"do not go together": {runs[0], "mobilenet_v2"},
		"nearest":            {"mobilnet_v2", "pixel4"},
	} {
		wantExit(t, exitUsage, want, append([]string{"compare"}, args...)...)
	}
}
