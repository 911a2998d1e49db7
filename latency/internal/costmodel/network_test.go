package costmodel

import (
	"math"
	"math/rand/v2"
	"testing"

	"nas/latency/internal/workload"
)

// Split conformal intervals hold 90 % of new networks even if errors have heavy
// tails and a bias which grows with the latency.
func TestIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	draw := func() Observation {
		h := Observation{Totals: Totals{Ms: math.Exp(3 * r.Float64()), calls: 40 + r.IntN(40), weights: 1 << 22}}
		h.var2 = math.Pow(0.02*h.Ms*(1+r.Float64()), 2)
		e := 0.02 * r.NormFloat64()
		if r.IntN(20) == 0 {
			e *= 5
		}
		h.Measured = h.Ms * math.Exp(0.05+0.02*math.Log(h.Ms)+e)
		return h
	}
	hit, n := 0, 0
	for range 20 {
		hs := make([]Observation, 100)
		for i := range hs {
			hs[i] = draw()
		}
		m := FitNetwork(hs)
		for range 200 {
			h := draw()
			ms, low, high := m.Predict(&h.Totals)
			if low > ms || ms > high {
				t.Fatalf("%g outside of its interval %g to %g", ms, low, high)
			}
			if low <= h.Measured && h.Measured <= high {
				hit++
			}
			n++
		}
	}
	if c := float64(hit) / float64(n); c < 0.875 || c > 0.945 {
		t.Errorf("coverage %.3f", c)
	}
}

// An interval is made from measurements, noise included, and must hold 90 % of such; and
// at most 95 % of the times without noise, where noise is a quarter of the variance. With
// the noise subtracted from the held-out errors it would hold 85 % of measurements.
func TestIntervalCoversNoise(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	const variance, noise = 0.03 * 0.03, 0.25
	draw := func() (h Observation, truth float64) {
		h.Totals = Totals{Ms: math.Exp2(5 * r.Float64()), calls: 40 + r.IntN(40), weights: 1 << 22}
		h.var2 = math.Pow(0.01*h.Ms*(0.5+r.Float64()), 2)
		truth = h.Ms * math.Exp(math.Sqrt((1-noise)*variance)*r.NormFloat64())
		h.Measured = truth * math.Exp(math.Sqrt(noise*variance)*r.NormFloat64())
		return h, truth
	}
	const fits, each = 300, 100
	noisy, clean := 0, 0
	for range fits {
		hs := make([]Observation, minForResidual-1)
		for i := range hs {
			hs[i], _ = draw()
		}
		m := FitNetwork(hs)
		for range each {
			h, truth := draw()
			_, low, high := m.Predict(&h.Totals)
			if low <= h.Measured && h.Measured <= high {
				noisy++
			}
			if low <= truth && truth <= high {
				clean++
			}
		}
	}
	n, c := float64(noisy)/(fits*each), float64(clean)/(fits*each)
	if n < 0.88 || n > 0.92 || c < n || c > 0.95 {
		t.Errorf("%.3f of the measurements in the interval, %.3f of the true times", n, c)
	}
}

// Terms of a unit must be there for every kind of call that a network may have,
// and never be negative.
func TestTermsOfUnits(t *testing.T) {
	target := testTarget()
	for _, calls := range zooCalls(t) {
		for _, c := range calls {
			v := workload.Terms(nil, &c.Unit, &target)
			if len(v) != len(workload.TermNames) {
				t.Fatalf("%d terms, %d names", len(v), len(workload.TermNames))
			}
			work := 0.0
			for j, x := range v {
				if x < 0 || math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s: %s is %g", c.Unit.Key(), workload.TermNames[j], x)
				}
				if workload.TermNames[j] == "gemm_mac" || workload.TermNames[j] == "dw_mac" {
					work += x
				}
			}
			if m := float64(c.Unit.MACs()) / 1000; work < m*(1-1e-9) {
				t.Errorf("%s: %g thousand multiply-accumulates with tails, %g without", c.Unit.Key(), work, m)
			}
		}
	}
}

// A correction that falls by a tenth with every doubling, seen from 1 to 4 ms, is not
// followed to 128 ms: it stays what it is one doubling beyond, and the interval grows.
func TestCorrectionIsNotExtrapolated(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	hs := make([]Observation, 60)
	for i := range hs {
		ms := math.Exp2(2 * r.Float64())
		hs[i] = Observation{Totals: Totals{Ms: ms, calls: 50, weights: int64(ms * (1 << 20))}}
		hs[i].Measured = ms * math.Exp(-0.1*math.Log2(ms)+0.001*r.NormFloat64())
	}
	m := FitNetwork(hs)
	at := func(ms float64) (correction, half float64) {
		got, low, high := m.Predict(&Totals{Ms: ms, calls: 50, weights: int64(ms * (1 << 20))})
		return math.Log(got / ms), math.Log(high/low) / 2
	}
	inside, narrow := at(3)
	if math.Abs(inside+0.1*math.Log2(3)) > 0.02 {
		t.Errorf("3 ms: a correction of %g, want %g", inside, -0.1*math.Log2(3))
	}
	edge, _ := at(8)
	far, wide := at(128)
	if math.Abs(far-edge) > 0.02 {
		t.Errorf("128 ms: a correction of %g, at 8 ms %g", far, edge)
	}
	if want := narrow + 4*perOctave; math.Abs(wide-want) > 0.02 {
		t.Errorf("128 ms: an interval of %g on either side, want about %g", wide, want)
	}
	m.Low, m.High = nil, nil // as in a profile of an earlier version
	if _, half := at(128); half > narrow+0.02 {
		t.Errorf("without ranges: an interval of %g on either side, %g inside", half, narrow)
	}
}
