package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nas/latency"
)

// The static binary for arm64 on a board without HOME, that may write no file:
// the profile goes to standard output. make test-arm64 runs this.
func TestCalibratesOnABoard(t *testing.T) {
	qemu := os.Getenv("NAS_QEMU")
	if qemu == "" {
		t.Skip("SKIPPED, the static binary for arm64 was not tried: NAS_QEMU=qemu-aarch64-static runs it, " +
			"as make test-arm64 does")
	}
	qemu, err := exec.LookPath(qemu)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	exe := filepath.Join(dir, "nas")
	build := exec.Command("go", "build", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	space, err := filepath.Abs("testdata/tiny.toml")
	if err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	run := exec.Command("sh", "-c", `ulimit -f 0; exec "$@"`, "sh", qemu, exe, "calibrate", "--space", space,
		"--budget", "5s", "--accept-busy", "--quiet", "--out", "-")
	run.Dir, run.Env = empty, []string{"TMPDIR=" + empty}
	var stdout, stderr bytes.Buffer
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	p, err := latency.Read(&stdout, "standard output")
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Units) == 0 || len(p.HeldOut) == 0 || p.Facts.Arch != "arm64" || p.Device.Target.ISA != "neon" {
		t.Errorf("%d units, %d held out, %+v", len(p.Units), len(p.HeldOut), p.Facts)
	}
	if files, _ := os.ReadDir(empty); len(files) > 0 {
		t.Errorf("it left %v behind", files)
	}
	// Without --out it has nowhere to put the profile, and says so before it measures.
	lost := exec.Command(qemu, exe, "calibrate", "--budget", "10s")
	lost.Dir, lost.Env = empty, []string{}
	if out, err := lost.CombinedOutput(); err == nil || !strings.Contains(string(out), "--out") {
		t.Errorf("no HOME, no --out: %v\n%s", err, out)
	}
}
