package costmodel

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// UnitTime is one row of a profile's table: a unit that was timed.
type UnitTime struct {
	Unit engine.Unit
	Ms   float64 // above 0
	// Spread is the standard deviation of Ms relative to it: between networks
	// in which the unit occurred, or between runs where it occurred in one.
	Spread   float64
	Networks int // in which the unit was timed
}

// Unit is a unit that files hold as its key.
type Unit struct{ engine.Unit }

// MarshalText returns the key.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.Key()), nil }

// UnmarshalText parses a key.
func (u *Unit) UnmarshalText(b []byte) (err error) {
	u.Unit, err = engine.ParseUnit(string(b))
	return err
}

type unitTimeJSON struct {
	Unit     Unit    `json:"unit"`
	Ms       float64 `json:"ms"`
	Spread   float64 `json:"spread"`
	Networks int     `json:"networks"`
}

// MarshalJSON writes the unit as its key.
func (u UnitTime) MarshalJSON() ([]byte, error) {
	return json.Marshal(unitTimeJSON{Unit{u.Unit}, u.Ms, u.Spread, u.Networks})
}

// UnmarshalJSON is the inverse of MarshalJSON. It refuses times that are not above 0.
func (u *UnitTime) UnmarshalJSON(b []byte) error {
	var j unitTimeJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	switch {
	case bytes.Contains(b, []byte("null")):
		return fmt.Errorf("unit %q: null stands where a number is wanted", j.Unit.Key())
	case !(j.Ms > 0):
		return fmt.Errorf("unit %q: %g ms is not a time", j.Unit.Key(), j.Ms)
	case !(j.Spread >= 0 && j.Spread < 100):
		return fmt.Errorf("unit %q: %g is no relative spread", j.Unit.Key(), j.Spread)
	case j.Networks < 0:
		return fmt.Errorf("unit %q: timed in %d networks", j.Unit.Key(), j.Networks)
	}
	*u = UnitTime{j.Unit.Unit, j.Ms, j.Spread, j.Networks}
	return nil
}

// KindModel predicts the time of units of one kind:
//
//	ms = (terms . costs) * exp(g(features))
//
// with costs that are not negative and a Gaussian process g with mean zero.
type KindModel struct {
	Kind string `json:"kind"`
	// Runtime names the terms that Costs are of: "" or XNNPACKFloat, XNNPACKInt8, XNNPACKInt8Dot.
	Runtime string             `json:"runtime,omitempty"`
	Units   int                `json:"units"` // number of units that it was fitted to
	Costs   map[string]float64 `json:"costs"` // of each term, in microseconds per thousand
	// Features names those that vary among the units, which are the inputs of g. Low and
	// High are the range of each feature, used or not.
	Features []string           `json:"features,omitempty"`
	Low      map[string]float64 `json:"low,omitempty"`
	High     map[string]float64 `json:"high,omitempty"`
	// ResidualRMS is the root mean square of the logarithm of ms / (terms . costs).
	ResidualRMS float64              `json:"rough"`
	Hyper       *stat.ResidualKernel `json:"process,omitempty"`
	// stray is the unit least like the others by far, of a fit; strayBy is by how much, 1 at the limit.
	stray   *Stray
	strayBy float64
	// LeaveOneOut is the root mean square of the relative error of each unit
	// predicted from the others.
	LeaveOneOut float64 `json:"leave_one_out"`

	costs []float64 // of all terms, in their order
	use   []int     // indices of Features
	gp    *stat.ResidualGP
}

// KindOf names the cost model that a unit belongs to: its routine, with
// convolutions told apart by the path they take.
func KindOf(u *engine.Unit) string {
	if u.Name != "conv" {
		return u.Name
	}
	switch {
	case u.Groups > 1:
		return "conv.grouped"
	case u.Kernel == [2]int{1, 1} && u.Out.Pixels() == 1:
		return "conv.vector"
	case u.Kernel == [2]int{1, 1}:
		return "conv.pointwise"
	case u.In.C < 16:
		return "conv.image"
	}
	return "conv.dense"
}

// minProcess is the number of units from which on a kind has a process.
const minProcess = 8

// unknownSpread is the relative standard deviation claimed for a unit of a kind
// that was never measured.
const unknownSpread = 0.6

// anyKind is the kind of all units together. Its model has costs only, and serves kinds that
// were never measured.
const anyKind = "*"

// FitKinds fits one model for each kind among the units and one of all.
// hypers, if it has a kind, spares the search for its hyperparameters.
func FitKinds(
	units []UnitTime, t *engine.Target, hypers map[string]*stat.ResidualKernel,
) (map[string]*KindModel, error) {
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
	// "*" sorts before all others: its costs are the prior of theirs.
	names := slices.Sorted(maps.Keys(by))
	var all *KindModel
	for _, k := range names {
		us := by[k]
		// Of many units TuneResidualKernel takes some evenly through the list, so it has to
		// be in order of size, and always in the same order.
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

// fitKind fits one kind to its units. h, if it fits the features in use, spares the search for
// the hyperparameters; all is the model of all kinds, nil while that one is fitted.
func fitKind(kind string, us []UnitTime, t *engine.Target, h *stat.ResidualKernel, all *KindModel) (*KindModel, error) {
	m := &KindModel{Kind: kind, Units: len(us), Low: map[string]float64{}, High: map[string]float64{}}
	n := len(us)
	tm := make([][]float64, n)
	ft := make([][]float64, n)
	for i := range us {
		tm[i] = workload.Terms(nil, &us[i].Unit, t)
		ft[i] = workload.FeaturesOf(nil, &us[i].Unit, t)
	}
	m.fitKindCosts(us, tm, all)
	resid := make([]float64, n)
	for i := range us {
		resid[i] = math.Log(us[i].Ms / m.analytic(tm[i]))
	}
	m.ResidualRMS = stat.RMS(resid)
	for j := range workload.Features {
		lo, hi := math.Inf(1), math.Inf(-1)
		for i := range ft {
			lo, hi = min(lo, ft[i][j]), max(hi, ft[i][j])
		}
		m.Low[workload.Features[j].Name], m.High[workload.Features[j].Name] = lo, hi
		if hi > lo {
			m.use = append(m.use, j)
			m.Features = append(m.Features, workload.Features[j].Name)
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
	if e, dev := m.gp.LeaveOneOut(sd); e != nil {
		m.LeaveOneOut = stat.RMS(e)
		m.findStray(us, ft, e, dev)
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

// condition makes the process from the logarithms of the residuals.
func (m *KindModel) condition(us []UnitTime, ft [][]float64, resid []float64) (err error) {
	x, sd := m.points(us, ft)
	m.gp, err = stat.NewResidualGP(*m.Hyper, x, resid, sd)
	return err
}

// sum is terms times costs, in ms.
func (m *KindModel) sum(tm []float64) float64 {
	s := 0.0
	for j, c := range m.costs {
		s += c * tm[j]
	}
	return s / 1000
}

// analytic is sum, but at least ten nanoseconds: no kernel is free.
func (m *KindModel) analytic(tm []float64) float64 { return max(1e-5, m.sum(tm)) }

// RestoreKinds returns models that came from a file ready to predict. If one has terms or
// features that this program does not have, all are fitted anew to the units.
func RestoreKinds(stored []*KindModel, units []UnitTime, t *engine.Target) (map[string]*KindModel, error) {
	kinds := make(map[string]*KindModel, len(stored))
	for _, k := range stored {
		c := *k
		if c.words() == nil {
			return nil, fmt.Errorf("kinds: %s is of runtime %q, which this program does not know: update it", c.Kind, c.Runtime)
		}
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
	if !m.known() {
		return false, nil
	}
	m.costs = m.words().costs(m.Costs)
	m.use = m.use[:0]
	for _, name := range m.Features {
		j := slices.IndexFunc(workload.Features, func(f workload.Feature) bool { return f.Name == name })
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
		ft = append(ft, workload.FeaturesOf(nil, &u.Unit, t))
		resid = append(resid, math.Log(u.Ms/m.analytic(workload.Terms(nil, &u.Unit, t))))
	}
	if len(us) == 0 {
		return false, nil
	}
	return true, m.condition(us, ft, resid)
}

// estimate returns the time of a unit in ms and its relative standard deviation, which
// grows by a tenth for each octave that a feature lies beyond the range of what was
// measured. outside names the feature furthest beyond, if that is over half an octave.
func (m *KindModel) estimate(u *engine.Unit, t *engine.Target) (ms, sd float64, outside string) {
	var featureBuf, usedBuf [32]float64
	ft := workload.FeaturesOf(featureBuf[:0], u, t)
	ms, sd = m.alone(u, t), m.ResidualRMS
	if m.gp != nil {
		mean, dev := m.gp.Predict(m.pick(usedBuf[:0], ft))
		ms *= math.Exp(mean)
		sd = math.Hypot(dev, m.Hyper.Noise)
	}
	far := 0.0
	for j, f := range workload.Features {
		lo, ok := m.Low[f.Name]
		if !ok {
			continue
		}
		d := max(lo-ft[j], ft[j]-m.High[f.Name])
		if d > far {
			far, outside = d, f.Name
		}
	}
	if far <= 0.5 {
		outside = ""
	}
	return ms, math.Hypot(sd, 0.1*far), outside
}

// times returns the model with all its predictions multiplied.
func (m *KindModel) times(s float64) *KindModel {
	c := *m
	c.costs = slices.Clone(m.costs)
	for j := range c.costs {
		c.costs[j] *= s
	}
	c.Costs = m.words().named(c.costs)
	return &c
}
