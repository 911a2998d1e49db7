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
