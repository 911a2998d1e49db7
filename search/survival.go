package search

import (
	"math"
	"math/bits"
	"slices"

	"nas/search/pareto"
)

// crowdedLess is the crowded-comparison operator of Deb et al., section III-B.
func crowdedLess(a, b *individual) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.crowd > b.crowd
}

// selection chooses who survives. Its room serves again.
type selection struct {
	sorter pareto.Sorter
	pruner pareto.Pruner
	copies copies
	points [][]float64
	cv     []float64
	order  []place
	ends   []int // of each rank, in order
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
	ranks, _ := s.sorter.Sort(s.points, s.cv)
	s.copies.demote(s.points, s.cv, ranks)
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

// arrange makes order that of all: by rank, counted out, then by id.
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
	for i, r := range ranks { // ends of a rank before are starts of this one, until it is full
		s.order[s.ends[r]] = place{r, all[i].id, int32(i)}
		s.ends[r]++
	}
	from := 0
	for _, to := range s.ends {
		slices.SortFunc(s.order[from:max(from, to)], func(a, b place) int { return a.id - b.id })
		from = max(from, to)
	}
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
	chosen, distance := s.pruner.Prune(s.points, keep)
	for k, i := range chosen {
		x := all[front[i].at]
		x.rank, x.crowd = front[i].rank, distance[k]
		kept = append(kept, x)
	}
	return kept
}

// copies is an open hash table of the first of equal points; seen counts its copies.
type copies struct{ first, seen []int32 } // first: index+1, 0 is free

// demote puts all but the first of equal feasible points behind the last
// feasible front, as further fronts: second copies, third copies and so on. The
// infeasible move up accordingly.
func (t *copies) demote(points [][]float64, cv []float64, ranks []int) {
	size := 1 << bits.Len(uint(2*len(points)))
	t.first, t.seen = slices.Grow(t.first[:0], size)[:size], slices.Grow(t.seen[:0], size)[:size]
	first, seen := t.first, t.seen
	clear(first)
	clear(seen)
	var copies []int32 // of points[i]: how many equal ones come before it
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
