package timing

import (
	"fmt"
	"math"
	"slices"

	"nas/internal/stat"
)

// Timing is what a timer measured of one network.
type Timing struct {
	EndToEnd Sample
	// CallMs are the times of the network's unit calls in ms, and CallSpread their standard
	// errors relative to them; nil if only the network was timed.
	CallMs, CallSpread []float64
	Conditions
	// QuietRuns is the mean number of runs in which a segment of the network was quiet, if
	// the times are put together from quiet segments; 0 if they are not.
	QuietRuns   float64
	Runs        int // number of timed runs
	Interrupted int // number of runs in which another task took a core

	Segments *Segments // nil: the runtime times none
	// QuietShare is the share of the time that is in segments with quiet runs, 0 to 1, and
	// DisturbedBy the factor by which disturbed segments take longer, at least 1. They count
	// only with Segments.
	QuietShare, DisturbedBy float64
}

// slowLimit is the slowdown of the reference beyond which what was measured beside it is
// measured again.
const slowLimit = 1.06

// Conditions tell how fast the machine was while something was measured. Timers that do not
// know set Slowdown to 1 and the rest to zero.
type Conditions struct {
	// Slowdown is the factor by which the machine was slower than undisturbed; 1: it was not.
	// It is that of the clock if the times are put together from quiet segments, and else
	// that of the reference. Times with a Slowdown beyond 1.06 have been divided by it if
	// BaseMs is known.
	Slowdown float64
	RefMs    float64 // time of the reference then; 0: it does not count
	BaseMs   float64 // undisturbed time of the reference as far as it was known then; 0: not known
	// Uncertain is set if too few segments were quiet.
	Uncertain bool
}

// rescaled reports whether the times were divided by Slowdown.
func (c Conditions) rescaled() bool { return c.Slowdown > slowLimit && c.BaseMs > 0 }

// SlowAt reports whether the machine was slow, given the undisturbed time of the reference, base.
func (c Conditions) SlowAt(base float64) bool {
	return c.Uncertain || base > 0 && (c.rescaled() || c.RefMs > slowLimit*base)
}

// Correction is the factor that takes the times to those of an undisturbed machine, given the
// undisturbed time of the reference, base; 1 if the machine was not slow. If it was slow
// throughout, corrected times are off by 5 %, where uncorrected ones would be by a third.
func (c Conditions) Correction(base float64) float64 {
	switch {
	case base <= 0:
	case c.rescaled(): // by the base that was known then
		return base / c.BaseMs
	case c.RefMs > slowLimit*base:
		return base / c.RefMs
	}
	return 1
}

// Incomplete reports whether the machine was slow, or segments of the network were disturbed
// in all runs.
func (t *Timing) Incomplete() bool {
	return t.Slowdown > slowLimit || t.Segments != nil && t.QuietShare < 0.95
}

// NeedsRemeasure reports whether it is worth measuring the network once more: t is incomplete,
// or its segments had fewer than three quiet runs in the mean, too few to outvote one that was
// not quiet to its end.
func (t *Timing) NeedsRemeasure() bool { return t.Incomplete() || t.Segments != nil && t.QuietRuns < 3 }

// SetQuiet sets the times to those put together from quiet segments. It reports false if there
// are too few of these.
func (t *Timing) SetQuiet() bool {
	c := t.Segments.quietTimes(t.DisturbedBy)
	if c.share < minQuietShare {
		return false
	}
	scale, var2 := 1.0, 0.0
	if t.Segments.Clock > slowLimit {
		scale = 1 / t.Segments.Clock
	}
	t.CallMs, t.CallSpread = c.ms, c.stdErr
	for i, ms := range c.ms {
		c.ms[i] *= scale
		var2 += c.stdErr[i] * c.stdErr[i]
		c.stdErr[i] = min(0.3, c.stdErr[i]/ms)
	}
	sum, half := scale*c.total, 2*scale*math.Sqrt(var2)
	t.EndToEnd.SetMedian(sum, sum-half, sum+half)
	t.QuietRuns, t.QuietShare = c.runs, c.share
	t.Uncertain = false
	t.Slowdown = t.Segments.Clock
	t.RefMs, t.BaseMs = 0, 0 // the reference was timed at other moments
	return true
}

// Combine makes one timing of two of the same network, with the runs of both. The times are, in
// order of preference, those of the quiet segments of both together, those of the timing with
// the smaller slowdown, the shorter of two undisturbed ones, and the mean of two that were
// divided by their slowdown.
func Combine(t, u Timing) Timing {
	if u.QuietRuns > 0 {
		t, u = u, t
	}
	switch {
	case t.QuietRuns > 0:
	case t.Slowdown > slowLimit && u.Slowdown > slowLimit && t.BaseMs > 0 && u.BaseMs > 0:
		t.average(u)
	case max(t.Slowdown, u.Slowdown) > slowLimit && u.Slowdown < t.Slowdown,
		max(t.Slowdown, u.Slowdown) <= slowLimit && u.EndToEnd.MedianMs < t.EndToEnd.MedianMs:
		t, u = u, t
	}
	if t.Segments != nil && u.Segments != nil {
		t.Segments, t.DisturbedBy = t.Segments.merge(u.Segments), (t.DisturbedBy+u.DisturbedBy)/2
		t.SetQuiet()
	}
	t.Runs += u.Runs
	t.Interrupted += u.Interrupted
	return t
}

// average sets t to the mean of t and u, weighted by their runs.
func (t *Timing) average(u Timing) {
	w := float64(u.Runs) / float64(t.Runs+u.Runs)
	mix := func(a, b float64) float64 { return a + w*(b-a) }
	t.Slowdown, t.RefMs, t.BaseMs = mix(t.Slowdown, u.Slowdown), mix(t.RefMs, u.RefMs), mix(t.BaseMs, u.BaseMs)
	a, b := &t.EndToEnd, &u.EndToEnd
	a.MedianMs, a.LowMs, a.HighMs = mix(a.MedianMs, b.MedianMs), mix(a.LowMs, b.LowMs), mix(a.HighMs, b.HighMs)
	a.P5Ms, a.P10Ms = min(a.P5Ms, b.P5Ms), min(a.P10Ms, b.P10Ms)
	a.P90Ms, a.P95Ms = max(a.P90Ms, b.P90Ms), max(a.P95Ms, b.P95Ms)
	t.CallMs, t.CallSpread = slices.Clone(t.CallMs), slices.Clone(t.CallSpread)
	for i := range min(len(t.CallMs), len(u.CallMs)) {
		t.CallMs[i] = mix(t.CallMs[i], u.CallMs[i])
		t.CallSpread[i] = math.Hypot((1-w)*t.CallSpread[i], w*u.CallSpread[i])
	}
}

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
