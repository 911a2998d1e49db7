package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"

	"nas/internal/fault"
	"nas/search/pareto"
	"nas/space"
)

// LocalSettings are the settings of [Local].
type LocalSettings struct {
	// Initial is how many samples precede the first step. 0 means 16.
	Initial int
	// LookAhead is as in [EvolutionSettings]. 0 means 8; negative means none.
	LookAhead int
}

// Local is Pareto local search (Paquete, Chiarandini and Stützle, "Pareto local
// optimum sets in the biobjective traveling salesman problem", 2004): keep the
// non-dominated trials, look at the neighbours of the least explored one. That
// such a search is a strong baseline for architectures is shown by Den Ottelander,
// Dushatskiy, Virgolin and Bosman, "Local search is a remarkably strong baseline
// for neural architecture search", EMO 2021.
//
// It differs in two points: a neighbour is one mutation of the space, and
// neighbourhoods are not exhausted one after the other; every step goes to the
// member with the fewest neighbours tried so far, of those to the youngest. While
// nothing is feasible the member is the trial with the smallest violation. Where
// no new neighbour is found a sample restarts the search.
type Local struct {
	proposer
	settings LocalSettings
	members  []localMember
	nearest  individual // the least violation seen while nothing is feasible
}

type localMember struct {
	individual
	tried int // neighbours asked for
}

// NewLocal returns a local searcher.
func NewLocal(setup Setup, s LocalSettings) (*Local, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	s.Initial = cmp.Or(s.Initial, 16)
	s.LookAhead = max(0, cmp.Or(s.LookAhead, 8))
	if s.Initial < 1 {
		return nil, fault.Errorf("search: local: initial is %d; want 1 or more", s.Initial)
	}
	return &Local{proposer: p, settings: s}, nil
}

// String implements [Searcher].
func (l *Local) String() string {
	return fmt.Sprintf("local(initial=%d, lookahead=%d, %s)",
		l.settings.Initial, l.settings.LookAhead, l.proposer.settings())
}

// Ask implements [Searcher].
func (l *Local) Ask() (Candidate, State) {
	if l.told < l.asked-l.settings.LookAhead {
		return Candidate{}, Wait
	}
	vary := l.step
	if l.asked < l.settings.Initial || l.told == 0 {
		vary = nil
	}
	return l.propose(l.asked/(l.settings.LookAhead+1), vary)
}

// Tell implements [Searcher].
func (l *Local) Tell(t Trial) error {
	if err := l.tell(&t); err != nil {
		return err
	}
	x := l.observe(&t)
	if x.cv > 0 {
		if l.nearest.genes == nil || x.cv < l.nearest.cv {
			l.nearest = x
		}
		return nil
	}
	for i := range l.members {
		if pareto.WeaklyDominates(l.members[i].cost, x.cost) {
			return nil
		}
	}
	kept := l.members[:0]
	for _, m := range l.members {
		if !pareto.Dominates(x.cost, m.cost) {
			kept = append(kept, m)
		}
	}
	l.members = append(kept, localMember{individual: x})
	return nil
}

// step mutates the least explored member. Duplicates count as tried too, so that a
// member whose neighbours have all been asked for loses its turn.
func (l *Local) step(r *rand.Rand) (space.Genes, []int) {
	if len(l.members) == 0 {
		return l.Space.Mutate(l.nearest.genes, r), []int{l.nearest.id}
	}
	m := &l.members[0]
	for i := range l.members {
		if x := &l.members[i]; x.tried < m.tried || x.tried == m.tried && x.id > m.id {
			m = x
		}
	}
	m.tried++
	return l.Space.Mutate(m.genes, r), []int{m.id}
}
