package run

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/netfile"
	"nas/internal/resolve"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/view"
	"nas/internal/work"
	"nas/search"
)

// trainer is a command that takes an accuracy from the network and the epochs, keeps a checkpoint, and notes that it
// ran.
const trainer = `#!/bin/sh
set -e
params=$(sed -n 's/.*"params": \([0-9]*\).*/\1/p' arch.json)
from=0; test ! -f checkpoint || from=$(cat checkpoint)
echo "$params $1" >> "$NOTES"
echo "epoch $1 loss 0.5 params $params accuracy $((30 + params % 41 + $1 * 3 / 2)).$((params % 1000))"
echo $1 > checkpoint
cp net.safetensors weights.safetensors
`

// trained is a config with an evaluator, of which the script and lines of the recipe are given.
func trained(t *testing.T, dir, script string, recipe string) *config.Config {
	t.Helper()
	if _, err := os.Stat("/bin/sh"); err != nil {
		t.Skip("no shell")
	}
	files := t.TempDir()
	toml := `name = "test"
unit = "pct"
command = ["sh", "train.sh", "{epochs}"]
files = ["train.sh"]
weights = "weights.safetensors"
env = ["NOTES"]
pattern = 'epoch (?P<epoch>\d+) loss (?P<loss>\S+) params (?P<params>\d+) accuracy (?P<accuracy>\S+)'
timeout_s = 30
` + recipe
	for name, text := range map[string]string{"train.sh": script, "train.toml": toml} {
		if err := os.WriteFile(filepath.Join(files, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return quick(t, dir, `proxy = "depth"`, fmt.Sprintf("evaluator = %q", filepath.Join(files, "train.toml")),
		"evaluations = 16", "evaluations = 20", "population = 8", "algorithm = \"surrogate_nsga2\"", "export = [\"toml\"]",
		"export = [\"pytorch\"]")
}

// notes returns the file that the trainer writes to, and has user caches in a folder of the test.
func notes(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "notes")
	t.Setenv("NOTES", file)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return file
}

const threeRungs = "rungs = [1, 3, 9]\n"

// A run that trains has the same bytes with any number of slots, and after any number of interruptions; nothing is
// trained twice.
func TestTrainedRun(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred small programs are run")
	}
	file := notes(t)
	var want []byte
	lines := 0
	for _, slots := range []int{1, 3} {
		os.Remove(file)
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		dir := filepath.Join(t.TempDir(), "run")
		c := trained(t, dir, trainer, fmt.Sprintf("%sslots = %d\n", threeRungs, slots))
		out := mustRun(t, t.Context(), Options{Config: c})
		got := runtest.Read(t, dir, runstore.TrialsFile)
		if want == nil {
			want, lines = got, bytes.Count(mustRead(t, file), []byte("\n"))
			checkTrained(t, dir, out)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%d slots: other bytes", slots)
		}
		if n := bytes.Count(mustRead(t, file), []byte("\n")); n != lines {
			t.Errorf("%d slots: %d trainings, %d with one", slots, n, lines)
		}
	}
	// Interrupted again and again, with a cache of its own.
	os.Remove(file)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	dir := filepath.Join(t.TempDir(), "run")
	c := trained(t, dir, trainer, threeRungs+"slots = 2\n")
	interruptions := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		left := 6
		say := func(line string) {
			if strings.Contains(line, "epochs: ") {
				if left--; left == 0 {
					cancel()
				}
			}
		}
		out, err := Run(ctx, Options{Config: c, Resume: true, Options: work.Options{Say: say}})
		cancel()
		if err == nil && out.Summary.Status == search.StatusEvaluations {
			break
		}
		if err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
		if interruptions++; interruptions > 100 {
			t.Fatal("no end")
		}
	}
	if got := runtest.Read(t, dir, runstore.TrialsFile); !bytes.Equal(got, want) {
		t.Errorf("after %d interruptions: other bytes", interruptions)
	}
	if interruptions < 3 {
		t.Errorf("%d interruptions", interruptions)
	}
	seen := map[string]int{}
	for line := range strings.Lines(string(runtest.Read(t, dir, runstore.TrainingFile))) {
		key, _, _ := strings.Cut(line, `"seed"`)
		if seen[key]++; seen[key] > 1 {
			t.Errorf("recorded twice: %s", line)
		}
	}
	// Another run of the same space trains nothing.
	os.Remove(file)
	again := filepath.Join(t.TempDir(), "run")
	c.Output.Dir = again
	mustRun(t, t.Context(), Options{Config: c})
	if got := runtest.Read(t, again, runstore.TrialsFile); !bytes.Equal(got, want) {
		t.Error("with what is known of earlier runs: other bytes")
	}
	if _, err := os.Stat(file); err == nil {
		t.Errorf("trained again: %s", mustRead(t, file))
	}
}

// checkTrained judges a finished run.
func checkTrained(t *testing.T, dir string, out *Outcome) {
	t.Helper()
	counts := map[int]int{}
	for _, x := range runtest.Trials(t, dir) {
		counts[len(x.Rungs)]++
		if len(x.Rungs) > 0 && x.Stopped != (len(x.Rungs) < 3) {
			t.Errorf("trial %d: rungs %v, stopped %v", x.ID, x.Rungs, x.Stopped)
		}
		_, err := os.Stat(filepath.Join(dir, runstore.TrainingDir, x.ArchID))
		if there := err == nil; there != (len(x.Rungs) == 3) {
			t.Errorf("trial %d of %d rungs: its folder is there: %v", x.ID, len(x.Rungs), there)
		}
	}
	for _, m := range out.Front {
		if runstore.WeightsOf(dir, m.ArchID) == "" {
			t.Errorf("trial %d is on the front, and its weights are not kept", m.ID)
		}
	}
	n, err := resolve.Find(fmt.Sprintf("%s:%d", dir, out.Front[0].ID), netfile.Options{})
	if err != nil || n.WeightsFile == "" {
		t.Errorf("a trial without its weights: %v", err)
	}
	if counts[1] < 2 || counts[3] < 3 || counts[0] > 0 {
		t.Errorf("trials by rungs: %v", counts)
	}
	for _, m := range out.Front {
		if m.Stopped || len(m.Rungs) != 3 || m.Rungs[2] != m.Accuracy.Mid {
			t.Errorf("on the front: %+v", m)
		}
	}
	if len(out.Exported) == 0 {
		t.Error("nothing is exported")
	}
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A broken trainer ends the run with one sentence, and leaves a run that goes on once it is mended.
func TestBrokenTrainer(t *testing.T) {
	notes(t)
	dir := filepath.Join(t.TempDir(), "run")
	flag := filepath.Join(t.TempDir(), "mended")
	script := strings.Replace(trainer, "set -e", "set -e\ntest -f "+flag+" || { echo no module named torch; exit 1; }", 1)
	c := trained(t, dir, script, threeRungs)
	_, err := Run(t.Context(), Options{Config: c})
	if err == nil || !strings.Contains(err.Error(), "the first 3 trainings all failed") ||
		!strings.Contains(err.Error(), "no module named torch") ||
		!strings.Contains(err.Error(), `recipe "test" in `+filepath.Join(dir, runstore.TrainingDir)) {
		t.Fatal(err)
	}
	if got := runtest.Read(t, dir, runstore.TrialsFile); len(got) > 0 {
		t.Errorf("recorded: %s", got)
	}
	if err := os.WriteFile(flag, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, t.Context(), Options{Config: c, Resume: true})
}

// A training that fails after others ended well is a failed trial.
func TestSomeTrainingsFail(t *testing.T) {
	notes(t)
	dir := filepath.Join(t.TempDir(), "run")
	script := strings.Replace(trainer, "from=0",
		"if [ $((params / 8 % 5)) = 3 ]; then echo out of memory; exit 1; fi\nfrom=0", 1)
	c := trained(t, dir, script, threeRungs+"slots = 3\n")
	said := 0
	out := mustRun(t, t.Context(), Options{Config: c, Options: work.Options{Say: func(string) { said++ }}})
	failed := 0
	for _, x := range runtest.Trials(t, dir) {
		if x.Failed != "" {
			failed++
			if !strings.Contains(x.Failed, "out of memory") {
				t.Error(x.Failed)
			}
		}
	}
	if failed == 0 || len(out.Front) == 0 || said < 20 {
		t.Errorf("%d failed, %d on the front, %d lines", failed, len(out.Front), said)
	}
}

// A run whose value is an error tries, stops and keeps the very networks of a run whose value is what is left to 100,
// and what is made of it says that less is better.
func TestGoalMin(t *testing.T) {
	if testing.Short() {
		t.Skip("some hundred small programs are run")
	}
	notes(t)
	var all [2][]search.Trial
	var fronts [2][]int
	var dirs [2]string
	for i, c := range []struct{ value, goal string }{
		{"v", "goal = \"max\"\nworst = 10\n"}, {"100000 - v", "goal = \"min\"\nworst = 90\nlabel = \"loss (nats)\"\n"},
	} {
		t.Setenv("XDG_CACHE_HOME", t.TempDir())
		script := strings.Replace(trainer, "accuracy $((30 + params % 41 + $1 * 3 / 2)).$((params % 1000))",
			`accuracy $(value)`, 1)
		script = strings.Replace(script, "set -e", "set -e\n"+
			"value() { v=$((30000 + params % 41 * 1000 + $1 * 1500 + params % 1000))\n"+
			"w=$(("+c.value+")); printf '%d.%03d' $((w / 1000)) $((w % 1000)); }", 1)
		script = strings.Replace(script, "$(value)", "$(value $1)", 1)
		dirs[i] = filepath.Join(t.TempDir(), "run")
		config := trained(t, dirs[i], script, threeRungs+c.goal)
		files := filepath.Dir(config.Accuracy.Evaluator)
		recipe := string(mustRead(t, config.Accuracy.Evaluator))
		if err := os.WriteFile(filepath.Join(files, "train.toml"), []byte(strings.Replace(recipe, "unit = \"pct\"\n", "", 1)),
			0o600); err != nil {
			t.Fatal(err)
		}
		out := mustRun(t, t.Context(), Options{Config: config})
		all[i] = runtest.Trials(t, dirs[i])
		for _, m := range out.Front {
			fronts[i] = append(fronts[i], m.ID)
		}
	}
	if len(all[0]) != len(all[1]) || !slices.Equal(fronts[0], fronts[1]) || len(fronts[0]) < 2 {
		t.Fatalf("%d and %d trials, fronts %v and %v", len(all[0]), len(all[1]), fronts[0], fronts[1])
	}
	for i, a := range all[0] {
		b := all[1][i]
		if a.ArchID != b.ArchID || a.Stopped != b.Stopped || a.Continues != b.Continues || len(a.Rungs) != len(b.Rungs) {
			t.Fatalf("trial %d: %+v by what is reached, %+v by what is left", i, a, b)
		}
	}
	s, err := results.Load(dirs[1])
	if err != nil {
		t.Fatal(err)
	}
	f, err := view.Front(s)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]float64{}
	least := math.Inf(1)
	for _, p := range f.Series[0].Front {
		least = min(least, p.Y)
	}
	for _, p := range f.Picks {
		names[p.Label] = p.Y
	}
	if f.Y.Maximize || f.Y.Name != "loss" || f.Y.Label != "loss (nats), less is better" || names["best"] != least {
		t.Errorf("axis %+v, marked %v, least %v", f.Y, names, least)
	}
	if files, _ := filepath.Glob(filepath.Join(dirs[1], "export", "best.*")); len(files) == 0 {
		t.Error("the network with the least loss is not exported")
	}
	page := string(runtest.Read(t, dirs[1], runstore.ReportFile))
	if !strings.Contains(page, "loss at most") || !strings.Contains(page, "loss (nats), less is better") {
		t.Error("the report does not say that less is better")
	}
	if err := s.TakesAccuracies(); err == nil {
		t.Error("a table of accuracies may be told")
	}
}

// The learning curves are shown while networks are trained, before any trial is over, and grow.
func TestLiveCurves(t *testing.T) {
	notes(t)
	live := new(view.Live)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		live.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	early, curves := 0, 0
	say := func(line string) {
		if !strings.Contains(line, "epochs: ") {
			return
		}
		var u struct{ Curves, Of int }
		if _, text := get("/trials?from=0"); json.Unmarshal([]byte(text), &u) != nil || u.Curves < max(1, curves) {
			t.Errorf("curves %d after %d", u.Curves, curves)
		}
		curves = u.Curves
		code, text := get("/curves")
		if code != http.StatusOK || !strings.Contains(text, "learning curves") || !strings.Contains(text, "narrow") {
			t.Errorf("%d %.200s", code, text)
		}
		if u.Of == 0 && strings.Contains(text, "at work") {
			early++
		}
	}
	script := strings.Replace(trainer, "echo \"epoch $1",
		"echo \"epoch 0.5 loss 1 params $params accuracy 12\"\necho \"epoch $1", 1)
	c := trained(t, filepath.Join(t.TempDir(), "run"), script, threeRungs)
	if code, _ := get("/curves"); code != http.StatusNotFound {
		t.Errorf("curves before the run: %d", code)
	}
	mustRun(t, t.Context(), Options{Config: c, Options: work.Options{Say: say}, Live: live})
	if early == 0 || curves < 20 {
		t.Errorf("%d pictures before the first trial was over; %d reports", early, curves)
	}
}
