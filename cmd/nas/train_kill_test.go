package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestTrainKilled: a training that is killed at any instant, and resumed, ends with the weights of one that is not.
func TestTrainKilled(t *testing.T) {
	data, dir := trainingData(t)
	command := func(out string) *exec.Cmd {
		c := exec.Command(os.Args[0], "train", trainArch, "--data", data, "--epochs", "12", "--batch", "32", "--quiet",
			"--resume", "--out", filepath.Join(dir, out))
		c.Env = append(os.Environ(), "NAS_TEST_PROGRAM=1")
		return c
	}
	began := time.Now()
	if text, err := command("whole.safetensors").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	whole := time.Since(began)
	r := rand.New(rand.NewPCG(1, uint64(began.UnixNano())))
	killed := 0
	for done := false; !done; {
		c := command("killed.safetensors")
		var text bytes.Buffer
		c.Stdout, c.Stderr = &text, &text
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// The attempts get longer, so that one of them comes to the end on a busy machine, too.
		limit := whole/8 + time.Duration(r.Int64N(int64(whole)))*time.Duration(1+killed)/4
		timer := time.AfterFunc(limit, func() { c.Process.Kill() })
		err := c.Wait()
		if done = err == nil; !done && timer.Stop() {
			t.Fatalf("%v: %s", err, text.Bytes())
		}
		if !done {
			killed++
		}
		if killed > 50 {
			t.Fatal("it never comes to an end")
		}
	}
	if killed == 0 {
		t.Log("no attempt was killed")
	}
	if !bytes.Equal(contents(t, dir, "whole.safetensors"), contents(t, dir, "killed.safetensors")) {
		t.Errorf("a training that was killed %d times has other weights", killed)
	}
}
