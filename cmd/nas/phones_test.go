package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// phoneRun is a config without an entry for the profiles that its objectives name.
const phoneRun = `
[space]
input   = [224, 224, 3]
classes = 1000
[[space.stage]]
channels = [16, 24]
stride   = 2
depth    = [1, 2]
[[space.stage]]
channels = [32, 64]
stride   = 2
depth    = [1, 3]
[[space.stage]]
channels = [96, 160]
stride   = 4
[accuracy]
proxy = "macs"
[search]
objectives  = ["latency@pixel4", "latency@pixel4-int8", "accuracy"]
evaluations = 24
population  = 8
[output]
export = []
`

// TestFrontOfTwoPhones searches for float32 and int8 of a phone at once.
func TestFrontOfTwoPhones(t *testing.T) {
	dir := t.TempDir()
	config, run := filepath.Join(dir, "two.toml"), filepath.Join(dir, "two")
	if err := os.WriteFile(config, []byte(phoneRun), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := nas(t, "run", config, "--out", run, "--quiet")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	if !strings.Contains(stdout, "pixel4-int8") {
		t.Errorf("the table of the front has no column for the second device:\n%s", stdout)
	}
	picture := filepath.Join(dir, "front.svg")
	if code, _, stderr := nas(t, "plot", run, "--out", picture); code != 0 {
		t.Fatalf("plot: exit %d: %s", code, stderr)
	}
	for file, wants := range map[string][]string{
		filepath.Join(run, "config.toml"): {`"pixel4" = "pixel4"`, `"pixel4-int8" = "pixel4-int8"`},
		filepath.Join(run, "front.csv"):   {",latency_ms@pixel4-int8,latency_ms@pixel4-int8_low,"},
		filepath.Join(run, "report.html"): {"latency on TFLite on Pixel 4 (Snapdragon 855), its largest core, 1 thread, int8, ms"},
		filepath.Join(run, "front.svg"):   {"largest core, 1 thread, int8", "stands once for"},
		picture:                           {"largest core, 1 thread, int8", "stands once for"},
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range wants {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s has no %q", filepath.Base(file), want)
			}
		}
	}
	if code, _, stderr := nas(t, "run", config, "--out", run, "--resume", "--quiet"); code != 0 {
		t.Errorf("resume: exit %d: %s", code, stderr)
	}
}

func TestUnknownPhoneIsRefused(t *testing.T) {
	config := filepath.Join(t.TempDir(), "x.toml")
	text := strings.Replace(phoneRun, "latency@pixel4\"", "latency@pixel44\"", 1)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := nas(t, "run", config, "--out", filepath.Join(t.TempDir(), "out"))
	if code != 2 || !strings.Contains(stderr, `search.objectives[1] = "latency@pixel44"`) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// TestDeviceList wants every shipped profile with its error, and takes one of them.
func TestDeviceList(t *testing.T) {
	code, stdout, stderr := nas(t, "device", "list", "--json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	var list struct{ Devices []listedDevice }
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		t.Fatal(err)
	}
	phones := 0
	for _, d := range list.Devices {
		if d.Kind == "shipped" && d.Error > 0 && d.Error < 6 && d.Networks != "" && strings.Contains(d.Source, "MIT") {
			phones++
		}
	}
	if phones < 12 {
		t.Errorf("%d profiles of phones with an error and a source", phones)
	}
	code, stdout, stderr = nas(t, "predict", "mobilenet_v2", "--profile", "s10")
	if code != 0 || !strings.Contains(stdout, "Galaxy S10") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}
