package costmodel

import (
	"maps"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// EndToEnd are measured networks, each as the units that it consists of.
type EndToEnd struct {
	Units []engine.Unit
	Rows  [][][2]int // of each network: index into units, number of calls
	Ms    []float64  // of each network
}

// oneByOne are timed units as networks of one call.
func oneByOne(us []UnitTime) *EndToEnd {
	d := &EndToEnd{}
	for i, u := range us {
		d.Units = append(d.Units, u.Unit)
		d.Rows = append(d.Rows, [][2]int{{i, 1}})
		d.Ms = append(d.Ms, u.Ms)
	}
	return d
}

// Factors returns the factor of each kind that takes the predictions of m to the networks.
func (d *EndToEnd) Factors(m *UnitModel) func(kind string) float64 {
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
			ms := m.Cost(unit).Ms * float64(u[1])
			cols[j][k] += ms
			sum += ms
		}
		ratios[j] = d.Ms[j] / sum
	}
	common := stat.Median(slices.Clone(ratios))
	const noise, prior = 0.03, 0.7 // of a measurement; of a factor around the common one
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

// FitCosts fits the costs of all terms of all kinds together to the times of
// whole networks, with a ridge towards the costs of kinds: a term whose share of
// the time is s may move by about a third of that, or by two points.
func (d *EndToEnd) FitCosts(kinds map[string]*KindModel, t *engine.Target) map[string]*KindModel {
	names := slices.Sorted(maps.Keys(kinds))
	nt := len(termNames)
	index := map[string]int{}
	for k, n := range names {
		index[n] = k
	}
	const noise = 0.03
	mean := make([]float64, len(names)*nt)
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
			tm = terms(tm[:0], unit, t)
			for j, v := range tm {
				row[k*nt+j] += v * float64(u[1]) / 1000 / d.Ms[i]
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
		m.ResidualRMS = 0.15 // of one unit; networks are judged as a whole
		m.LeaveOneOut = m.ResidualRMS
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
