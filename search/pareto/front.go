package pareto

import (
	"cmp"
	"slices"
)

// Front returns the indices of the points that no other point dominates, ordered
// by the points' first objective, then the second and so on. Equal points are all
// members, next to each other and by index. N points of at most two objectives
// take O(N log N); N points of M objectives with a front of F take O(M N F).
func Front(points [][]float64) []int { return new(Sorter).Front(points) }

// DistinctFront is [Front] with only the first of equal points.
func DistinctFront(points [][]float64) []int {
	return slices.CompactFunc(Front(points), func(a, b int) bool { return slices.Equal(points[a], points[b]) })
}

// Front is [Front] with the buffers of s: the next call overwrites what it
// returns.
func (s *Sorter) Front(points [][]float64) []int {
	s.front = s.front[:0]
	if len(points) == 0 {
		return s.front
	}
	s.feasible = resize(s.feasible, len(points))
	for i := range points {
		s.feasible[i] = int32(i)
	}
	if len(points[0]) <= 2 {
		s.frontTwo(points)
	} else {
		s.frontMany(points)
	}
	return s.front
}

// frontTwo fills s.front for points of one or two objectives.
func (s *Sorter) frontTwo(points [][]float64) {
	var last planar // member; its second objective is the lowest so far
	for k, p := range s.sortedPlanar(points, s.feasible) {
		if k == 0 || p.y < last.y || p.x == last.x && p.y == last.y {
			s.front = append(s.front, int(p.i))
			last = p
		}
	}
}

// frontMany fills s.front for points of more objectives.
func (s *Sorter) frontMany(points [][]float64) {
	sortLexicographically(s.feasible, points)
	members := s.members[:0]
	for _, i := range s.feasible {
		p := points[i]
		n := len(members)
		if n > 0 && slices.Equal(p, points[members[n-1]]) || !coveredBy(points, members, p) {
			members = append(members, i)
			s.front = append(s.front, int(i))
		}
	}
	s.members = members
}

// coveredBy reports whether one of the given members of a front weakly dominates
// p. The members precede p in lexicographic order, so that their first objective
// is no larger than p's and need not be compared. The latest members come first:
// they are the likeliest to be close to p.
func coveredBy(points [][]float64, members []int32, p []float64) bool {
	for k := len(members) - 1; k >= 0; k-- {
		if WeaklyDominates(points[members[k]][1:], p[1:]) {
			return true
		}
	}
	return false
}

// sortLexicographically sorts indices of points by the points' objectives, equal
// points by index. In this order no point is dominated by a later one.
func sortLexicographically(index []int32, points [][]float64) {
	slices.SortFunc(index, func(a, b int32) int {
		return cmp.Or(slices.Compare(points[a], points[b]), cmp.Compare(a, b))
	})
}

// keepFront reduces points to the distinct members of their front, in place. It is
// [DistinctFront] without indices, for the recursion of [Hypervolume].
func keepFront(points [][]float64) [][]float64 {
	slices.SortFunc(points, slices.Compare)
	kept := points[:0]
next:
	for _, p := range points {
		for k := len(kept) - 1; k >= 0; k-- {
			if WeaklyDominates(kept[k], p) {
				continue next
			}
		}
		kept = append(kept, p)
	}
	return kept
}
