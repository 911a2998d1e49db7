//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// jobsConfig is a config whose run takes no time, of 216 networks; %s is the directory and %d the look-ahead.
const jobsConfig = `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = [24, 32, 40]
stride = 2
depth = [1, 2, 3]
kernel = [3, 5]
expansion = [3, 4, 6]
[latency]
profile = "raspi4-fbnet"
[accuracy]
proxy = "rankmean(params,depth)"
[search]
algorithm = "nsga2"
trials = 200
evaluations = 200
population = 40
look_ahead = %d
[output]
dir = "%s"
measure = 0
export = ["toml"]
`

func writeJobsConfig(t *testing.T, dir string, ahead int) (path string) {
	t.Helper()
	path = dir + ".toml"
	if err := os.WriteFile(path, fmt.Appendf(nil, jobsConfig, ahead, filepath.ToSlash(dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// asProgram starts the test binary as the program, as another process: see TestMain.
func asProgram(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "NAS_TEST_PROGRAM=1")
	return c
}

// TestJobs: 200 candidates over 4 processes, told in random order, with a damaged folder and one of another run in each
// round, come to the bytes of a run of one process, and the two are refused by name.
func TestJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred small programs are run")
	}
	dir := t.TempDir()
	whole, hand, other := filepath.Join(dir, "whole"), filepath.Join(dir, "hand"), filepath.Join(dir, "other")
	wantExit(t, exitDone, "", "run", writeJobsConfig(t, whole, 32), "-q")
	wantExit(t, exitDone, "", "ask", writeJobsConfig(t, other, 16), "-n", "1", "--jobs", filepath.Join(dir, "foreign"))
	foreign := filepath.Join(dir, "foreign", "0")
	wantExit(t, exitDone, "", "work", foreign)

	r := rand.New(rand.NewPCG(5, 6))
	run, round, damagedOnes := writeJobsConfig(t, hand, 32), 0, 0
	for ; round < 40; round++ {
		jobs := filepath.Join(dir, fmt.Sprint("jobs", round))
		asked := askJobs(t, run, jobs)
		if asked.Ended != "" {
			break
		}
		workIn4Processes(t, jobs, asked.Folders)
		paths := []string{foreign}
		for _, name := range asked.Folders {
			paths = append(paths, filepath.Join(jobs, name))
		}
		damaged := paths[1+r.IntN(len(paths)-1)]
		undo := flipBit(t, filepath.Join(damaged, "outcome.json"), r)
		r.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		half := len(paths) / 2
		for _, some := range [][]string{paths[half:], paths[:half]} {
			code, _, stderr := nas(t, append([]string{"tell", hand}, some...)...)
			for _, path := range some {
				if bad := path == damaged || path == foreign; strings.Contains(stderr, "refused "+path+":") != bad {
					t.Errorf("round %d: %s, bad: %v, but the program says %q", round, path, bad, stderr)
				} else if bad {
					damagedOnes++
				}
				if path == foreign && !strings.Contains(stderr, "it is of run") {
					t.Errorf("%q says not that a folder is of another run", stderr)
				}
			}
			if want := strings.Contains(stderr, "refused"); (code == exitFailed) != want {
				t.Errorf("exit code %d with %q", code, stderr)
			}
		}
		undo()
		wantExit(t, exitDone, "", "tell", hand, damaged)
	}
	if round < 5 || round == 40 || damagedOnes != 2*round {
		t.Errorf("%d rounds, %d refused", round, damagedOnes)
	}
	wantExit(t, exitDone, "", "run", filepath.Join(hand, "config.toml"), "--resume", "-q")
	for _, name := range []string{"trials.jsonl", "front.csv"} {
		if !bytes.Equal(readFile(t, whole, name), readFile(t, hand, name)) {
			t.Errorf("%s differs from that of a run of one process", name)
		}
	}
}

// TestJobsLeftBehind: jobs that were handed out and are not told can be asked for again, and a run that is continued on
// one machine uses what was told early.
func TestJobsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	whole, hand, jobs := filepath.Join(dir, "whole"), filepath.Join(dir, "hand"), filepath.Join(dir, "jobs")
	wantExit(t, exitDone, "", "run", writeJobsConfig(t, whole, 32), "-q")
	run := writeJobsConfig(t, hand, 32)
	first := askJobs(t, run, jobs)
	if again := askJobs(t, run, jobs); len(again.Folders) != 0 || again.Waiting != len(first.Folders) {
		t.Errorf("asked again: %+v after %d jobs", again, len(first.Folders))
	}
	lost := askJobs(t, run, filepath.Join(dir, "again"), "--again", "-n", "3")
	if len(lost.Folders) != 3 {
		t.Errorf("jobs that were lost: %+v", lost)
	}
	early := filepath.Join(jobs, first.Folders[len(first.Folders)-1])
	wantExit(t, exitDone, "", "work", early, filepath.Join(dir, "again"))
	code, out, _ := nas(t, "tell", hand, early)
	if code != exitDone || !strings.Contains(out, "1 outcome waiting for an earlier one") {
		t.Errorf("an early outcome: code %d, %q", code, out)
	}
	code, out, _ = nas(t, "tell", hand, filepath.Join(dir, "again"))
	if code != exitDone || !strings.Contains(out, "the run has 3 trials, 1 outcome waiting") {
		t.Errorf("the first outcomes: code %d, %q", code, out)
	}
	if code, out, _ = nas(t, "tell", hand, filepath.Join(dir, "again"), early); !strings.Contains(out, "0 new, 4 known") {
		t.Errorf("told twice: code %d, %q", code, out)
	}
	wantExit(t, exitDone, "", "run", run, "--resume", "-q")
	if !bytes.Equal(readFile(t, whole, "trials.jsonl"), readFile(t, hand, "trials.jsonl")) {
		t.Error("the run that was continued on one machine has other trials")
	}
}

// TestMeasureJobs: members of the front are timed where nas work runs, and the table names the device.
func TestMeasureJobs(t *testing.T) {
	dir := t.TempDir()
	run, jobs := filepath.Join(dir, "run"), filepath.Join(dir, "jobs")
	wantExit(t, exitDone, "", "run", writeJobsConfig(t, run, 32), "-q")
	wantExit(t, exitDone, "", "ask", run, "-n", "2", "--jobs", jobs, "--measure")
	wantExit(t, exitDone, "", "work", jobs, "--name", "desk")
	wantExit(t, exitDone, "", "tell", run, jobs)
	lines := strings.Split(strings.TrimSpace(string(readFile(t, run, "measured-elsewhere.csv"))), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `,desk,"nas kernels on `) {
		t.Errorf("the table is %q", lines)
	}
}

// TestJobsRefused: what is no job, or not for this program, is refused with one sentence.
func TestJobsRefused(t *testing.T) {
	dir := t.TempDir()
	run, jobs := filepath.Join(dir, "run"), filepath.Join(dir, "jobs")
	asked := askJobs(t, writeJobsConfig(t, run, 32), jobs)
	job := func(i int) string { return filepath.Join(jobs, asked.Folders[i]) }
	rewrite := func(folder, name, old, with string) {
		t.Helper()
		text := readFile(t, folder, name)
		if !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s has no %s", text, old)
		}
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(with), 1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rewrite(job(0), "job.json", `"format": 1`, `"format": 9`)
	wantExit(t, exitFailed, "use the same version everywhere", "work", job(0))
	rewrite(job(1), "job.json", `"arch_id": "`, `"arch_id": "x`)
	wantExit(t, exitFailed, "are not those of a task", "work", job(1))
	rewrite(job(2), "job.json", `"run": "`, `"run": "00`)
	wantExit(t, exitFailed, "job.json is damaged", "work", job(2))
	if err := os.WriteFile(filepath.Join(job(3), "setup.json.gz"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantExit(t, exitFailed, "the setup is damaged", "work", job(3))
	wantExit(t, exitFailed, "is no job folder", "work", t.TempDir())
	wantExit(t, exitUsage, "there is no ", "work", filepath.Join(dir, "nowhere"))
	wantExit(t, exitUsage, "choose one", "ask", run, "--jobs", jobs, "--out", "x.csv")
	wantExit(t, exitUsage, "are for --jobs", "ask", run, "--again")
	wantExit(t, exitUsage, "holds no run", "tell", dir, jobs)
	t.Setenv("NAS_KERNELS", "generic")
	wantExit(t, exitFailed, "NAS_KERNELS", "work", job(4))
}

type askedJobs struct {
	Folders []string
	Waiting int
	Ended   string
}

func askJobs(t *testing.T, run, jobs string, more ...string) (a askedJobs) {
	t.Helper()
	code, stdout, stderr := nas(t, append([]string{"ask", run, "-n", "64", "--jobs", jobs, "--json", "-q"}, more...)...)
	if code != exitDone {
		t.Fatalf("ask: %s", stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// workIn4Processes does the jobs in four processes at once, every fourth job each.
func workIn4Processes(t *testing.T, jobs string, names []string, more ...string) {
	t.Helper()
	var started []*exec.Cmd
	var outputs [4]bytes.Buffer
	for p := range 4 {
		args := append([]string{"work", "-q", "--workers", "1"}, more...)
		before := len(args)
		for i := p; i < len(names); i += 4 {
			args = append(args, filepath.Join(jobs, names[i]))
		}
		if len(args) == before {
			continue
		}
		c := asProgram(t, args...)
		c.Stderr = &outputs[p]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		started = append(started, c)
	}
	for i, c := range started {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %v: %s", c.Args, err, outputs[i].String())
		}
	}
}

// flipBit changes a bit of a file, and returns what undoes it.
func flipBit(t *testing.T, path string, r *rand.Rand) (undo func()) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changed := bytes.Clone(text)
	changed[r.IntN(len(changed)-1)] ^= 1 // not the newline at the end
	write(changed)
	return func() { write(text) }
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
