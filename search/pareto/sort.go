package pareto

import (
	"cmp"
	"math"
	"slices"
)

// Sort ranks points by domination: rank 0 is the Pareto front, rank 1 the front
// of the points that remain without it, and so on. Equal points have equal ranks.
// It returns the rank of each point and the number of fronts.
//
// A point with violation[i] > 0 is infeasible: its objectives are not looked at.
// Infeasible points rank behind all feasible ones, by their violation; equal
// violations share a rank. This is the constraint domination of Deb, Pratap,
// Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm:
// NSGA-II", IEEE Trans. Evol. Comput. 6(2), 2002, definition 1. A nil violation
// means that all points are feasible.
//
// N points of at most two objectives take O(N log N): the points are sorted, and a
// point's rank is found by binary search over the smallest second objective of
// each front. N points of M objectives take O(M N^2) at worst, by the efficient
// non-dominated sort with binary search (Zhang, Tian, Cheng and Jin, IEEE Trans.
// Evol. Comput. 19(2), 2015); Deb's sort takes that always.
func Sort(points [][]float64, violation []float64) (ranks []int, fronts int) {
	return new(Sorter).Sort(points, violation)
}

// Sorter sorts repeatedly without allocating anew. The zero value is ready for
// use; it is not safe for concurrent use.
type Sorter struct {
	ranks, front         []int
	feasible, infeasible []int32
	members              []int32
	planar, sorted       []planar
	keys, spare          []keyed
	lowest               []float64
}

// Sort is [Sort] with the buffers of s: the next call overwrites the ranks.
func (s *Sorter) Sort(points [][]float64, violation []float64) (ranks []int, fronts int) {
	s.ranks = resize(s.ranks, len(points))
	ranks = s.ranks
	feasible, infeasible := slices.Grow(s.feasible[:0], len(points)), s.infeasible[:0]
	for i := range points {
		if violation != nil && violation[i] > 0 {
			infeasible = append(infeasible, int32(i))
		} else {
			feasible = append(feasible, int32(i))
		}
	}
	s.feasible, s.infeasible = feasible, infeasible
	if len(feasible) > 0 {
		switch len(points[feasible[0]]) {
		case 1, 2:
			fronts = s.rankTwo(points, feasible, ranks)
		default:
			fronts = rankMany(points, feasible, ranks)
		}
	}
	slices.SortFunc(infeasible, func(a, b int32) int {
		return cmp.Or(cmp.Compare(violation[a], violation[b]), cmp.Compare(a, b))
	})
	for k, i := range infeasible {
		if k == 0 || violation[i] != violation[infeasible[k-1]] {
			fronts++
		}
		ranks[i] = fronts - 1
	}
	return ranks, fronts
}

// rankTwo ranks the points in index by one or two objectives and returns the
// number of fronts.
func (s *Sorter) rankTwo(points [][]float64, index []int32, ranks []int) int {
	ps := s.sortedPlanar(points, index)
	lowest := s.lowest[:0] // smallest y of each front so far; does not fall from front to front
	for k, p := range ps {
		if k > 0 && p.x == ps[k-1].x && p.y == ps[k-1].y {
			ranks[p.i] = ranks[ps[k-1].i]
			continue
		}
		// No point before p has a larger x: a front dominates p if and only if its
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

// rankMany ranks the points in index by any number of objectives and returns the
// number of fronts.
func rankMany(points [][]float64, index []int32, ranks []int) int {
	order := slices.Clone(index)
	sortLexicographically(order, points)
	var fronts [][]int32
	for k, i := range order {
		p := points[i]
		if k > 0 && slices.Equal(p, points[order[k-1]]) {
			ranks[i] = ranks[order[k-1]]
			continue // an equal point adds nothing to the front's members
		}
		lo, hi := 0, len(fronts)
		for lo < hi {
			if mid := (lo + hi) / 2; coveredBy(points, fronts[mid], p) {
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

// resize returns a slice of length n that reuses the memory of s if it is large
// enough. Its elements are not defined.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }
