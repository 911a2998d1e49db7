// Package runtest holds what the tests of runs, and of what is made from runs, share. Paths are those of
// a package in internal/.
package runtest

import (
	"os"
	"path/filepath"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/native"
	"nas/latency/timing"
	"nas/search"
)

// Profile is the file of a latency profile that takes this machine for its own, so that what a test
// measures here is held against it. Its times are those of the reference run: what a search finds must
// not depend on how busy this machine was when the tests began.
func Profile(t testing.TB) string {
	t.Helper()
	p, err := latency.Load("../../results/reference/smoke/profile.json")
	if err != nil {
		t.Fatal(err)
	}
	p.Device = native.New(1).Device()
	p.Calibration.Baseline = timing.Baseline{} // another machine's
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// Config loads configs/smoke.toml, smaller still and with a score that runs no network, for a run in a new directory.
// An empty profile leaves the calibration of this machine to the run.
func Config(t testing.TB, profile string) *config.Config {
	t.Helper()
	c, err := config.Load("../../configs/smoke.toml", evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	c.Accuracy.Proxy = "rankmean(params,depth)" // a run scores 256 networks before it begins
	c.Search.Evaluations, c.Search.Population = 40, 8
	c.Output.Dir, c.Output.Measure = filepath.Join(t.TempDir(), "run"), 3
	c.Latency.Budget = config.Duration(3e9)
	if profile != "" {
		c.Latency.Profile = config.Named[string]{"": profile}
		c.AcceptProfiles() // whatever else this machine does meanwhile
	}
	return c
}

// Setup makes the models of a config that is written out, with the profile of [Profile].
func Setup(t testing.TB, text string, o work.Options) *evaluator.Setup {
	t.Helper()
	c, err := config.Decode("test.toml", []byte(text), evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	c.Latency.Profile = config.Named[string]{"": Profile(t)}
	c.AcceptProfiles()
	s, err := evaluator.New(t.Context(), c, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Read returns the bytes of a file of a run.
func Read(t testing.TB, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Trials reads all trials of a run.
func Trials(t testing.TB, dir string) (all []search.Trial) {
	t.Helper()
	for x, err := range runstore.ReadTrials(dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}
