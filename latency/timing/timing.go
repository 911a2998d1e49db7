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
