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

// crowdedLess is the crowded-comparison operator of Deb et al., section III-B.
func crowdedLess(a, b *individual) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.crowd > b.crowd
}

// selection chooses who survives. Its room serves again.
type selection struct {
	points [][]float64
	cv     []float64
	order  []place
	kept   []individual
}

// place is an individual's: by rank, then id. Which one it has among all is an
// accident.
type place struct {
	rank, id int
	at       int32
}

// survivors returns the best keep of all, with rank and crowding set, in the
// order of rank and id. all must not be used afterwards: the next call returns its
// room.
func (s *selection) survivors(all []individual, keep int) []individual {
	n := len(all)
	s.points, s.cv, s.order = slices.Grow(s.points[:0], n), slices.Grow(s.cv[:0], n), slices.Grow(s.order[:0], n)
	for i := range all {
		s.points, s.cv = append(s.points, all[i].cost), append(s.cv, all[i].cv)
	}
	ranks, _ := Sort(s.points, s.cv)
	demoteCopies(s.points, s.cv, ranks)
	for i := range all {
		s.order = append(s.order, place{ranks[i], all[i].id, int32(i)})
	}
	slices.SortFunc(s.order, func(a, b place) int {
		if a.rank != b.rank {
			return a.rank - b.rank
		}
		return a.id - b.id
	})
	kept := s.kept[:0]
	for rest := s.order; len(rest) > 0 && len(kept) < keep; {
		k := 1
		for k < len(rest) && rest[k].rank == rest[0].rank {
			k++
		}
		kept = s.thin(kept, all, rest[:k], keep-len(kept))
		rest = rest[k:]
	}
	s.kept = all[:0]
	return kept
}

// thin appends the least crowded of one front of all to kept, with their distances.
func (s *selection) thin(kept, all []individual, front []place, keep int) []individual {
	if all[front[0].at].cv > 0 { // equal violations, nothing to tell them apart
		for _, p := range front[:min(len(front), keep)] {
			x := all[p.at]
			x.rank, x.crowd = p.rank, 0
			kept = append(kept, x)
		}
		return kept
	}
	s.points = s.points[:0]
	for _, p := range front {
		s.points = append(s.points, all[p.at].cost)
	}
	chosen, distance := Thin(s.points, keep)
	for k, i := range chosen {
		x := all[front[i].at]
		x.rank, x.crowd = front[i].rank, distance[k]
		kept = append(kept, x)
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
