package kernels

// Softmax computes dst = exp(src - max) / sum over each row of n values. dst
// may be src. The sum is that of [Sum].
func (s *Set) Softmax(dst, src []float32, n int, sc *Scratch) {
	for len(src) >= n && n > 0 {
		m := largest(src[:n])
		v := &sc.vec
		v.lo, v.hi, _ = None.clamp()
		v.lo = m
		v.assign(&dst[:n][0], n, &src[0], n, nil, 0, 1, n)
		s.vec[vecExp](v)
		scale := 1 / Sum(dst[:n])
		for i := range dst[:n] {
			dst[i] *= scale
		}
		dst, src = dst[n:], src[n:]
	}
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
