package search

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Ridge is linear regression with a penalty on the coefficients (Hoerl and
// Kennard, "Ridge regression", Technometrics 12(1), 1970). The penalty comes
// from a grid, the one with the smallest leave-one-out error, which has a closed
// form (Golub, Heath and Wahba, Technometrics 21(2), 1979, equation 1.4). The
// zero value is ready for Fit.
type Ridge struct {
	y       standard
	centre  []float64
	weights []float64
	cov     *mat.SymDense // of the weights
	noise   float64       // leave-one-out deviation
}

var ridgePenalties = []float64{0.01, 0.1, 0.3, 1, 3, 10, 100}

// String implements [Surrogate].
func (*Ridge) String() string { return "ridge(loo)" }

// Fit implements [Surrogate].
func (r *Ridge) Fit(x [][]float64, y []float64) error {
	n, p := len(x), len(x[0])
	s, z := standardise(y)
	r.y, r.centre = s, make([]float64, p)
	for _, row := range x {
		for j, v := range row {
			r.centre[j] += v / float64(n)
		}
	}
	design := mat.NewDense(n, p, nil)
	for i, row := range x {
		for j, v := range row {
			design.Set(i, j, v-r.centre[j])
		}
	}
	gram := mat.NewSymDense(p, nil)
	gram.SymOuterK(1, design.T())
	var moment, w, hatted mat.VecDense
	moment.MulVec(design.T(), mat.NewVecDense(n, z))
	best := math.Inf(1)
	for _, penalty := range ridgePenalties {
		a := mat.NewSymDense(p, nil)
		a.CopySym(gram)
		for j := range p {
			a.SetSym(j, j, a.At(j, j)+penalty)
		}
		var chol mat.Cholesky
		if !chol.Factorize(a) || chol.SolveVecTo(&w, &moment) != nil {
			continue
		}
		var inverse mat.SymDense
		if chol.InverseTo(&inverse) != nil {
			continue
		}
		hatted.MulVec(design, &w)
		loo := 0.0
		var av mat.VecDense
		for i := range n {
			row := design.RowView(i)
			av.MulVec(&inverse, row)
			leverage := mat.Dot(row, &av) + 1/float64(n)
			e := (z[i] - hatted.AtVec(i)) / max(1-leverage, 1e-3)
			loo += e * e / float64(n)
		}
		if loo < best {
			best = loo
			r.weights = append(r.weights[:0], w.RawVector().Data...)
			r.cov, r.noise = &inverse, math.Sqrt(loo)
		}
	}
	if math.IsInf(best, 1) {
		return errors.New("search: ridge: no normal matrix is positive definite")
	}
	return nil
}

// Predict implements [Surrogate].
func (r *Ridge) Predict(x []float64) float64 {
	mean := 0.0
	for j, v := range x {
		mean += r.weights[j] * (v - r.centre[j])
	}
	return r.y.mean + r.y.deviation*mean
}

// Deviation implements [Surrogate]. It is that of the line itself, from the
// leave-one-out error; it grows away from the features that were seen.
func (r *Ridge) Deviation(x []float64) float64 {
	d := mat.NewVecDense(len(x), nil)
	for j, v := range x {
		d.SetVec(j, v-r.centre[j])
	}
	var av mat.VecDense
	av.MulVec(r.cov, d)
	return r.y.deviation * r.noise * math.Sqrt(max(0, mat.Dot(d, &av)))
}
