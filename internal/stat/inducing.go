package stat

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// pivotLeft is the remaining variance, as a share of the largest prior variance, at
// which [InducingRows] stops: rows left then are linear combinations of those chosen.
const pivotLeft = 1e-9

// InducingRows returns at most k rows of x that together say most of the others: one
// after the other the row with the largest variance given those chosen before it, the
// lower of two equal ones. This is the incomplete Cholesky factor with pivots of Fine and
// Scheinberg (Efficient SVM training using low-rank kernel representations, JMLR 2001),
// which Burt, Rasmussen and van der Wilk recommend for inducing points (Convergence of
// sparse variational inference in Gaussian processes regression, JMLR 2020, section 4).
// It takes O(n k^2) for n rows.
func InducingRows(kernel Kernel, x *mat.Dense, k int) []int {
	n, d := x.Dims()
	k = min(k, n)
	scaled := kernel.scaled(x)
	left := make([]float64, n)
	for i := range left {
		row := x.RawRowView(i)
		left[i] = 1 + kernel.Linear*kernel.trend(row, row, d) + kernel.Matern
	}
	enough := pivotLeft * floats.Max(left)
	factor := mat.NewDense(n, k, nil)
	rows := make([]int, 0, k)
	for c := range k {
		p := floats.MaxIdx(left)
		if left[p] <= enough {
			break
		}
		rows = append(rows, p)
		root := math.Sqrt(left[p])
		at, atScaled, before := x.RawRowView(p), scaled.RawRowView(p), factor.RawRowView(p)[:c]
		parallel(n, func(i int) {
			f := factor.RawRowView(i)
			v := 1 + kernel.Linear*kernel.trend(at, x.RawRowView(i), d) +
				kernel.Matern*Matern52(SquaredDistance(atScaled, scaled.RawRowView(i)))
			f[c] = (v - floats.Dot(f[:c], before)) / root
			left[i] -= f[c] * f[c]
		})
		left[p] = 0
	}
	return rows
}
