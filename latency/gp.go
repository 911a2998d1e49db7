package latency

import (
	"errors"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas/gonum"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/optimize"
)

// process is Gaussian-process regression with one length scale a feature
// (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006,
// algorithm 2.1), zero mean and the Matern kernel with nu = 5/2 (their
// eq. 4.17). It models what the analytic part of a cost model leaves over, so
// far from all data it returns 0 and the analytic part stands alone.
type process struct {
	Hyper
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

// Hyper are the parameters of a process that data decide. Features are in the
// units of the model that owns it.
type Hyper struct {
	Signal float64   `json:"signal"` // standard deviation of the function
	Noise  float64   `json:"noise"`  // standard deviation of a point beyond its measured spread
	Scale  []float64 `json:"scale"`  // length scale of each feature
}

// maxFitted bounds the points used to find the hyperparameters: the search
// costs the cube of it several dozen times.
const maxFitted = 240

// newProcess conditions a process on points: x[i] has d features, y[i] is
// observed with standard deviation sd[i].
func newProcess(h Hyper, x [][]float64, y, sd []float64) (*process, error) {
	g := &process{Hyper: h, n: len(x), d: len(h.Scale)}
	g.x = scaled(x, h.Scale)
	k := mat.NewSymDense(g.n, nil)
	s2 := h.Signal * h.Signal
	for i := range g.n {
		for j := i; j < g.n; j++ {
			v := s2 * matern(distance(g.row(i), g.row(j)))
			if i == j {
				v += h.Noise*h.Noise + sd[i]*sd[i] + 1e-9*s2
			}
			k.SetSym(i, j, v)
		}
	}
	if !g.chol.Factorize(k) {
		return nil, errors.New("latency: covariance of the measurements is singular")
	}
	a := mat.NewVecDense(g.n, nil)
	g.chol.SolveVecTo(a, mat.NewVecDense(g.n, y)) // an error only tells of a large condition number
	g.alpha = a.RawVector().Data
	return g, nil
}

// invert fills in inverse.
func (g *process) invert() {
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

func (g *process) row(i int) []float64 { return g.x[i*g.d : (i+1)*g.d] }

// predict returns mean and standard deviation of the function at x.
func (g *process) predict(x []float64) (mean, sd float64) {
	if g.n == 0 {
		return 0, g.Signal
	}
	g.once.Do(g.invert)
	var scaledRoom [32]float64
	z := append(scaledRoom[:0], x[:g.d]...)
	for j := range z {
		z[j] /= g.Scale[j]
	}
	room, _ := g.spare.Get().(*[]float32)
	if room == nil {
		room = new([]float32)
		*room = make([]float32, g.n)
	}
	defer g.spare.Put(room)
	k := *room
	s2 := g.Signal * g.Signal
	for i := range g.n {
		c := s2 * matern(distance(z, g.row(i)))
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

// mean is predict without the standard deviation, which costs most of it. It
// allocates nothing for up to 32 features. Distances, exponentials and the sum are
// passes of their own over a few points at a time: a processor then computes several
// at once, where one point after the other is a chain of a hundred cycles each.
func (g *process) mean(x []float64) float64 {
	var room [32]float64
	z := append(room[:0], x[:g.d]...)
	for j := range z {
		z[j] /= g.Scale[j]
	}
	s := 0.0
	var r, e [64]float64
	for from := 0; from < g.n; from += len(r) {
		n := min(len(r), g.n-from)
		for i := range n {
			r[i] = math.Sqrt(5) * distance(g.row(from+i), z)
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

// leaveOneOut returns for each point the error and the standard deviation of
// its prediction from all the others (Rasmussen and Williams, eqs. 5.10-5.12),
// observation noise excluded.
func (g *process) leaveOneOut(sd []float64) (err, dev []float64) {
	var inv mat.SymDense
	if g.n == 0 {
		return nil, nil
	}
	g.chol.InverseTo(&inv) // as above
	err, dev = make([]float64, g.n), make([]float64, g.n)
	for i := range g.n {
		q := inv.At(i, i)
		err[i] = g.alpha[i] / q
		dev[i] = math.Sqrt(max(0, 1/q-sd[i]*sd[i]-g.Noise*g.Noise))
	}
	return err, dev
}

func scaled(x [][]float64, scale []float64) []float64 {
	out := make([]float64, 0, len(x)*len(scale))
	for _, r := range x {
		for j, v := range r {
			out = append(out, v/scale[j])
		}
	}
	return out
}

func distance(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		d := v - b[i]
		s += d * d
	}
	return math.Sqrt(s)
}

// matern is the Matern correlation, nu = 5/2, at scaled distance r.
func matern(r float64) float64 {
	r *= math.Sqrt(5)
	return (1 + r + r*r/3) * math.Exp(-r)
}

// fitHyper maximises the marginal likelihood (Rasmussen and Williams, eq. 5.8)
// with its gradient (eq. 5.9) plus weak log-normal priors: without them a
// feature that no data varies, or a dozen points, would take any value.
func fitHyper(x [][]float64, y, sd []float64) Hyper {
	n := len(x)
	d := len(x[0])
	if n > maxFitted { // evenly through the list, which is sorted by size
		sx, sy, ss := make([][]float64, maxFitted), make([]float64, maxFitted), make([]float64, maxFitted)
		for i := range maxFitted {
			k := i * n / maxFitted
			sx[i], sy[i], ss[i] = x[k], y[k], sd[k]
		}
		x, y, sd, n = sx, sy, ss, maxFitted
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
	l := &likelihood{x: x, y: y, sd: sd, prior: prior, width: width}
	res, err := optimize.Minimize(optimize.Problem{
		Func: func(p []float64) float64 { f, _ := l.at(p); return f },
		Grad: func(grad, p []float64) { _, g := l.at(p); copy(grad, g) },
	}, start, &optimize.Settings{MajorIterations: 40, FuncEvaluations: 80, Concurrent: 0}, &optimize.LBFGS{})
	best := start
	if res != nil && (err == nil || !math.IsNaN(res.F)) {
		best = res.X
	}
	h := Hyper{Signal: math.Exp(best[0]), Noise: math.Exp(best[1]), Scale: make([]float64, d)}
	for j := range h.Scale {
		h.Scale[j] = math.Exp(best[2+j])
	}
	return h
}

// likelihood evaluates the negative log marginal likelihood and its gradient,
// and remembers the last point: the optimiser asks for both in turn.
type likelihood struct {
	x            [][]float64
	y, sd        []float64
	prior, width []float64
	last         []float64
	f            float64
	g            []float64
}

func (l *likelihood) at(p []float64) (float64, []float64) {
	if l.last != nil {
		same := true
		for i, v := range p {
			same = same && v == l.last[i]
		}
		if same {
			return l.f, l.g
		}
	}
	l.last = append(l.last[:0], p...)
	l.f, l.g = l.eval(p)
	return l.f, l.g
}

func (l *likelihood) eval(p []float64) (float64, []float64) {
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
			v := s2 * matern(distance(zi, z[j*d:(j+1)*d]))
			if i == j {
				v += n2 + l.sd[i]*l.sd[i] + 1e-9*s2
			}
			raw.Data[i*raw.Stride+j] = v
		}
	}
	var c mat.Cholesky
	if !c.Factorize(k) {
		return math.Inf(1), grad
	}
	alpha := mat.NewVecDense(n, nil)
	y := mat.NewVecDense(n, l.y)
	var inv mat.SymDense
	if err := c.SolveVecTo(alpha, y); err != nil {
		return math.Inf(1), grad
	}
	if err := c.InverseTo(&inv); err != nil {
		return math.Inf(1), grad
	}
	f := 0.5*mat.Dot(y, alpha) + 0.5*c.LogDet()
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
			r := math.Sqrt(5) * distance(zi, zj)
			e := s2 * math.Exp(-r)
			grad[0] += w * e * (1 + r + r*r/3)
			e *= w * 5 / 6 * (1 + r)
			for m, v := range zi {
				u := v - zj[m]
				grad[2+m] += e * u * u
			}
		}
	}
	for i, v := range p {
		t := (v - l.prior[i]) / l.width[i]
		f += 0.5 * t * t
		grad[i] += t / l.width[i]
	}
	return f, grad
}
