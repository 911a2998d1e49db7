package kernels

import "math"

// The exponential of every variant is the one of the Cephes library
// (S. Moshier): x = n ln 2 + r with |r| <= ln(2)/2, a polynomial of degree five
// for (exp(r) - 1 - r)/r^2, and an exponent insertion. Each step is one fused
// multiply-add, so that all variants round alike. Measured over all float32 in
// [-87.33, 88]: relative error below 1.0e-7 (TestExpError). Arguments outside are clamped:
// exp(-200) gives 1.2e-38, never a subnormal, and exp(200) 1.65e38.
const (
	expLo   = -87.33654
	expHi   = 88.0
	expLog2 = 1.44269504088896341
	expC1   = 0.693359375
	expC2   = -2.12194440e-4
	expP0   = 1.9875691500e-4
	expP1   = 1.3981999507e-3
	expP2   = 8.3334519073e-3
	expP3   = 4.1665795894e-2
	expP4   = 1.6666665459e-1
	expP5   = 5.0000001201e-1
)

func exp32(x float32) float32 {
	x = min(max(x, expLo), expHi)
	n := float32(math.RoundToEven(float64(x * expLog2)))
	r := fma32(n, -expC1, x)
	r = fma32(n, -expC2, r)
	p := fma32(expP0, r, expP1)
	p = fma32(p, r, expP2)
	p = fma32(p, r, expP3)
	p = fma32(p, r, expP4)
	p = fma32(p, r, expP5)
	q := r * r
	p = fma32(p, q, r)
	p = p + 1
	return p * math.Float32frombits(uint32(int32(n)+127)<<23)
}

func sigmoid32(x float32) float32 { return 1 / (1 + exp32(-x)) }

func hsigmoid32(x float32) float32 {
	t := x + 3
	t = min(max(t, 0), 6)
	return t * (1.0 / 6)
}

// apply is the function itself, with the roundings that every variant shares.
func (a Act) apply(x float32) float32 {
	switch a {
	case ReLU:
		return max(x, 0)
	case ReLU6:
		return min(max(x, 0), 6)
	case HSwish:
		h := hsigmoid32(x)
		return x * h
	case HSigmoid:
		return hsigmoid32(x)
	case Swish:
		return x / (1 + exp32(-x))
	case Sigmoid:
		return sigmoid32(x)
	}
	return x
}
