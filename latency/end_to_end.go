package latency

import (
	"maps"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// endToEnd are measured networks, each as the units that it consists of.
type endToEnd struct {
	units []engine.Unit
	rows  [][][2]int // of each network: index into units, number of calls
	ms    []float64  // of each network
}

// oneByOne are timed units as networks of one call.
func oneByOne(us []UnitTime) *endToEnd {
	d := &endToEnd{}
	for i, u := range us {
		d.units = append(d.units, u.Unit)
		d.rows = append(d.rows, [][2]int{{i, 1}})
		d.ms = append(d.ms, u.Ms)
	}
	return d
}

// factors returns the factor of each kind that takes the predictions of m to the networks.
func (d *endToEnd) factors(m *unitModel) func(kind string) float64 {
	index := map[string]int{}
	var names []string
	cols := make([][]float64, len(d.rows))
	ratios := make([]float64, len(d.rows))
	for j, row := range d.rows {
		cols[j] = make([]float64, 0, 16)
		sum := 0.0
		for _, u := range row {
			unit := &d.units[u[0]]
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
		ratios[j] = d.ms[j] / sum
	}
	common := stat.Median(slices.Clone(ratios))
	const noise, prior = 0.03, 0.7 // of a measurement; of a factor around the common one
	a := make([][]float64, 0, len(d.rows)+len(names))
	b := make([]float64, 0, len(d.rows)+len(names))
	for j := range d.rows {
		row := make([]float64, len(names))
		for k, ms := range cols[j] {
			row[k] = common * ms / d.ms[j] / noise
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

// fitCosts fits the costs of all terms of all kinds together to the times of
// whole networks, with a ridge towards the costs of kinds: a term whose share of
// the time is s may move by about a third of that, or by two points.
func (d *endToEnd) fitCosts(kinds map[string]*KindModel, t *engine.Target) map[string]*KindModel {
	names := slices.Sorted(maps.Keys(kinds))
	nt := len(termNames)
	index := map[string]int{}
	for k, n := range names {
		index[n] = k
	}
	const noise = 0.03
	mean := make([]float64, len(names)*nt)
	a := make([][]float64, 0, len(d.rows)+len(mean))
	b := make([]float64, 0, len(d.rows)+len(mean))
	var tm []float64
	for i := range d.rows {
		row := make([]float64, len(mean))
		for _, u := range d.rows[i] {
			unit := &d.units[u[0]]
			k, ok := index[kindOf(unit)]
			if !ok {
				k = index[anyKind]
			}
			tm = terms(tm[:0], unit, t)
			for j, v := range tm {
				row[k*nt+j] += v * float64(u[1]) / 1000 / d.ms[i]
			}
		}
		for j := range row {
			mean[j] += row[j] / float64(len(d.rows))
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
