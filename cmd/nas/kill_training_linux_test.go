package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"nas/internal/command"
)

// killedTrainer takes an accuracy from the network and the epochs, after a while, with a child that outlives it.
const killedTrainer = `name = "test"
unit = "pct"
command = ["sh", "-c", '''
sleep 600 >/dev/null 2>&1 &
sleep 0.1
params=$(sed -n 's/.*"params": \([0-9]*\).*/\1/p' arch.json)
echo epoch {epochs} accuracy $((30 + params % 41 + {epochs}))
''']
pattern = 'epoch (?P<epoch>\d+) accuracy (?P<accuracy>\S+)'
rungs = [1, 3, 9]
slots = 2
`

// TestKillTraining kills a run that trains, or its trainers, or both, with SIGKILL at many instants, resumes it, and
// holds trials.jsonl to the bytes of a run never killed. No rung may be recorded twice, and no process be left.
// NAS_KILL says how often to kill.
func TestKillTraining(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("NAS_KILL"))
	if err != nil || kills < 1 {
		t.Skip("NAS_KILL is not set: make test-kill runs this")
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	binary, recipe, config := in("nas"), in("train.toml"), in("run.toml")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	smoke, err := os.ReadFile("../../configs/smoke.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(smoke), `proxy = "rankmean(naswot,depth)"`, fmt.Sprintf("evaluator = %q", recipe), 1)
	for name, text := range map[string]string{recipe: killedTrainer, config: text} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k := &killer{t: t, binary: binary, config: []string{config, "--evaluations", "24"}}
	whole := filepath.Join(dir, "whole")
	k.cache = filepath.Join(dir, "cache")
	k.finish(whole, 1, false)
	k.profile = filepath.Join(whole, "profile.json")
	trials, rungs := k.read(whole, "trials.jsonl"), bytes.Count(k.read(whole, "training.jsonl"), []byte("\n"))
	same, nas, trainers := 0, 0, 0
	for i := range kills {
		run := filepath.Join(dir, fmt.Sprintf("killed%02d", i))
		k.cache = filepath.Join(dir, fmt.Sprintf("cache%02d", i)) // so that nothing is known of other runs
		n, t1 := k.killTraining(run, i%3, 1+rungs*i/kills, time.Duration(i%7)*20*time.Millisecond)
		nas, trainers = nas+n, trainers+t1
		k.finish(run, 1, true)
		if bytes.Equal(k.read(run, "trials.jsonl"), trials) {
			same++
		} else {
			t.Errorf("kill %d: the resumed run differs from one never killed", i)
		}
		seen := map[string]bool{}
		for line := range bytes.Lines(k.read(run, "training.jsonl")) {
			var e struct {
				ArchID string `json:"arch_id"`
				Rung   int    `json:"rung"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			if key := fmt.Sprint(e); seen[key] {
				t.Errorf("kill %d: %s is recorded twice", i, key)
			} else {
				seen[key] = true
			}
		}
		if left := trainersOf(run); len(left) > 0 {
			t.Errorf("kill %d: processes %v are left", i, left)
		}
	}
	t.Logf("identical bytes: %d of %d; killed nas %d times, trainers %d times", same, kills, nas, trainers)
	if nas < kills/2 || trainers < kills/4 {
		t.Errorf("%d and %d kills of %d: the harness does not test what it should", nas, trainers, kills)
	}
}

// killTraining starts a run and, once so many rungs are recorded and a while has passed, kills it (which 0), the
// processes of its trainers (1), or both (2).
func (k *killer) killTraining(dir string, which, rungs int, delay time.Duration) (nas, trainers int) {
	k.t.Helper()
	c := k.command(dir, 1, false)
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		c.Wait()
		close(ended)
	}()
	for recorded := 0; recorded < rungs; {
		select {
		case <-ended:
			return nas, trainers
		case <-time.After(2 * time.Millisecond):
		}
		data, _ := os.ReadFile(filepath.Join(dir, "training.jsonl"))
		recorded = bytes.Count(data, []byte("\n"))
	}
	time.Sleep(delay)
	if which != 1 && c.Process.Kill() == nil {
		nas++
	}
	for try := 0; which != 0 && trainers == 0 && try < 20; try++ { // on a busy machine there is none for a while
		for _, pid := range trainersOf(dir) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				trainers = 1
			}
		}
	}
	<-ended
	return nas, trainers
}

// trainersOf returns the processes that train for a run.
func trainersOf(dir string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		if env, err := os.ReadFile(f); err == nil && bytes.Contains(env, []byte(command.TokenVariable+"="+dir)) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
