package latency

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/timing"
)

// Measured is a network with the latency that somebody measured.
type Measured struct {
	Network *blocks.Network
	Ms      float64 // of one image
}

// Adapt makes the profile of a device from another device's profile and a few
// networks measured on it (ten are useful). Every kind of unit keeps what the
// base knows about its shapes, and gets one factor; the factors minimise the
// squared relative error with a ridge towards a common one, so that ten
// networks can move what they show and nothing else. From sixty networks on,
// costs are fitted term by term and a residual over the mix of units is added.
//
// The approach to few measurements follows HELP (Lee et al., Hardware-Adaptive
// Efficient Latency Prediction for NAS via Meta-Learning, NeurIPS 2021) in that
// devices share most of their structure; it differs in having no meta-training.
//
// base may be nil: then costs common to processors stand in for it.
func Adapt(base *Profile, d timing.Device, networks []Measured) (*Profile, error) {
	if len(networks) == 0 {
		return nil, errors.New("latency: no measured networks to adapt to")
	}
	if base == nil {
		base = genericProfile(d)
	}
	d.Target, d.Cut = base.Device.Target, cmp.Or(d.Cut, base.Device.Cut)
	p := &Profile{Format: Format, Device: d, Created: time.Now().UTC().Truncate(time.Second), Warnings: []string{}}
	p.Calibration = Calibration{Networks: len(networks), Runs: len(networks), Stopped: "networks", Base: base.Device.String()}
	for _, m := range networks {
		if !(m.Ms > 0) || math.IsInf(m.Ms, 0) {
			return nil, fmt.Errorf("latency: network %s: %g ms is not a time", m.Network.Name, m.Ms)
		}
		calls, err := d.Calls(m.Network)
		if err != nil {
			return nil, err
		}
		p.AddHeldOut(m.Network.Name, calls, timing.Sample{MedianMs: m.Ms, P10Ms: m.Ms, P90Ms: m.Ms, LowMs: m.Ms, HighMs: m.Ms, Runs: 1})
	}
	if err := p.fromWholes(base); err != nil {
		return nil, err
	}
	return p, nil
}

// otherDevice is the relative standard deviation that a unit's time gets for
// having been measured on another device.
const otherDevice = 0.1

// wholeTerms is the number of whole networks from which on single costs are
// fitted, not only one factor a kind.
const wholeTerms = 60

// fromWholes fits the profile to its held-out networks and base.
func (p *Profile) fromWholes(base *Profile) error {
	r, err := base.Predictor()
	if err != nil {
		return err
	}
	all := make([]int, len(p.HeldOut))
	for i := range all {
		all[i] = i
	}
	// A fit gives a predictor for judging, and the kinds and rows to be stored.
	fit := func(rows []int) (*unitModel, map[string]*KindModel, []UnitTime) {
		s := p.factors(r.units, rows)
		kinds := map[string]*KindModel{}
		for k, m := range r.units.kinds {
			kinds[k] = m.times(s(k))
		}
		if len(rows) >= wholeTerms {
			kinds = p.wholeCosts(kinds, rows)
			q := newUnitModel(p.Units, kinds, p.Device.Target)
			q.sum = fitSum(p.sumsOf(kinds, rows), p.Sums)
			return q, kinds, nil
		}
		var us []UnitTime
		for _, u := range base.Units {
			u.Ms *= s(kindOf(&u.Unit))
			u.Spread = math.Hypot(u.Spread, otherDevice)
			us = append(us, u)
		}
		return r.units.scaledFrom(kinds, s), kinds, us // the same figures as from kinds and us, already worked out
	}
	p.Sums = nil
	q, kinds, units := fit(all)
	p.Sums = q.sum // its settings serve the fits below, too
	p.Units = units
	p.setKinds(kinds)
	if err := p.fitHeldOut(q); err != nil {
		return err
	}
	// The factors were fitted to these very networks, so the errors that the
	// interval is made from must come from fits without the network in question.
	scores, errs, spreads := make([]float64, len(all)), make([]float64, len(all)), make([]float64, len(all))
	ps := make([]pair, len(all))
	folds := min(len(all), 10)
	if len(all) < 3 {
		p.Network.Floor, p.Network.Quantile = 0.2, 2
		return nil
	}
	for f := range folds {
		var in, out []int
		for _, i := range all {
			if i%folds == f {
				out = append(out, i)
			} else {
				in = append(in, i)
			}
		}
		q, _, _ := fit(in)
		hs, macs := p.sums(q)
		var known []heldOut
		for _, i := range in {
			known = append(known, hs[i])
		}
		m := fitNetwork(known)
		for _, i := range out {
			ms, _, _ := m.predict(&hs[i].sums)
			errs[i] = math.Abs(math.Log(hs[i].measured / ms))
			spreads[i] = hs[i].spread()
			ps[i] = pair{name: p.HeldOut[i].Name, predicted: ms, measured: hs[i].measured, macs: macs[i]}
		}
	}
	n := p.Network
	n.Floor = max(0.002, stat.Median(slices.Clone(errs)))
	for i := range ps {
		scores[i] = errs[i] / (n.Floor + spreads[i])
	}
	n.Quantile = stat.ConformalQuantile(scores, coverage)
	if len(all) < 9 { // too few for 90 %
		n.Quantile *= 1.5
	}
	for i := range ps {
		half := n.Quantile * (n.Floor + spreads[i])
		ps[i].low, ps[i].high = ps[i].predicted*math.Exp(-half), ps[i].predicted*math.Exp(half)
	}
	p.Validation = summarize(ps, fitLine(ps))
	return nil
}

// factors returns the factor of each kind that takes the predictions of r to the
// networks of rows.
func (p *Profile) factors(m *unitModel, rows []int) func(kind string) float64 {
	index := map[string]int{}
	var names []string
	cols := make([][]float64, len(rows))
	ratios := make([]float64, len(rows))
	for j, i := range rows {
		cols[j] = make([]float64, 0, 16)
		sum := 0.0
		for _, u := range p.HeldOut[i].Units {
			unit := &p.Shapes[u[0]].Unit
			k, ok := index[kindOf(unit)]
			if !ok {
				k = len(names)
				index[kindOf(unit)] = k
				names = append(names, kindOf(unit))
			}
			for len(cols[j]) <= k {
				cols[j] = append(cols[j], 0)
			}
			ms := m.cost(unit).ms * float64(u[1])
			cols[j][k] += ms
			sum += ms
		}
		ratios[j] = p.HeldOut[i].Measured.MedianMs / sum
	}
	common := stat.Median(slices.Clone(ratios))
	const noise, prior = 0.03, 0.7 // of a measurement; of a factor around the common one
	a := make([][]float64, 0, len(rows)+len(names))
	b := make([]float64, 0, len(rows)+len(names))
	for j, i := range rows {
		row := make([]float64, len(names))
		for k, ms := range cols[j] {
			row[k] = common * ms / p.HeldOut[i].Measured.MedianMs / noise
		}
		a, b = append(a, row), append(b, 1/noise)
	}
	for k := range names {
		row := make([]float64, len(names))
		row[k] = 1 / prior
		a, b = append(a, row), append(b, 1/prior)
	}
	s := stat.NNLS(a, b, 0)
	return func(kind string) float64 {
		if k, ok := index[kind]; ok {
			return common * max(s[k], 0.05) // nothing is free
		}
		return common
	}
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

// wholeCosts fits the costs of all terms of all kinds together to the times of
// whole networks, with a ridge towards the costs of kinds: a term whose share of
// the time is s may move by about a third of that, or by two points.
func (p *Profile) wholeCosts(kinds map[string]*KindModel, rows []int) map[string]*KindModel {
	names := slices.Sorted(maps.Keys(kinds))
	nt := len(termNames)
	index := map[string]int{}
	for k, n := range names {
		index[n] = k
	}
	const noise = 0.03
	mean := make([]float64, len(names)*nt)
	a := make([][]float64, 0, len(rows)+len(mean))
	b := make([]float64, 0, len(rows)+len(mean))
	var tm []float64
	for _, i := range rows {
		row := make([]float64, len(mean))
		for _, u := range p.HeldOut[i].Units {
			unit := &p.Shapes[u[0]].Unit
			k, ok := index[kindOf(unit)]
			if !ok {
				k = index[anyKind]
			}
			tm = terms(tm[:0], unit, &p.Device.Target)
			for j, v := range tm {
				row[k*nt+j] += v * float64(u[1]) / 1000 / p.HeldOut[i].Measured.MedianMs
			}
		}
		for j := range row {
			mean[j] += row[j] / float64(len(rows))
			row[j] /= noise
		}
		a, b = append(a, row), append(b, 1/noise)
	}
	for k, n := range names {
		for j, c := range kinds[n].costs {
			share := mean[k*nt+j]
			if share == 0 {
				continue
			}
			row := make([]float64, len(mean))
			row[k*nt+j] = share / max(0.02, c*share/3)
			a, b = append(a, row), append(b, c*row[k*nt+j])
		}
	}
	x := stat.NNLS(a, b, 1e-9)
	out := map[string]*KindModel{}
	for k, n := range names {
		m := *kinds[n]
		m.costs = slices.Clone(m.costs)
		for j := range m.costs {
			if mean[k*nt+j] > 0 {
				m.costs[j] = x[k*nt+j]
			}
		}
		m.Hyper, m.gp, m.use, m.Features, m.Units = nil, nil, nil, nil, 0
		m.Rough = 0.15 // of one unit; networks are judged as a whole
		m.LeaveOneOut = m.Rough
		m.Costs = map[string]float64{}
		for j, c := range m.costs {
			if c > 0 {
				m.Costs[termNames[j]] = c
			}
		}
		out[n] = &m
	}
	return out
}

// genericProfile has the costs of no device in particular: those of a core of
// today's servers, which other processors share up to a factor.
func genericProfile(d timing.Device) *Profile {
	if d.Target.ISA == "" {
		d.Target = engine.Target{ISA: "neon", L1: 32 << 10, L2: 512 << 10, L3: 4 << 20, Threads: max(1, d.Threads)}
	}
	costs := map[string]float64{
		"call": 0.5, "gemm_mac": 0.012, "gemm_tile": 5, "dw_mac": 0.016, "dw_row": 1, "move": 0.005, "move_l2": 0.006, "move_l3": 0.01,
		"weights": 0.02, "again": 0.02, "act_poly": 0.06, "act_exp": 0.3, "residual": 0.03, "eval": 1,
	}
	p := &Profile{Format: Format, Device: d, Network: fitNetwork(nil)}
	for _, k := range []string{
		anyKind, "conv.pointwise", "conv.vector", "conv.dense", "conv.image", "conv.grouped", "dwconv", "block", "expand_dw", "dw_project", "stem_block", "stem_dw",
		"linear", "globalavg", "scale", "scale_conv", "add", "mul", "act", "copy", "maxpool", "avgpool", "bilinear", "softmax",
	} {
		p.Kinds = append(p.Kinds, &KindModel{Kind: k, Costs: costs, Rough: 0.3, LeaveOneOut: 0.3})
	}
	return p
}
