package latency

// paced tells whether what was measured was brought to the reference kernel's pace.
func (p Pace) paced() bool { return p.Slow > slowLimit && p.BaseMs > 0 }

// slowAt tells whether the machine was slow, now that the reference kernel's
// undisturbed time is known to be base.
func (p Pace) slowAt(base float64) bool {
	return p.Unsure || base > 0 && (p.paced() || p.RefMs > slowLimit*base)
}

// correction is what times measured at this pace have to be multiplied by to be those
// of an undisturbed machine as far as that is possible: 1 if it was undisturbed. Where a
// neighbour stayed for a whole visit, and for the visits after it, times at the
// reference kernel's pace are off by a twentieth; as they are, by a third.
func (p Pace) correction(base float64) float64 {
	switch {
	case base <= 0:
	case p.paced(): // by the base as it was known then
		return base / p.BaseMs
	case p.RefMs > slowLimit*base:
		return base / p.RefMs
	}
	return 1
}
