package timing

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
