package stat

import (
	"runtime"
	"sync"

	"nas/internal/random"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"nas/internal/fault"
)

// Kernel is the covariance function of a [GP],
//
//	K(x, y) = 1 + Linear x.y/d + Matern M(r^2)
//	r^2     = sum over j of ((x_j - y_j)/Length_j)^2
//
// with M the function [Matern52], on d standardised inputs and a standardised
// target. With Trend, the linear part is Linear times the sum over j of
// Trend_j x_j y_j.
type Kernel struct {
	Matern float64   `json:"matern"`
	Linear float64   `json:"linear"`
	Noise  float64   `json:"noise"`           // variance of an observation
	Length []float64 `json:"length"`          // length scale of each input
	Trend  []float64 `json:"trend,omitempty"` // weight of each input in the linear part; nil: 1/d each
}

// GP is a Gaussian process conditioned on data (Rasmussen and Williams, Gaussian
// Processes for Machine Learning, 2006, sections 2.2 and 8.3.1). Its prediction at
// x is Mean + SD * sum over i of Alpha_i K(x, Inputs_i).
type GP struct {
	Kernel Kernel
	Inputs *mat.Dense // training points, or inducing points, one a row
	Alpha  []float64  // weight of each row of Inputs
	Mean   float64    // of the target
	SD     float64    // of the target
}

// ErrNotPositive says that rounding left a covariance matrix without a Cholesky
// factor: points coincide and there is too little noise.
var ErrNotPositive = fault.New("stat: the covariance matrix is not positive definite")

// scaled returns x with each column divided by its length scale.
func (k *Kernel) scaled(x *mat.Dense) *mat.Dense {
	n, d := x.Dims()
	s := mat.NewDense(n, d, nil)
	for i := range n {
		src, dst := x.RawRowView(i), s.RawRowView(i)
		for j, v := range src {
			dst[j] = v / k.Length[j]
		}
	}
	return s
}

// cross returns K between the rows of a and b, using all processors.
func (k *Kernel) cross(a, b *mat.Dense) *mat.Dense {
	n, d := a.Dims()
	m, _ := b.Dims()
	c := mat.NewDense(n, m, nil)
	sa, sb := k.scaled(a), k.scaled(b)
	parallel(n, func(i int) {
		row, ai, si := c.RawRowView(i), a.RawRowView(i), sa.RawRowView(i)
		for j := range m {
			row[j] = 1 + k.Linear*k.trend(ai, b.RawRowView(j), d) + k.Matern*Matern52(SquaredDistance(si, sb.RawRowView(j)))
		}
	})
	return c
}

// trend is the linear part between two rows of d columns.
func (k *Kernel) trend(a, b []float64, d int) float64 {
	if k.Trend == nil {
		return floats.Dot(a, b) / float64(d)
	}
	s := 0.0
	for j, w := range k.Trend {
		s += w * a[j] * b[j]
	}
	return s
}

// covariance returns K between the rows of x, with diagonal added to its diagonal.
func (k *Kernel) covariance(x *mat.Dense, diagonal float64) *mat.SymDense {
	n, _ := x.Dims()
	sym := mat.NewSymDense(n, k.cross(x, x).RawMatrix().Data)
	for i := range n {
		sym.SetSym(i, i, sym.At(i, i)+diagonal)
	}
	return sym
}

// parallel calls f(0) to f(n-1), on all processors.
func parallel(n int, f func(i int)) {
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// standardise returns y to mean 0 and standard deviation 1, and what it had.
func standardise(y []float64) (t *mat.VecDense, mean, sd float64) {
	mean, sd = stat.MeanStdDev(y, nil)
	t = mat.NewVecDense(len(y), nil)
	for i, v := range y {
		t.SetVec(i, (v-mean)/sd)
	}
	return t, mean, sd
}

// FitGP conditions a process on all rows of x, of which y holds the targets. It
// takes O(n^3). The error is [ErrNotPositive] or a failed solution.
func FitGP(k Kernel, x *mat.Dense, y []float64) (*GP, error) {
	g := &GP{Kernel: k, Inputs: x}
	t, mean, sd := standardise(y)
	g.Mean, g.SD = mean, sd
	var c mat.Cholesky
	if !c.Factorize(k.covariance(x, k.Noise)) {
		return nil, ErrNotPositive
	}
	var a mat.VecDense
	if err := c.SolveVecTo(&a, t); err != nil {
		return nil, fault.Errorf("stat: Gaussian process: %w", err)
	}
	g.Alpha = a.RawVector().Data
	return g, nil
}

// FitInducingGP conditions a process on all rows of x through a subset of them
// (the subset of regressors: Rasmussen and Williams, equation 8.14):
//
//	w = (K_um K_mu + noise K_uu)^-1 K_um t
//
// A prediction then costs as much as the subset is large.
func FitInducingGP(k Kernel, x *mat.Dense, y []float64, subset []int) (*GP, error) {
	_, d := x.Dims()
	u := mat.NewDense(len(subset), d, nil)
	for i, j := range subset {
		u.SetRow(i, x.RawRowView(j))
	}
	g := &GP{Kernel: k, Inputs: u}
	t, mean, sd := standardise(y)
	g.Mean, g.SD = mean, sd
	// With L L' = K_uu, V = L^-1 K_um: w = L'^-1 (V V' + noise)^-1 V t, which
	// stays well conditioned where two points of the subset nearly coincide.
	var cu, ca mat.Cholesky
	if !cu.Factorize(k.covariance(u, 1e-6)) {
		return nil, ErrNotPositive
	}
	var l mat.TriDense
	cu.LTo(&l)
	v := k.cross(u, x)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, l.RawTriangular(), v.RawMatrix())
	var a mat.SymDense
	a.SymOuterK(1, v)
	for i := range len(subset) {
		a.SetSym(i, i, a.At(i, i)+k.Noise)
	}
	if !ca.Factorize(&a) {
		return nil, ErrNotPositive
	}
	var rhs, w mat.VecDense
	rhs.MulVec(v, t)
	if err := ca.SolveVecTo(&w, &rhs); err != nil {
		return nil, fault.Errorf("stat: Gaussian process: %w", err)
	}
	blas64.Trsv(blas.Trans, l.RawTriangular(), w.RawVector())
	g.Alpha = w.RawVector().Data
	return g, nil
}

// Predict returns the mean at each row of x.
func (g *GP) Predict(x *mat.Dense) []float64 {
	n, _ := x.Dims()
	k := g.Kernel.cross(x, g.Inputs)
	out := make([]float64, n)
	for i := range out {
		out[i] = g.Mean + g.SD*floats.Dot(k.RawRowView(i), g.Alpha)
	}
	return out
}

// SampleRows returns k of n row numbers, all if k is larger, in random order.
func SampleRows(n, k int, seed uint64) []int {
	return random.Stream(seed, "rows").Perm(n)[:min(k, n)]
}
