package costmodel

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// AdditiveModel corrects the cost terms where only sums were measured: blocks of
// several convolutions, or whole networks. What the terms get wrong, as a
// logarithm, is a function f of each part's shape; of a sum it shows
//
//	log(measured / sum of costs) = sum over parts of share * f(part)
//
// to first order, where share is the part's share of the time. With f a Gaussian
// process for each kind of part, the measured sums are jointly Gaussian, too,
// and f follows from them (Duvenaud, Nickisch and Rasmussen, Additive Gaussian
// Processes, NIPS 2011, section 2; differs in that the terms are weighted by shares
// and that one function serves all parts of a kind). The first order is taken
// anew around each solution.
type AdditiveModel struct {
	Amplitude float64 `json:"amplitude"` // standard deviation of f
	Length    float64 `json:"length"`    // over which f changes, in octaves
	Noise     float64 `json:"noise"`     // of a measured sum, relative
	Level     float64 `json:"level"`     // mean of f
	// Knots are the weights of the parts of the profile's shapes, or of its units
	// if these were measured: f is Level plus the sum of weight times covariance.
	Knots []float64 `json:"knots"`

	by map[string]*centers // by kind
}

// centers are the parts of one kind that a AdditiveModel has seen.
type centers struct {
	at     [][]float64
	weight []float64
}

// levelSpread is the standard deviation of the mean of f.
const levelSpread = 0.1

// coordinates is where f sees a part: in octaves, or scaled to matter as much as one.
func coordinates(u *engine.Unit, t *engine.Target) []float64 {
	groups, in, lanes := u.Groups, u.In.C, tileOf(t).lanes
	if u.Name == "dwconv" {
		groups, in = 1, 0 // its input's channels are its output's
	}
	residual := 0.0
	if u.Residual {
		residual = 1
	}
	return []float64{
		log2(u.Out.H), log2(in), log2(u.Out.C), log2(u.Kernel[0] * u.Kernel[1]), log2(u.Stride[0] * u.Stride[1]), log2(u.Dilation[0]),
		2 * log2(groups), actPrice[u.Act] / 2, residual, 4 * occupancy(in, lanes), 4 * occupancy(u.Out.C, lanes),
		max(-2, math.Log2(float64(u.BytesWeights()+1)/float64(max(t.L2, 1)))),
	}
}

// matern52 is the covariance of f at two places relative to its variance.
func matern52(a, b []float64, length float64) float64 {
	return stat.Matern52(stat.SquaredDistance(a, b) / (length * length))
}

// f returns the correction of a part's logarithm.
func (m *AdditiveModel) f(kind string, x []float64) float64 {
	s := m.Level
	if k := m.by[kind]; k != nil {
		for i, w := range k.weight {
			s += w * matern52(x, k.at[i], m.Length)
		}
	}
	return s
}

// additiveData is what a AdditiveModel is fitted to: rows of parts with costs.
type additiveData struct {
	parts []component
	at    [][]float64
	kinds map[string][]int // of parts
	ms    []float64        // of parts, by the cost terms
	rows  [][]entry
	y     []float64 // measured ms of rows
}

type entry struct {
	part  int
	count float64
}

// newAdditiveData prepares the data of e; cost is a part's time by the terms in ms.
func newAdditiveData(e *EndToEnd, t *engine.Target, cost func(kind string, u *engine.Unit) float64) *additiveData {
	d := &additiveData{kinds: map[string][]int{}, y: e.Ms, rows: make([][]entry, len(e.Rows))}
	first := make([]int, len(e.Units)+1)
	for i := range e.Units {
		first[i] = len(d.parts)
		for _, p := range componentsOf(&e.Units[i]) {
			d.kinds[p.kind] = append(d.kinds[p.kind], len(d.parts))
			d.parts = append(d.parts, p)
			d.at = append(d.at, coordinates(&p.unit, t))
			d.ms = append(d.ms, cost(p.kind, &p.unit))
		}
	}
	first[len(e.Units)] = len(d.parts)
	for i, row := range e.Rows {
		for _, u := range row {
			for p := first[u[0]]; p < first[u[0]+1]; p++ {
				d.rows[i] = append(d.rows[i], entry{p, float64(u[1])})
			}
		}
	}
	return d
}

// shares returns the parts' shares of each row's time, and what f has to be on
// the rows, for a given f.
func (d *additiveData) shares(f []float64) (s [][]float64, y []float64) {
	s, y = make([][]float64, len(d.rows)), make([]float64, len(d.rows))
	for i, row := range d.rows {
		s[i] = make([]float64, len(row))
		sum := 0.0
		for k, e := range row {
			s[i][k] = e.count * d.ms[e.part] * math.Exp(f[e.part])
			sum += s[i][k]
		}
		y[i] = math.Log(d.y[i] / sum)
		for k, e := range row {
			s[i][k] /= sum
			y[i] += s[i][k] * f[e.part]
		}
	}
	return s, y
}

// crossCovariance computes K S': for each part, its covariance with each row at amplitude 1.
func (d *additiveData) crossCovariance(s [][]float64, length float64) [][]float64 {
	byPart := make([][]entry, len(d.parts)) // row, share
	for i, row := range d.rows {
		for k, e := range row {
			byPart[e.part] = append(byPart[e.part], entry{i, s[i][k]})
		}
	}
	out := make([][]float64, len(d.parts))
	for i := range out {
		out[i] = make([]float64, len(d.rows))
	}
	for _, list := range d.kinds {
		for a, p := range list {
			for _, q := range list[:a+1] {
				c := matern52(d.at[p], d.at[q], length)
				if c < 1e-6 {
					continue
				}
				for _, e := range byPart[q] {
					out[p][e.part] += c * e.count
				}
				if p != q {
					for _, e := range byPart[p] {
						out[q][e.part] += c * e.count
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
				v += s[i][k] * ks[e.part][j]
			}
			g.SetSym(i, j, v)
		}
	}
	return g
}

// solve returns the weights of the rows and the negative logarithm of the
// marginal likelihood.
func solveAdditive(g *mat.SymDense, y []float64, amp, noise float64) (alpha *mat.VecDense, nll float64, ok bool) {
	n := len(y)
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			v := amp*amp*g.At(i, j) + levelSpread*levelSpread
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

// FitAdditive fits a AdditiveModel that corrects kinds to networks; like, if not nil, gives its
// settings. It returns nil where the networks are too few to tell anything.
func FitAdditive(e *EndToEnd, kinds map[string]*KindModel, t *engine.Target, like *AdditiveModel) *AdditiveModel {
	d := newAdditiveData(e, t, func(kind string, u *engine.Unit) float64 {
		k := kinds[kind]
		if k == nil {
			k = kinds[anyKind]
		}
		return k.analytic(terms(nil, u, t))
	})
	if len(d.rows) < 8 {
		return nil
	}
	f := make([]float64, len(d.parts))
	m := &AdditiveModel{}
	if like != nil {
		m.Amplitude, m.Length, m.Noise = like.Amplitude, like.Length, like.Noise
	} else {
		s, y := d.shares(f)
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
		if math.IsInf(best, 1) {
			return nil
		}
	}
	for range 3 {
		s, y := d.shares(f)
		ks := d.crossCovariance(s, m.Length)
		alpha, _, ok := solveAdditive(d.gram(s, ks), y, m.Amplitude, m.Noise)
		if !ok {
			return nil
		}
		m.Level = levelSpread * levelSpread * mat.Sum(alpha)
		m.Knots = make([]float64, len(d.parts))
		a2 := m.Amplitude * m.Amplitude
		for i, row := range d.rows {
			for k, e := range row {
				m.Knots[e.part] += a2 * alpha.AtVec(i) * s[i][k]
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
	m.index(d.parts, d.at)
	return m
}

// index makes the model ready to predict from the parts that Knots belong to.
func (m *AdditiveModel) index(parts []component, at [][]float64) {
	m.by = map[string]*centers{}
	for i, p := range parts {
		if m.Knots[i] == 0 {
			continue
		}
		k := m.by[p.kind]
		if k == nil {
			k = &centers{}
			m.by[p.kind] = k
		}
		k.at, k.weight = append(k.at, at[i]), append(k.weight, m.Knots[i])
	}
}

// Restored returns a model that came from a file ready to predict, or nil if its
// knots are not those of units.
func (m *AdditiveModel) Restored(units []engine.Unit, t *engine.Target) *AdditiveModel {
	d := newAdditiveData(&EndToEnd{Units: units}, t, func(string, *engine.Unit) float64 { return 0 })
	if len(m.Knots) != len(d.parts) || !(m.Length > 0) {
		return nil
	}
	c := *m
	c.index(d.parts, d.at)
	return &c
}

// estimate returns a unit's time in ms, its parts' terms and corrections put
// together, and false if a part is of no known kind.
func (m *AdditiveModel) estimate(u *engine.Unit, kinds map[string]*KindModel, t *engine.Target) (ms float64, ok bool) {
	for _, p := range componentsOf(u) {
		k := kinds[p.kind]
		if k == nil {
			return 0, false
		}
		ms += k.analytic(terms(nil, &p.unit, t)) * math.Exp(min(max(m.f(p.kind, coordinates(&p.unit, t)), -2), 2))
	}
	return ms, true
}
