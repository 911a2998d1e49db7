package stat

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"nas/internal/fault"
)

// TuneKernel maximises the marginal likelihood of the rows of x, of which y holds
// the targets, with weak normal priors on the logarithms of Matern, Linear, Noise
// and the length scales. It uses L-BFGS with the analytic gradient (Rasmussen and
// Williams, equations 5.8 and 5.9) and takes O(iterations n^3).
func TuneKernel(x *mat.Dense, y []float64, iterations int) (Kernel, error) {
	_, d := x.Dims()
	centre := make([]float64, 3+d)
	width := make([]float64, 3+d)
	centre[0], centre[1], centre[2] = 0, math.Log(0.5), math.Log(0.02)
	width[0], width[1], width[2] = 2, 2, 2
	for j := range d {
		centre[3+j], width[3+j] = math.Log(6), 1.5
	}
	n := len(y)
	t, _, _ := standardise(y)
	l := &kernelLikelihood{x: x, t: t, dots: mat.NewDense(n, n, nil)}
	l.dots.Mul(x, x.T())
	e := &evidence{likelihood: l.at, prior: centre, width: width}
	res, err := e.minimise(centre, iterations, 3*iterations)
	if res == nil {
		return Kernel{}, fault.Errorf("stat: tuning the Gaussian process: %w", err)
	}
	return kernelOf(res.X), nil
}

// kernelOf is the kernel with the logarithms p: Matern, Linear, Noise, Length.
func kernelOf(p []float64) Kernel {
	k := Kernel{Matern: math.Exp(p[0]), Linear: math.Exp(p[1]), Noise: math.Exp(p[2]), Length: make([]float64, len(p)-3)}
	for j := range k.Length {
		k.Length[j] = math.Exp(p[3+j])
	}
	return k
}

// kernelLikelihood is the likelihood of the parameters of kernelOf.
type kernelLikelihood struct {
	x    *mat.Dense
	t    *mat.VecDense // standardised target
	dots *mat.Dense    // x x'
}

func (l *kernelLikelihood) at(p []float64) (float64, []float64) {
	grad := make([]float64, len(p))
	n, d := l.x.Dims()
	k := kernelOf(p)
	var c mat.Cholesky
	var alpha mat.VecDense
	var inv mat.SymDense
	if !c.Factorize(k.covariance(l.x, k.Noise)) || c.SolveVecTo(&alpha, l.t) != nil || c.InverseTo(&inv) != nil {
		return math.Inf(1), grad
	}
	s := k.scaled(l.x)
	a := alpha.RawVector().Data
	rows := make([][]float64, n)
	parallel(n, func(i int) {
		g := make([]float64, len(p))
		si := s.RawRowView(i)
		for j := range n {
			w := inv.At(i, j) - a[i]*a[j] // d(-log likelihood)/dK, twice
			sj := s.RawRowView(j)
			r := math.Sqrt(5 * SquaredDistance(si, sj))
			e := math.Exp(-r)
			g[0] += 0.5 * w * k.Matern * (1 + r + r*r/3) * e
			g[1] += 0.5 * w * k.Linear * l.dots.At(i, j) / float64(d)
			if i == j {
				g[2] += 0.5 * w * k.Noise
			}
			// dM/d(r^2) = -5/6 (1 + sqrt5 r) exp(-sqrt5 r), d(r^2)/d(log l_m) = -2 (difference)^2
			q := 0.5 * w * k.Matern * (5.0 / 3) * (1 + r) * e
			for m, v := range si {
				dv := v - sj[m]
				g[3+m] += q * dv * dv
			}
		}
		rows[i] = g
	})
	for _, g := range rows { // in order: the sum must not depend on scheduling
		floats.Add(grad, g)
	}
	return 0.5*mat.Dot(l.t, &alpha) + 0.5*c.LogDet(), grad
}
