package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// trainedSpace is a search whose candidates are trained by a recipe of its own.
const trainedSpace = `name = "trained"
[space]
input = [12, 12, 1]
classes = 4
divisor = 4
[space.stem]
channels = 8
stride = 2
[[space.stage]]
block = "ds"
channels = [4, 8, 12, 16]
kernel = [3, 5]
activation = ["relu", "hswish"]
[space.head]
channels = 16
[latency]
budget = "1s"
[accuracy]
evaluator = %q
data = %q
[search]
evaluations = 8
population = 8
[output]
dir = %q
measure = 0
export = ["pytorch"]
`

// TestTrainSearch: a search trains its candidates with this program alone, by the shipped recipe, and exports trained
// weights.
func TestTrainSearch(t *testing.T) {
	data, dir := trainingData(t)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Setenv("NAS_TEST_PROGRAM", "1") // {nas} is this test
	wantExit(t, exitDone, "", "evaluator", "copy", "builtin", filepath.Join(dir, "recipe"))
	recipe := filepath.Join(dir, "recipe", "train.toml")
	text := string(contents(t, dir, "recipe/train.toml")) + "env = [\"NAS_TEST_PROGRAM\"]\n"
	config := filepath.Join(dir, "search.toml")
	for path, text := range map[string]string{
		recipe: text, config: fmt.Sprintf(trainedSpace, recipe, data, filepath.Join(dir, "run")),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wantExit(t, exitDone, "", "run", config, "--quiet")
	trials := 0
	for line := range strings.Lines(string(contents(t, dir, "run/trials.jsonl"))) {
		var x struct {
			Objectives map[string]float64
			Rungs      []float64
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		if trials++; len(x.Rungs) == 0 || x.Objectives["accuracy"] < 30 {
			t.Errorf("%s", line)
		}
	}
	weights, err := filepath.Glob(filepath.Join(dir, "run", "export", "*.safetensors"))
	if err != nil || len(weights) == 0 || trials < 8 {
		t.Errorf("%d trials, and the weights %v", trials, weights)
	}
}
