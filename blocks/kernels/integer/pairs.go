package integer

import "math"

// Operand is one input of an operator of two: value i of the output reads Q[At(i)].
type Operand struct {
	Q []int32
	Grid
	At func(i int) int
}

// Add adds two operands; sign is 1, or -1 for the difference. Both are multiplied by integers of up to 21 bits: the
// scales over the output's, with one shift for both. Halves are rounded up.
func Add(dst []int32, a, b Operand, sign int32, out Grid) {
	sa, sb := a.Scale/out.Scale, b.Scale/out.Scale
	_, exponent := math.Frexp(float64(max(sa, sb))) // the larger lies from 2^(exponent-1) to 2^exponent
	shift := 20 - (exponent - 1)
	ma := int64(math.RoundToEven(math.Ldexp(float64(sa), shift)))
	mb := int64(math.RoundToEven(math.Ldexp(float64(sb), shift))) * int64(sign)
	for i := range dst {
		sum := ma*int64(a.Q[a.At(i)]-a.Zero) + mb*int64(b.Q[b.At(i)]-b.Zero)
		var q int64
		if shift > 0 {
			q = (sum + 1<<(shift-1)) >> shift
		} else {
			q = sum << -shift
		}
		dst[i] = out.Clamp(int32(max(-1<<20, min(q, 1<<20))) + out.Zero)
	}
}

// Mul multiplies two operands.
func Mul(dst []int32, a, b Operand, out Grid) {
	scale := a.Scale * b.Scale / out.Scale
	for i := range dst {
		dst[i] = out.requantize((a.Q[a.At(i)]-a.Zero)*(b.Q[b.At(i)]-b.Zero), scale)
	}
}
