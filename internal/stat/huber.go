package stat

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// HuberRidge fits y = x w with a ridge on all but the first weight, and weights of
// Huber with k = 1.345 on the errors (Huber, Robust Statistics, 1981, section 7.8),
// reweighted six times. Columns are scaled to a root mean square of 1 for the
// ridge, which counts as three points that show nothing. left holds the error of
// each point as predicted from the others: its error over 1 less its leverage.
// x is n x p; where the normal matrix has no Cholesky factor, w is 0 and left is y.
func HuberRidge(x [][]float64, y []float64) (w, left []float64) {
	n, p := len(x), len(x[0])
	scale := make([]float64, p)
	for j := range p {
		for i := range x {
			scale[j] += x[i][j] * x[i][j]
		}
		scale[j] = math.Sqrt(scale[j]/float64(n)) + 1e-12
	}
	weight := make([]float64, n)
	for i := range weight {
		weight[i] = 1
	}
	w = make([]float64, p)
	left = slices.Clone(y)
	for range 6 {
		a := mat.NewSymDense(p, nil)
		b := mat.NewVecDense(p, nil)
		for i := range x {
			for j := range p {
				b.SetVec(j, b.AtVec(j)+weight[i]*x[i][j]/scale[j]*y[i])
				for k := j; k < p; k++ {
					a.SetSym(j, k, a.At(j, k)+weight[i]*x[i][j]/scale[j]*x[i][k]/scale[k])
				}
			}
		}
		for j := range p {
			r := 1e-9
			if j > 0 {
				r = 3 // as much as three networks that show nothing
			}
			a.SetSym(j, j, a.At(j, j)+r)
		}
		var c mat.Cholesky
		if !c.Factorize(a) {
			return w, left
		}
		v := mat.NewVecDense(p, nil)
		c.SolveVecTo(v, b)
		var inv mat.SymDense
		c.InverseTo(&inv)
		for j := range p {
			w[j] = v.AtVec(j) / scale[j]
		}
		abs := make([]float64, n)
		for i := range x {
			e, h := y[i], 0.0
			for j := range p {
				e -= w[j] * x[i][j]
				for k := range p {
					h += x[i][j] / scale[j] * inv.At(j, k) * x[i][k] / scale[k]
				}
			}
			left[i] = e / max(0.1, 1-weight[i]*h)
			abs[i] = math.Abs(e)
		}
		huberWeights(weight, abs, 1e-9)
	}
	return w, left
}

// HuberRowScales sets w to what the rows of a least squares problem are multiplied by so that it is one of Huber: the
// square roots of the weights with k = 1.345 of absolute errors. w and abs have the same length.
func HuberRowScales(w, abs []float64) {
	huberWeights(w, abs, 1e-6)
	for i, v := range w {
		w[i] = math.Sqrt(v)
	}
}

// huberWeights sets w to the weights of Huber with k = 1.345 of absolute errors, whose scale is at least least.
func huberWeights(w, abs []float64, least float64) {
	s := 1.4826 * Median(slices.Clone(abs))
	for i := range w {
		w[i] = min(1, 1.345*max(s, least)/max(abs[i], 1e-12))
	}
}
