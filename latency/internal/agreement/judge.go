package agreement

import (
	"fmt"
	"math"
	"strings"

	"nas/internal/plural"
)

// Judge says what measured networks say of the 90 % intervals of a profile. They are held if hardly more than a tenth
// of the networks lie outside, and if the measured times do not lie to one side of the predicted ones. They are refuted
// if chance does not explain how many lie outside, of all or of a quarter of them by measured latency, or how far all
// lie to one side. The text then says how many networks of which latencies lie outside. If the intervals are neither,
// more networks would tell.
//
// Where 90 % lie inside, each of the six looks errs about one time in 1000.
func Judge(points []Point) (held bool, refuted string) {
	ps := pairs(points)
	if len(ps) == 0 {
		return false, ""
	}
	all, off := stratum(ps), math.Abs(aside(ps))
	held = mostHeld*misses(all) <= len(ps) && off <= mostAside
	if unlikely(all) || len(ps) >= leastAside && off > sessionAside+chanceAside/math.Sqrt(float64(len(ps))) {
		return held, told(all)
	}
	var said []string
	for _, q := range quarters(ps) {
		if unlikely(q) {
			said = append(said, told(q))
		}
	}
	return held, strings.Join(said, ", ")
}

const (
	mostHeld  = 8 // one in so many may lie outside of intervals that are held
	outside   = 0.1
	lookError = 0.0009 // three of three are none beyond doubt

	// Mean distances of the measured times from the predicted ones, in half intervals, of which normal errors have a
	// standard deviation of 0.61. At a mean of 0.3, 87 % of them lie inside, at 0.4 84 %, at 0.5 79 %.
	mostAside    = 0.4        // of intervals that are held
	sessionAside = 0.3        // that another session of the device may have
	chanceAside  = 3.1 * 0.61 // more than the mean of n networks has one time in 1000, times the root of n
	leastAside   = 8          // networks from which on a mean is judged
)

// misses is the number of networks outside of their intervals.
func misses(s Stratum) int { return s.Networks - int(math.Round(s.Coverage/100*float64(s.Networks))) }

// unlikely tells whether more networks lie outside than chance explains, where a tenth should.
func unlikely(s Stratum) bool { return atLeast(misses(s), s.Networks, outside) < lookError }

// told says how many networks of which latencies lie outside.
func told(s Stratum) string {
	return fmt.Sprintf("%d of %s of %.3g to %.3g ms (predictions are %+.0f %% off)", misses(s),
		plural.Of(s.Networks, "network"), s.LowMs, s.HighMs, s.BiasPct)
}

// aside is the mean distance of the measured times from the predicted ones, in half intervals of log ms: above 0,
// predictions are too fast. No network counts for more than two half intervals.
func aside(ps []Pair) float64 {
	sum := 0.0
	for _, p := range ps {
		off, half := math.Log(p.Measured/p.Predicted), math.Log(p.High/p.Predicted)
		if off < 0 {
			half = math.Log(p.Predicted / p.Low)
		}
		sum += min(max(off/max(half, 1e-9), -2), 2)
	}
	return sum / float64(len(ps))
}

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
