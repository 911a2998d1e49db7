//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// jobTrainer takes an accuracy from the network and the epochs, and leaves weights. One network in seven fails.
const jobTrainer = `name = "test"
unit = "pct"
command = ["sh", "-c", '''
params=$(sed -n 's/.*"params": \([0-9]*\).*/\1/p' arch.json)
test $((params % 7)) != 0 || { echo "no luck with $params"; exit 3; }
cp net.safetensors trained.safetensors
echo accuracy $((30 + params % 41 + {epochs})).$((params % 1000))
''']
pattern = 'accuracy (?P<accuracy>\S+)'
weights = "trained.safetensors"
rungs = [1, 3, 9]
slots = 2
`

// TestJobsTrain: candidates that four processes train by job folders, told in random order, with a damaged folder and
// one whose weights are lost in each round, come to the trials and the weights of a run of one process.
func TestJobsTrain(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred small programs are run")
	}
	dir := t.TempDir()
	recipe := filepath.Join(dir, "train.toml")
	if err := os.WriteFile(recipe, []byte(jobTrainer), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(name string) string {
		path := writeJobsConfig(t, filepath.Join(dir, name), 8)
		text := strings.NewReplacer(`proxy = "rankmean(params,depth)"`, fmt.Sprintf("evaluator = %q", recipe),
			"= 200\n", "= 16\n", "population = 40", "population = 8").Replace(string(readFile(t, dir, name+".toml")))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, name+"-cache")) // nothing is known from another run
		return path
	}
	whole, hand := filepath.Join(dir, "whole"), filepath.Join(dir, "hand")
	wantExit(t, exitDone, "", "run", config("whole"), "-q")
	run := config("hand")
	x := toldBadly{rand: rand.New(rand.NewPCG(5, 6))}
	more := []string{"--trains", recipe, "--scratch", filepath.Join(dir, "scratch")}
	round := 0
	for ; round < 60; round++ {
		jobs := filepath.Join(dir, fmt.Sprint("jobs", round))
		asked := askJobs(t, run, jobs)
		if asked.Ended != "" {
			break
		}
		if round == 0 {
			first := filepath.Join(jobs, asked.Folders[0])
			wantExit(t, exitFailed, "give the ones of the search with --trains", "work", first)
		}
		workIn4Processes(t, jobs, asked.Folders, more...)
		x.tell(t, hand, jobs, asked.Folders)
		wantExit(t, exitDone, "", "tell", hand, jobs)
	}
	if round < 4 || round == 60 || x.damaged == 0 || x.lost == 0 || x.failed == 0 {
		t.Errorf("%d rounds, %+v: the test tests less than it should", round, x)
	}
	code, out, _ := nas(t, "tell", hand, filepath.Join(dir, "jobs0"))
	if code != exitDone || !strings.Contains(out, "0 new") {
		t.Errorf("told twice: code %d, %q", code, out)
	}
	wantExit(t, exitDone, "", "run", filepath.Join(hand, "config.toml"), "--resume", "-q")
	names := []string{"trials.jsonl", "front.csv"}
	paths, err := filepath.Glob(filepath.Join(whole, "weights", "*"))
	if err != nil || len(paths) == 0 {
		t.Errorf("the run of one process has no weights: %v", err)
	}
	for _, path := range paths {
		names = append(names, filepath.Join("weights", filepath.Base(path)))
	}
	for _, name := range names {
		if !bytes.Equal(readFile(t, whole, name), readFile(t, hand, name)) {
			t.Errorf("%s differs from that of a run of one process", name)
		}
	}
}

// toldBadly tells outcomes in random order, and counts what it did to them.
type toldBadly struct {
	rand                  *rand.Rand
	damaged, lost, failed int
}

// tell tells the outcomes of folders with one damaged and the weights of another gone: both must be refused by name.
// The folders are whole again when it returns.
func (x *toldBadly) tell(t *testing.T, run, jobs string, names []string) {
	t.Helper()
	var paths []string
	lost := ""
	for _, name := range names {
		path := filepath.Join(jobs, name)
		if _, err := os.Stat(filepath.Join(path, "weights.safetensors")); err == nil {
			lost = path
		}
		if bytes.Contains(readFile(t, path, "outcome.json"), []byte("no luck with")) {
			x.failed++
		}
		paths = append(paths, path)
	}
	damaged := paths[x.rand.IntN(len(paths))]
	if damaged == lost {
		damaged = ""
	} else {
		x.damaged++
		defer flipBit(t, filepath.Join(damaged, "outcome.json"), x.rand)()
	}
	if lost != "" {
		x.lost++
		file := filepath.Join(lost, "weights.safetensors")
		if err := os.Rename(file, file+"-elsewhere"); err != nil {
			t.Fatal(err)
		}
		defer os.Rename(file+"-elsewhere", file) // that it is missing shows in the next tell
	}
	x.rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
	code, _, stderr := nas(t, append([]string{"tell", run}, paths...)...)
	for _, path := range paths {
		if bad := path == damaged || path == lost; strings.Contains(stderr, "refused "+path+":") != bad {
			t.Errorf("%s, bad: %v, but the program says %q", path, bad, stderr)
		}
	}
	if (code == exitFailed) != (damaged != "" || lost != "") {
		t.Errorf("exit code %d with %q", code, stderr)
	}
}

// TestJobsTrainedHere: a run that was told trainings by job folders, good ones and a failed one, and is then continued
// on one machine, trains none of them again, and comes to the trials of a run of one process.
func TestJobsTrainedHere(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred small programs are run")
	}
	dir := t.TempDir()
	recipe, notes := filepath.Join(dir, "train.toml"), filepath.Join(dir, "notes")
	text := strings.Replace(jobTrainer, "test $((", `echo "$params {epochs}" >> `+notes+"\ntest $((", 1)
	if err := os.WriteFile(recipe, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(name string) string {
		path := writeJobsConfig(t, filepath.Join(dir, name), 8)
		text := strings.NewReplacer(`proxy = "rankmean(params,depth)"`, fmt.Sprintf("evaluator = %q", recipe),
			"= 200\n", "= 16\n", "population = 40", "population = 8").Replace(string(readFile(t, dir, name+".toml")))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, name+"-cache")) // nothing is known from another run
		return path
	}
	wantExit(t, exitDone, "", "run", config("whole"), "-q")
	for _, after := range []int{0, 3} { // rounds before the run is continued here
		if err := os.RemoveAll(notes); err != nil {
			t.Fatal(err)
		}
		hand := filepath.Join(dir, fmt.Sprint("hand", after))
		run := config(fmt.Sprint("hand", after))
		failed := false
		for round := range after + 1 {
			jobs := filepath.Join(dir, fmt.Sprint("jobs", after, "-", round))
			folders := askJobs(t, run, jobs).Folders
			if len(folders) == 0 {
				t.Fatalf("%d rounds: nothing is asked for in round %d", after, round)
			}
			workIn4Processes(t, jobs, folders, "--trains", recipe, "--scratch", filepath.Join(dir, "scratch"))
			if round == after { // the first is lost: what is known of the others waits for it
				folders = folders[1:]
			}
			var paths []string
			for _, name := range folders {
				paths = append(paths, filepath.Join(jobs, name))
				failed = failed || bytes.Contains(readFile(t, filepath.Join(jobs, name), "outcome.json"), []byte("no luck"))
			}
			if len(paths) > 0 {
				wantExit(t, exitDone, "", append([]string{"tell", hand}, paths...)...)
			}
		}
		wantExit(t, exitDone, "", "run", run, "--resume", "-q")
		seen := map[string]int{}
		for line := range strings.Lines(string(readFile(t, dir, "notes"))) {
			seen[strings.TrimSpace(line)]++
		}
		again := 0
		for line, n := range seen {
			if n > 1 {
				again++
				t.Logf("%d rounds: %s was trained %d times", after, line, n)
			}
		}
		if again > 1 || !failed && after > 1 {
			t.Errorf("%d rounds: %d trainings were done again, want only the lost one; one had failed: %v", after, again, failed)
		}
		if !bytes.Equal(readFile(t, dir, "whole/trials.jsonl"), readFile(t, hand, "trials.jsonl")) {
			t.Errorf("%d rounds: the run that was continued on one machine has other trials", after)
		}
		if _, err := os.Stat(filepath.Join(hand, "outcomes.jsonl")); err == nil {
			t.Errorf("%d rounds: outcomes of job folders are left behind", after)
		}
	}
}
