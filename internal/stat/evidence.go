package stat

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"
)

// An evidence is a negative logarithm of a posterior density of hyperparameters
// (a Gaussian process' marginal likelihood and their prior) with its gradient. It
// remembers the last point, because the optimiser asks for both in turn.
type evidence struct {
	// likelihood returns the negative log marginal likelihood at p, which holds
	// logarithms, and its gradient; +Inf where there is none.
	likelihood func(p []float64) (float64, []float64)
	// The prior of each parameter is normal.
	prior, width []float64

	last []float64
	f    float64
	grad []float64
}

// at returns value and gradient at p. The gradient is valid until the next call.
func (e *evidence) at(p []float64) (float64, []float64) {
	if e.last != nil && floats.Equal(p, e.last) {
		return e.f, e.grad
	}
	e.last = append(e.last[:0], p...)
	e.f, e.grad = e.likelihood(p)
	if math.IsInf(e.f, 1) {
		return e.f, e.grad
	}
	for i, v := range p {
		z := (v - e.prior[i]) / e.width[i]
		e.f += 0.5 * z * z
		e.grad[i] += z / e.width[i]
	}
	return e.f, e.grad
}

// minimise runs L-BFGS from start. The result is nil where it could not begin.
func (e *evidence) minimise(start []float64, iterations, evaluations int) (*optimize.Result, error) {
	return optimize.Minimize(optimize.Problem{
		Func: func(p []float64) float64 { f, _ := e.at(p); return f },
		Grad: func(grad, p []float64) { _, g := e.at(p); copy(grad, g) },
	}, start, &optimize.Settings{MajorIterations: iterations, FuncEvaluations: evaluations}, &optimize.LBFGS{})
}
