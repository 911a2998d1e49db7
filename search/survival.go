package search

import (
	"math"
	"math/bits"
	"slices"

	"nas/internal/random"
	"nas/search/pareto"
)

// crowdedLess is the crowded-comparison operator of Deb et al., section III-B.
func crowdedLess(a, b *individual) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.crowd > b.crowd
}

// selection is the environmental selection of NSGA-II. It keeps its buffers from
// call to call.
type selection struct {
	sorter     pareto.Sorter
	pruner     pareto.Pruner
	duplicates duplicates
	points     [][]float64
	cv         []float64
	order      []ranked
	ends       []int // of each rank, in order
	kept       []individual
}

// ranked refers to an individual, with what it is ordered by.
type ranked struct {
	rank, id int
	index    int32
}

// survivors returns the best keep of all, with rank and crowding set, ordered by
// rank, then id. It takes over the memory of all for the next call.
func (s *selection) survivors(all []individual, keep int) []individual {
	n := len(all)
	s.points, s.cv, s.order = slices.Grow(s.points[:0], n), slices.Grow(s.cv[:0], n), slices.Grow(s.order[:0], n)
	for i := range all {
		s.points, s.cv = append(s.points, all[i].cost), append(s.cv, all[i].cv)
	}
	ranks, _ := s.sorter.Sort(s.points, s.cv)
	s.duplicates.demote(s.points, s.cv, ranks)
	s.arrange(all, ranks)
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

// arrange fills order with all individuals by rank, then id: a counting sort by
// rank, in which each rank is then sorted by id.
func (s *selection) arrange(all []individual, ranks []int) {
	s.ends = append(s.ends[:0], 0)
	for _, r := range ranks {
		for len(s.ends) <= r+1 {
			s.ends = append(s.ends, 0)
		}
		s.ends[r+1]++
	}
	for r := 1; r < len(s.ends); r++ {
		s.ends[r] += s.ends[r-1]
	}
	s.order = s.order[:len(all)]
	for i, r := range ranks { // ends[r] starts as the end of the rank before and moves on to r's
		s.order[s.ends[r]] = ranked{r, all[i].id, int32(i)}
		s.ends[r]++
	}
	from := 0
	for _, to := range s.ends {
		slices.SortFunc(s.order[from:max(from, to)], func(a, b ranked) int { return a.id - b.id })
		from = max(from, to)
	}
}

// thin appends the keep least crowded members of one front of all to kept, with
// their crowding distances.
func (s *selection) thin(kept, all []individual, front []ranked, keep int) []individual {
	if all[front[0].index].cv > 0 { // a front of equal violations has no crowding
		for _, p := range front[:min(len(front), keep)] {
			x := all[p.index]
			x.rank, x.crowd = p.rank, 0
			kept = append(kept, x)
		}
		return kept
	}
	s.points = s.points[:0]
	for _, p := range front {
		s.points = append(s.points, all[p.index].cost)
	}
	chosen, distance := s.pruner.Prune(s.points, keep)
	for k, i := range chosen {
		x := all[front[i].index]
		x.rank, x.crowd = front[i].rank, distance[k]
		kept = append(kept, x)
	}
	return kept
}

// duplicates is a hash table with open addressing of the distinct points of a set.
// A slot holds the index of the first of equal points plus 1, 0 if it is free, and
// the number of further points equal to it.
type duplicates struct{ first, further []int32 }

// demote moves all but the first of equal feasible points behind the last feasible
// front: the second points of their kind form a front, the third ones the next, and
// so on. The infeasible points follow these.
func (d *duplicates) demote(points [][]float64, cv []float64, ranks []int) {
	size := 1 << bits.Len(uint(2*len(points)))
	d.first, d.further = slices.Grow(d.first[:0], size)[:size], slices.Grow(d.further[:0], size)[:size]
	first, further := d.first, d.further
	clear(first)
	clear(further)
	var nth []int32 // how many equal points precede a point; nil if none is a duplicate
	feasible, extra := 0, int32(0)
	for i, p := range points {
		if cv[i] != 0 {
			continue
		}
		feasible = max(feasible, ranks[i]+1)
		h := uint64(0)
		for _, v := range p {
			h = random.Mix(h ^ math.Float64bits(v+0)) // both zeros are equal
		}
		for k := int(h) & (size - 1); ; k = (k + 1) & (size - 1) {
			if first[k] == 0 {
				first[k] = int32(i) + 1
				break
			}
			if !slices.Equal(points[first[k]-1], p) {
				continue
			}
			if nth == nil {
				nth = make([]int32, len(points))
			}
			further[k]++
			nth[i] = further[k]
			extra = max(extra, further[k])
			break
		}
	}
	for i, n := range nth {
		if n > 0 {
			ranks[i] = feasible + int(n) - 1
		} else if cv[i] != 0 {
			ranks[i] += int(extra)
		}
	}
}
