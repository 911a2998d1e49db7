package kernels

import "math"

// Gradients of activations and of batch normalisation. Maps are dense: px pixels of c channels.

// slopeVec are the kernels that multiply a gradient by the derivative of an activation.
var slopeVec = [numActs]vecOp{
	ReLU: vecGate, ReLU6: vecGate, HSwish: vecHSwishSlope, HSigmoid: vecHSigmoidSlope, Swish: vecSwishSlope,
	Sigmoid: vecSigmoidSlope,
}

// Slope computes d = d * act'(u), value by value: the gradient by the input u of an activation, from that by its
// output. At the corners of ReLU, ReLU6 and HSigmoid the derivative is that of the flat side. u of ReLU and ReLU6 may
// be the output as well. act is one of None, ReLU, ReLU6, HSwish, HSigmoid, Swish and Sigmoid.
func (s *Set) Slope(act Act, d, u []float32, sc *Scratch) {
	if len(d) == 0 || act == None {
		return
	}
	v := &sc.vec
	v.lo, v.hi, _ = act.clamp()
	if act == ReLU {
		v.hi = float32(math.Inf(1))
	}
	n := len(d)
	v.assign(&d[0], n, &u[:n][0], n, &d[0], n, 1, n)
	s.vec[slopeVec[act]](v)
}

// AddPixels adds to dst, c values, the sum of the pixels of src in order.
func (s *Set) AddPixels(dst, src []float32, px, c int, sc *Scratch) {
	_ = src[px*c-1]
	v := &sc.vec
	v.assignRows(&dst[:c][0], 0, &src[0], c, nil, 0, px, c)
	s.vec[vecSum](v)
}

// AddSquares adds to dst, c values, the sum over the pixels of (src - centre)^2, one centre for each channel.
func (s *Set) AddSquares(dst, src, centre []float32, px, c int, sc *Scratch) {
	_ = src[px*c-1]
	v := &sc.vec
	v.assignRows(&dst[:c][0], 0, &src[0], c, &centre[:c][0], 0, px, c)
	s.vec[vecSqDev](v)
}

// AddProducts adds to dst, c values, the sum over the pixels of a * (b - centre), one centre for each channel.
func (s *Set) AddProducts(dst, a, b, centre []float32, px, c int, sc *Scratch) {
	_, _ = a[px*c-1], b[px*c-1]
	v := &sc.vec
	v.assignRows(&dst[:c][0], 0, &a[0], c, &b[0], c, px, c)
	v.c = &centre[:c][0]
	s.vec[vecDot](v)
}

// slope is the derivative, with the roundings that every variant shares.
func (a Act) slope(x float32) float32 {
	inside := func(lo, hi, v float32) float32 {
		if lo < x && x < hi {
			return v
		}
		return 0
	}
	switch a {
	case ReLU:
		return inside(0, float32(math.Inf(1)), 1)
	case ReLU6:
		return inside(0, 6, 1)
	case HSwish:
		return fma32(x, inside(-3, 3, 1.0/6), hsigmoid32(x))
	case HSigmoid:
		return inside(-3, 3, 1.0/6)
	case Swish:
		s := 1 / onePlusExpMinus(x)
		return s * fma32(x, 1-s, 1)
	case Sigmoid:
		s := 1 / onePlusExpMinus(x)
		return s * (1 - s)
	}
	return 1
}

// Axpy adds f times x to d.
func Axpy(d, x []float32, f float32) {
	for i, v := range x[:len(d)] {
		d[i] += float32(f * v)
	}
}

// Dot is the sum of the products of x and y, in order.
func Dot(x, y []float32) float32 {
	var sum float32
	for i, v := range x {
		sum += float32(v * y[i])
	}
	return sum
}
