package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Sort ranks points by domination: rank 0 is the Pareto front, rank 1 the front
// of what is left without it, and so on. points[i] holds the i-th point's
// objectives, all to be minimised, none NaN; equal points get equal ranks. It
// returns the ranks and the number of fronts.
//
// violation[i] > 0 makes point i infeasible (its objectives are not looked at):
// it ranks behind all feasible points, among the infeasible by its violation,
// and equal violations share a rank. This is the constraint domination of Deb,
// Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic
// algorithm: NSGA-II", IEEE Trans. Evol. Comput. 6(2), 2002, definition 1. A nil
// violation means that all are feasible.
//
// Two objectives take O(N log N): after sorting, a point's rank is found by
// binary search over the smallest second objective of each front. More take the
// efficient non-dominated sort with binary search (Zhang, Tian, Cheng and Jin,
// IEEE Trans. Evol. Comput. 19(2), 2015), O(M N^2) at worst, instead of the
// O(M N^2) that Deb's sort always takes.
func Sort(points [][]float64, violation []float64) (ranks []int, fronts int) {
	return new(Sorter).Sort(points, violation)
}

// Sorter is the room of a sort, which serves again.
type Sorter struct {
	ranks            []int
	feasible, broken []int32
	planar, sorted   []planar
	keys, spare      []keyed
	lowest           []float64
}

// sort is Sort. What it returns is s's, until the next call.
func (s *Sorter) Sort(points [][]float64, violation []float64) (ranks []int, fronts int) {
	s.ranks = resize(s.ranks, len(points))
	ranks = s.ranks
	feasible, broken := slices.Grow(s.feasible[:0], len(points)), s.broken[:0]
	for i := range points {
		if violation != nil && violation[i] > 0 {
			broken = append(broken, int32(i))
		} else {
			feasible = append(feasible, int32(i))
		}
	}
	s.feasible, s.broken = feasible, broken
	if len(feasible) > 0 {
		switch len(points[feasible[0]]) {
		case 1, 2:
			fronts = s.sortTwo(points, feasible, ranks)
		default:
			fronts = sortMany(points, feasible, ranks)
		}
	}
	slices.SortFunc(broken, func(a, b int32) int {
		return cmp.Or(cmp.Compare(violation[a], violation[b]), cmp.Compare(a, b))
	})
	for k, i := range broken {
		if k == 0 || violation[i] != violation[broken[k-1]] {
			fronts++
		}
		ranks[i] = fronts - 1
	}
	return ranks, fronts
}

// sortTwo ranks the points in index by one or two objectives.
func (s *Sorter) sortTwo(points [][]float64, index []int32, ranks []int) int {
	s.planar = resize(s.planar, len(index))
	ps := s.planar
	for k, i := range index {
		p := points[i]
		ps[k] = planar{p[0], p[len(p)-1], i}
	}
	ps = s.sortPlanar(ps)
	lowest := s.lowest[:0] // smallest y of each front so far; does not fall from front to front
	for k, p := range ps {
		if k > 0 && p.x == ps[k-1].x && p.y == ps[k-1].y {
			ranks[p.i] = ranks[ps[k-1].i]
			continue
		}
		// All points before p have no larger x: a front dominates p iff its
		// smallest y is not above p's.
		lo, hi := 0, len(lowest)
		for lo < hi {
			if mid := (lo + hi) / 2; lowest[mid] <= p.y {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == len(lowest) {
			lowest = append(lowest, math.Inf(1))
		}
		lowest[lo] = p.y
		ranks[p.i] = lo
	}
	s.lowest = lowest
	return len(lowest)
}

// planar is a point of two objectives.
type planar struct {
	x, y float64
	i    int32
}

func comparePlanar(a, b planar) int {
	switch {
	case a.x < b.x:
		return -1
	case a.x > b.x:
		return 1
	case a.y < b.y:
		return -1
	case a.y > b.y:
		return 1
	}
	return int(a.i - b.i)
}

// sortPlanar sorts by x, y, index. Many points go through a radix sort by x,
// eleven bits at a time, which is several times as fast as comparing.
func (s *Sorter) sortPlanar(ps []planar) []planar {
	if len(ps) < 768 {
		slices.SortFunc(ps, comparePlanar)
		return ps
	}
	const digit = 11
	s.keys, s.spare = resize(s.keys, len(ps)), resize(s.spare, len(ps))
	keys, spare := s.keys, s.spare
	var counts [6][1 << digit]int32
	for k, p := range ps {
		key := orderedBits(p.x)
		keys[k] = keyed{key, int32(k)}
		for d := range counts {
			counts[d][key>>(d*digit)&(1<<digit-1)]++
		}
	}
	for d := range counts {
		count := &counts[d]
		shift := d * digit
		if count[keys[0].key>>shift&(1<<digit-1)] == int32(len(ps)) {
			continue // all points agree in these bits
		}
		at := int32(0)
		for v, n := range count {
			count[v] = at
			at += n
		}
		for _, e := range keys {
			slot := &count[e.key>>shift&(1<<digit-1)]
			spare[*slot] = e
			*slot++
		}
		keys, spare = spare, keys
	}
	s.sorted = resize(s.sorted, len(ps))
	out := s.sorted
	from := 0
	for k, e := range keys {
		out[k] = ps[e.k]
		if k > 0 && out[k].x != out[from].x {
			if k-from > 1 {
				slices.SortFunc(out[from:k], comparePlanar)
			}
			from = k
		}
	}
	slices.SortFunc(out[from:], comparePlanar)
	return out
}

// keyed is a point's place before the sort, with what is sorted by.
type keyed struct {
	key uint64
	k   int32
}

// orderedBits maps numbers to unsigned ones in the same order; both zeros to
// one.
func orderedBits(x float64) uint64 {
	b := math.Float64bits(x + 0) // -0 + 0 is +0
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}

// sortMany ranks the points in index by any number of objectives.
func sortMany(points [][]float64, index []int32, ranks []int) int {
	order := slices.Clone(index)
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(slices.Compare(points[a], points[b]), cmp.Compare(a, b))
	})
	var fronts [][]int32
	// dominated says whether a member of front f dominates p. Points before p
	// in lexicographic order are not dominated by it and have no larger first
	// objective. The latest members are the likeliest to be close to p.
	dominated := func(f []int32, p []float64) bool {
		for k := len(f) - 1; k >= 0; k-- {
			if WeaklyDominates(points[f[k]][1:], p[1:]) {
				return true
			}
		}
		return false
	}
	for k, i := range order {
		p := points[i]
		if k > 0 && slices.Equal(p, points[order[k-1]]) {
			ranks[i] = ranks[order[k-1]]
			continue // an equal point adds nothing to the front's members
		}
		lo, hi := 0, len(fronts)
		for lo < hi {
			if mid := (lo + hi) / 2; dominated(fronts[mid], p) {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == len(fronts) {
			fronts = append(fronts, nil)
		}
		fronts[lo] = append(fronts[lo], i)
		ranks[i] = lo
	}
	return len(fronts)
}
