package kernels

import "math"

// The exponential in every variant. With x = n ln 2 + r and |r| <= ln(2)/2 it is 2^n
// times the minimax polynomial 1 + r + ... of degree six (found with the Remez
// algorithm, relative error 3.1e-9). Adding 1.5 * 2^23 rounds n and leaves it in the
// low bits of the sum. Each step is one fused multiply-add, so that all variants
// round alike. The relative error is below 1e-7 in [-87.33, 88] (TestExpError).
// Arguments outside are clamped: exp(-200) gives 1.2e-38, never a subnormal, and
// exp(200) gives 1.65e38. NaN gives NaN.
const (
	expLo    = -87.33654
	expHi    = 88.0
	expLog2  = 1.44269504088896341
	expMagic = 12582912
	expC1    = 0.693359375 // C1 + C2 = ln 2; n*C1 is exact
	expC2    = -2.12194440e-4
	expP6    = 0.00138145406
	expP5    = 0.00836874545
	expP4    = 0.041668389
	expP3    = 0.166665211
	expP2    = 0.49999994
)

func exp32(x float32) float32 {
	x = min(max(x, expLo), expHi)
	t := fma32(x, expLog2, expMagic)
	n := t - expMagic
	r := fma32(n, -expC1, x)
	r = fma32(n, -expC2, r)
	p := fma32(expP6, r, expP5)
	p = fma32(p, r, expP4)
	p = fma32(p, r, expP3)
	p = fma32(p, r, expP2)
	p = fma32(p, r, 1)
	p = fma32(p, r, 1)
	// The conversion keeps the product from being fused with what the caller adds.
	return float32(p * math.Float32frombits(math.Float32bits(t)<<23+math.Float32bits(1)))
}

// The logistic function needs the exponential only in a sum with 1, and networks
// spend much time on it. It is therefore computed as 1 + 2^(-x log2 e), with one step
// of argument reduction and the minimax polynomial of degree six for 2^f, |f| <= 1/2
// (Remez again, relative error 2.6e-9). The single step costs an error of 1.4e-8 |x|:
// sigmoid and swish have a relative error below 3.5e-7 for |x| <= 16, and of 1.4e-6
// at x = -87, where they are 1e-38 (TestSigmoidError).
const (
	sigS6 = 0.000155948801
	sigS5 = 0.001340672025
	sigS4 = 0.00961769186
	sigS3 = 0.05550310388
	sigS2 = 0.2402265221
	sigS1 = 0.6931472421
)

// onePlusExpMinus is 1 + exp(-x).
func onePlusExpMinus(x float32) float32 {
	x = min(max(x, -expHi), -expLo)
	t := fma32(x, -expLog2, expMagic)
	f := fma32(x, -expLog2, expMagic-t)
	p := fma32(sigS6, f, sigS5)
	p = fma32(p, f, sigS4)
	p = fma32(p, f, sigS3)
	p = fma32(p, f, sigS2)
	p = fma32(p, f, sigS1)
	p = fma32(p, f, 1)
	return fma32(p, math.Float32frombits(math.Float32bits(t)<<23+math.Float32bits(1)), 1)
}

func sigmoid32(x float32) float32 { return 1 / onePlusExpMinus(x) }

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
		return x / onePlusExpMinus(x)
	case Sigmoid:
		return sigmoid32(x)
	case Erf:
		return erfRational.at(x)
	case Tanh:
		return tanhRational.at(x)
	case GELU:
		return gelu32(x)
	}
	return x
}
