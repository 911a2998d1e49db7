package latency

import (
	"math"
	"slices"
)

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
