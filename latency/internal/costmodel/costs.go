package costmodel

import (
	"math"
	"slices"

	"nas/internal/stat"
	"nas/latency/internal/workload"
)

// commonCosts, in microseconds per thousand of each term, are those of a core of a server of
// 2020 to 2025. Other processors share their proportions, up to a common factor. They are
// the prior of all kinds and the start of fits to end-to-end latencies.
var commonCosts = map[string]float64{
	"call": 0.5, "gemm_mac": 0.012, "gemm_tile": 5, "dw_mac": 0.016, "dw_row": 1,
	"move": 0.005, "move_l2": 0.006, "move_l3": 0.01, "weights": 0.02, "again": 0.02,
	"act_poly": 0.06, "act_exp": 0.15, "residual": 0.03, "eval": 1,
}

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
	w := ones(len(us))
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
		reweight(w, abs)
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

// reweight sets w to the square roots of the Huber weights (k = 1.345) of absolute errors.
func reweight(w, abs []float64) {
	s := 1.4826 * stat.Median(slices.Clone(abs))
	for i := range w {
		w[i] = math.Sqrt(min(1, 1.345*max(s, 1e-6)/max(abs[i], 1e-12)))
	}
}

func ones(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = 1
	}
	return w
}
