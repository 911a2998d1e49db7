//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"

	"nas/internal/fleet"
	"nas/latency"
	"nas/latency/native"
)

// TestCalibrateFleet: the device of a worker in another process is calibrated there, and the profile is its own.
func TestCalibrateFleet(t *testing.T) {
	if testing.Short() {
		t.Skip("a calibration takes seconds of an idle machine")
	}
	s, err := fleet.Serve(t.TempDir(), "127.0.0.1:0", fleet.Access{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(true) })
	worker := asProgram(t, "worker", "--fleet", s.URL(), "--name", "pixel7", "--measures", "--threads", "1")
	var said bytes.Buffer
	worker.Stdout, worker.Stderr = &said, &said
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { worker.Process.Kill(); worker.Wait() })
	out := filepath.Join(t.TempDir(), "pixel7.json")
	code, stdout, stderr := nas(t, "calibrate", "--fleet", s.URL(), "--device", "pixel7", "--space", "testdata/tiny.toml",
		"--budget", "4s", "--accept-busy", "--out", out, "--json", "-q")
	if code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var v struct{ Profile, Device string }
	if err := json.Unmarshal([]byte(stdout), &v); err != nil || v.Profile != out {
		t.Errorf("%v, %s", err, stdout)
	}
	p, err := latency.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Matches(native.New(1)); err != nil || v.Device != p.Device.String() || len(p.HeldOut) == 0 {
		t.Errorf("%v; the profile of %s has %d networks", err, p.Device, len(p.HeldOut))
	}
	wantExit(t, exitUsage, "--device pixel7", "calibrate", "--fleet", s.URL())
	wantExit(t, exitUsage, "are the worker's", "calibrate", "--fleet", s.URL(), "--device", "pixel7", "--threads", "2")
	wantExit(t, exitUsage, "are for --fleet", "calibrate", "--token-file", "token")
	wantExit(t, exitUsage, "a worker calibrates anew", "calibrate", "--fleet", s.URL(), "--device", "x", "--base", out)
}
