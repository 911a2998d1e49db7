package pareto

import "math"

// Knee returns the index of the point that bulges most towards the ideal. Each
// objective is scaled to 0..1 over the points. For two objectives the point with the
// smallest sum is farthest below the line through the ends: the knee of Das, "On
// characterizing the knee of the Pareto curve based on normal-boundary intersection",
// Structural Optimization 18, 1999. For more it is the point with the smallest sum of
// squares, the one nearest to the ideal (Zeleny, "Compromise Programming", 1973): in a
// plain sum two objectives that agree, such as latency and parameters, outweigh a
// third. Of equal points it is the first; without points -1.
func Knee(points [][]float64) int {
	knee, least := -1, math.Inf(1)
	lowest, scale := Ranges(points)
	for i, p := range points {
		sum := 0.0
		for m, v := range p {
			if v = (v - lowest[m]) * scale[m]; len(p) > 2 {
				v *= v
			}
			sum += v
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
