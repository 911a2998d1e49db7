package pareto

import (
	"cmp"
	"slices"
)

// Hypervolume returns the exact volume that the points dominate up to the
// reference point ref. A point that does not strictly dominate ref counts nothing.
// The points need not be a front.
//
// N points of two objectives take a sweep, O(N log N). Points of more objectives
// take WFG (While, Bradstreet and Barone, "A fast way of calculating exact
// hypervolumes", IEEE Trans. Evol. Comput. 16(1), 2012) with the sweep at the
// bottom of its recursion. That is exponential in the number of objectives at
// worst, and milliseconds for some hundred points of three or four.
func Hypervolume(points [][]float64, ref []float64) float64 {
	inside := make([][]float64, 0, len(points))
	for _, p := range points {
		if StrictlyDominates(p, ref) {
			inside = append(inside, p)
		}
	}
	return volume(inside, ref)
}

// Contributions returns for each point how much the hypervolume would shrink
// without it. Of equal points each contributes 0.
func Contributions(points [][]float64, ref []float64) []float64 {
	out := make([]float64, len(points))
	others := make([][]float64, 0, len(points))
	for i, p := range points {
		others = append(append(others[:0], points[:i]...), points[i+1:]...)
		out[i] = Exclusive(p, others, ref)
	}
	return out
}

// Exclusive returns the volume up to ref that p dominates and none of others does.
func Exclusive(p []float64, others [][]float64, ref []float64) float64 {
	if !StrictlyDominates(p, ref) {
		return 0
	}
	return exclusiveBelow(p, others, ref)
}

// volume returns the hypervolume of points that strictly dominate ref. It may
// reorder them.
func volume(points [][]float64, ref []float64) float64 {
	switch {
	case len(points) == 0:
		return 0
	case len(ref) == 1:
		return ref[0] - slices.MinFunc(points, slices.Compare)[0]
	case len(ref) == 2:
		return sweep(points, ref)
	}
	front := keepFront(points)
	// Worst last objective first, so that the limited sets soon have few members.
	last := len(ref) - 1
	slices.SortFunc(front, func(a, b []float64) int {
		return cmp.Or(cmp.Compare(b[last], a[last]), slices.Compare(a, b))
	})
	// In that order each point is limited only by points with a smaller last
	// objective. Its exclusive part is therefore a slab of equal thickness, and the
	// recursion has one objective fewer.
	sum := 0.0
	lower := make([][]float64, 0, len(front))
	for i, p := range front {
		lower = lower[:0]
		for _, q := range front[i+1:] {
			lower = append(lower, q[:last])
		}
		sum += (ref[last] - p[last]) * exclusiveBelow(p[:last], lower, ref[:last])
	}
	return sum
}

// exclusiveBelow is [Exclusive] for a point that strictly dominates ref.
func exclusiveBelow(p []float64, others [][]float64, ref []float64) float64 {
	box := 1.0
	for m, v := range p {
		box *= ref[m] - v
	}
	limited := make([][]float64, 0, len(others))
	flat := make([]float64, len(others)*len(p))
	for _, q := range others {
		l := flat[:len(p):len(p)]
		flat = flat[len(p):]
		for m, v := range q {
			l[m] = max(v, p[m])
		}
		if StrictlyDominates(l, ref) {
			limited = append(limited, l)
		}
	}
	return box - volume(limited, ref)
}

// sweep returns the area that points of two objectives dominate up to ref.
func sweep(points [][]float64, ref []float64) float64 {
	slices.SortFunc(points, slices.Compare)
	area, top := 0.0, ref[1]
	for _, p := range points {
		if p[1] < top {
			area += (ref[0] - p[0]) * (top - p[1])
			top = p[1]
		}
	}
	return area
}
