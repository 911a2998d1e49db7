package search

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// GP is Gaussian process regression (Rasmussen and Williams, "Gaussian Processes
// for Machine Learning", 2006, algorithm 2.1) with the kernel
//
//	variance * exp(-|x-x'|^2 / (2 scale^2 m)),   m the mean of |x-x'|^2
//
// and independent noise. scale and the ratio of noise to variance come from a
// grid, the pair with the largest marginal likelihood, chosen anew when the data
// have grown by a quarter; the variance has a closed form given both (their
// equation 5.8 solved for it). The zero value is ready for Fit.
type GP struct {
	x       [][]float64
	y       standard
	alpha   []float64
	chol    mat.Cholesky
	scale   float64
	inverse float64 // 1/(2 scale^2 m)
	noise   float64
	rows    int     // when scale and noise were chosen
	std     float64 // root of the variance, of the standardised values
	k       *mat.VecDense
	solved  *mat.VecDense
}

var (
	gpScales = []float64{0.35, 0.7, 1.4, 2.8, 5.6}
	gpNoises = []float64{1e-4, 1e-3, 1e-2, 1e-1}
)

// String implements [Surrogate].
func (*GP) String() string { return "gp(rbf, evidence)" }

// Fit implements [Surrogate]. It takes O(n^3).
func (g *GP) Fit(x [][]float64, y []float64) error {
	n := len(x)
	s, z := standardise(y)
	g.x, g.y = x, s
	d := make([]float64, n*n)
	sum := 0.0
	for i := range n {
		for j := range i {
			v := squaredDistance(x[i], x[j])
			d[i*n+j], d[j*n+i] = v, v
			sum += v
		}
	}
	mean := 2 * sum / float64(n*(n-1))
	if mean == 0 {
		return errors.New("search: gp: all networks have the same features")
	}
	target := mat.NewVecDense(n, z)
	a := mat.NewVecDense(n, nil)
	kernel := mat.NewSymDense(n, nil)
	var chol mat.Cholesky
	best := math.Inf(-1)
	scales, noises := gpScales, gpNoises
	if g.rows > 0 && n >= g.rows && 4*n < 5*g.rows {
		scales, noises = []float64{g.scale}, []float64{g.noise}
	} else {
		g.rows = n
	}
	for _, scale := range scales {
		inverse := 1 / (2 * scale * scale * mean)
		raw := make([]float64, n*n)
		for i, v := range d {
			raw[i] = math.Exp(-v * inverse)
		}
		for _, noise := range noises {
			for i := range n {
				for j := i; j < n; j++ {
					kernel.SetSym(i, j, raw[i*n+j])
				}
				kernel.SetSym(i, i, 1+noise)
			}
			if !chol.Factorize(kernel) {
				continue
			}
			if err := chol.SolveVecTo(a, target); err != nil {
				continue
			}
			variance := max(mat.Dot(target, a)/float64(n), 1e-12)
			evidence := -0.5 * (float64(n)*math.Log(variance) + chol.LogDet())
			if evidence > best {
				best = evidence
				g.scale, g.inverse, g.noise, g.std = scale, inverse, noise, math.Sqrt(variance)
				g.alpha = append(g.alpha[:0], a.RawVector().Data...)
				g.chol.Clone(&chol)
			}
		}
	}
	if math.IsInf(best, -1) {
		return errors.New("search: gp: no kernel matrix is positive definite")
	}
	g.k, g.solved = mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	return nil
}

// Predict implements [Surrogate].
func (g *GP) Predict(x []float64) float64 {
	mean := 0.0
	for i, xi := range g.x {
		mean += math.Exp(-squaredDistance(x, xi)*g.inverse) * g.alpha[i]
	}
	return g.y.mean + g.y.deviation*mean
}

// Deviation implements [Surrogate]. It is that of the noiseless value, and takes
// O(n^2).
func (g *GP) Deviation(x []float64) float64 {
	for i, xi := range g.x {
		g.k.SetVec(i, math.Exp(-squaredDistance(x, xi)*g.inverse))
	}
	variance := 1.0
	if err := g.chol.SolveVecTo(g.solved, g.k); err == nil {
		variance = max(0, 1-mat.Dot(g.k, g.solved))
	}
	return g.y.deviation * g.std * math.Sqrt(variance)
}
