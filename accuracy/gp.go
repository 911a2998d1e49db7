package accuracy

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/gonum/stat"
)

// gpHyper are the settings of a Gaussian process with the kernel
//
//	K(x, y) = 1 + linear x.y/d + matern (1 + sqrt5 r + 5/3 r^2) exp(-sqrt5 r)
//	r^2 = sum over j of ((x_j - y_j)/length_j)^2
//
// (with Trend, linear sum over j of trend_j x_j y_j in place of linear x.y/d)
// on d standardised inputs and a standardised target, with observation noise
// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006,
// equation 4.17 and section 5.4).
type gpHyper struct {
	Matern float64   `json:"matern"`
	Linear float64   `json:"linear"`
	Noise  float64   `json:"noise"` // variance
	Length []float64 `json:"length"`
	Trend  []float64 `json:"trend,omitempty"` // weights of the columns in the linear part; nil: 1/d each
}

// gp is a fitted process.
type gp struct {
	h     gpHyper
	x     *mat.Dense // training inputs, scaled by 1/length where the Matern part reads them
	raw   *mat.Dense
	alpha []float64
	mean  float64 // of the target
	sd    float64
}

// matern52 of the squared distance.
func matern52(r2 float64) float64 {
	r := math.Sqrt(5 * r2)
	return (1 + r + r*r/3) * math.Exp(-r)
}

// scaled returns x with each column divided by its length scale.
func (h gpHyper) scaled(x *mat.Dense) *mat.Dense {
	n, d := x.Dims()
	s := mat.NewDense(n, d, nil)
	for i := range n {
		src, dst := x.RawRowView(i), s.RawRowView(i)
		for j, v := range src {
			dst[j] = v / h.Length[j]
		}
	}
	return s
}

// cross returns K between the rows of a and b, using all processors.
func (h gpHyper) cross(a, b *mat.Dense) *mat.Dense {
	n, d := a.Dims()
	m, _ := b.Dims()
	k := mat.NewDense(n, m, nil)
	sa, sb := h.scaled(a), h.scaled(b)
	parallel(n, func(i int) {
		row, ai, si := k.RawRowView(i), a.RawRowView(i), sa.RawRowView(i)
		for j := range m {
			row[j] = 1 + h.Linear*h.trend(ai, b.RawRowView(j), d) + h.Matern*matern52(squaredDistance(si, sb.RawRowView(j)))
		}
	})
	return k
}

// trend is the linear part between two rows of d columns.
func (h gpHyper) trend(a, b []float64, d int) float64 {
	if h.Trend == nil {
		return floats.Dot(a, b) / float64(d)
	}
	s := 0.0
	for j, w := range h.Trend {
		s += w * a[j] * b[j]
	}
	return s
}

func squaredDistance(a, b []float64) float64 {
	s := 0.0
	b = b[:len(a)]
	for i, v := range a {
		d := v - b[i]
		s += d * d
	}
	return s
}

// parallel calls f(0) to f(n-1), one goroutine for each processor.
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

var errNotPositive = errors.New("accuracy: the covariance matrix is not positive definite")

// fitGP conditions the process on all rows.
func fitGP(h gpHyper, x *mat.Dense, y []float64) (*gp, error) {
	n, _ := x.Dims()
	g := &gp{h: h, raw: x, x: h.scaled(x)}
	g.mean, g.sd = stat.MeanStdDev(y, nil)
	t := mat.NewVecDense(n, nil)
	for i, v := range y {
		t.SetVec(i, (v-g.mean)/g.sd)
	}
	k := h.cross(x, x)
	sym := mat.NewSymDense(n, k.RawMatrix().Data)
	for i := range n {
		sym.SetSym(i, i, sym.At(i, i)+h.Noise)
	}
	var c mat.Cholesky
	if !c.Factorize(sym) {
		return nil, errNotPositive
	}
	var a mat.VecDense
	if err := c.SolveVecTo(&a, t); err != nil {
		return nil, fmt.Errorf("accuracy: %w", err)
	}
	g.alpha = a.RawVector().Data
	return g, nil
}

// inducing conditions the process on all rows through a subset of them (the
// subset of regressors: Rasmussen and Williams, equation 8.14):
//
//	w = (K_um K_mu + noise K_uu)^-1 K_um t
//
// so that a prediction costs as much as the subset is large.
func inducingGP(h gpHyper, x *mat.Dense, y []float64, subset []int) (*gp, error) {
	_, d := x.Dims()
	u := mat.NewDense(len(subset), d, nil)
	for i, j := range subset {
		u.SetRow(i, x.RawRowView(j))
	}
	g := &gp{h: h, raw: u, x: h.scaled(u)}
	g.mean, g.sd = stat.MeanStdDev(y, nil)
	t := mat.NewVecDense(len(y), nil)
	for i, v := range y {
		t.SetVec(i, (v-g.mean)/g.sd)
	}
	// With L L' = K_uu, V = L^-1 K_um: w = L'^-1 (V V' + noise)^-1 V t, which
	// stays well conditioned where two points of the subset nearly coincide.
	n := len(subset)
	kuu := mat.NewSymDense(n, h.cross(u, u).RawMatrix().Data)
	for i := range n {
		kuu.SetSym(i, i, kuu.At(i, i)+1e-6)
	}
	var cu, ca mat.Cholesky
	if !cu.Factorize(kuu) {
		return nil, errNotPositive
	}
	var l mat.TriDense
	cu.LTo(&l)
	v := h.cross(u, x)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, l.RawTriangular(), v.RawMatrix())
	var a mat.SymDense
	a.SymOuterK(1, v)
	for i := range n {
		a.SetSym(i, i, a.At(i, i)+h.Noise)
	}
	if !ca.Factorize(&a) {
		return nil, errNotPositive
	}
	var rhs, w mat.VecDense
	rhs.MulVec(v, t)
	if err := ca.SolveVecTo(&w, &rhs); err != nil {
		return nil, fmt.Errorf("accuracy: %w", err)
	}
	blas64.Trsv(blas.Trans, l.RawTriangular(), w.RawVector())
	g.alpha = w.RawVector().Data
	return g, nil
}

// predict returns the mean at each row of x.
func (g *gp) predict(x *mat.Dense) []float64 {
	n, _ := x.Dims()
	k := g.h.cross(x, g.raw)
	out := make([]float64, n)
	for i := range out {
		out[i] = g.mean + g.sd*floats.Dot(k.RawRowView(i), g.alpha)
	}
	return out
}

// tuneGP maximises the marginal likelihood of the rows given, with weak normal
// priors on the logarithms, by L-BFGS with the analytic gradient (Rasmussen and
// Williams, equations 5.8 and 5.9).
func tuneGP(x *mat.Dense, y []float64, iterations int) (gpHyper, error) {
	n, d := x.Dims()
	mean, sd := stat.MeanStdDev(y, nil)
	t := mat.NewVecDense(n, nil)
	for i, v := range y {
		t.SetVec(i, (v-mean)/sd)
	}
	dots := mat.NewDense(n, n, nil)
	dots.Mul(x, x.T())

	// theta: log matern, log linear, log noise, log lengths.
	centre := make([]float64, 3+d)
	spread := make([]float64, 3+d)
	centre[0], centre[1], centre[2] = 0, math.Log(0.5), math.Log(0.02)
	spread[0], spread[1], spread[2] = 2, 2, 2
	for j := range d {
		centre[3+j], spread[3+j] = math.Log(6), 1.5
	}
	unpack := func(th []float64) gpHyper {
		h := gpHyper{Matern: math.Exp(th[0]), Linear: math.Exp(th[1]), Noise: math.Exp(th[2]), Length: make([]float64, d)}
		for j := range d {
			h.Length[j] = math.Exp(th[3+j])
		}
		return h
	}
	var lastTheta, lastGrad []float64
	var lastF float64
	evaluate := func(th []float64) float64 {
		if lastTheta != nil && floats.Equal(th, lastTheta) {
			return lastF
		}
		lastTheta = append(lastTheta[:0], th...)
		lastGrad = make([]float64, len(th))
		h := unpack(th)
		k := h.cross(x, x)
		sym := mat.NewSymDense(n, k.RawMatrix().Data)
		for i := range n {
			sym.SetSym(i, i, sym.At(i, i)+h.Noise)
		}
		var c mat.Cholesky
		if !c.Factorize(sym) {
			lastF = math.Inf(1)
			return lastF
		}
		var alpha mat.VecDense
		if err := c.SolveVecTo(&alpha, t); err != nil {
			lastF = math.Inf(1)
			return lastF
		}
		var inv mat.SymDense
		if err := c.InverseTo(&inv); err != nil {
			lastF = math.Inf(1)
			return lastF
		}
		f := 0.5*mat.Dot(t, &alpha) + 0.5*c.LogDet()
		s := h.scaled(x)
		a := alpha.RawVector().Data
		rows := make([][]float64, n)
		parallel(n, func(i int) {
			g := make([]float64, len(th))
			si := s.RawRowView(i)
			for j := range n {
				w := inv.At(i, j) - a[i]*a[j] // d(-log likelihood)/dK, twice
				sj := s.RawRowView(j)
				r := math.Sqrt(5 * squaredDistance(si, sj))
				e := math.Exp(-r)
				g[0] += 0.5 * w * h.Matern * (1 + r + r*r/3) * e
				g[1] += 0.5 * w * h.Linear * dots.At(i, j) / float64(d)
				if i == j {
					g[2] += 0.5 * w * h.Noise
				}
				// dM/d(r^2) = -5/6 (1 + sqrt5 r) exp(-sqrt5 r), d(r^2)/d(log l_m) = -2 (difference)^2
				q := 0.5 * w * h.Matern * (5.0 / 3) * (1 + r) * e
				for m, v := range si {
					dv := v - sj[m]
					g[3+m] += q * dv * dv
				}
			}
			rows[i] = g
		})
		for _, g := range rows { // in order: the sum must not depend on scheduling
			floats.Add(lastGrad, g)
		}
		for j, v := range th {
			z := (v - centre[j]) / spread[j]
			f += 0.5 * z * z
			lastGrad[j] += z / spread[j]
		}
		lastF = f
		return f
	}
	p := optimize.Problem{
		Func: evaluate,
		Grad: func(g, th []float64) { evaluate(th); copy(g, lastGrad) },
	}
	res, err := optimize.Minimize(p, centre, &optimize.Settings{MajorIterations: iterations, FuncEvaluations: 3 * iterations}, &optimize.LBFGS{})
	if res == nil {
		return gpHyper{}, fmt.Errorf("accuracy: tuning the Gaussian process: %w", err)
	}
	return unpack(res.X), nil
}

// sampleRows returns k of n row numbers, in random order fixed by the seed.
func sampleRows(n, k int, seed uint64) []int {
	return rand.New(rand.NewPCG(seed, 1)).Perm(n)[:min(k, n)]
}
