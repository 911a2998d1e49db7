package costmodel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// session measures n networks from 0.1 to 10 ms, in the order of their latencies, whose times are off from the sums
// by a drift in log ms, and 2 % of noise.
func session(r *rand.Rand, n int, drift func(ms float64) float64) []Observation {
	hs := make([]Observation, n)
	for i := range hs {
		ms := 0.1 * math.Pow(100, float64(i)/float64(n-1))
		hs[i] = Observation{Totals: Totals{Ms: ms, var2: 1e-4 * ms * ms, calls: 30, weights: 1e6},
			Measured: ms * math.Exp(drift(ms)+0.02*r.NormFloat64())}
	}
	return hs
}

// covered is the share of each quarter that lies in its intervals, in per cent.
func covered(m *NetworkModel, hs []Observation) (pct [4]float64) {
	for i, h := range hs {
		if _, low, high := m.Predict(&h.Totals); low <= h.Measured && h.Measured <= high {
			pct[4*i/len(hs)] += 400 / float64(len(hs))
		}
	}
	return pct
}

// A profile of a busy hour is 15 % too slow for the fastest networks and right for the slowest, and the other way
// round: the intervals hold in every quarter again after a few probes, and are not changed where nothing drifts.
func TestFollow(t *testing.T) {
	for name, c := range map[string]struct {
		drift   func(ms float64) float64
		changes bool
	}{
		"none":            {func(float64) float64 { return 0 }, false},
		"fast end":        {func(ms float64) float64 { return -0.15 * max(0, 1-math.Log10(10*ms)) }, true},
		"fixed cost":      {func(ms float64) float64 { return math.Log((ms + 0.03) / ms) }, true},
		"all are faster":  {func(float64) float64 { return -0.1 }, true},
		"the slowest are": {func(ms float64) float64 { return 0.08 * math.Log10(10*ms) }, true},
	} {
		changed, least := 0, 100.
		const seeds = 20
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, 1))
			m := FitNetwork(session(r, 50, func(float64) float64 { return 0 }))
			m.Between = 0.012
			if _, ok := m.Follow(session(r, 8, c.drift)); ok {
				changed++
			}
			for _, pct := range covered(m, session(r, 200, c.drift)) {
				least = min(least, pct)
			}
		}
		switch {
		case c.changes && changed < seeds-1:
			t.Errorf("%s: the model followed %d of %d times", name, changed, seeds)
		case !c.changes && changed > 3:
			t.Errorf("%s: the model followed %d of %d times", name, changed, seeds)
		case least < 80:
			t.Errorf("%s: the intervals of a quarter hold %.0f %%", name, least)
		}
	}
}
