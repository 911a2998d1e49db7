package kernels

// Odd functions that level off, as x P(x*x) / Q(x*x) with polynomials of degree five.
// The coefficients were found by least squares with weights after Lawson for the
// relative error, which without rounding is below 2.5e-8 (erf), 4e-11 (tanh) and
// 2e-8 (erf(x/sqrt 2), for GELU). Beyond the argument from which on float32 knows
// only 1 the square is clamped, and so is the result. Products and sums are rounded
// one by one: Go, which may not fuse them where they are converted, and the assembly
// then give the same bits on every machine. The error of erf and tanh, relative to
// the value, is below 5e-7 (TestRationalError). NaN gives NaN.
type rational struct {
	most float32    // of the square
	p, q [6]float32 // of x^0, x^2, ...
}

var (
	erfRational = rational{3.92 * 3.92,
		[6]float32{1.12837915, 0.190405841, 0.052748647, 0.00376559144, 0.000284882372, 2.05009527e-06},
		[6]float32{1, 0.502075525, 0.114108859, 0.014969166, 0.00116252969, 3.80917787e-05}}
	tanhRational = rational{9.02 * 9.02,
		[6]float32{1, 0.140992194, 0.00442596197, 4.22740626e-05, 1.1117785e-07, 3.67454132e-11},
		[6]float32{1, 0.474325527, 0.0292011383, 0.000500836637, 2.60388416e-06, 2.95124076e-09}}
	geluRational = rational{5.54 * 5.54,
		[6]float32{0.797884546, 0.0672839053, 0.00932282793, 0.000332513358, 1.25910866e-05, 4.53484523e-08},
		[6]float32{1, 0.250994243, 0.0285175689, 0.00187023045, 7.26148976e-05, 1.19109335e-06}}
)

// at returns the function at x, between -1 and 1.
func (r *rational) at(x float32) float32 {
	u := float32(x * x)
	if u > r.most {
		u = r.most
	}
	p, q := r.p[5], r.q[5]
	p, q = float32(p*u)+r.p[4], float32(q*u)+r.q[4]
	p, q = float32(p*u)+r.p[3], float32(q*u)+r.q[3]
	p, q = float32(p*u)+r.p[2], float32(q*u)+r.q[2]
	p, q = float32(p*u)+r.p[1], float32(q*u)+r.q[1]
	p, q = float32(p*u)+r.p[0], float32(q*u)+r.q[0]
	y := float32(x*p) / q
	switch {
	case y > 1:
		return 1
	case y < -1:
		return -1
	}
	return y
}

func gelu32(x float32) float32 { return float32(0.5*x) * (geluRational.at(x) + 1) }

// prelu32 is max(x, 0) + slope*min(x, 0).
func prelu32(x, slope float32) float32 { return max(x, 0) + float32(slope*min(x, 0)) }

// grid32 is the number of x's grid point next to it, times scale: adding 1.5 * 2^23 rounds.
func grid32(x, scale, lo, hi float32) float32 {
	x = min(max(x/scale, lo), hi)
	x += expMagic
	return (x - expMagic) * scale
}
