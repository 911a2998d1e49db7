package stat

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"nas/internal/fault"
)

// Ridge returns the coefficients c and the intercept b that minimise
//
//	sum over i of w_i (y_i - b - x_i.c)^2 + sum over j of ridge_j c_j^2
//
// (Hoerl and Kennard, Ridge regression, Technometrics 12, 1970). x is n x d, y and
// w have n values, ridge has d. The error is [ErrNotPositive] or a failed solution.
func Ridge(x *mat.Dense, y, w, ridge []float64) (c []float64, b float64, err error) {
	n, d := x.Dims()
	mean := make([]float64, d)
	col := make([]float64, n)
	for j := range d {
		mean[j] = stat.Mean(mat.Col(col, j, x), w)
	}
	my := stat.Mean(y, w)
	centred, r := mat.NewDense(n, d, nil), make([]float64, d)
	for i := range n {
		row, dst, root := x.RawRowView(i), centred.RawRowView(i), math.Sqrt(w[i])
		for j := range d {
			dst[j] = root * (row[j] - mean[j])
			r[j] += root * dst[j] * (y[i] - my)
		}
	}
	a := mat.NewSymDense(d, nil)
	a.SymOuterK(1, centred.T())
	for j := range d {
		a.SetSym(j, j, a.At(j, j)+ridge[j]+1e-9)
	}
	var f mat.Cholesky
	if !f.Factorize(a) {
		return nil, 0, ErrNotPositive
	}
	var s mat.VecDense
	if err := f.SolveVecTo(&s, mat.NewVecDense(d, r)); err != nil {
		return nil, 0, fault.Errorf("stat: ridge regression: %w", err)
	}
	c, b = s.RawVector().Data, my
	for j := range d {
		b -= c[j] * mean[j]
	}
	return c, b, nil
}
