package costmodel

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// KindModel predicts the time of units of one kind:
//
//	ms = (terms . costs) * exp(residual(features))
//
// with costs that are not negative and a residual that is a Gaussian process
// around zero.
type KindModel struct {
	Kind  string             `json:"kind"`
	Units int                `json:"units"` // it was fitted to
	Costs map[string]float64 `json:"costs"` // microseconds per thousand of each term
	// Features names those that vary among the units; the process knows of no
	// other. Low and High are the range of each feature of the program, used
	// or not.
	Features []string           `json:"features,omitempty"`
	Low      map[string]float64 `json:"low,omitempty"`
	High     map[string]float64 `json:"high,omitempty"`
	// Rough is the root mean square of the logarithm of ms / (terms . costs).
	ResidualRMS float64              `json:"rough"`
	Hyper       *stat.ResidualKernel `json:"process,omitempty"`
	// LeaveOneOut is the root mean square of the relative error of each unit
	// predicted from the others.
	LeaveOneOut float64 `json:"leave_one_out"`

	costs []float64
	use   []int // indices of Features
	gp    *stat.ResidualGP
}

// minProcess is the number of units below which a kind has costs only.
const minProcess = 8

// unknownSpread is the relative standard deviation claimed for a unit of a kind
// that was never measured.
const unknownSpread = 0.6

// anyKind is the model of all units together, costs only: for kinds never seen.
const anyKind = "*"

// FitKinds fits one model for each kind among the units and one of all.
// hypers, if it has a kind, spares the search for its hyperparameters.
func FitKinds(units []UnitTime, t *engine.Target, hypers map[string]*stat.ResidualKernel) (map[string]*KindModel, error) {
	if len(units) == 0 {
		return map[string]*KindModel{}, nil
	}
	by := map[string][]UnitTime{}
	for _, u := range units {
		k := KindOf(&u.Unit)
		by[k] = append(by[k], u)
		by[anyKind] = append(by[anyKind], u)
	}
	out := make(map[string]*KindModel, len(by))
	// The model of all kinds first: the others lean on its costs.
	names := slices.Sorted(maps.Keys(by))
	var all *KindModel
	for _, k := range names {
		us := by[k]
		// By size, then by key: the order decides which points a large fit samples,
		// and the sum's rounding.
		slices.SortFunc(us, func(a, b UnitTime) int {
			return cmp.Or(cmp.Compare(a.Unit.MACs(), b.Unit.MACs()), cmp.Compare(a.Unit.Key(), b.Unit.Key()))
		})
		m, err := fitKind(k, us, t, hypers[k], all)
		if err != nil {
			return nil, err
		}
		if out[k] = m; k == anyKind {
			all = m
		}
	}
	return out, nil
}

func fitKind(kind string, us []UnitTime, t *engine.Target, h *stat.ResidualKernel, all *KindModel) (*KindModel, error) {
	m := &KindModel{Kind: kind, Units: len(us), Low: map[string]float64{}, High: map[string]float64{}}
	n := len(us)
	tm := make([][]float64, n)
	ft := make([][]float64, n)
	for i := range us {
		tm[i] = terms(nil, &us[i].Unit, t)
		ft[i] = featuresOf(nil, &us[i].Unit, t)
	}
	m.fitKindCosts(us, tm, all)
	resid := make([]float64, n)
	for i := range us {
		resid[i] = math.Log(us[i].Ms / m.analytic(tm[i]))
	}
	m.ResidualRMS = stat.RMS(resid)
	for j := range features {
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range ft {
			lo, hi = min(lo, ft[i][j]), max(hi, ft[i][j])
		}
		m.Low[features[j].name], m.High[features[j].name] = lo, hi
		if hi > lo {
			m.use = append(m.use, j)
			m.Features = append(m.Features, features[j].name)
		}
	}
	m.LeaveOneOut = m.ResidualRMS
	if n < minProcess || len(m.use) == 0 || kind == anyKind {
		return m, nil
	}
	if h == nil || len(h.Scale) != len(m.use) {
		x, sd := m.points(us, ft)
		v := stat.TuneResidualKernel(x, resid, sd)
		h = &v
	}
	m.Hyper = h
	if err := m.condition(us, ft, resid); err != nil {
		return nil, err
	}
	_, sd := m.points(us, ft)
	if e, _ := m.gp.LeaveOneOut(sd); e != nil {
		m.LeaveOneOut = stat.RMS(e)
	}
	return m, nil
}

// points returns the features in use and the standard deviations of us.
func (m *KindModel) points(us []UnitTime, ft [][]float64) (x [][]float64, sd []float64) {
	x, sd = make([][]float64, len(us)), make([]float64, len(us))
	for i := range us {
		x[i] = m.pick(nil, ft[i])
		sd[i] = us[i].Spread
	}
	return x, sd
}

// pick appends the features in use to dst.
func (m *KindModel) pick(dst, f []float64) []float64 {
	for _, j := range m.use {
		dst = append(dst, f[j])
	}
	return dst
}

func (m *KindModel) condition(us []UnitTime, ft [][]float64, resid []float64) (err error) {
	x, sd := m.points(us, ft)
	m.gp, err = stat.NewResidualGP(*m.Hyper, x, resid, sd)
	return err
}

// priorWeight is the weight of the costs that a kind is expected to have: a tenth of
// the time moved from one term to another costs as much as one unit missed by
// this times a tenth.
const priorWeight = 0.3

// fitKindCosts minimises the squared relative error, three times: from the second on
// with less weight for what the one before could not explain (Huber weights,
// k = 1.345). Costs that the units of the kind cannot tell apart stay near those
// of all kinds (nil: those common to processors) times one factor: a few units of
// nearly one shape would else leave it to chance which term carries their time,
// and what another shape costs.
func (m *KindModel) fitKindCosts(us []UnitTime, tm [][]float64, all *KindModel) {
	p := len(termNames)
	expected, share := make([]float64, p), make([]float64, p)
	if all == nil {
		all = commonModel()
	}
	ratio := make([]float64, len(us))
	for i, u := range us {
		ratio[i] = u.Ms / all.analytic(tm[i])
	}
	factor := stat.Median(ratio)
	for j := range p {
		expected[j] = factor * all.costs[j]
		for i, u := range us {
			share[j] += tm[i][j] / (1000 * u.Ms) / float64(len(us))
		}
	}
	rows := make([][]float64, len(us), len(us)+p)
	b := make([]float64, len(us), len(us)+p)
	for j := range p {
		if w := priorWeight * share[j]; w > 0 {
			row := make([]float64, p)
			row[j] = w
			rows, b = append(rows, row), append(b, w*expected[j])
		}
	}
	w := make([]float64, len(us))
	for i := range w {
		w[i] = 1
	}
	for range 3 {
		for i, u := range us {
			r := make([]float64, p)
			for j, v := range tm[i] {
				r[j] = w[i] * v / (1000 * u.Ms)
			}
			rows[i], b[i] = r, w[i]
		}
		m.costs = stat.NNLS(rows, b, 1e-4)
		abs := make([]float64, len(us))
		for i, u := range us {
			abs[i] = math.Abs(m.sum(tm[i])/u.Ms - 1)
		}
		s := 1.4826 * stat.Median(slices.Clone(abs))
		for i := range w {
			w[i] = math.Sqrt(min(1, 1.345*max(s, 1e-6)/max(abs[i], 1e-12)))
		}
	}
	m.Costs = map[string]float64{}
	for j := range m.costs {
		if share[j] == 0 {
			m.costs[j] = expected[j] // no unit of the kind has any
		}
		if m.costs[j] > 0 {
			m.Costs[termNames[j]] = m.costs[j]
		}
	}
}

// Sum is terms times costs, in ms.
func (m *KindModel) sum(tm []float64) float64 {
	s := 0.0
	for j, c := range m.costs {
		s += c * tm[j]
	}
	return s / 1000
}

// analytic is sum with a floor of ten nanoseconds: no kernel is free.
func (m *KindModel) analytic(tm []float64) float64 { return max(1e-5, m.sum(tm)) }

// RestoreKinds returns models that came from a file ready to predict. If one has terms or
// features that this program does not have, all are fitted anew to the units.
func RestoreKinds(stored []*KindModel, units []UnitTime, t *engine.Target) (map[string]*KindModel, error) {
	kinds := make(map[string]*KindModel, len(stored))
	for _, k := range stored {
		c := *k
		ok, err := c.reload(units, t)
		if err != nil {
			return nil, err
		}
		if !ok {
			return FitKinds(units, t, nil)
		}
		kinds[c.Kind] = &c
	}
	return kinds, nil
}

// reload makes a model that came from a file ready to predict. It reports
// false if the model has terms or features that this program does not have.
func (m *KindModel) reload(units []UnitTime, t *engine.Target) (bool, error) {
	m.costs = make([]float64, len(termNames))
	for name, c := range m.Costs {
		j := slices.Index(termNames, name)
		if j < 0 {
			return false, nil
		}
		m.costs[j] = c
	}
	m.use = m.use[:0]
	for _, name := range m.Features {
		j := slices.IndexFunc(features, func(f feature) bool { return f.name == name })
		if j < 0 {
			return false, nil
		}
		m.use = append(m.use, j)
	}
	if m.Hyper == nil {
		return true, nil
	}
	if len(m.Hyper.Scale) != len(m.use) {
		return false, nil
	}
	var us []UnitTime
	var ft [][]float64
	var resid []float64
	for _, u := range units {
		if KindOf(&u.Unit) != m.Kind {
			continue
		}
		us = append(us, u)
		ft = append(ft, featuresOf(nil, &u.Unit, t))
		resid = append(resid, math.Log(u.Ms/m.analytic(terms(nil, &u.Unit, t))))
	}
	if len(us) == 0 {
		return false, nil
	}
	return true, m.condition(us, ft, resid)
}

// estimate returns the time of a unit in ms and its relative standard deviation.
// outside names a feature that lies beyond what was measured, if any.
func (m *KindModel) estimate(u *engine.Unit, t *engine.Target) (ms, sd float64, outside string) {
	var termRoom [16]float64
	var featureRoom, usedRoom [32]float64
	tm, ft := terms(termRoom[:0], u, t), featuresOf(featureRoom[:0], u, t)
	ms, sd = m.analytic(tm), m.ResidualRMS
	if m.gp != nil {
		mean, dev := m.gp.Predict(m.pick(usedRoom[:0], ft))
		ms *= math.Exp(mean)
		sd = math.Hypot(dev, m.Hyper.Noise)
	}
	far := 0.0
	for j, f := range features {
		lo, ok := m.Low[f.name]
		if !ok {
			continue
		}
		d := max(lo-ft[j], ft[j]-m.High[f.name])
		if d > far {
			far, outside = d, f.name
		}
	}
	if far <= 0.5 { // half an octave: neighbours in a table of sizes
		outside = ""
	}
	return ms, math.Hypot(sd, 0.1*far), outside
}

// times returns the model with all its predictions multiplied.
func (m *KindModel) times(s float64) *KindModel {
	c := *m
	c.costs = slices.Clone(m.costs)
	c.Costs = make(map[string]float64, len(m.Costs))
	for j := range c.costs {
		c.costs[j] *= s
		if c.costs[j] > 0 {
			c.Costs[termNames[j]] = c.costs[j]
		}
	}
	return &c
}
