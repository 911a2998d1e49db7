package agreement

import (
	"fmt"
	"math"
	"strings"

	"nas/internal/plural"
)

// Refuted says how many networks of which latencies lie outside of their intervals, if that is more than 20 % beyond
// doubt; "" where it may be chance. It looks at all points, and at each quarter of them by measured latency. Each of
// the five looks errs one time in 500, so that together they err at most one time in 100.
func Refuted(points []Point) string {
	ps := pairs(points)
	if len(ps) == 0 {
		return ""
	}
	if s := refuted(stratum(ps)); s != "" {
		return s
	}
	var said []string
	for _, q := range quarters(ps) {
		if s := refuted(q); s != "" {
			said = append(said, s)
		}
	}
	return strings.Join(said, ", ")
}

// refuted is one look.
func refuted(s Stratum) string {
	misses := s.Networks - int(math.Round(s.Coverage/100*float64(s.Networks)))
	if atLeast(misses, s.Networks, 1-leastCoverage) >= lookError {
		return ""
	}
	return fmt.Sprintf("%d of %s of %.3g to %.3g ms (predictions are %+.0f %% off)", misses,
		plural.Of(s.Networks, "network"), s.LowMs, s.HighMs, s.BiasPct)
}

const (
	leastCoverage = 0.8   // share of networks that the intervals must hold
	lookError     = 0.002 // probability that one look is wrong
)

// atLeast is the probability of k or more among n, each of probability p.
func atLeast(k, n int, p float64) float64 {
	sum := 0.0
	for i := k; i <= n; i++ {
		a, _ := math.Lgamma(float64(n + 1))
		b, _ := math.Lgamma(float64(i + 1))
		c, _ := math.Lgamma(float64(n - i + 1))
		sum += math.Exp(a - b - c + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return sum
}
