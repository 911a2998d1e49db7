package stat

import (
	"math"
	"slices"
)

// Evenly returns n indices of 0..m-1 at equal distances, both ends among them; all m if there are not more.
func Evenly(m, n int) []int {
	if n >= m {
		n = m
	}
	out := make([]int, n)
	for i := range out {
		if n > 1 {
			out[i] = int(math.Round(float64(i) * float64(m-1) / float64(n-1)))
		}
	}
	return slices.Compact(out)
}
