package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"nas/internal/fault"
	"nas/space"
)

// NSGA2Settings are the settings of [NSGA2].
type NSGA2Settings struct {
	// Population is how many trials survive a generation. 0 means 96.
	Population int
	// Offspring is how many candidates a generation asks for, and so how many
	// are evaluated at the same time: fewer learn sooner, more keep more
	// workers busy. 0 means a quarter of the population,
	// at least 4.
	Offspring int
	// Crossover is the probability that a child has two parents. 0 means 0.5;
	// negative means none. Deb et al. use 0.9, which suits real vectors; genes of
	// networks depend on each other, and a child of two good parents is more often
	// a bad one.
	Crossover float64
}

// NSGA2 is the elitist genetic algorithm of Deb, Pratap, Agarwal and Meyarivan,
// "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE Trans.
// Evol. Comput. 6(2), 2002: binary tournaments by rank, then crowding distance;
// the best of parents and children survive; constraint domination.
//
// It differs in five points. Crossover and mutation are the space's own, one
// child a mating. No network is asked for twice; a duplicate child is bred anew.
// The last front is pruned one by one ([pareto.Pruner]). A generation may be
// smaller than the population. Duplicates in the objectives survive only where all
// distinct points do: many networks of a coarse space tie, and duplicates crowd
// out diversity.
//
// Look-ahead: a generation. Its candidates are asked for when exactly the
// results of all earlier generations have been told.
type NSGA2 struct {
	proposer
	settings NSGA2Settings

	selection  selection
	population []individual
	children   []individual // told trials of the current generation
	first      int          // id of the current generation's first trial
	generation int
}

// NewNSGA2 returns an NSGA-II searcher.
func NewNSGA2(setup Setup, s NSGA2Settings) (*NSGA2, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	s.Population = cmp.Or(s.Population, DefaultPopulation(0))
	s.Offspring = cmp.Or(s.Offspring, max(4, s.Population/4))
	s.Crossover = max(0, cmp.Or(s.Crossover, 0.5))
	switch {
	case s.Population < 2:
		return nil, fault.Errorf("search: nsga2: population is %d; want 2 or more", s.Population)
	case s.Offspring < 1:
		return nil, fault.Errorf("search: nsga2: offspring is %d; want 1 or more", s.Offspring)
	case !(s.Crossover <= 1):
		return nil, fault.Errorf("search: nsga2: crossover is %v; want a probability", s.Crossover)
	}
	return &NSGA2{proposer: p, settings: s}, nil
}

// String implements [Searcher].
func (n *NSGA2) String() string {
	return fmt.Sprintf("nsga2(population=%d, offspring=%d, crossover=%g, %s)",
		n.settings.Population, n.settings.Offspring, n.settings.Crossover, n.proposer.settings())
}

// size is the number of candidates of the current generation.
func (n *NSGA2) size() int {
	if n.generation == 0 {
		return n.settings.Population
	}
	return n.settings.Offspring
}

// Ask implements [Searcher].
func (n *NSGA2) Ask() (Candidate, State) {
	if n.asked == n.first+n.size() {
		if n.told < n.asked {
			return Candidate{}, Wait
		}
		n.survive()
	}
	vary := n.mate
	if n.generation == 0 {
		vary = nil
	}
	return n.propose(n.generation, vary)
}

// Tell implements [Searcher].
func (n *NSGA2) Tell(t Trial) error {
	if err := n.tell(&t); err != nil {
		return err
	}
	n.children = append(n.children, n.observe(&t))
	return nil
}

// Population returns the objectives of the feasible trials that survived the
// generations told so far, in their own units.
func (n *NSGA2) Population() [][]float64 {
	all := new(selection).survivors(slices.Concat(n.population, n.children), n.settings.Population)
	var points [][]float64
	for _, x := range all {
		if x.cost != nil {
			points = append(points, costs(x.cost, n.Objectives))
		}
	}
	return points
}

// survive ends a generation: the best of population and children stay.
func (n *NSGA2) survive() {
	n.population = n.selection.survivors(append(n.population, n.children...), n.settings.Population)
	n.children = n.children[:0]
	n.first = n.asked
	n.generation++
}

// mate makes a child of the winners of two tournaments.
func (n *NSGA2) mate(r *rand.Rand) (space.Genes, []int) {
	a := n.tournament(r)
	if r.Float64() >= n.settings.Crossover {
		return n.Space.Mutate(a.genes, r), []int{a.id}
	}
	b := n.tournament(r)
	if a.id == b.id {
		return n.Space.Mutate(a.genes, r), []int{a.id}
	}
	return n.Space.Mutate(n.Space.Crossover(a.genes, b.genes, r), r), []int{a.id, b.id}
}

// tournament returns the better of two members drawn at random.
func (n *NSGA2) tournament(r *rand.Rand) *individual {
	a, b := &n.population[r.IntN(len(n.population))], &n.population[r.IntN(len(n.population))]
	if crowdedLess(b, a) {
		return b
	}
	return a
}
