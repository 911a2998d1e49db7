package costmodel

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// AdditiveModel corrects the cost terms where only sums were measured: blocks of several
// convolutions, or networks end to end. The logarithm of what the terms get wrong is a
// function f of the shape of each component. To first order a measured sum shows
//
//	log(measured / sum of costs) = sum over components of share * f(component)
//
// where share is the component's share of the time. If f is a Gaussian process for each kind
// of component, the measured sums are jointly Gaussian, too, and f follows from them
// (Duvenaud, Nickisch and Rasmussen, Additive Gaussian Processes, NIPS 2011, section 2).
// The model differs from theirs in that the summands are weighted by shares, and that one
// function serves all components of a kind. The first order is taken anew around each
// solution.
type AdditiveModel struct {
	Amplitude float64 `json:"amplitude"` // standard deviation of f
	Length    float64 `json:"length"`    // length scale of f, in octaves
	Noise     float64 `json:"noise"`     // of a measured sum, relative
	Level     float64 `json:"level"`     // mean of f
	// Sizes says that f depends on sizes alone, not on activations, residuals and how full vectors and caches are.
	Sizes bool `json:"sizes,omitempty"`
	// Knots are weights of the components of the profile's Units, or of its Shapes where no
	// unit was timed: f is Level plus the sum of weight times covariance.
	Knots []float64 `json:"knots"`

	centers map[string]*centers // of each kind
}

// centers are the components of one kind that the weights belong to.
type centers struct {
	x      [][]float64
	weight []float64
}

// levelSD is the standard deviation of the mean of f.
const levelSD = 0.1

// component is one operation of a unit.
type component struct {
	kind string
	unit engine.Unit
}

// blockComponents are the kinds of the components of a block.
var blockComponents = []string{"block.expand", "block.depthwise", "block.project"}

// componentsOf splits a block of a table into its convolutions. Other units are their
// own only component.
func componentsOf(u *engine.Unit) []component {
	if u.Name != "block" {
		return []component{{KindOf(u), *u}}
	}
	one := [2]int{1, 1}
	mid := blocks.Shape{H: u.In.H, W: u.In.W, C: u.Mid}
	after := blocks.Shape{H: u.Out.H, W: u.Out.W, C: u.Mid}
	parts := []component{
		{"block.expand", engine.Unit{
			Name: "conv", In: u.In, Out: mid, Kernel: one, Stride: one, Dilation: one,
			Groups: u.Groups, Act: u.MidAct, Batch: u.Batch,
		}},
		{"block.depthwise", engine.Unit{
			Name: "dwconv", In: mid, Out: after, Kernel: u.Kernel, Stride: u.Stride, Dilation: u.Dilation, Pad: u.Pad,
			Groups: u.Mid, Act: u.DWAct, Batch: u.Batch,
		}},
		{"block.project", engine.Unit{
			Name: "conv", In: after, Out: u.Out, Kernel: one, Stride: one, Dilation: one,
			Groups: u.Groups, Act: u.Act, Residual: u.Residual, Batch: u.Batch,
		}},
	}
	if !workload.Expands(u) {
		return parts[1:]
	}
	return parts
}

// coordinates are the input of f: sizes in octaves, the rest scaled so that 1 matters as much
// as an octave. With sizes there are sizes alone.
func coordinates(u *engine.Unit, t *engine.Target, sizes bool) []float64 {
	groups, in, lanes := u.Groups, u.In.C, workload.Lanes(t)
	if u.Name == "dwconv" {
		groups, in = 1, 0 // its input's channels are its output's
	}
	residual := 0.0
	if u.Residual {
		residual = 1
	}
	x := []float64{
		workload.Log2(u.Out.H), workload.Log2(in), workload.Log2(u.Out.C),
		workload.Log2(u.Kernel[0] * u.Kernel[1]), workload.Log2(u.Stride[0] * u.Stride[1]), workload.Log2(u.Dilation[0]), 2 * workload.Log2(groups),
	}
	if sizes {
		return x
	}
	return append(x, workload.ActPrice[u.Act]/2, residual, 4*workload.Occupancy(in, lanes),
		4*workload.Occupancy(u.Out.C, lanes),
		max(-2, math.Log2(float64(u.BytesWeights()+1)/float64(max(t.L2, 1)))))
}

// matern52 is the correlation of f at two points.
func matern52(a, b []float64, length float64) float64 {
	return stat.Matern52(stat.SquaredDistance(a, b) / (length * length))
}

// f returns the correction of a component at x.
func (m *AdditiveModel) f(kind string, x []float64) float64 {
	s := m.Level
	if k := m.centers[kind]; k != nil {
		for i, w := range k.weight {
			s += w * matern52(x, k.x[i], m.Length)
		}
	}
	return s
}

// additiveData is what an AdditiveModel is fitted to.
type additiveData struct {
	components []component
	x          [][]float64      // coordinates of the components
	kinds      map[string][]int // components of each kind
	ms         []float64        // times of the components by the cost terms
	rows       [][]entry        // measured sums: index of a component, number of calls
	measured   []float64        // ms of rows
}

// entry is one element of a sparse row.
type entry struct {
	index int
	value float64
}

// newAdditiveData prepares e; sizes is AdditiveModel.Sizes, cost the time of a component by the terms in ms.
func newAdditiveData(
	e *EndToEnd, t *engine.Target, sizes bool, cost func(kind string, u *engine.Unit) float64,
) *additiveData {
	d := &additiveData{kinds: map[string][]int{}, measured: e.Ms, rows: make([][]entry, len(e.Rows))}
	first := make([]int, len(e.Units)+1)
	for i := range e.Units {
		first[i] = len(d.components)
		for _, p := range componentsOf(&e.Units[i]) {
			d.kinds[p.kind] = append(d.kinds[p.kind], len(d.components))
			d.components = append(d.components, p)
			d.x = append(d.x, coordinates(&p.unit, t, sizes))
			d.ms = append(d.ms, cost(p.kind, &p.unit))
		}
	}
	first[len(e.Units)] = len(d.components)
	for i, row := range e.Rows {
		for _, u := range row {
			for p := first[u[0]]; p < first[u[0]+1]; p++ {
				d.rows[i] = append(d.rows[i], entry{p, float64(u[1])})
			}
		}
	}
	return d
}

// shares linearises the rows around f: s are the components' shares of each row's time, and
// y is what the sum of share * f has to be.
func (d *additiveData) shares(f []float64) (s [][]float64, y []float64) {
	s, y = make([][]float64, len(d.rows)), make([]float64, len(d.rows))
	for i, row := range d.rows {
		s[i] = make([]float64, len(row))
		sum := 0.0
		for k, e := range row {
			s[i][k] = e.value * d.ms[e.index] * math.Exp(f[e.index])
			sum += s[i][k]
		}
		y[i] = math.Log(d.measured[i] / sum)
		for k, e := range row {
			s[i][k] /= sum
			y[i] += s[i][k] * f[e.index]
		}
	}
	return s, y
}

// crossCovariance computes K S': the covariance of each component with each row, at amplitude 1.
func (d *additiveData) crossCovariance(s [][]float64, length float64) [][]float64 {
	rowsOf := make([][]entry, len(d.components)) // of each component: row, share
	for i, row := range d.rows {
		for k, e := range row {
			rowsOf[e.index] = append(rowsOf[e.index], entry{i, s[i][k]})
		}
	}
	out := make([][]float64, len(d.components))
	for i := range out {
		out[i] = make([]float64, len(d.rows))
	}
	for _, list := range d.kinds {
		for a, p := range list {
			for _, q := range list[:a+1] {
				c := matern52(d.x[p], d.x[q], length)
				if c < 1e-6 {
					continue
				}
				for _, e := range rowsOf[q] {
					out[p][e.index] += c * e.value
				}
				if p != q {
					for _, e := range rowsOf[p] {
						out[q][e.index] += c * e.value
					}
				}
			}
		}
	}
	return out
}

// gram is the covariance of the rows at amplitude 1.
func (d *additiveData) gram(s [][]float64, ks [][]float64) *mat.SymDense {
	n := len(d.rows)
	g := mat.NewSymDense(n, nil)
	for i, row := range d.rows {
		for j := range i + 1 {
			v := 0.0
			for k, e := range row {
				v += s[i][k] * ks[e.index][j]
			}
			g.SetSym(i, j, v)
		}
	}
	return g
}

// solveAdditive returns the weights of the rows, and the negative logarithm of the marginal
// likelihood without its constant.
func solveAdditive(g *mat.SymDense, y []float64, amp, noise float64) (alpha *mat.VecDense, nll float64, ok bool) {
	n := len(y)
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			v := amp*amp*g.At(i, j) + levelSD*levelSD
			if i == j {
				v += noise * noise
			}
			a.SetSym(i, j, v)
		}
	}
	var c mat.Cholesky
	if !c.Factorize(a) {
		return nil, 0, false
	}
	b := mat.NewVecDense(n, y)
	alpha = mat.NewVecDense(n, nil)
	if c.SolveVecTo(alpha, b) != nil {
		return nil, 0, false
	}
	return alpha, mat.Dot(alpha, b)/2 + c.LogDet()/2, true
}

// FitAdditive fits an AdditiveModel that corrects kinds to networks. The settings are those
// of like, or those of the largest marginal likelihood on a grid if like is nil. It returns
// nil if there are fewer than eight networks.
func FitAdditive(e *EndToEnd, kinds map[string]*KindModel, t *engine.Target, like *AdditiveModel) *AdditiveModel {
	d := newAdditiveData(e, t, like != nil && like.Sizes, costsAlone(kinds, t))
	if len(d.rows) < 8 {
		return nil
	}
	m := &AdditiveModel{}
	if like != nil {
		m.Amplitude, m.Length, m.Noise, m.Sizes = like.Amplitude, like.Length, like.Noise, like.Sizes
	} else if !m.tune(d) {
		return nil
	}
	f := make([]float64, len(d.components))
	for range 3 {
		s, y := d.shares(f)
		ks := d.crossCovariance(s, m.Length)
		alpha, _, ok := solveAdditive(d.gram(s, ks), y, m.Amplitude, m.Noise)
		if !ok {
			return nil
		}
		m.Level = levelSD * levelSD * mat.Sum(alpha)
		m.Knots = make([]float64, len(d.components))
		a2 := m.Amplitude * m.Amplitude
		for i, row := range d.rows {
			for k, e := range row {
				m.Knots[e.index] += a2 * alpha.AtVec(i) * s[i][k]
			}
		}
		for p := range f {
			f[p] = m.Level
			for i := range d.rows {
				f[p] += a2 * alpha.AtVec(i) * ks[p][i]
			}
			f[p] = min(max(f[p], -2), 2)
		}
	}
	m.setCenters(d)
	return m
}

// costsAlone returns the time of a component by the costs of its kind, or of all kinds if it has none.
func costsAlone(kinds map[string]*KindModel, t *engine.Target) func(kind string, u *engine.Unit) float64 {
	return func(kind string, u *engine.Unit) float64 {
		k := kinds[kind]
		if k == nil {
			k = kinds[anyKind]
		}
		return k.alone(u, t)
	}
}

// tune finds the settings with the largest marginal likelihood on a grid, linearised around
// f = 0. It reports false if the covariance is singular at all of them.
func (m *AdditiveModel) tune(d *additiveData) bool {
	s, y := d.shares(make([]float64, len(d.components)))
	best := math.Inf(1)
	for _, length := range []float64{1, 2, 4, 8, 16} {
		g := d.gram(s, d.crossCovariance(s, length))
		for _, amp := range []float64{0.15, 0.3, 0.6, 1.2} {
			for _, noise := range []float64{0.01, 0.02, 0.04, 0.08} {
				if _, nll, ok := solveAdditive(g, y, amp, noise); ok && nll < best {
					best, m.Amplitude, m.Length, m.Noise = nll, amp, length, noise
				}
			}
		}
	}
	return !math.IsInf(best, 1)
}

// setCenters makes the model ready to predict from the components that Knots belong to.
func (m *AdditiveModel) setCenters(d *additiveData) {
	m.centers = map[string]*centers{}
	for i, p := range d.components {
		if m.Knots[i] == 0 {
			continue
		}
		k := m.centers[p.kind]
		if k == nil {
			k = &centers{}
			m.centers[p.kind] = k
		}
		k.x, k.weight = append(k.x, d.x[i]), append(k.weight, m.Knots[i])
	}
}

// Restored returns a model that came from a file ready to predict. units are those whose
// components Knots belong to; if their number differs, it returns nil.
func (m *AdditiveModel) Restored(units []engine.Unit, t *engine.Target) *AdditiveModel {
	d := newAdditiveData(&EndToEnd{Units: units}, t, m.Sizes, func(string, *engine.Unit) float64 { return 0 })
	if len(m.Knots) != len(d.components) || !(m.Length > 0) {
		return nil
	}
	c := *m
	c.setCenters(d)
	return &c
}

// estimate returns the time of a unit in ms: the sum of its components' terms with their
// corrections. It reports false if kinds has not the kind of a component.
func (m *AdditiveModel) estimate(u *engine.Unit, kinds map[string]*KindModel, t *engine.Target) (ms float64, ok bool) {
	for _, p := range componentsOf(u) {
		k := kinds[p.kind]
		if k == nil {
			return 0, false
		}
		ms += k.alone(&p.unit, t) * math.Exp(min(max(m.f(p.kind, coordinates(&p.unit, t, m.Sizes)), -2), 2))
	}
	return ms, true
}
