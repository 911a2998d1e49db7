package search

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

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
// The last front is thinned one by one ([Thin]). A generation may be smaller
// than the population. Of the trials with equal objectives one survives before
// any other does: many networks of a coarse space tie, and copies crowd out
// diversity.
//
// Look-ahead: a generation. Its candidates are asked for when exactly the
// results of all earlier generations have been told.
type NSGA2 struct {
	proposer
	settings NSGA2Settings

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
	s.Population = cmp.Or(s.Population, 96)
	s.Offspring = cmp.Or(s.Offspring, max(4, s.Population/4))
	s.Crossover = max(0, cmp.Or(s.Crossover, 0.5))
	switch {
	case s.Population < 2:
		return nil, fmt.Errorf("search: nsga2: population is %d; want 2 or more", s.Population)
	case s.Offspring < 1:
		return nil, fmt.Errorf("search: nsga2: offspring is %d; want 1 or more", s.Offspring)
	case !(s.Crossover <= 1):
		return nil, fmt.Errorf("search: nsga2: crossover is %v; want a probability", s.Crossover)
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
	draw := n.mate
	if n.generation == 0 {
		draw = nil
	}
	return n.propose(n.generation, draw)
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
	all := survivors(slices.Concat(n.population, n.children), n.settings.Population)
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
	n.population = survivors(append(n.population, n.children...), n.settings.Population)
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

// crowdedLess is the crowded-comparison operator of Deb et al., section III-B.
func crowdedLess(a, b *individual) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.crowd > b.crowd
}

// survivors returns the best keep of all, with rank and crowding set, in the
// order of rank and id. It reorders all.
func survivors(all []individual, keep int) []individual {
	points := make([][]float64, len(all))
	cv := make([]float64, len(all))
	for i := range all {
		points[i], cv[i] = all[i].cost, all[i].cv
	}
	ranks, _ := Sort(points, cv)
	demoteCopies(points, cv, ranks)
	// By rank, then id: which place a trial has in all is an accident.
	type place struct {
		rank, id int
		at       int32
	}
	order := make([]place, len(all))
	for i := range all {
		all[i].rank = ranks[i]
		order[i] = place{ranks[i], all[i].id, int32(i)}
	}
	slices.SortFunc(order, func(a, b place) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.id - b.id
	})
	sorted := make([]individual, len(all))
	for k := range order {
		sorted[k] = all[order[k].at]
	}
	copy(all, sorted)
	kept := all[:0]
	for len(all) > 0 && len(kept) < keep {
		n := 1
		for n < len(all) && all[n].rank == all[0].rank {
			n++
		}
		kept = append(kept, thin(all[:n], keep-len(kept))...)
		all = all[n:]
	}
	return kept
}

// demoteCopies puts all but the first of equal feasible points behind the last
// feasible front, as further fronts: second copies, third copies and so on. The
// infeasible move up accordingly.
func demoteCopies(points [][]float64, cv []float64, ranks []int) {
	// An open hash table of the first of equal points; seen counts its copies.
	size := 1 << bits.Len(uint(2*len(points)))
	first, seen := make([]int32, size), make([]int32, size) // first: index+1, 0 is free
	var copies []int32                                      // of points[i]: how many equal ones come before it
	feasible, extra := 0, int32(0)
	for i, p := range points {
		if cv[i] != 0 {
			continue
		}
		feasible = max(feasible, ranks[i]+1)
		h := uint64(0)
		for _, v := range p {
			h = mix(h ^ math.Float64bits(v+0)) // both zeros are equal
		}
		for k := int(h) & (size - 1); ; k = (k + 1) & (size - 1) {
			if first[k] == 0 {
				first[k] = int32(i) + 1
				break
			}
			if !slices.Equal(points[first[k]-1], p) {
				continue
			}
			if copies == nil {
				copies = make([]int32, len(points))
			}
			seen[k]++
			copies[i] = seen[k]
			extra = max(extra, seen[k])
			break
		}
	}
	for i, n := range copies {
		if n > 0 {
			ranks[i] = feasible + int(n) - 1
		} else if cv[i] != 0 {
			ranks[i] += int(extra)
		}
	}
}

// thin keeps the least crowded members of one front and sets their distances.
func thin(front []individual, keep int) []individual {
	if front[0].cv > 0 { // equal violations, nothing to tell them apart
		front = front[:min(len(front), keep)]
		for i := range front {
			front[i].crowd = 0
		}
		return front
	}
	points := make([][]float64, len(front))
	for i := range front {
		points[i] = front[i].cost
	}
	kept, distance := Thin(points, keep)
	for k, i := range kept {
		front[k] = front[i]
		front[k].crowd = distance[k]
	}
	return front[:len(kept)]
}
