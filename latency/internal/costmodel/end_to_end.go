package costmodel

import (
	"maps"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// EndToEnd are networks with their measured latencies, each as the units that it consists of.
type EndToEnd struct {
	Units []engine.Unit
	Rows  [][][2]int // of each network: index into Units, number of calls
	Ms    []float64  // of each network
}

// oneByOne makes networks of one call from timed units.
func oneByOne(us []UnitTime) *EndToEnd {
	d := &EndToEnd{}
	for i, u := range us {
		d.Units = append(d.Units, u.Unit)
		d.Rows = append(d.Rows, [][2]int{{i, 1}})
		d.Ms = append(d.Ms, u.Ms)
	}
	return d
}

// Factors fits a factor for each kind of unit, by which the times on another device have to
// be multiplied; unitMs predicts them in ms. The factors minimise the squared relative error with a
// ridge towards a common factor: a measurement is believed to 3 %, that a kind departs from
// the common factor by 70 %.
func (d *EndToEnd) Factors(unitMs func(u *engine.Unit) float64) func(kind string) float64 {
	index := map[string]int{}
	var names []string
	cols := make([][]float64, len(d.Rows))
	ratios := make([]float64, len(d.Rows))
	for j, row := range d.Rows {
		cols[j] = make([]float64, 0, 16)
		sum := 0.0
		for _, u := range row {
			unit := &d.Units[u[0]]
			k, ok := index[KindOf(unit)]
			if !ok {
				k = len(names)
				index[KindOf(unit)] = k
				names = append(names, KindOf(unit))
			}
			for len(cols[j]) <= k {
				cols[j] = append(cols[j], 0)
			}
			ms := unitMs(unit) * float64(u[1])
			cols[j][k] += ms
			sum += ms
		}
		ratios[j] = d.Ms[j] / sum
	}
	common := stat.Median(slices.Clone(ratios))
	const noise, prior = 0.03, 0.7
	a := make([][]float64, 0, len(d.Rows)+len(names))
	b := make([]float64, 0, len(d.Rows)+len(names))
	for j := range d.Rows {
		row := make([]float64, len(names))
		for k, ms := range cols[j] {
			row[k] = common * ms / d.Ms[j] / noise
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

// FitCosts fits the costs of all terms of all kinds together to the latencies, with a ridge
// towards the costs of kinds: the share of the time that a term has is believed to a third
// of itself, or to two points if that is more.
func (d *EndToEnd) FitCosts(kinds map[string]*KindModel, t *engine.Target) map[string]*KindModel {
	names := slices.Sorted(maps.Keys(kinds))
	index := map[string]int{}
	for k, n := range names {
		index[n] = k
	}
	const noise = 0.03
	words := kinds[anyKind].words()
	width := len(words.names)
	mean := make([]float64, len(names)*width)
	a := make([][]float64, 0, len(d.Rows)+len(mean))
	b := make([]float64, 0, len(d.Rows)+len(mean))
	var tm []float64
	for i := range d.Rows {
		row := make([]float64, len(mean))
		for _, u := range d.Rows[i] {
			unit := &d.Units[u[0]]
			k, ok := index[KindOf(unit)]
			if !ok {
				k = index[anyKind]
			}
			tm = words.amounts(tm[:0], unit, t)
			for j, v := range tm {
				row[k*width+j] += v * float64(u[1]) / 1000 / d.Ms[i]
			}
		}
		for j := range row {
			mean[j] += row[j] / float64(len(d.Rows))
			row[j] /= noise
		}
		a, b = append(a, row), append(b, 1/noise)
	}
	for k, n := range names {
		for j, c := range kinds[n].costs {
			share := mean[k*width+j]
			if share == 0 {
				continue
			}
			row := make([]float64, len(mean))
			row[k*width+j] = share / max(0.02, c*share/3)
			a, b = append(a, row), append(b, c*row[k*width+j])
		}
	}
	x := stat.NNLS(a, b, 1e-9)
	out := map[string]*KindModel{}
	for k, n := range names {
		m := *kinds[n]
		m.costs = slices.Clone(m.costs)
		for j := range m.costs {
			if mean[k*width+j] > 0 {
				m.costs[j] = x[k*width+j]
			}
		}
		m.Hyper, m.gp, m.use, m.Features, m.Units = nil, nil, nil, nil, 0
		m.ResidualRMS, m.LeaveOneOut = 0.15, 0.15 // of one unit, as is usual
		m.Costs = words.named(m.costs)
		out[n] = &m
	}
	return out
}

// GenericKinds are models of all common kinds with the costs of no device in particular.
func GenericKinds() []*KindModel {
	var kinds []*KindModel
	for _, k := range []string{
		anyKind, "conv.pointwise", "conv.vector", "conv.dense", "conv.image", "conv.grouped", "dwconv",
		"block", "expand_dw", "dw_project", "stem_block", "stem_dw", "linear", "globalavg", "scale", "scale_conv",
		"add", "mul", "act", "copy", "maxpool", "avgpool", "bilinear", "softmax",
	} {
		kinds = append(kinds, &KindModel{Kind: k, Costs: commonCosts, ResidualRMS: 0.3, LeaveOneOut: 0.3})
	}
	return kinds
}
