package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Split conformal intervals hold 90 % of new networks even if errors have heavy
// tails and a bias which grows with the latency.
func TestIntervalCovers(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	draw := func() heldOut {
		h := heldOut{sums: sums{ms: math.Exp(3 * r.Float64()), calls: 40 + r.IntN(40), weights: 1 << 22}}
		h.var2 = math.Pow(0.02*h.ms*(1+r.Float64()), 2)
		e := 0.02 * r.NormFloat64()
		if r.IntN(20) == 0 {
			e *= 5
		}
		h.measured = h.ms * math.Exp(0.05+0.02*math.Log(h.ms)+e)
		return h
	}
	hit, n := 0, 0
	for range 20 {
		hs := make([]heldOut, 100)
		for i := range hs {
			hs[i] = draw()
		}
		m := fitNetwork(hs)
		for range 200 {
			h := draw()
			ms, low, high := m.predict(&h.sums)
			if low > ms || ms > high {
				t.Fatalf("%g outside of its interval %g to %g", ms, low, high)
			}
			if low <= h.measured && h.measured <= high {
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
	draw := func() (h heldOut, truth float64) {
		h.sums = sums{ms: math.Exp2(5 * r.Float64()), calls: 40 + r.IntN(40), weights: 1 << 22}
		h.var2 = math.Pow(0.01*h.ms*(0.5+r.Float64()), 2)
		truth = h.ms * math.Exp(math.Sqrt((1-noise)*variance)*r.NormFloat64())
		h.measured = truth * math.Exp(math.Sqrt(noise*variance)*r.NormFloat64())
		return h, truth
	}
	const fits, each = 300, 100
	noisy, clean := 0, 0
	for range fits {
		hs := make([]heldOut, minMix-1)
		for i := range hs {
			hs[i], _ = draw()
		}
		m := fitNetwork(hs)
		for range each {
			h, truth := draw()
			_, low, high := m.predict(&h.sums)
			if low <= h.measured && h.measured <= high {
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

func TestSummarize(t *testing.T) {
	ps := []pair{
		{"a", 1.00, 0.9, 1.1, 1, 10e6}, {"b", 2.16, 1.9, 2.1, 2, 20e6},
		{"c", 3.18, 2.9, 3.3, 3, 30e6}, {"d", 4.60, 4.5, 4.7, 4, 40e6},
	}
	v := summarize(ps, fitLine(ps))
	if v.Within5 != 25 || v.Within10 != 75 || v.Coverage != 75 || math.Abs(v.MAPEPct-7.25) > 1e-9 || v.Kendall != 1 {
		t.Errorf("%+v", v)
	}
	if v.BaseMAPE > 1e-6 || len(v.Strata) != 4 || v.Strata[3].Within10 != 0 {
		t.Errorf("the line fits exactly: %g %%; strata %+v", v.BaseMAPE, v.Strata)
	}
}

// Terms of a unit must be there for every kind of call that a network may have,
// and never be negative.
func TestTermsOfUnits(t *testing.T) {
	f := newFake(1, 0, 0)
	target := f.Device().Target
	for _, n := range sampleNetworks(t, mobileSpec(), 11, 30) {
		calls, err := f.Device().Calls(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range calls {
			v := terms(nil, &c.Unit, &target)
			if len(v) != len(termNames) {
				t.Fatalf("%d terms, %d names", len(v), len(termNames))
			}
			work := 0.0
			for j, x := range v {
				if x < 0 || math.IsNaN(x) || math.IsInf(x, 0) {
					t.Errorf("%s: %s is %g", c.Unit.Key(), termNames[j], x)
				}
				if termNames[j] == "gemm_mac" || termNames[j] == "dw_mac" {
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
	hs := make([]heldOut, 60)
	for i := range hs {
		ms := math.Exp2(2 * r.Float64())
		hs[i] = heldOut{sums: sums{ms: ms, calls: 50, weights: int64(ms * (1 << 20))}}
		hs[i].measured = ms * math.Exp(-0.1*math.Log2(ms)+0.001*r.NormFloat64())
	}
	m := fitNetwork(hs)
	at := func(ms float64) (correction, half float64) {
		got, low, high := m.predict(&sums{ms: ms, calls: 50, weights: int64(ms * (1 << 20))})
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
