package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"nas/internal/fault"
	"nas/search/pareto"
	"nas/space"
)

// EvolutionSettings are the settings of [Evolution].
type EvolutionSettings struct {
	// Population is how many of the latest trials may become parents. 0 means 64.
	Population int
	// Sample is how many of them compete to become the parent. 0 means half of
	// the population.
	Sample int
	// LookAhead is how many candidates may be open besides the one that is asked
	// for: candidate i knows the results of trials below i - LookAhead. 0 means
	// 8; negative means none.
	LookAhead int
}

// Evolution is the regularised (aging) evolution of Real, Aggarwal, Huang and Le,
// "Regularized evolution for image classifier architecture search", AAAI 2019,
// algorithm 1: the best of a random sample of the population has a mutated child,
// and the oldest member dies.
//
// It differs in three points. With several objectives the sample's best is one of
// its first front by constraint domination, drawn at random. The population is
// a window over the trials in id order, so members die by age even while results
// are open. No network is asked for twice.
type Evolution struct {
	proposer
	settings EvolutionSettings
	window   []individual // the latest told trials, a ring by id
}

// NewEvolution returns a regularised evolution searcher.
func NewEvolution(setup Setup, s EvolutionSettings) (*Evolution, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	s.Population = cmp.Or(s.Population, 64)
	s.Sample = cmp.Or(s.Sample, max(1, s.Population/2))
	s.LookAhead = max(0, cmp.Or(s.LookAhead, 8))
	switch {
	case s.Population < 1:
		return nil, fault.Errorf("search: evolution: population is %d; want 1 or more", s.Population)
	case s.Sample < 1 || s.Sample > s.Population:
		return nil, fault.Errorf("search: evolution: sample is %d; want 1 to the population, %d", s.Sample, s.Population)
	}
	return &Evolution{proposer: p, settings: s}, nil
}

// String implements [Searcher].
func (e *Evolution) String() string {
	return fmt.Sprintf("evolution(population=%d, sample=%d, lookahead=%d, %s)",
		e.settings.Population, e.settings.Sample, e.settings.LookAhead, e.proposer.settings())
}

// Ask implements [Searcher].
func (e *Evolution) Ask() (Candidate, State) {
	if e.told < e.asked-e.settings.LookAhead {
		return Candidate{}, Wait
	}
	vary := e.breed
	if e.asked < e.settings.Population || len(e.window) == 0 {
		vary = nil
	}
	return e.propose(e.asked/e.settings.Population, vary)
}

// Tell implements [Searcher].
func (e *Evolution) Tell(t Trial) error {
	if err := e.tell(&t); err != nil {
		return err
	}
	if len(e.window) < e.settings.Population {
		e.window = append(e.window, e.observe(&t))
	} else {
		e.window[t.ID%e.settings.Population] = e.observe(&t)
	}
	return nil
}

// breed mutates the best of a sample without replacement.
func (e *Evolution) breed(r *rand.Rand) (space.Genes, []int) {
	n := min(e.settings.Sample, len(e.window))
	sample := r.Perm(len(e.window))[:n]
	points, cv := make([][]float64, n), make([]float64, n)
	for k, i := range sample {
		points[k], cv[k] = e.window[i].cost, e.window[i].cv
	}
	ranks, _ := pareto.Sort(points, cv)
	best := sample[:0]
	for k, i := range sample {
		if ranks[k] == 0 {
			best = append(best, i)
		}
	}
	parent := &e.window[best[r.IntN(len(best))]]
	return e.Space.Mutate(parent.genes, r), []int{parent.id}
}
