package stat

import (
	"math"
	"slices"
)

// Half90 is half the width of the central 90 % of a normal distribution, in standard
// deviations: its 95 % quantile.
const Half90 = 1.6448536269514722

// Quantile interpolates between the order statistics of a sorted slice: the value
// at position q (n-1), definition 7 of Hyndman and Fan (Sample quantiles in
// statistical packages, The American Statistician 50, 1996). There is at least one
// value, and 0 <= q <= 1.
func Quantile(sorted []float64, q float64) float64 {
	x := q * float64(len(sorted)-1)
	i := int(x)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := x - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

// Median returns the median of xs, which it sorts; NaN for none.
func Median(xs []float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	slices.Sort(xs)
	return Quantile(xs, 0.5)
}

// MedianRank returns the largest k for which the k-th smallest and k-th largest
// of n values, counted from 0, enclose the median with at least the given
// probability; -1 if not even the smallest and largest do. The number of values
// below the median is binomial with p = 1/2.
func MedianRank(n int, confidence float64) int {
	// Terms of the binomial by recurrence in logarithms: n may be thousands.
	logP := -float64(n) * math.Ln2
	tail := 0.0
	for k := 0; k <= (n-1)/2; k++ {
		tail += math.Exp(logP)
		if 1-2*tail < confidence {
			return k - 1
		}
		logP += math.Log(float64(n-k)) - math.Log(float64(k+1))
	}
	return (n - 1) / 2
}

// ConformalQuantile returns the ceil((n+1) q)-th smallest of n scores, the largest
// one if there are too few for q: with probability q or more, one more score of
// the same distribution does not exceed it (Vovk, Gammerman and Shafer,
// Algorithmic Learning in a Random World, 2005, section 4.2). It sorts scores,
// of which there is at least one.
func ConformalQuantile(scores []float64, q float64) float64 {
	slices.Sort(scores)
	k := int(math.Ceil(float64(len(scores)+1)*q)) - 1
	return scores[min(k, len(scores)-1)]
}

// RMS returns the root of the mean square; 0 for none.
func RMS(xs []float64) float64 {
	s := 0.0
	for _, x := range xs {
		s += x * x
	}
	return math.Sqrt(s / float64(max(1, len(xs))))
}

// RelativeMAD is a robust relative standard deviation: 1.4826 times the median
// absolute deviation, over the median (Huber, Robust Statistics, section 5.1).
// It sorts xs.
func RelativeMAD(xs []float64) float64 {
	if len(xs) < 2 {
		return 0
	}
	m := Median(xs)
	d := make([]float64, len(xs))
	for i, x := range xs {
		d[i] = math.Abs(x - m)
	}
	return 1.4826 * Median(d) / m
}
