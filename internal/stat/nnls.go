package stat

import "math"

// NNLS solves min |A x - b|^2 with x >= 0, non-negative least squares, by
// sequential coordinate descent (Franc, Hlavac and Navara, Sequential
// coordinate-wise algorithm for the non-negative least squares problem, CAIP
// 2005, section 4). rows are the rows of A; none give nil.
//
// The x of a column of zeros is 0. ridge, relative to each column's own square,
// keeps columns that the data cannot tell apart from running to extremes.
func NNLS(rows [][]float64, b []float64, ridge float64) []float64 {
	if len(rows) == 0 {
		return nil
	}
	p := len(rows[0])
	gram := make([]float64, p*p)
	grad := make([]float64, p) // A'A x - A'b
	for i, r := range rows {
		for j, v := range r {
			if v == 0 {
				continue
			}
			grad[j] -= v * b[i]
			for k, u := range r {
				gram[j*p+k] += v * u
			}
		}
	}
	for j := range p {
		gram[j*p+j] *= 1 + ridge
	}
	x := make([]float64, p)
	for range 20000 {
		moved := 0.0
		for j := range p {
			d := gram[j*p+j]
			if d == 0 {
				continue
			}
			step := max(-x[j], -grad[j]/d)
			if step == 0 {
				continue
			}
			x[j] += step
			for k := range p {
				grad[k] += step * gram[j*p+k]
			}
			moved = max(moved, math.Abs(step)*math.Sqrt(d))
		}
		if moved < 1e-10*math.Sqrt(float64(len(rows))) {
			break
		}
	}
	return x
}
