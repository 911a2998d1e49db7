package search

import (
	"math"
	"math/rand/v2"
	"testing"
)

// grid returns n random points of the unit cube and the values of f there.
func grid(n, dimensions int, f func([]float64) float64) (x [][]float64, y []float64) {
	r := rand.New(rand.NewPCG(1, 2))
	for range n {
		p := make([]float64, dimensions)
		for k := range p {
			p[k] = r.Float64()
		}
		x, y = append(x, p), append(y, f(p))
	}
	return x, y
}

func TestRBF(t *testing.T) {
	linear := func(p []float64) float64 { return 3 + 2*p[0] - 5*p[1] }
	smooth := func(p []float64) float64 { return math.Sin(2*p[0]) + p[1]*p[1] }
	for name, c := range map[string]struct {
		f             func([]float64) float64
		atData, apart float64 // largest errors at the data and elsewhere
	}{
		"linear": {linear, 1e-3, 1e-3}, // the tail has it all
		"smooth": {smooth, 0.02, 0.1},
	} {
		x, y := grid(60, 2, c.f)
		var m rbf
		if err := m.fit(x, y); err != nil {
			t.Fatal(err)
		}
		for i, p := range x {
			if e := math.Abs(m.predict(p) - y[i]); e > c.atData {
				t.Errorf("%s: off by %g at a point of the data", name, e)
			}
		}
		for _, p := range [][]float64{{0.3, 0.3}, {0.5, 0.7}, {0.8, 0.2}} {
			if e := math.Abs(m.predict(p) - c.f(p)); e > c.apart {
				t.Errorf("%s: off by %g at %v", name, e, p)
			}
		}
	}
}

func TestRBFDeviation(t *testing.T) {
	x, y := grid(30, 3, func(p []float64) float64 { return p[0] + p[1]*p[2] })
	var m rbf
	if err := m.fit(x, y); err != nil {
		t.Fatal(err)
	}
	far := m.deviation([]float64{5, 5, 5})
	near := m.deviation([]float64{x[0][0] + 0.01, x[0][1], x[0][2]})
	if at := m.deviation(x[0]); at != 0 || near <= 0 || near >= far || far != 0.25*m.y.deviation {
		t.Errorf("deviations: %g at a point, %g near it, %g far away", at, near, far)
	}
}

// Features that tell networks apart no better than these are refused or survived.
func TestRBFDegenerate(t *testing.T) {
	var m rbf
	if err := m.fit([][]float64{{1, 2}, {1, 2}}, []float64{1, 2}); err == nil {
		t.Error("equal features of all networks are fitted")
	}
	// Two networks with equal features: the prediction is between their values.
	x := [][]float64{{0, 0}, {0, 0}, {1, 0}, {0, 1}, {1, 1}}
	if err := m.fit(x, []float64{1, 3, 5, 5, 5}); err != nil {
		t.Fatal(err)
	}
	if v := m.predict(x[0]); v < 1 || v > 3 {
		t.Errorf("%g is predicted between 1 and 3", v)
	}
	if err := m.fit(x, []float64{4, 4, 4, 4, 4}); err != nil {
		t.Fatal(err)
	}
	if v := m.predict([]float64{0.5, 0.5}); math.Abs(v-4) > 1e-9 {
		t.Errorf("%g is predicted where all values are 4", v)
	}
}
