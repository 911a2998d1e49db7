package pareto

import "slices"

// WeaklyDominates reports whether a is nowhere worse than b.
func WeaklyDominates(a, b []float64) bool {
	for m, v := range a {
		if v > b[m] {
			return false
		}
	}
	return true
}

// Dominates reports whether a is nowhere worse than b and somewhere better.
func Dominates(a, b []float64) bool {
	return WeaklyDominates(a, b) && !slices.Equal(a, b)
}

// StrictlyDominates reports whether a is better than b in every objective.
func StrictlyDominates(a, b []float64) bool {
	for m, v := range a {
		if !(v < b[m]) {
			return false
		}
	}
	return true
}
