package kernels

import "math"

// fma32 is a*b + c rounded once to float32.
//
// The product of two float32 is exact in float64, so the only danger is that
// the sum is rounded twice. Rounding to float32 after rounding to float64 goes
// wrong only where the float64 sum was inexact and is a midpoint between two
// float32 (low 29 bits 1000...0), or where the result is subnormal in float32.
// There the sum is redone with rounding to odd, after which the second rounding
// is correct (S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded
// sums: proved algorithms using rounding to odd", 2008, theorem 3).
func fma32(a, b, c float32) float32 {
	s := float64(a)*float64(b) + float64(c)
	if doubtful(s) {
		return fmaOdd(float64(a)*float64(b), float64(c))
	}
	return float32(s)
}

// doubtful tells whether rounding s to float32 may round for the second time.
func doubtful(s float64) bool {
	b := math.Float64bits(s)
	return b&0x1fffffff == 0x10000000 || b>>52&0x7ff-1 < 1023-126-1 // a zero is exact
}

func fmaOdd(p, c float64) float32 {
	s := p + c
	t := s - p
	e := (p - (s - t)) + (c - t) // the exact error of s (Knuth's TwoSum)
	bits := math.Float64bits(s)
	if bits&1 == 0 && (e > 0 || e < 0) {
		if (e > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}
