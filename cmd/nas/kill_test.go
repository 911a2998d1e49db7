//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestKill kills the program with SIGKILL at many instants of a run, resumes it,
// and holds trials.jsonl and front.csv to the bytes of a run never killed. It
// takes minutes: NAS_KILL says how often to kill, and make test-kill sets it.
//
// The instants are spread over what a run does rather than over the clock, so
// that they mean the same on a busy machine: the first tenth falls before the
// first trial is stored, the last tenth after the last one, the others at
// evenly spaced lengths of trials.jsonl plus up to two milliseconds. Every fifth
// resumed run is killed once more.
func TestKill(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("NAS_KILL"))
	if err != nil || kills < 1 {
		t.Skip("NAS_KILL is not set: make test-kill runs this")
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "nas")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	config := []string{"../../configs/smoke.toml", "--evaluations", "400"}
	k := &killer{t: t, binary: binary, config: config, cache: filepath.Join(dir, "cache")}
	whole := filepath.Join(dir, "whole")
	began := time.Now()
	k.finish(whole, 1, false)
	k.profile = filepath.Join(whole, "profile.json")
	trials, front := k.read(whole, "trials.jsonl"), k.read(whole, "front.csv")
	t.Logf("a run of %d trials, %v", bytes.Count(trials, []byte("\n")), time.Since(began).Round(time.Millisecond))

	before, after := max(1, kills/10), max(1, kills/10)
	middle := kills - before - after
	same, mid, early, late := 0, 0, 0, 0
	for i := range kills {
		run := filepath.Join(dir, fmt.Sprintf("killed%02d", i))
		workers := 1 + i%4
		at := instant{}
		switch {
		case i < before:
			// Between the start of the process and its first trial there are about
			// two seconds, most of them for the reference sample.
			at.delay = time.Duration(i+1) * 300 * time.Millisecond
		case i < before+middle:
			at.size = 1 + int64(float64(len(trials)-1)*(float64(i-before)+0.5)/float64(middle))
			at.delay = time.Duration(i%5) * 500 * time.Microsecond
		default:
			at.size = int64(len(trials))
			at.delay = time.Duration(i-before-middle) * 40 * time.Millisecond
		}
		stored, alive := k.kill(run, workers, false, at)
		switch {
		case stored == 0:
			early++
		case stored < int64(len(trials)):
			mid++
		default:
			late++
		}
		if i%5 == 4 && alive && stored < int64(len(trials)) {
			k.kill(run, 1+(i+1)%4, true, instant{size: (stored + int64(len(trials))) / 2})
		}
		k.finish(run, 1+(i+2)%4, true)
		if bytes.Equal(k.read(run, "trials.jsonl"), trials) && bytes.Equal(k.read(run, "front.csv"), front) {
			same++
		} else {
			t.Errorf("kill %d (%d workers, %d bytes stored): the resumed run differs from one never killed", i, workers, stored)
		}
		os.RemoveAll(run)
	}
	t.Logf("identical bytes: %d of %d; killed before the first trial was stored %d, between trials %d, "+
		"after the last %d", same, kills, early, mid, late)
	if mid < kills/2 {
		t.Errorf("only %d of %d kills fell between trials: the harness does not test what it should", mid, kills)
	}
}

// killer runs the program on a config.
type killer struct {
	t       *testing.T
	binary  string
	config  []string // its path, and flags
	cache   string
	profile string // of the first run: the bytes depend on it
}

// instant is a length of trials.jsonl and a time after it is reached; length 0
// is reached when the process starts.
type instant struct {
	size  int64
	delay time.Duration
}

func (k *killer) command(dir string, workers int, resume bool) *exec.Cmd {
	args := slices.Concat([]string{"run"}, k.config, []string{"--quiet", "--out", dir, "--workers", strconv.Itoa(workers)})
	if resume {
		args = append(args, "--resume")
	}
	if k.profile != "" {
		args = append(args, "--profile", k.profile)
	}
	c := exec.Command(k.binary, args...)
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+k.cache)
	c.Stdout = io.Discard
	return c
}

// finish lets a run come to its end.
func (k *killer) finish(dir string, workers int, resume bool) {
	k.t.Helper()
	c := k.command(dir, workers, resume)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		k.t.Fatalf("%v: %v\n%s", c.Args, err, stderr.Bytes())
	}
}

// kill starts a run and kills it at an instant. It returns how much of
// trials.jsonl it left, and whether the process was still there to be killed.
func (k *killer) kill(dir string, workers int, resume bool, at instant) (stored int64, alive bool) {
	k.t.Helper()
	c := k.command(dir, workers, resume)
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		c.Wait()
		close(ended)
	}()
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "trials.jsonl"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for size() < at.size {
		select {
		case <-ended:
			return size(), false
		case <-time.After(200 * time.Microsecond):
		}
	}
	select {
	case <-ended:
		return size(), false
	case <-time.After(at.delay):
	}
	alive = c.Process.Kill() == nil
	<-ended
	return size(), alive
}

func (k *killer) read(dir, name string) []byte {
	k.t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		k.t.Fatal(err)
	}
	return data
}
