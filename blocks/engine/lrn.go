package engine

import (
	"math"

	"nas/blocks"
)

func init() {
	lowerPlain("lrn", true, false, nil)
	routines["lrn"] = &routine{make: makeLRN}
}

// makeLRN divides each value by a power of a sum of squares over neighbouring channels.
func makeLRN(b *binding) (runner, need) {
	o := b.op.(*blocks.LRN)
	dst, src, before := b.dst, b.src[0], o.Size/2
	alpha, bias, power := float32(o.Alpha/float64(o.Size)), float32(o.Bias), powerOf(-o.Beta)
	return byPixels(dst, b.unit.Batch, (16+2*o.Size)*dst.C, func(from, to int, th *thread) {
		squares := th.buf[:dst.C]
		for p := from; p < to; p++ {
			x, d := src.row(p), dst.row(p)
			for i, v := range x {
				squares[i] = v * v
			}
			for i, v := range x {
				var s float32
				for _, q := range squares[max(0, i-before):min(len(x), i+before+1)] {
					s += q
				}
				d[i] = v * power(bias+alpha*s)
			}
		}
	}), need{floats: dst.C}
}

// powerOf returns the function x^e for positive x; the usual exponents take square roots.
func powerOf(e float64) func(x float32) float32 {
	root := func(x float32) float32 { return float32(math.Sqrt(float64(x))) }
	switch e {
	case -1:
		return func(x float32) float32 { return 1 / x }
	case -0.5:
		return func(x float32) float32 { return 1 / root(x) }
	case -0.75:
		return func(x float32) float32 { r := root(x); return 1 / (r * root(r)) }
	}
	return func(x float32) float32 { return float32(math.Pow(float64(x), e)) }
}
