package integer

import "math"

// SigmoidTable is [Table] of 1 / (1 + exp(-x)), in the order of float32 that XNNPACK of TensorFlow Lite 2.9 has: for
// x < 0 it is 1 / (1 + exp(-x)), else 1 - 1 / (1 + exp(x)). Once in some thousand tables this is the next integer to
// the rounded sigmoid.
func SigmoidTable(in, out Grid) []int32 {
	return Table(in, out, func(x float64) float64 {
		s := 1 / (1 + float32(math.Exp(math.Abs(x))))
		if x >= 0 {
			s = 1 - s
		}
		return float64(s)
	})
}
