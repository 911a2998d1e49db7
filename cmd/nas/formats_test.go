package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
)

// TestEarlierFormats reads what earlier versions wrote: a folder of samples each.
// What is expected was true when they were written.
func TestEarlierFormats(t *testing.T) {
	folders, err := filepath.Glob(filepath.Join("testdata", "formats", "v*"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, from := range folders {
		t.Run(filepath.Base(from), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			do := func(args ...string) string {
				t.Helper()
				code, out, stderr := nas(t, args...)
				if code != exitDone {
					t.Errorf("nas %s: %s", strings.Join(args, " "), stderr)
				}
				return out
			}
			run := filepath.Join(dir, "run")
			for _, file := range []string{"net.json", "net.toml", "net.onnx"} {
				arch := filepath.Join(dir, file)
				var v networkView
				err := json.Unmarshal([]byte(do("show", arch, "--json")), &v)
				if err != nil || v.Params != 6602 || v.MACs != 504640 {
					t.Errorf("%s: %d params, %d MACs (%v), want 6602 and 504640", arch, v.Params, v.MACs, err)
				}
			}
			do("export", filepath.Join(dir, "net.json"), "--weights", filepath.Join(dir, "net.safetensors"),
				"--format", "onnx", "--out", filepath.Join(dir, "again.onnx"))
			profile := filepath.Join(run, "profile.json")
			if out := do("predict", run+":3", "--profile", profile); !strings.Contains(out, "measurements on phone, 1 thread") {
				t.Errorf("predict says %s", out)
			}
			if out := do("show", run+":3"); !strings.Contains(out, "57f7c10186c0") {
				t.Errorf("trial 3 is %s", out)
			}
			if out := do("predict", run+":3", "--profile", profile, "--kernels"); !strings.Contains(out, "by themselves ") {
				t.Errorf("kernels without their sum: %s", out)
			}
			if out := do("pick", run); !strings.Contains(out, " ms, score ") {
				t.Errorf("pick gives figures without units: %s", out)
			}
			wantExit(t, exitDone, "f.svg: front of "+run, "plot", run, "--out", filepath.Join(dir, "f.svg"))
			do("ask", run, "-n", "2")
			do("plot", run, "--out", filepath.Join(dir, "front.svg"))
			do("plot", run, "--what", "hypervolume", "--out", filepath.Join(dir, "growth.svg"))
			do("report", run)
			for _, file := range []string{filepath.Join(dir, "config.toml"), filepath.Join(run, "config.toml")} {
				if _, err := config.Load(file, evaluator.Check); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
