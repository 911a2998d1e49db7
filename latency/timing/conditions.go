package timing

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
