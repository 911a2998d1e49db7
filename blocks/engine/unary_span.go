package engine

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
)

// spans are the functions that are not one kernel: a few instructions, or a kernel for the
// exponential or the hyperbolic tangent and some instructions around it.
var spans = map[blocks.UnaryFunc]span{
	"neg":        simple(func(x, _, _ float32) float32 { return -x }),
	"abs":        simple(func(x, _, _ float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }),
	"reciprocal": simple(func(x, _, _ float32) float32 { return 1 / x }),
	"softsign":   simple(func(x, _, _ float32) float32 { return x / (1 + max(x, -x)) }),
	"sqrt":       round32(math.Sqrt),
	"floor":      round32(math.Floor),
	"ceil":       round32(math.Ceil),
	"round":      round32(math.RoundToEven),
	"sign": simple(func(x, _, _ float32) float32 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x
	}),
	"thresholded_relu": simple(func(x, a, _ float32) float32 {
		if x > a {
			return x
		}
		return 0
	}),
	"shrink": simple(func(x, a, b float32) float32 {
		switch {
		case x < -a:
			return x + b
		case x > a:
			return x - b
		}
		return 0
	}),
	"exp":       (*unaryRun).exp,
	"softplus":  (*unaryRun).softplus,
	"mish":      (*unaryRun).mish,
	"gelu_tanh": (*unaryRun).geluTanh,
	"elu": func(r *unaryRun, d, x, t []float32, sc *kernels.Scratch) {
		r.expm1(t, x, 1, sc)
		below(d, x, t, 1, r.a)
	},
	"celu": func(r *unaryRun, d, x, t []float32, sc *kernels.Scratch) {
		r.expm1(t, x, 1/r.a, sc)
		below(d, x, t, 1, r.a)
	},
	"selu": func(r *unaryRun, d, x, t []float32, sc *kernels.Scratch) {
		r.expm1(t, x, 1, sc)
		below(d, x, t, r.b, r.b*r.a)
	},
}

// The kernel clamps its argument to this range.
const expLowest, expHighest = -87.33654, 88

func (r *unaryRun) exp(d, x, t []float32, sc *kernels.Scratch) {
	r.set.Exp(t, x, sc)
	for i, v := range x {
		if v < expLowest || v > expHighest {
			t[i] = float32(math.Exp(float64(v)))
		}
	}
	copy(d, t)
}

// softplus is log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)).
func (r *unaryRun) softplus(d, x, t []float32, sc *kernels.Scratch) {
	for i, v := range x {
		t[i] = min(v, -v)
	}
	r.set.Exp(t, t, sc)
	for i, v := range x {
		d[i] = max(v, 0) + log1p(t[i])
	}
}

// log1p is log(1 + x) for x from 0 to 1: x times a quotient of polynomials of degree
// three, found by least squares with weights after Lawson; relative error 1e-9 without
// rounding.
func log1p(x float32) float32 {
	p := ((float32(0.00341727873)*x+0.238157413)*x+1.06621826)*x + 0.999999999
	q := ((float32(0.0752872415)*x+0.687936072)*x+1.56621813)*x + 1
	return x * p / q
}

// mish is x tanh(log(1 + e)) with e = exp(x), which is x n / (n + 2) with n = e (e + 2).
func (r *unaryRun) mish(d, x, t []float32, sc *kernels.Scratch) {
	const one = 20 // from here on n / (n + 2) is 1
	for i, v := range x {
		t[i] = min(v, one)
	}
	r.set.Exp(t, t, sc)
	for i, v := range x {
		n := t[i] * (t[i] + 2)
		d[i] = v * (n / (n + 2))
	}
}

// geluTanh is x/2 (1 + tanh(k (x + c x^3))) = x sigmoid(2k (x + c x^3)).
func (r *unaryRun) geluTanh(d, x, t []float32, sc *kernels.Scratch) {
	const k, c = 0.7978845608028654, 0.044715 // sqrt(2/pi); Hendrycks and Gimpel, 2016
	for i, v := range x {
		t[i] = v * (2*k + 2*k*c*v*v)
	}
	r.act(t, t, kernels.Sigmoid, sc)
	for i, v := range x {
		d[i] = v * t[i]
	}
}

// expm1 is exp(s x) - 1 for negative s x, as 2 h / (1 - h) with h = tanh(s x / 2), which
// loses no digits near zero.
func (r *unaryRun) expm1(t, x []float32, s float32, sc *kernels.Scratch) {
	for i, v := range x {
		t[i] = s * v / 2
	}
	r.act(t, t, kernels.Tanh, sc)
	for i, h := range t {
		t[i] = 2 * h / (1 - h)
	}
}

// below sets d to above x where x is positive, else to scale t.
func below(d, x, t []float32, above, scale float32) {
	for i, v := range x {
		if v > 0 {
			d[i] = above * v
		} else {
			d[i] = scale * t[i]
		}
	}
}
