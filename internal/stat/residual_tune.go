package stat

import (
	"math"

	"gonum.org/v1/gonum/mat"
)

// maxTuned bounds the points used to find the hyperparameters: the search costs
// the cube of it several dozen times.
const maxTuned = 240

// TuneResidualKernel maximises the marginal likelihood (Rasmussen and Williams,
// equation 5.8) of the points with its gradient (equation 5.9) plus weak
// log-normal priors: without them a feature that no data varies, or a dozen
// points, would take any value. Of more than 240 points it uses 240, evenly
// through the list. The arguments are those of [NewResidualGP]; there is at least
// one point.
func TuneResidualKernel(x [][]float64, y, sd []float64) ResidualKernel {
	n := len(x)
	d := len(x[0])
	if n > maxTuned {
		sx, sy, ss := make([][]float64, maxTuned), make([]float64, maxTuned), make([]float64, maxTuned)
		for i := range maxTuned {
			k := i * n / maxTuned
			sx[i], sy[i], ss[i] = x[k], y[k], sd[k]
		}
		x, y, sd, n = sx, sy, ss, maxTuned
	}
	var sum2 float64
	for _, v := range y {
		sum2 += v * v
	}
	rms := max(1e-3, math.Sqrt(sum2/float64(n)))
	// Parameters are logarithms: signal, noise, scales.
	start := make([]float64, 2+d)
	prior := make([]float64, 2+d)
	width := make([]float64, 2+d)
	start[0], start[1] = math.Log(rms), math.Log(max(2e-3, rms/10))
	prior[0], prior[1] = math.Log(0.15), math.Log(0.01)
	width[0], width[1] = 1, 1
	for j := range d {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, r := range x {
			lo, hi = min(lo, r[j]), max(hi, r[j])
		}
		prior[2+j] = math.Log(max(hi-lo, 1))
		start[2+j] = prior[2+j]
		width[2+j] = 1
	}
	e := &evidence{likelihood: residualLikelihood{x, y, sd}.at, prior: prior, width: width}
	res, err := e.minimise(start, 40, 80)
	best := start
	if res != nil && (err == nil || !math.IsNaN(res.F)) {
		best = res.X
	}
	k := ResidualKernel{Signal: math.Exp(best[0]), Noise: math.Exp(best[1]), Scale: make([]float64, d)}
	for j := range k.Scale {
		k.Scale[j] = math.Exp(best[2+j])
	}
	return k
}

// residualLikelihood is the likelihood of the parameters of TuneResidualKernel.
type residualLikelihood struct {
	x     [][]float64
	y, sd []float64
}

func (l residualLikelihood) at(p []float64) (float64, []float64) {
	n, d := len(l.x), len(p)-2
	grad := make([]float64, len(p))
	for _, v := range p {
		if math.IsNaN(v) || math.Abs(v) > 12 {
			return math.Inf(1), grad
		}
	}
	s2, n2 := math.Exp(2*p[0]), math.Exp(2*p[1])
	scale := make([]float64, d)
	for j := range scale {
		scale[j] = math.Exp(p[2+j])
	}
	z := scaled(l.x, scale)
	k := mat.NewSymDense(n, nil)
	raw := k.RawSymmetric()
	for i := range n {
		zi := z[i*d : (i+1)*d]
		for j := i; j < n; j++ {
			v := s2 * matern(sqrt5Distance(zi, z[j*d:(j+1)*d]))
			if i == j {
				v += n2 + l.sd[i]*l.sd[i] + 1e-9*s2
			}
			raw.Data[i*raw.Stride+j] = v
		}
	}
	var c mat.Cholesky
	alpha := mat.NewVecDense(n, nil)
	y := mat.NewVecDense(n, l.y)
	var inv mat.SymDense
	if !c.Factorize(k) || c.SolveVecTo(alpha, y) != nil || c.InverseTo(&inv) != nil {
		return math.Inf(1), grad
	}
	a, q := alpha.RawVector().Data, inv.RawSymmetric()
	// With w = K^-1 - a a', df/dtheta = tr(w dK/dtheta) / 2. For the scale l_m,
	// dK/dlog l_m = s2 (5/3)(1 + sqrt5 r) exp(-sqrt5 r) (difference_m)^2.
	for i := range n {
		zi := z[i*d : (i+1)*d]
		for j := i; j < n; j++ {
			w := q.Data[i*q.Stride+j] - a[i]*a[j]
			if i != j {
				w *= 2
			} else {
				grad[1] += w * n2
			}
			zj := z[j*d : (j+1)*d]
			r := sqrt5Distance(zi, zj)
			e := s2 * math.Exp(-r)
			grad[0] += w * e * (1 + r + r*r/3)
			e *= w * 5 / 6 * (1 + r)
			for m, v := range zi {
				u := v - zj[m]
				grad[2+m] += e * u * u
			}
		}
	}
	return 0.5*mat.Dot(y, alpha) + 0.5*c.LogDet(), grad
}
