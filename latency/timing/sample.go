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

// SetMedian sets the median and its interval, which the percentiles of all runs then
// enclose.
func (s *Sample) SetMedian(ms, low, high float64) {
	s.MedianMs, s.LowMs, s.HighMs = ms, low, high
	s.P10Ms, s.P90Ms = min(s.P10Ms, ms), max(s.P90Ms, ms)
}
