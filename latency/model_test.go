package latency

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// By hand: with x >= 0 the best fit of the second column is none at all.
func TestNonNegativeKnown(t *testing.T) {
	rows := [][]float64{{1, 0}, {1, 1}, {1, 2}}
	x := nonNegative(rows, []float64{3, 2, 1}, 0)
	if math.Abs(x[0]-2) > 1e-9 || x[1] != 0 {
		t.Errorf("falling values: %v, want [2 0]", x)
	}
	x = nonNegative(rows, []float64{1, 3, 5}, 0)
	if math.Abs(x[0]-1) > 1e-6 || math.Abs(x[1]-2) > 1e-6 {
		t.Errorf("a line: %v, want [1 2]", x)
	}
	if x := nonNegative([][]float64{{1, 0}, {2, 0}}, []float64{1, 2}, 0); x[1] != 0 || math.Abs(x[0]-1) > 1e-9 {
		t.Errorf("an empty column: %v", x)
	}
}

// The conditions of Karush, Kuhn and Tucker hold for random problems.
func TestNonNegativeOptimal(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		n, p := 20, 6
		rows, b := make([][]float64, n), make([]float64, n)
		for i := range rows {
			rows[i] = make([]float64, p)
			for j := range rows[i] {
				rows[i][j] = r.NormFloat64()
			}
			b[i] = r.NormFloat64()
		}
		x := nonNegative(rows, b, 0)
		for j := range p {
			g := 0.0
			for i := range rows {
				e := -b[i]
				for k, v := range rows[i] {
					e += v * x[k]
				}
				g += e * rows[i][j]
			}
			if x[j] < 0 || g < -1e-6 || x[j] > 0 && math.Abs(g) > 1e-6 {
				t.Fatalf("x[%d] = %g with gradient %g", j, x[j], g)
			}
		}
	}
}

// One point, by hand: mean k y/(k0+noise), variance k0 - k^2/(k0+noise).
func TestProcessOnePoint(t *testing.T) {
	h := Hyper{Signal: 2, Noise: 1, Scale: []float64{2}}
	g, err := newProcess(h, [][]float64{{0}}, []float64{3}, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	s := math.Sqrt(5) * 1.5 // distance 3 over scale 2
	k := 4 * (1 + s + s*s/3) * math.Exp(-s)
	mean, sd := g.predict([]float64{3})
	if math.Abs(mean-k*3/5) > 1e-6 || math.Abs(sd-math.Sqrt(4-k*k/5)) > 1e-6 {
		t.Errorf("mean %g sd %g, want %g %g", mean, sd, k*3/5, math.Sqrt(4-k*k/5))
	}
	if mean, sd := g.predict([]float64{1e4}); math.Abs(mean) > 1e-9 || math.Abs(sd-2) > 1e-9 {
		t.Errorf("far away: mean %g, sd %g, want 0 and 2", mean, sd)
	}
}

func TestProcessLeaveOneOut(t *testing.T) {
	x, y, sd := wave(25)
	h := Hyper{Signal: 1, Noise: 0.1, Scale: []float64{1.5, 3}}
	g, err := newProcess(h, x, y, sd)
	if err != nil {
		t.Fatal(err)
	}
	e, dev := g.leaveOneOut(sd)
	for _, i := range []int{0, 7, 24} {
		g, err := newProcess(h, slices.Delete(slices.Clone(x), i, i+1), slices.Delete(slices.Clone(y), i, i+1), slices.Delete(slices.Clone(sd), i, i+1))
		if err != nil {
			t.Fatal(err)
		}
		mean, s := g.predict(x[i])
		if math.Abs(e[i]-(y[i]-mean)) > 1e-6 || math.Abs(dev[i]-s) > 1e-5 {
			t.Errorf("point %d: error %g sd %g, left out for real %g %g", i, e[i], dev[i], y[i]-mean, s)
		}
	}
}

func wave(n int) (x [][]float64, y, sd []float64) {
	r := rand.New(rand.NewPCG(2, 2))
	for range n {
		a, b := 6*r.Float64(), 6*r.Float64()
		x = append(x, []float64{a, b})
		y = append(y, math.Sin(a)+0.05*r.NormFloat64())
		sd = append(sd, 0.02)
	}
	return x, y, sd
}

func TestLikelihoodGradient(t *testing.T) {
	x, y, sd := wave(20)
	l := &likelihood{x: x, y: y, sd: sd, prior: []float64{-1, -3, 0, 0.5}, width: []float64{1, 1, 1, 2}}
	p := []float64{-0.3, -2.5, 0.4, 0.9}
	_, g := l.eval(p)
	for j := range p {
		const h = 1e-5
		q := slices.Clone(p)
		q[j] += h
		up, _ := l.eval(q)
		q[j] -= 2 * h
		down, _ := l.eval(q)
		if d := (up - down) / (2 * h); math.Abs(d-g[j]) > 1e-4*max(1, math.Abs(d)) {
			t.Errorf("parameter %d: gradient %g, difference %g", j, g[j], d)
		}
	}
}

// Of two features the process must find the one that matters.
func TestFitHyper(t *testing.T) {
	x, y, sd := wave(60)
	h := fitHyper(x, y, sd)
	if h.Scale[1] < 2*h.Scale[0] || h.Noise > 0.15 {
		t.Errorf("%+v: the second feature does nothing", h)
	}
	g, err := newProcess(h, x, y, sd)
	if err != nil {
		t.Fatal(err)
	}
	for a := 0.5; a < 5.5; a += 0.5 {
		if m, _ := g.predict([]float64{a, 3}); math.Abs(m-math.Sin(a)) > 0.15 {
			t.Errorf("sin(%g) = %.3f, predicted %.3f", a, math.Sin(a), m)
		}
	}
}

func TestConformalQuantile(t *testing.T) {
	s := make([]float64, 19)
	for i := range s {
		s[i] = float64(19 - i)
	}
	if q := conformalQuantile(s, 0.9); q != 18 { // ceil(20 x 0.9) = 18
		t.Errorf("19 scores: %g, want the 18th", q)
	}
	if q := conformalQuantile([]float64{3, 1, 2}, 0.9); q != 3 {
		t.Errorf("3 scores: %g, want the largest", q)
	}
}

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

func TestKendall(t *testing.T) {
	// (5 concordant - 1 discordant) / 6 pairs.
	if k := kendall([]float64{1, 2, 3, 4}, []float64{1, 2, 4, 3}); math.Abs(k-4.0/6) > 1e-12 {
		t.Errorf("tau %g", k)
	}
	// A tie in one list: 5 concordant, 0 discordant, sqrt(5 x 6).
	if k := kendall([]float64{1, 1, 3, 4}, []float64{1, 2, 3, 4}); math.Abs(k-5/math.Sqrt(30)) > 1e-12 {
		t.Errorf("tau-b with a tie %g", k)
	}
	if k := kendall([]float64{1, 1}, []float64{1, 2}); k != 0 {
		t.Errorf("a constant list: %g", k)
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
