package kernels

// Softmax computes dst = exp(src - max) / sum over each row of n values. dst
// may be src. The sum is taken in order, in float32.
func (s *Set) Softmax(dst, src []float32, n int, sc *Scratch) {
	for len(src) >= n && n > 0 {
		m := src[0]
		for _, x := range src[1:n] {
			m = max(m, x)
		}
		v := &sc.vec
		v.lo, v.hi, _ = None.clamp()
		v.lo = m
		v.assign(&dst[:n][0], n, &src[0], n, nil, 0, 1, n)
		s.vec[vecExp](v)
		var sum float32
		for _, x := range dst[:n] {
			sum += x
		}
		scale := 1 / sum
		for i := range dst[:n] {
			dst[i] *= scale
		}
		dst, src = dst[n:], src[n:]
	}
}
