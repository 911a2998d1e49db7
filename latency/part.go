package latency

import (
	"math"

	"nas/blocks/engine"
)

// Part is the latency of some of a network's unit calls, in ms, with the 90 % interval.
type Part struct {
	Ms     float64 `json:"ms"`
	LowMs  float64 `json:"low_ms"`
	HighMs float64 `json:"high_ms"`
}

// Parts divides the predicted latency of a network among groups of its unit calls: group[i] is that of call i, from 0
// to groups-1. The parts add up to the latency. Their intervals do not add up, because errors of units cancel.
func (r *Predictor) Parts(calls []engine.Call, group []int, groups int) []Part {
	total, _, _ := r.Latency(calls)
	ps, variance, sum := make([]Part, groups), make([]float64, groups), 0.0
	for i := range calls {
		c := r.units.Cost(&calls[i].Unit)
		ps[group[i]].Ms += c.Ms
		variance[group[i]] += c.Var2
		sum += c.Ms
	}
	scale := total / max(sum, 1e-9)
	for k := range ps {
		half := r.half(math.Sqrt(variance[k]) / max(ps[k].Ms, 1e-9))
		ps[k].Ms *= scale
		ps[k].LowMs, ps[k].HighMs = ps[k].Ms*math.Exp(-half), ps[k].Ms*math.Exp(half)
	}
	return ps
}

// half is half the width of the logarithm of an interval, for units of a relative standard deviation.
func (r *Predictor) half(sd float64) float64 {
	return min(r.network.Quantile*(r.network.Floor+sd)+r.network.Between, 2.3)
}

// Gain is by how much a network of calls after is predicted to be faster than one of calls before; it is negative
// where that is slower. The interval is that of the difference: what both networks have in common does not count.
func (r *Predictor) Gain(before, after []engine.Call) Part {
	a, _, _ := r.Latency(before)
	b, _, _ := r.Latency(after)
	count := map[engine.Unit]int{}
	sum := 0.0
	for i := range before {
		count[before[i].Unit]++
		sum += r.units.Cost(&before[i].Unit).Ms
	}
	for i := range after {
		count[after[i].Unit]--
	}
	variance := 0.0
	for u, n := range count {
		variance += float64(n*n) * r.units.Cost(&u).Var2 // calls of one unit have one error
	}
	gain := a - b
	half := (math.Exp(r.half(0))-1)*math.Abs(gain) + r.network.Quantile*math.Sqrt(variance)*a/max(sum, 1e-9)
	return Part{gain, gain - half, gain + half}
}
