package search

import (
	"errors"
	"math"

	"nas/internal/fault"
	"nas/internal/stat"

	"gonum.org/v1/gonum/mat"
)

// rbf is cubic radial basis interpolation with a linear tail (Powell, "The theory
// of radial basis function approximation in 1990", 1992), the default surrogate of
// NSGANetV2. A small constant on the diagonal makes the system regular for equal
// features with different values and for indicators that always sum to one. The zero
// value is ready for fit.
type rbf struct {
	x       [][]float64
	y       standard
	weights []float64 // of the points, then of the tail: constant and features
	density float64   // mean distance to the nearest neighbour
}

// rbfSmoothing is the constant on the diagonal, relative to the mean cube of
// the distances.
const rbfSmoothing = 1e-3

// fit replaces what was fitted before. x holds a row of features for each value of
// y; there are at least two rows. The model keeps x. It takes O(n^3).
func (r *rbf) fit(x [][]float64, y []float64) error {
	n, p := len(x), len(x[0])
	s, z := standardise(y)
	r.x, r.y = x, s
	size := n + 1 + p
	a := mat.NewDense(size, size, nil)
	mean := 0.0
	r.density = 0
	for i := range n {
		nearest := math.Inf(1)
		for j := range n {
			if i == j {
				continue
			}
			d := math.Sqrt(stat.SquaredDistance(x[i], x[j]))
			nearest = min(nearest, d)
			mean += d * d * d / float64(n*(n-1))
			a.Set(i, j, d*d*d)
		}
		r.density += nearest / float64(n)
	}
	if mean == 0 {
		return fault.New("search: rbf: all networks have the same features")
	}
	for i := range n {
		// A constant of either sign separates equal features; recorded runs rest on this one.
		a.Set(i, i, -rbfSmoothing*mean)
		a.Set(i, n, 1)
		a.Set(n, i, 1)
		for j, v := range x[i] {
			a.Set(i, n+1+j, v)
			a.Set(n+1+j, i, v)
		}
	}
	for j := range p {
		a.Set(n+1+j, n+1+j, 1e-6*mean)
	}
	right := mat.NewVecDense(size, nil)
	for i, v := range z {
		right.SetVec(i, v)
	}
	var lu mat.LU
	lu.Factorize(a)
	w := mat.NewVecDense(size, nil)
	var bad mat.Condition
	if err := lu.SolveVecTo(w, false, right); err != nil && (!errors.As(err, &bad) || math.IsInf(float64(bad), 1)) {
		return fault.New("search: rbf: the system is singular")
	}
	r.weights = append(r.weights[:0], w.RawVector().Data...)
	return nil
}

// predict returns the expected value.
func (r *rbf) predict(x []float64) float64 {
	n := len(r.x)
	mean := r.weights[n]
	for i, xi := range r.x {
		d := stat.SquaredDistance(x, xi)
		mean += r.weights[i] * d * math.Sqrt(d)
	}
	for j, v := range x {
		mean += r.weights[n+1+j] * v
	}
	return r.y.mean + r.y.deviation*mean
}

// deviation is a stand-in for the standard deviation of predict's error, which an
// interpolation does not have. It grows linearly with the distance to the nearest
// point, up to a quarter of the deviation of all values at the mean distance between
// neighbouring points.
func (r *rbf) deviation(x []float64) float64 {
	nearest := math.Inf(1)
	for _, xi := range r.x {
		nearest = min(nearest, math.Sqrt(stat.SquaredDistance(x, xi)))
	}
	share := 1.0
	if r.density > 0 {
		share = min(1, nearest/r.density)
	}
	return 0.25 * r.y.deviation * share
}

// standard scales values to mean 0 and deviation 1.
type standard struct{ mean, deviation float64 }

func standardise(y []float64) (standard, []float64) {
	var s standard
	for _, v := range y {
		s.mean += v
	}
	s.mean /= float64(len(y))
	for _, v := range y {
		s.deviation += (v - s.mean) * (v - s.mean)
	}
	s.deviation = math.Sqrt(s.deviation / float64(len(y)))
	if s.deviation == 0 {
		s.deviation = 1
	}
	z := make([]float64, len(y))
	for i, v := range y {
		z[i] = (v - s.mean) / s.deviation
	}
	return s, z
}
