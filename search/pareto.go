package search

import "nas/search/pareto"

// Sort ranks points by domination: see [pareto.Sort].
func Sort(points [][]float64, violation []float64) (ranks []int, fronts int) {
	return pareto.Sort(points, violation)
}

// Hypervolume returns the volume that points dominate up to ref: see
// [pareto.Hypervolume].
func Hypervolume(points [][]float64, ref []float64) float64 { return pareto.Hypervolume(points, ref) }

// Contributions returns how much the hypervolume would shrink without each
// point: see [pareto.Contributions].
func Contributions(points [][]float64, ref []float64) []float64 {
	return pareto.Contributions(points, ref)
}

// Knee returns the index of the point at the knee of a front: see [pareto.Knee].
func Knee(points [][]float64) int { return pareto.Knee(points) }
