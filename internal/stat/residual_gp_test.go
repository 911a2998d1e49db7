package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// One point, by hand: mean k y/(k0+noise), variance k0 - k^2/(k0+noise).
func TestResidualGPOnePoint(t *testing.T) {
	h := ResidualKernel{Signal: 2, Noise: 1, Scale: []float64{2}}
	g, err := NewResidualGP(h, [][]float64{{0}}, []float64{3}, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	s := math.Sqrt(5) * 1.5 // distance 3 over scale 2
	k := 4 * (1 + s + s*s/3) * math.Exp(-s)
	mean, sd := g.Predict([]float64{3})
	if math.Abs(mean-k*3/5) > 1e-6 || math.Abs(sd-math.Sqrt(4-k*k/5)) > 1e-6 {
		t.Errorf("mean %g sd %g, want %g %g", mean, sd, k*3/5, math.Sqrt(4-k*k/5))
	}
	if mean, sd := g.Predict([]float64{1e4}); math.Abs(mean) > 1e-9 || math.Abs(sd-2) > 1e-9 {
		t.Errorf("far away: mean %g, sd %g, want 0 and 2", mean, sd)
	}
}

func TestResidualGPLeaveOneOut(t *testing.T) {
	x, y, sd := wave(25)
	h := ResidualKernel{Signal: 1, Noise: 0.1, Scale: []float64{1.5, 3}}
	g, err := NewResidualGP(h, x, y, sd)
	if err != nil {
		t.Fatal(err)
	}
	e, dev := g.LeaveOneOut(sd)
	for _, i := range []int{0, 7, 24} {
		g, err := NewResidualGP(h, slices.Delete(slices.Clone(x), i, i+1),
			slices.Delete(slices.Clone(y), i, i+1), slices.Delete(slices.Clone(sd), i, i+1))
		if err != nil {
			t.Fatal(err)
		}
		mean, s := g.Predict(x[i])
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
	l := evidence{likelihood: residualLikelihood{x, y, sd}.at,
		prior: []float64{-1, -3, 0, 0.5}, width: []float64{1, 1, 1, 2}}
	p := []float64{-0.3, -2.5, 0.4, 0.9}
	_, g := l.at(p)
	for j := range p {
		const h = 1e-5
		q := slices.Clone(p)
		q[j] += h
		up, _ := l.at(q)
		q[j] -= 2 * h
		down, _ := l.at(q)
		if d := (up - down) / (2 * h); math.Abs(d-g[j]) > 1e-4*max(1, math.Abs(d)) {
			t.Errorf("parameter %d: gradient %g, difference %g", j, g[j], d)
		}
	}
}

// Of two features the process must find the one that matters.
func TestTuneResidualKernel(t *testing.T) {
	x, y, sd := wave(60)
	h := TuneResidualKernel(x, y, sd)
	if h.Scale[1] < 2*h.Scale[0] || h.Noise > 0.15 {
		t.Errorf("%+v: the second feature does nothing", h)
	}
	g, err := NewResidualGP(h, x, y, sd)
	if err != nil {
		t.Fatal(err)
	}
	for a := 0.5; a < 5.5; a += 0.5 {
		if m, _ := g.Predict([]float64{a, 3}); math.Abs(m-math.Sin(a)) > 0.15 {
			t.Errorf("sin(%g) = %.3f, predicted %.3f", a, math.Sin(a), m)
		}
	}
}

// Mean, which works through the points in groups, is to the bit what one point
// after the other gives.
func TestResidualGPMean(t *testing.T) {
	x, y, sd := wave(150)
	g, err := NewResidualGP(ResidualKernel{Signal: 0.7, Noise: 0.1, Scale: []float64{1.5, 3}}, x, y, sd)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][]float64{{0, 0}, {1.3, 2.2}, {5, 60}} {
		z := scaled([][]float64{at}, g.Scale)
		want := 0.0
		for i := range g.n {
			want += matern(sqrt5Distance(z, g.row(i))) * g.alpha[i]
		}
		if want *= g.Signal; g.Mean(at) != want*g.Signal {
			t.Errorf("at %v: %v, point by point %v", at, g.Mean(at), want*g.Signal)
		}
		if m, _ := g.Predict(at); math.Abs(m-g.Mean(at)) > 1e-12 {
			t.Errorf("at %v: Predict says %v, Mean %v", at, m, g.Mean(at))
		}
	}
}
