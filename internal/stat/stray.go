package stat

import (
	"math"
	"slices"
)

// Strays returns the indices of the values further from the median than least, and than eight robust standard
// deviations (Huber, Robust Statistics, section 5.1); nil of fewer than five values.
func Strays(xs []float64, least float64) []int {
	if len(xs) < 5 {
		return nil
	}
	m := Median(slices.Clone(xs))
	d := make([]float64, len(xs))
	for i, x := range xs {
		d[i] = math.Abs(x - m)
	}
	limit := max(least, 8*1.4826*Median(slices.Clone(d)))
	var strays []int
	for i, v := range d {
		if v > limit {
			strays = append(strays, i)
		}
	}
	return strays
}
