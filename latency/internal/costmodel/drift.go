package costmodel

import (
	"math"

	"nas/internal/stat"
)

// minProbes is the number of networks from which on a drift is judged.
const minProbes = 6

// Follow holds the model against networks that a later session measured, in the order of their latencies. If more
// than a quarter of them lie outside of their intervals, or both of the fastest or the slowest two, it makes the
// model follow them: Drift becomes a line through their errors against the logarithm of the sum, and Between grows
// to what nine tenths of them differ from that line, each judged by the others. It returns the errors of the
// model as it was, in log ms, and whether the model was changed.
func (m *NetworkModel) Follow(hs []Observation) (errs []float64, changed bool) {
	outside, out := 0, make([]bool, len(hs))
	x := make([][]float64, len(hs))
	for i := range hs {
		ms, low, high := m.Predict(&hs[i].Totals)
		if v := hs[i].Measured; v < low || v > high {
			outside, out[i] = outside+1, true
		}
		errs = append(errs, math.Log(hs[i].Measured/ms))
		x[i] = []float64{1, hs[i].features()[1] - m.Mean[1]}
	}
	n := len(hs)
	if n < minProbes || 4*outside <= n && !(out[0] && out[1]) && !(out[n-1] && out[n-2]) {
		return errs, false
	}
	w, left := stat.HuberRidge(x, errs)
	for i := range left {
		left[i] = math.Abs(left[i])
	}
	if len(m.Drift) == 2 {
		w[0], w[1] = w[0]+m.Drift[0], w[1]+m.Drift[1]
	}
	m.Drift = w
	m.Between = max(m.Between, stat.ConformalQuantile(left, Coverage))
	return errs, true
}
