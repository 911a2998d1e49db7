package latency

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

// Incomplete tells whether the machine was slow, or parts of the network were never seen in
// a calm moment.
func (t *Timing) Incomplete() bool {
	return t.Slowdown > slowLimit || t.segments != nil && t.quietShare < 0.95
}

// NeedsRemeasure tells whether it is worth looking again at a network that is measured as a
// whole: something lacks, or a lap had fewer calm moments in the mean than it takes to
// outvote one that was not calm to its end.
func (t *Timing) NeedsRemeasure() bool { return t.Incomplete() || t.segments != nil && t.QuietRuns < 3 }
