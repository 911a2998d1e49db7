package pareto

import "math"

// Knee returns the index of the point that bulges most towards the ideal: each
// objective is scaled to 0..1 over the points, and the point with the smallest sum
// is farthest below the hyperplane through the unit points. For two objectives
// this is the knee of Das, "On characterizing the knee of the Pareto curve based on
// normal-boundary intersection", Structural Optimization 18, 1999. Of equal points
// it is the first; without points -1.
func Knee(points [][]float64) int {
	knee, least := -1, math.Inf(1)
	lowest, scale := Ranges(points)
	for i, p := range points {
		sum := 0.0
		for m, v := range p {
			sum += (v - lowest[m]) * scale[m]
		}
		if sum < least {
			knee, least = i, sum
		}
	}
	return knee
}

// Ranges returns of each objective the smallest value and the reciprocal of the
// range over the points, 0 where the range is empty.
func Ranges(points [][]float64) (lowest, scale []float64) {
	if len(points) == 0 {
		return nil, nil
	}
	n := len(points[0])
	lowest, scale = make([]float64, n), make([]float64, n)
	for m := range n {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range points {
			low, high = min(low, p[m]), max(high, p[m])
		}
		lowest[m] = low
		if high > low {
			scale[m] = 1 / (high - low)
		}
	}
	return lowest, scale
}
