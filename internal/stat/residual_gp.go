package stat

import (
	"math"
	"sync"

	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/mat"

	"nas/internal/fault"
)

// ResidualGP is Gaussian-process regression of what another model leaves over
// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006,
// algorithm 2.1): its mean is zero, its kernel Signal^2 [Matern52] with one length
// scale a feature. Far from all data it returns 0, and the other model stands
// alone. It may be used from many goroutines.
type ResidualGP struct {
	ResidualKernel
	x     []float64 // n x d, scaled by the length scales
	n, d  int
	alpha []float64
	chol  mat.Cholesky
	// inverse is that of the factor of chol, row by row without what is above the
	// diagonal. The first prediction makes it.
	once    sync.Once
	inverse []float32
	spare   sync.Pool // of *[]float32, n long
}

// ResidualKernel are the hyperparameters of a [ResidualGP]. Signal and Noise are
// in the units of the target, Scale in those of the features.
type ResidualKernel struct {
	Signal float64   `json:"signal"` // standard deviation of the function
	Noise  float64   `json:"noise"`  // standard deviation of a point beyond its measured one
	Scale  []float64 `json:"scale"`  // length scale of each feature
}

// NewResidualGP conditions a process on points: x[i] has len(k.Scale) features,
// y[i] was observed with the standard deviation sd[i]. It takes O(n^3).
func NewResidualGP(k ResidualKernel, x [][]float64, y, sd []float64) (*ResidualGP, error) {
	g := &ResidualGP{ResidualKernel: k, n: len(x), d: len(k.Scale)}
	g.x = scaled(x, k.Scale)
	cov := mat.NewSymDense(g.n, nil)
	s2 := k.Signal * k.Signal
	for i := range g.n {
		for j := i; j < g.n; j++ {
			v := s2 * matern(sqrt5Distance(g.row(i), g.row(j)))
			if i == j {
				v += k.Noise*k.Noise + sd[i]*sd[i] + 1e-9*s2
			}
			cov.SetSym(i, j, v)
		}
	}
	if !g.chol.Factorize(cov) {
		return nil, fault.New("stat: the covariance matrix of the residual is not positive definite")
	}
	a := mat.NewVecDense(g.n, nil)
	g.chol.SolveVecTo(a, mat.NewVecDense(g.n, y)) // an error only tells of a large condition number
	g.alpha = a.RawVector().Data
	return g, nil
}

// invert fills in inverse.
func (g *ResidualGP) invert() {
	var l, inv mat.TriDense
	g.chol.LTo(&l)
	inv.InverseTri(&l) // an error only tells of a large condition number
	raw := inv.RawTriangular()
	g.inverse = make([]float32, 0, g.n*(g.n+1)/2)
	for i := range g.n {
		for _, v := range raw.Data[i*raw.Stride:][:i+1] {
			g.inverse = append(g.inverse, float32(v))
		}
	}
}

func (g *ResidualGP) row(i int) []float64 { return g.x[i*g.d : (i+1)*g.d] }

// Predict returns mean and standard deviation of the function at x, observation
// noise excluded.
func (g *ResidualGP) Predict(x []float64) (mean, sd float64) {
	if g.n == 0 {
		return 0, g.Signal
	}
	g.once.Do(g.invert)
	var buffer [32]float64
	z := append(buffer[:0], x[:g.d]...)
	for j := range z {
		z[j] /= g.Scale[j]
	}
	covariances, _ := g.spare.Get().(*[]float32)
	if covariances == nil {
		covariances = new([]float32)
		*covariances = make([]float32, g.n)
	}
	defer g.spare.Put(covariances)
	k := *covariances
	s2 := g.Signal * g.Signal
	for i := range g.n {
		c := s2 * matern(sqrt5Distance(z, g.row(i)))
		k[i] = float32(c)
		mean += c * g.alpha[i]
	}
	// k' K^-1 k = |L^-1 k|^2, which is most of what a prediction costs. Rows of
	// single precision are half as much to read; of the standard deviation that
	// leaves three digits.
	explained := 0.0
	var dot gonum.Implementation
	for i, row := 1, g.inverse; i <= g.n; i++ {
		v := float64(dot.Sdot(i, row, 1, k, 1))
		explained += v * v
		row = row[i:]
	}
	return mean, math.Sqrt(max(0, s2-explained))
}

// Mean is Predict without the standard deviation, which costs most of it. It
// allocates nothing for up to 32 features. Distances, exponentials and the sum are
// loops of their own over a few points at a time: a processor then computes several
// at once, where one point after the other is a chain of a hundred cycles each.
func (g *ResidualGP) Mean(x []float64) float64 {
	var buffer [32]float64
	z := append(buffer[:0], x[:g.d]...)
	for j := range z {
		z[j] /= g.Scale[j]
	}
	s := 0.0
	var r, e [64]float64
	for from := 0; from < g.n; from += len(r) {
		n := min(len(r), g.n-from)
		for i := range n {
			r[i] = sqrt5Distance(g.row(from+i), z)
		}
		for i, v := range r[:n] {
			e[i] = math.Exp(-v)
		}
		for i, a := range g.alpha[from : from+n] {
			s += (1 + r[i] + r[i]*r[i]/3) * e[i] * a
		}
	}
	return s * g.Signal * g.Signal
}

// LeaveOneOut returns for each point the error and the standard deviation of its
// prediction from all the others (Rasmussen and Williams, equations 5.10-5.12),
// observation noise excluded. sd are those that the process was conditioned with.
func (g *ResidualGP) LeaveOneOut(sd []float64) (err, dev []float64) {
	var inv mat.SymDense
	if g.n == 0 {
		return nil, nil
	}
	g.chol.InverseTo(&inv) // an error only tells of a large condition number
	err, dev = make([]float64, g.n), make([]float64, g.n)
	for i := range g.n {
		q := inv.At(i, i)
		err[i] = g.alpha[i] / q
		dev[i] = math.Sqrt(max(0, 1/q-sd[i]*sd[i]-g.Noise*g.Noise))
	}
	return err, dev
}

// scaled returns the rows of x one after the other, each column divided by its
// length scale.
func scaled(x [][]float64, scale []float64) []float64 {
	out := make([]float64, 0, len(x)*len(scale))
	for _, r := range x {
		for j, v := range r {
			out = append(out, v/scale[j])
		}
	}
	return out
}

func sqrt5Distance(a, b []float64) float64 { return math.Sqrt(5) * math.Sqrt(SquaredDistance(a, b)) }
