package train

import "math"

// Optimizers.
const (
	SGD   = "sgd"   // with Nesterov's momentum (Sutskever et al., ICML 2013)
	AdamW = "adamw" // Loshchilov and Hutter, ICLR 2019, algorithm 2
)

// optimizer changes parameters by their gradients. Both rules are those of PyTorch.
type optimizer struct {
	kind     string
	decay    float64
	momentum float64
	first    []float32 // the velocity of SGD, the first moment of AdamW
	second   []float32 // the second moment of AdamW
}

// AdamW's constants.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

func newOptimizer(kind string, decay, momentum float64, n int) *optimizer {
	o := &optimizer{kind: kind, decay: decay, momentum: momentum, first: make([]float32, n)}
	if kind == AdamW {
		o.second = make([]float32, n)
	}
	return o
}

// step changes the parameters from place a to place b, of one tensor. t counts the steps from 1. decays tells whether
// weight decay is for the tensor, factor is what the gradients are multiplied by.
func (o *optimizer) step(values, grads []float32, a, b int, lr float64, t int, decays bool, factor float32) {
	decay := float32(0)
	if decays {
		decay = float32(o.decay)
	}
	v, g, m := values[a:b], grads[a:b], o.first[a:b]
	if o.kind == AdamW {
		s := o.second[a:b]
		shrink := 1 - float32(lr)*decay
		rate := float32(lr / (1 - math.Pow(beta1, float64(t))))
		root := float32(1 / math.Sqrt(1-math.Pow(beta2, float64(t))))
		for i, d := range g {
			d *= factor
			m[i] = float32(beta1*m[i]) + float32((1-beta1)*d)
			s[i] = float32(beta2*s[i]) + float32(float32((1-beta2)*d)*d)
			v[i] = float32(v[i]*shrink) - float32(rate*m[i])/(float32(float32(math.Sqrt(float64(s[i])))*root)+epsilon)
		}
		return
	}
	mu, rate := float32(o.momentum), float32(lr)
	for i, d := range g {
		d = float32(d*factor) + float32(decay*v[i])
		m[i] = float32(mu*m[i]) + d
		v[i] -= float32(rate * (d + float32(mu*m[i])))
	}
}

// rateAt is the learning rate of a step: rising over the first warm steps, times half a cosine over all of them
// (Loshchilov and Hutter, SGDR, ICLR 2017, equation 5).
func rateAt(highest float64, step, warm, steps int) float64 {
	up := min(1, float64(step+1)/float64(max(warm, 1)))
	return highest * up * (1 + math.Cos(math.Pi*float64(step)/float64(steps))) / 2
}
