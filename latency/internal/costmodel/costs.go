package costmodel

import (
	"math"
	"slices"

	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// priorWeight is the weight of the ridge towards the expected costs of a kind, relative to
// one unit: moving a tenth of the time from one term to another counts as much as an error
// of priorWeight times a tenth in the time of one unit.
const priorWeight = 0.3

// fitKindCosts fits the costs of a kind to its units, whose terms are tm, by non-negative
// least squares of the relative error, reweighted three times with Huber weights. A ridge
// holds costs near those of all kinds (nil: commonCosts) times one factor. Without it a few
// units of nearly one shape would leave it to chance which term carries their time, and
// what another shape costs.
func (m *KindModel) fitKindCosts(us []UnitTime, tm [][]float64, all *KindModel) {
	expected, share := expectedCosts(us, tm, all)
	rows := make([][]float64, len(us), len(us)+workload.NumTerms)
	b := make([]float64, len(us), len(us)+workload.NumTerms)
	for j := range workload.NumTerms {
		if w := priorWeight * share[j]; w > 0 {
			row := make([]float64, workload.NumTerms)
			row[j] = w
			rows, b = append(rows, row), append(b, w*expected[j])
		}
	}
	w := slices.Repeat([]float64{1}, len(us))
	abs := make([]float64, len(us))
	for range 3 {
		for i, u := range us {
			r := make([]float64, workload.NumTerms)
			for j, v := range tm[i] {
				r[j] = w[i] * v / (1000 * u.Ms)
			}
			rows[i], b[i] = r, w[i]
		}
		m.costs = stat.NNLS(rows, b, 1e-4)
		for i, u := range us {
			abs[i] = math.Abs(m.sum(tm[i])/u.Ms - 1)
		}
		stat.HuberRowScales(w, abs)
	}
	for j := range m.costs {
		if share[j] == 0 {
			m.costs[j] = expected[j] // no unit of the kind has any
		}
	}
	m.Costs = m.words().named(m.costs)
}

// expectedCosts returns the costs of all kinds, scaled to the units, and the mean amount of
// each term for each microsecond of a unit's time.
func expectedCosts(us []UnitTime, tm [][]float64, all *KindModel) (costs, share []float64) {
	if all == nil {
		all = &KindModel{costs: vocabularies[""].costs(commonCosts)}
	}
	ratio := make([]float64, len(us))
	for i, u := range us {
		ratio[i] = u.Ms / all.analytic(tm[i])
	}
	factor := stat.Median(ratio)
	costs, share = make([]float64, workload.NumTerms), make([]float64, workload.NumTerms)
	for j := range workload.NumTerms {
		costs[j] = factor * all.costs[j]
		for i, u := range us {
			share[j] += tm[i][j] / (1000 * u.Ms) / float64(len(us))
		}
	}
	return costs, share
}
