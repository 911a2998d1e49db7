//go:build unix

package fleet_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fleet"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/tasks"
)

// trainScript takes an accuracy from the network and the epochs, leaves a checkpoint, and notes where it began.
const trainScript = `set -e
params=$(sed -n 's/.*"params": \([0-9]*\).*/\1/p' arch.json)
from=0; test ! -f checkpoint || from=$(cat checkpoint)
test $((params % 7)) != 0 || { echo "no luck with $params"; exit 3; }
echo "$1 from $from" >> "$NOTES"
echo "accuracy $((30 + params % 41 + $1 * 3 / 2)).$((params % 1000))"
echo $1 > checkpoint
cp net.safetensors trained.safetensors
`

// recipeOf writes a recipe to a folder of its own. Slots and limits do not make it another one, its files do.
func recipeOf(t *testing.T, script, more string) string {
	t.Helper()
	dir := t.TempDir()
	text := `name = "test"
unit = "pct"
command = ["sh", "train.sh", "{epochs}"]
files = ["train.sh"]
env = ["NOTES"]
pattern = 'accuracy (?P<accuracy>\S+)'
weights = "trained.safetensors"
rungs = [1, 3, 9]
` + more
	for name, text := range map[string]string{"train.sh": script, "train.toml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "train.toml")
}

func trainConfig(t *testing.T, dir, recipe string) *config.Config {
	t.Helper()
	text := strings.Replace(fmt.Sprintf(runConfig, 24), `proxy = "rankmean(params,depth)"`,
		fmt.Sprintf("evaluator = %q", recipe), 1)
	text = strings.Replace(text, "population = 40\nlook_ahead = 32", "population = 8\nlook_ahead = 8", 1)
	set := func(c *config.Config, _ func(key, value, want string)) { c.Output.Dir = dir }
	c, err := config.Decode("test.toml", []byte(text), set, evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestFleetTrains: a run whose candidates are trained by two workers has the bytes of one on one machine, rungs go on
// where the checkpoint is, and a worker with another recipe trains nothing.
func TestFleetTrains(t *testing.T) {
	cache := func() { t.Setenv("XDG_CACHE_HOME", t.TempDir()) } // what was trained before is not used
	notes := filepath.Join(t.TempDir(), "notes")
	t.Setenv("NOTES", notes)
	cache()
	want := filepath.Join(t.TempDir(), "single")
	whole := nasrun.Options{Config: trainConfig(t, want, recipeOf(t, trainScript, ""))}
	if _, err := nasrun.Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	count := func() (all, resumed int) {
		text, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		defer os.Remove(notes)
		return bytes.Count(text, []byte("\n")), bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("from 0"))
	}
	trainings, resumed := count()
	cache()
	_, a := serve(t)
	work := func(name, recipe string) (scratch string) {
		scratch = t.TempDir()
		s, err := tasks.NewSchool(t.Context(), recipe, "", scratch)
		if err != nil {
			t.Fatal(err)
		}
		w := &fleet.Worker{Access: a, Name: name, Slots: 2, Schools: []*tasks.School{s}}
		w.Before(func(ctx context.Context, _ *tasks.Task) error {
			time.Sleep(20 * time.Millisecond) // so that both have some
			return nil
		})
		start(t, w)
		return scratch
	}
	folders := []string{
		work("a", recipeOf(t, trainScript, "slots = 2\n")),
		work("b", recipeOf(t, trainScript, "timeout_s = 60\n")),
		work("other", recipeOf(t, trainScript+"# another program\n", "")),
	}
	dir, o := filepath.Join(t.TempDir(), "run"), new(said)
	if _, err := nasrun.Run(t.Context(), nasrun.Options{
		Options: o.options(), Config: trainConfig(t, dir, recipeOf(t, trainScript, "")),
		Fleet: &nasrun.FleetOptions{Access: a, Patience: 2 * time.Second},
	}); err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(o.lines, "\n"))
	}
	got, failed := runtest.Trials(t, dir), 0
	for i, x := range runtest.Trials(t, want) {
		if x.Failed != "" {
			failed++
			if !strings.Contains(got[i].Failed, fmt.Sprintf("no luck with %.0f", x.Parts[runstore.KeyParams])) {
				t.Errorf("trial %d failed with %q, on one machine with %q", i, got[i].Failed, x.Failed)
			}
			x.Failed, got[i].Failed = "", "" // names the worker
		}
		if a, b := runstore.AppendTrial(nil, &x), runstore.AppendTrial(nil, &got[i]); !bytes.Equal(a, b) {
			t.Errorf("trial %d is\n%s, on one machine\n%s", i, b, a)
		}
	}
	if failed == 0 {
		t.Error("no training failed: the test tests less than it should")
	}
	all, kept := count()
	if all != trainings || kept != resumed || resumed == 0 {
		t.Errorf("%d trainings, %d of them resumed; on one machine %d and %d", all, kept, trainings, resumed)
	}
	wantWeights(t, dir, want)
	for i, folder := range folders {
		entries, err := os.ReadDir(folder)
		if trained := err == nil && len(entries) > 0; trained == (i == 2) {
			t.Errorf("worker %d trained: %v, %v", i, trained, err)
		}
	}
}

// wantWeights wants the weights of a run in another one, byte for byte.
func wantWeights(t *testing.T, dir, want string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(want, runstore.WeightsDir, "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("the run on one machine has no weights: %v", err)
	}
	for _, path := range paths {
		rel := filepath.Join(runstore.WeightsDir, filepath.Base(path))
		if !bytes.Equal(runtest.Read(t, dir, rel), runtest.Read(t, want, rel)) {
			t.Errorf("%s is another than on one machine", rel)
		}
	}
}
