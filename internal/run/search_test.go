package run

import (
	"path/filepath"
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/results"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/search"
)

// TestBudgetChooses leaves algorithm and population to the budget, and goes on with
// a budget that would have chosen otherwise.
func TestBudgetChooses(t *testing.T) {
	c := runtest.Config(t, "../../results/reference/smoke/profile.json")
	c.Search.Algorithm, c.Search.Population, c.Search.Evaluations = config.Auto, 0, 24
	c.Output.Measure = 0
	mustRun(t, t.Context(), Options{Config: c})
	check := func(trials int) {
		t.Helper()
		s, err := results.Load(c.Output.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.Manifest.Algorithm; !strings.HasPrefix(a, "surrogate_nsga2(") {
			t.Errorf("a run of few evaluations is searched by %s", a)
		}
		if s.Trials != trials {
			t.Errorf("%d trials; want %d", s.Trials, trials)
		}
	}
	check(24)
	stored, err := config.Load(c.Output.Dir + "/" + runstore.ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	if a := stored.Search.Algorithm; a != "surrogate_nsga2" {
		t.Errorf("algorithm = %q is stored, which says nothing", a)
	}
	c.Search.Algorithm, c.Search.Population = config.Auto, 0
	c.Search.Evaluations, c.Search.Trials = 1000, 32
	mustRun(t, t.Context(), Options{Config: c, Resume: true})
	check(32)

	c = runtest.Config(t, "../../results/reference/smoke/profile.json")
	c.Search.Algorithm, c.Search.Population, c.Search.Evaluations, c.Search.Trials = config.Auto, 0, 400, 30
	c.Output.Measure = 0
	mustRun(t, t.Context(), Options{Config: c})
	s, err := results.Load(c.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Manifest.Algorithm; !strings.HasPrefix(a, "nsga2(population=20,") {
		t.Errorf("a run of 400 evaluations is searched by %s", a)
	}
	if search.Auto(0) != "nsga2" {
		t.Error("a budget that is not known is taken for a small one")
	}
}

// TestPlateau ends at the same trial whether the run is stopped and resumed or not, and says why.
func TestPlateau(t *testing.T) {
	config := func() *config.Config {
		return quick(t, filepath.Join(t.TempDir(), "run"), "evaluations = 16",
			"algorithm = \"nsga2\"\nevaluations = \"plateau\"\nplateau = 12")
	}
	at := config()
	out := mustRun(t, t.Context(), Options{Config: at})
	if s := out.Summary; s.Status != search.StatusPlateau || s.Evaluations <= 12 {
		t.Fatalf("ended by %v after %d evaluations", s.Status, s.Evaluations)
	}
	again := config()
	again.Search.Evaluations, again.Search.Plateau = 10, 0
	mustRun(t, t.Context(), Options{Config: again})
	again.Search.Evaluations, again.Search.Plateau = at.Search.Evaluations, at.Search.Plateau
	mustRun(t, t.Context(), Options{Config: again, Resume: true})
	sameTrials(t, out.Dir, again.Output.Dir)
	s, err := results.Load(again.Output.Dir)
	if err != nil {
		t.Fatal(err)
	}
	want := "plateau (the hypervolume grew by less than 0.1 % over the last 12 scored networks)"
	if s.Manifest.Ended != want || s.Manifest.Status != "plateau" {
		t.Errorf("the run ended by %s: %s; want %s", s.Manifest.Status, s.Manifest.Ended, want)
	}
}
