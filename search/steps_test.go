package search_test

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"nas/search"
	"nas/search/searchtest"
)

// TestSteps: a run by hand, begun again from its trials at random instants, has the trials of Run.
func TestSteps(t *testing.T) {
	p := &searchtest.Toy{Genes: 8, Choices: 4, MaxCost: 120, FailEvery: 11}
	for _, c := range []struct {
		algorithm string
		stop      search.Stop
		want      search.Status
	}{
		{"nsga2", search.Stop{Trials: 300}, search.StatusTrials},
		{"evolution", search.Stop{Evaluations: 200}, search.StatusEvaluations},
		{"random", search.Stop{Evaluations: 200}, search.StatusEvaluations},
	} {
		whole := &memory{}
		o := search.Options{Stop: c.stop}
		if _, err := search.Run(t.Context(), newSearcher(t, c.algorithm, p, 1), p, whole, p.Objectives(), o); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(2, 3))
		var trials []search.Trial
		begin := func() *search.Steps {
			o.Replay = searchtest.Yield(slices.Clone(trials))
			s, err := search.NewSteps(newSearcher(t, c.algorithm, p, 1), p.Objectives(), o)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := begin()
		for s.Status() == search.StatusRunning {
			if r.IntN(20) == 0 {
				s = begin()
			}
			next := s.Pending()[0]
			if next.ID != len(trials) || next.ArchID == "" {
				t.Fatalf("%s: candidate %+v comes next after %d trials", c.algorithm, next, len(trials))
			}
			result, err := search.Judge(context.Background(), p, next, p.Objectives(), 0)
			if err != nil {
				t.Fatal(err)
			}
			trial, err := s.Tell(result)
			if err != nil {
				t.Fatal(err)
			}
			trials = append(trials, trial)
		}
		if s.Status() != c.want || !reflect.DeepEqual(trials, whole.trials) {
			t.Errorf("%s: %v after %d trials, want %v after %d", c.algorithm, s.Status(), len(trials), c.want, len(whole.trials))
		}
		if n := len(s.Pending()); n != 0 {
			t.Errorf("%s: %d candidates wait at the end", c.algorithm, n)
		}
		if _, err := s.Tell(search.Result{}); err == nil {
			t.Errorf("%s: a result is told at the end", c.algorithm)
		}
		if s.Progress().Trials != len(trials) {
			t.Errorf("%s: progress %+v", c.algorithm, s.Progress())
		}
	}
}

// TestStepsOfASmallSpace ends with the space.
func TestStepsOfASmallSpace(t *testing.T) {
	p := &searchtest.Toy{Genes: 2, Choices: 3}
	s, err := search.NewSteps(newSearcher(t, "random", p, 1), p.Objectives(), search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; s.Status() == search.StatusRunning; n++ {
		if _, err := s.Tell(search.Result{Failed: "no"}); err != nil {
			t.Fatal(err)
		}
	}
	if s.Status() != search.StatusExhausted || n == 0 || n > 9 {
		t.Errorf("%v after %d networks", s.Status(), n)
	}
}
