package pareto

import "math"

// Knee returns the index of the point that bulges most towards the ideal: with
// each objective scaled to 0..1 over the points, the one farthest below the
// hyperplane through the unit points, which is the one with the smallest sum.
// For two objectives this is the knee of Das, "On characterizing the knee of the
// Pareto curve based on normal-boundary intersection", Structural Optimization
// 18, 1999. All objectives are to be minimised. The first of equals is returned;
// -1 for no points.
func Knee(points [][]float64) int {
	knee, least := -1, math.Inf(1)
	lo, scale := Ranges(points)
	for i, p := range points {
		sum := 0.0
		for m, v := range p {
			sum += (v - lo[m]) * scale[m]
		}
		if sum < least {
			knee, least = i, sum
		}
	}
	return knee
}

// Ranges returns the smallest value of each objective and 1 over its range, 0
// where the range is empty.
func Ranges(points [][]float64) (lo, scale []float64) {
	if len(points) == 0 {
		return nil, nil
	}
	n := len(points[0])
	lo, scale = make([]float64, n), make([]float64, n)
	for m := range n {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range points {
			low, high = min(low, p[m]), max(high, p[m])
		}
		lo[m] = low
		if high > low {
			scale[m] = 1 / (high - low)
		}
	}
	return lo, scale
}
