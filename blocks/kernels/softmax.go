package kernels

import "math"

// Softmax computes dst = exp(src - max) / sum over each row of n values. dst
// may be src. The sum is that of [Sum].
func (s *Set) Softmax(dst, src []float32, n int, sc *Scratch) {
	for len(src) >= n && n > 0 {
		m := largest(src[:n])
		s.expMinus(dst[:n], src, m, sc)
		scale := 1 / Sum(dst[:n])
		for i := range dst[:n] {
			dst[i] *= scale
		}
		dst, src = dst[n:], src[n:]
	}
}

// LogSoftmax computes dst = src - max - log(sum of exp(src - max)) over each row of n
// values. dst must not be src.
func (s *Set) LogSoftmax(dst, src []float32, n int, sc *Scratch) {
	for len(src) >= n && n > 0 {
		m := largest(src[:n])
		s.expMinus(dst[:n], src, m, sc)
		rest := float32(math.Log(float64(Sum(dst[:n]))))
		for i, x := range src[:n] {
			dst[i] = x - m - rest
		}
		dst, src = dst[n:], src[n:]
	}
}

// expMinus computes dst = exp(src - m).
func (s *Set) expMinus(dst, src []float32, m float32, sc *Scratch) {
	v := &sc.vec
	v.lo = m
	v.assign(&dst[0], len(dst), &src[0], len(dst), nil, 0, 1, len(dst))
	s.vec[vecExp](v)
}

// largest is the maximum. With a NaN among x it may be any of them: the exponential of the
// NaN then makes all of the softmax NaN.
func largest(x []float32) float32 {
	a := x[0]
	b, c, d := a, a, a
	for ; len(x) >= 4; x = x[4:] {
		if x[0] > a {
			a = x[0]
		}
		if x[1] > b {
			b = x[1]
		}
		if x[2] > c {
			c = x[2]
		}
		if x[3] > d {
			d = x[3]
		}
	}
	for _, v := range x {
		if v > a {
			a = v
		}
	}
	return max(max(a, b), max(c, d))
}

// Sum adds values in eight sums, which do not wait for each other: value i goes to sum
// i mod 8.
func Sum(x []float32) float32 {
	var a, b, c, d, e, f, g, h float32
	for ; len(x) >= 8; x = x[8:] {
		a, b, c, d = a+x[0], b+x[1], c+x[2], d+x[3]
		e, f, g, h = e+x[4], f+x[5], g+x[6], h+x[7]
	}
	s := [8]float32{a, b, c, d, e, f, g, h}
	for i, v := range x {
		s[i] += v
	}
	return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]))
}
