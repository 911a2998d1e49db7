package regression

import (
	"math"
	"slices"

	"nas/internal/stat"
)

// A sequence is the log ratios of pairs of times, in the order in which they were measured. Its interval of the
// centre of their distribution may be looked at after every pair: over all looks together it misses the centre
// with a probability of at most alpha. What it needs is that the error of each pair is as likely positive as
// negative, whatever its size and whatever came before. The random order of a pair sees to that: of equal
// networks, the one that is measured while the machine is busy is drawn by lot. Tails, bursts and drift of the
// noise do not matter.
//
// For symmetric errors e, clipped to [-1, 1] at a scale that was known before, exp(l S - l^2 V / 2) with S = sum e
// and V = sum e^2 is a supermartingale for every l (de la Pena, A general class of exponential inequalities for
// martingales and ratios, Annals of Probability 27, 1999). The mixture of l over a normal distribution bounds S^2
// by a function of V at all times (Robbins, Statistical methods related to the law of the iterated logarithm,
// Annals of Mathematical Statistics 41, 1970; Howard and others, Time-uniform, nonparametric, nonasymptotic
// confidence sequences, Annals of Statistics 49, 2021).
type sequence struct {
	logs   []float64
	scales []float64 // at which each is clipped, from those before it
}

const (
	alpha = 0.05
	// clipAt is in robust standard deviations.
	clipAt = 2
	// mixture is the V at which the bound is tightest, about that of 30 pairs.
	mixture = 2
	// leastScale keeps a timer of coarse steps from a scale of 0.
	leastScale = 1e-4
	// unscaled is the number of pairs that only count by their sign.
	unscaled = 4
)

func (s *sequence) add(log float64) {
	scale := 0.0
	if n := len(s.logs); n >= unscaled {
		centre := stat.Median(slices.Clone(s.logs))
		off := make([]float64, n)
		for i, v := range s.logs {
			off[i] = math.Abs(v - centre)
		}
		scale = max(leastScale, clipAt*1.4826*stat.Median(off))
	}
	s.logs, s.scales = append(s.logs, log), append(s.scales, scale)
}

// sums returns S and V for a centre.
func (s *sequence) sums(centre float64) (sum, squares float64) {
	for i, v := range s.logs {
		e := v - centre
		switch {
		case e == 0:
			continue
		case math.Abs(e) >= s.scales[i]:
			e = math.Copysign(1, e)
		default:
			e /= s.scales[i]
		}
		sum += e
		squares += e * e
	}
	return sum, squares
}

// excludes reports whether a centre is outside of the interval.
func (s *sequence) excludes(centre float64) bool {
	sum, v := s.sums(centre)
	return sum*sum >= (v+mixture)*(2*math.Log(1/alpha)+math.Log(1+v/mixture))
}

// interval returns the centre and the ends of its interval, infinite while there are too few pairs.
func (s *sequence) interval() (centre, low, high float64) {
	if len(s.logs) == 0 {
		return 0, math.Inf(-1), math.Inf(1)
	}
	least, most := slices.Min(s.logs)-1, slices.Max(s.logs)+1
	centre = bisect(least, most, func(c float64) bool { sum, _ := s.sums(c); return sum <= 0 })
	low, high = math.Inf(-1), math.Inf(1)
	if s.excludes(least) {
		low = bisect(least, centre, func(c float64) bool { return !s.excludes(c) })
	}
	if s.excludes(most) {
		high = bisect(centre, most, s.excludes)
	}
	return centre, low, high
}

// bisect returns the point between a and b where is becomes true.
func bisect(a, b float64, is func(float64) bool) float64 {
	for range 40 {
		if m := (a + b) / 2; is(m) {
			b = m
		} else {
			a = m
		}
	}
	return (a + b) / 2
}

// Word is a verdict.
type Word string

// The verdicts, on a network against its baseline.
const (
	Faster    Word = "faster"
	Slower    Word = "slower"
	Same      Word = "same"
	Undecided Word = "undecided"
)

// judge is the verdict from a ratio and its interval, all as logarithms: slower if the ratio is above 1 beyond
// doubt and by tolerance as far as is known, same if it is within tolerance beyond doubt.
func judge(centre, low, high, tolerance float64) Word {
	limit := math.Log1p(tolerance)
	switch {
	case low > 0 && centre >= limit:
		return Slower
	case high < 0 && centre <= -limit:
		return Faster
	case low > -limit && high < limit:
		return Same
	}
	return Undecided
}
