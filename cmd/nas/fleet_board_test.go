//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nas/internal/fleet"
)

// TestFleetARM64: a worker for arm64 beside one for this processor. It evaluates nothing, for its last digits would be
// others, and says so; it times the front, and the times stand under its own name and device (the emulator shows it the
// processor of the host). make test-arm64 runs this.
func TestFleetARM64(t *testing.T) {
	qemu := os.Getenv("NAS_QEMU")
	if qemu == "" {
		t.Skip("SKIPPED, no worker for arm64 took part in a fleet: NAS_QEMU=qemu-aarch64-static runs it, as make " +
			"test-arm64 does")
	}
	dir := t.TempDir()
	exe := filepath.Join(dir, "nas-arm64")
	build := exec.Command("go", "build", "-tags", "noserver", "-o", exe, ".")
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := func(name string) string {
		path := writeJobsConfig(t, filepath.Join(dir, name), 32)
		text := strings.NewReplacer("measure = 0", "measure = 2", "= 200\n", "= 60\n").
			Replace(string(readFile(t, dir, name+".toml")))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	wantExit(t, exitDone, "", "run", config("single"), "-q")

	s, err := fleet.Serve(t.TempDir(), "127.0.0.1:0", fleet.Access{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(true) })
	begin := func(c *exec.Cmd) *bytes.Buffer {
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill(); c.Wait() })
		return &out
	}
	// Versions are compared with those of evaluations: this test's program and the other have the same, or none.
	begin(exec.Command(qemu, exe, "worker", "--fleet", s.URL(), "--name", "board", "--measures", "--evaluates"))
	run := asProgram(t, "run", config("run"), "--fleet", s.URL(), "-q")
	said := begin(run)
	board := waitForWorker(t, s.URL(), "board")
	if !strings.Contains(board.Note, "last digits") {
		t.Errorf("the board says not why it evaluates nothing: %+v", board)
	}
	begin(asProgram(t, "worker", "--fleet", s.URL(), "--name", "desk"))
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, name := range []string{"trials.jsonl", "front.csv"} {
		if !bytes.Equal(readFile(t, dir, "single/"+name), readFile(t, dir, "run/"+name)) {
			t.Errorf("%s differs from that of a run of one process", name)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(readFile(t, dir, "run/measured-elsewhere.csv"))), "\n")
	if len(lines) != 3 {
		t.Fatalf("the table is %q", lines)
	}
	for _, line := range lines[1:] {
		if !strings.Contains(line, ",board,") || board.Device == "" || !strings.Contains(line, board.Device) {
			t.Errorf("%q is not of the board, %s", line, board.Device)
		}
	}
}

// waitForWorker waits until a worker takes part in a search.
func waitForWorker(t *testing.T, url, name string) fleet.WorkerStatus {
	t.Helper()
	for range 600 {
		if code, out, _ := nas(t, "fleet", "status", url, "--json"); code == exitDone {
			var status struct{ Workers []fleet.WorkerStatus }
			if err := json.Unmarshal([]byte(out), &status); err != nil {
				t.Fatal(err)
			}
			for _, w := range status.Workers {
				if w.Name == name {
					return w
				}
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
	t.Fatalf("worker %s takes part in nothing", name)
	return fleet.WorkerStatus{}
}
