package integer

import "math"

// Grid is the set of reals that a tensor can hold: Scale * (q - Zero) for Low <= q <= High.
type Grid struct {
	Scale     float32 // positive
	Zero      int32
	Low, High int32 // -128 and 127, or 0 and 255; narrower where an activation cuts values off
}

// Clamp brings q into the grid.
func (g Grid) Clamp(q int32) int32 { return min(max(q, g.Low), g.High) }

// Quantize returns the nearest point to a real; halves go to even, NaN to the zero point.
func (g Grid) Quantize(v float32) int32 { return g.point(v / g.Scale) }

// Convert writes the points of reals. As XNNPACK does, it multiplies by the reciprocal of the scale in float32, which
// now and then is another point than [Grid.Quantize]'s.
func (g Grid) Convert(dst []int32, src []float32) {
	inverse := 1 / g.Scale
	for i, v := range src {
		dst[i] = g.point(v * inverse)
	}
}

// point returns the point of a real in units of the scale.
func (g Grid) point(v float32) int32 {
	r := math.RoundToEven(float64(v))
	switch {
	case math.IsNaN(r):
		return g.Clamp(g.Zero)
	case r > 1<<20:
		return g.High
	case r < -1<<20:
		return g.Low
	}
	return g.Clamp(int32(r) + g.Zero)
}

// Real returns the real that q stands for.
func (g Grid) Real(q int32) float32 { return float32(q-g.Zero) * g.Scale }

// requantize returns the point of a sum whose unit is scale times that of the grid.
func (g Grid) requantize(sum int32, scale float32) int32 {
	v := float32(sum) * scale
	if limit := float32(g.High - g.Zero); v > limit { // before rounding, so that it fits an int32
		v = limit
	}
	if limit := float32(g.Low - g.Zero); v < limit {
		v = limit
	}
	return g.Clamp(int32(math.RoundToEven(float64(v))) + g.Zero)
}

// Table returns f of each point of in, as points of out: entry q - in.Low.
func Table(in, out Grid, f func(float64) float64) []int32 {
	t := make([]int32, in.High-in.Low+1)
	for i := range t {
		t[i] = out.Quantize(float32(f(float64(in.Real(in.Low + int32(i))))))
	}
	return t
}

// Lookup replaces each value by its entry of a table for grid in.
func Lookup(dst, src, table []int32, in Grid) {
	for i, q := range src {
		dst[i] = table[in.Clamp(q)-in.Low]
	}
}

// Rescale moves values from one grid to another.
func Rescale(dst, src []int32, in, out Grid) {
	scale := in.Scale / out.Scale
	for i, q := range src {
		dst[i] = out.requantize(q-in.Zero, scale)
	}
}
