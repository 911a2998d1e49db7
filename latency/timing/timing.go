package timing

import (
	"math"
	"slices"
)

// average makes t the mean of t and u, weighted by their runs.
func (t *Timing) average(u Timing) {
	w := float64(u.Runs) / float64(t.Runs+u.Runs)
	mix := func(a, b float64) float64 { return a + w*(b-a) }
	t.Slowdown, t.RefMs, t.BaseMs = mix(t.Slowdown, u.Slowdown), mix(t.RefMs, u.RefMs), mix(t.BaseMs, u.BaseMs)
	a, b := &t.EndToEnd, &u.EndToEnd
	a.MedianMs, a.LowMs, a.HighMs = mix(a.MedianMs, b.MedianMs), mix(a.LowMs, b.LowMs), mix(a.HighMs, b.HighMs)
	a.P10Ms, a.P90Ms = min(a.P10Ms, b.P10Ms), max(a.P90Ms, b.P90Ms)
	t.CallMs, t.CallSpread = slices.Clone(t.CallMs), slices.Clone(t.CallSpread)
	for i := range min(len(t.CallMs), len(u.CallMs)) {
		t.CallMs[i] = mix(t.CallMs[i], u.CallMs[i])
		t.CallSpread[i] = math.Hypot((1-w)*t.CallSpread[i], w*u.CallSpread[i])
	}
}

// Incomplete tells whether the machine was slow, or parts of the network were never seen in
// a calm moment.
func (t *Timing) Incomplete() bool {
	return t.Slowdown > slowLimit || t.segments != nil && t.quietShare < 0.95
}

// NeedsRemeasure tells whether it is worth looking again at a network that is measured as a
// whole: something lacks, or a lap had fewer calm moments in the mean than it takes to
// outvote one that was not calm to its end.
func (t *Timing) NeedsRemeasure() bool { return t.Incomplete() || t.segments != nil && t.QuietRuns < 3 }

// Timing is what a timer found.
type Timing struct {
	EndToEnd Sample // end to end
	// CallMs are the times of the network's unit calls in ms, and CallSpread their
	// standard errors relative to them; nil if only the network was timed.
	CallMs, CallSpread []float64
	Conditions
	// QuietRuns is in how many runs, in the mean, a part of the network was seen in a calm
	// moment, if the times are those of calm moments; 0: they are not.
	QuietRuns   float64
	quietShare  float64       // share of the time that was seen in them
	disturbedBy float64       // what the rest was divided by
	segments    *segmentTimes // nil: the device has none
	Runs        int           // all of them
	Interrupted int           // runs in which another task took a core
}

// setQuiet fills in the times of setQuiet moments, if there were enough of them.
func (t *Timing) setQuiet() bool {
	c := t.segments.quietTimes(t.disturbedBy)
	if c.share < minQuietShare {
		return false
	}
	scale, var2 := 1.0, 0.0
	if t.segments.clock > slowLimit {
		scale = 1 / t.segments.clock
	}
	t.CallMs, t.CallSpread = c.ms, c.stdErr
	for i, ms := range c.ms {
		c.ms[i] *= scale
		var2 += c.stdErr[i] * c.stdErr[i]
		c.stdErr[i] = min(0.3, c.stdErr[i]/ms)
	}
	sum, half := scale*c.total, 2*scale*math.Sqrt(var2)
	t.EndToEnd.setMedian(sum, sum-half, sum+half)
	t.QuietRuns, t.quietShare = c.runs, c.share
	t.Uncertain = false
	t.Slowdown = t.segments.clock
	t.RefMs, t.BaseMs = 0, 0 // the looks at the reference were at other moments
	return true
}

// Combine makes one of two timings of one network, with the runs of both: that of
// calm moments, if both together have enough of them; else that at which the machine was
// less slow, the shorter of two undisturbed ones, or the mean of two at the reference
// kernel's pace.
func Combine(t, u Timing) Timing {
	if u.QuietRuns > 0 {
		t, u = u, t
	}
	switch {
	case t.QuietRuns > 0:
	case t.Slowdown > slowLimit && u.Slowdown > slowLimit && t.BaseMs > 0 && u.BaseMs > 0:
		t.average(u)
	case max(t.Slowdown, u.Slowdown) > slowLimit && u.Slowdown < t.Slowdown, max(t.Slowdown, u.Slowdown) <= slowLimit && u.EndToEnd.MedianMs < t.EndToEnd.MedianMs:
		t, u = u, t
	}
	if t.segments != nil && u.segments != nil {
		t.segments, t.disturbedBy = t.segments.merge(u.segments), (t.disturbedBy+u.disturbedBy)/2
		t.setQuiet()
	}
	t.Runs += u.Runs
	t.Interrupted += u.Interrupted
	return t
}

// rescaled tells whether what was measured was brought to the reference kernel's pace.
func (p Conditions) rescaled() bool { return p.Slowdown > slowLimit && p.BaseMs > 0 }

// SlowAt tells whether the machine was slow, now that the reference kernel's
// undisturbed time is known to be base.
func (p Conditions) SlowAt(base float64) bool {
	return p.Uncertain || base > 0 && (p.rescaled() || p.RefMs > slowLimit*base)
}

// Correction is what times measured at this pace have to be multiplied by to be those
// of an undisturbed machine as far as that is possible: 1 if it was undisturbed. Where a
// neighbour stayed for a whole visit, and for the visits after it, times at the
// reference kernel's pace are off by a twentieth; as they are, by a third.
func (p Conditions) Correction(base float64) float64 {
	switch {
	case base <= 0:
	case p.rescaled(): // by the base as it was known then
		return base / p.BaseMs
	case p.RefMs > slowLimit*base:
		return base / p.RefMs
	}
	return 1
}

// slowLimit is how much slower than undisturbed the reference kernel may be in
// the median before what was measured beside it is measured again.
const slowLimit = 1.06

// Conditions is how fast the machine was while something was measured.
type Conditions struct {
	// Slowdown is by how much the machine was slower than undisturbed, as a factor, 1 if it
	// was not: its clock, where the times are of calm moments, else the reference kernel.
	// Beyond slowLimit the times of a Timing are those that its runs would have taken at the
	// undisturbed pace, if BaseMs is known.
	Slowdown float64
	RefMs    float64 // the reference kernel's time then; 0: it does not count
	BaseMs   float64 // undisturbed, as far as was known then; 0: it was not
	// Uncertain: there were calm moments to be told, but too few.
	Uncertain bool
}
