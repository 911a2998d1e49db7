package timing

import (
	"fmt"
	"slices"

	"nas/internal/stat"
)

// Sample summarises repeated timings of one thing, in milliseconds.
type Sample struct {
	MedianMs float64 `json:"median_ms"`
	// Percentiles of all runs; 0 for those that the program that timed does not tell.
	P5Ms  float64 `json:"p5_ms,omitempty"`
	P10Ms float64 `json:"p10_ms,omitempty"`
	P90Ms float64 `json:"p90_ms,omitempty"`
	P95Ms float64 `json:"p95_ms,omitempty"`
	// LowMs and HighMs hold the true median with a probability of at least 95 %, whatever the
	// distribution. They are two order statistics (Hettmansperger, Statistical Inference
	// Based on Ranks, 1984, section 1.2); of fewer than 6 values, the smallest and the largest.
	LowMs    float64  `json:"low_ms"`
	HighMs   float64  `json:"high_ms"`
	Runs     int      `json:"runs"`              // number of values that count
	Dropped  int      `json:"dropped,omitempty"` // number of disturbed runs, left out of the median
	Warnings []string `json:"warnings,omitempty"`
}

// medianConfidence is the probability that a Sample's interval holds the median.
const medianConfidence = 0.95

// NewSample summarises timings in milliseconds. It sorts ms. No values give the
// zero Sample with a warning.
func NewSample(ms []float64) Sample {
	s := Sample{Runs: len(ms)}
	if len(ms) == 0 {
		s.Warnings = []string{"no timings"}
		return s
	}
	slices.Sort(ms)
	s.MedianMs = stat.Quantile(ms, 0.5)
	s.P10Ms, s.P90Ms = stat.Quantile(ms, 0.1), stat.Quantile(ms, 0.9)
	k := stat.MedianRank(len(ms), medianConfidence)
	if k < 0 {
		s.Warnings = append(s.Warnings,
			fmt.Sprintf("%d runs are too few for a 95 %% interval of the median (6 are enough)", len(ms)))
		k = 0
	}
	s.LowMs, s.HighMs = ms[k], ms[len(ms)-1-k]
	return s
}

// quietSample summarises runs of one thing on a shared machine. The work of others comes in
// bursts, and only ever makes a run longer: the median of all runs moves by a fifth within
// seconds, while the runs between the bursts agree within 2 %. So the median and its interval
// are those of the undisturbed runs; the percentiles are of all.
func quietSample(ms []float64) Sample {
	all := slices.Sorted(slices.Values(ms))
	if len(all) == 0 {
		return NewSample(nil)
	}
	limit := disturbedAbove(all)
	n := len(all)
	for n > 1 && all[n-1] > limit {
		n--
	}
	s := NewSample(all[:n])
	s.P10Ms, s.P90Ms = stat.Quantile(all, 0.1), stat.Quantile(all, 0.9)
	s.MedianMs = max(s.MedianMs, s.P10Ms)
	s.Dropped = len(all) - n
	return s
}

// disturbedAbove returns the time beyond which a run counts as disturbed: 5 % more than the
// first decile, or more if fewer than six runs, or a quarter of them, would remain. ms must
// be sorted.
func disturbedAbove(ms []float64) float64 {
	n := len(ms)
	return max(burst*stat.Quantile(ms, 0.1), ms[min(n-1, max(5, n/4))])
}

// burst is the least factor by which the work of others makes a run longer.
const burst = 1.05

// undisturbedSample summarises runs that are so short that some are undisturbed, however many
// are not. It sorts ms.
func undisturbedSample(ms []float64) Sample {
	slices.Sort(ms)
	n := len(ms)
	if n == 0 {
		return NewSample(nil)
	}
	first := stat.Quantile(ms, 0.1)
	for n > 1 && ms[n-1] > burst*first {
		n--
	}
	s := NewSample(ms[:n])
	s.MedianMs = max(s.MedianMs, first)
	s.LowMs, s.HighMs = min(s.LowMs, s.MedianMs), max(s.HighMs, s.MedianMs)
	s.Dropped = len(ms) - n
	return s
}

// Spread is half the width of the median's interval relative to the median; 0 without runs.
func (s Sample) Spread() float64 {
	if s.MedianMs <= 0 {
		return 0
	}
	return (s.HighMs - s.LowMs) / 2 / s.MedianMs
}

// Scaled returns the sample with all times multiplied by f.
func (s Sample) Scaled(f float64) Sample {
	s.MedianMs, s.LowMs, s.HighMs = s.MedianMs*f, s.LowMs*f, s.HighMs*f
	s.P5Ms, s.P10Ms, s.P90Ms, s.P95Ms = s.P5Ms*f, s.P10Ms*f, s.P90Ms*f, s.P95Ms*f
	return s
}

// setMedian sets the median and its interval, which the percentiles of all runs then
// enclose.
func (s *Sample) setMedian(ms, low, high float64) {
	s.MedianMs, s.LowMs, s.HighMs = ms, low, high
	s.P10Ms, s.P90Ms = min(s.P10Ms, ms), max(s.P90Ms, ms)
}
