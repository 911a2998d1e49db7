package imagenet

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestPosteriorMean compares the closed form with a sum over the prior.
func TestPosteriorMean(t *testing.T) {
	for _, sd := range []float64{0.3, 1.2, 2.5} {
		for _, z := range []float64{-3, -0.5, 0, 0.7, 2, 4} {
			if z < -5*sd {
				continue
			}
			sum, mean := 0.0, 0.0
			for x := -40.0; x < 40; x += 0.001 {
				p := (1 - newLeading) / newLag * math.Exp(x/newLag)
				if x > 0 {
					p = newLeading / newLead * math.Exp(-x/newLead)
				}
				p *= math.Exp(-(z - x) * (z - x) / (2 * sd * sd))
				sum, mean = sum+p, mean+p*x
			}
			if got, want := posteriorMean(z, sd), mean/sum; math.Abs(got-want) > 0.005 {
				t.Errorf("z %v, sd %v: %v, the sum gives %v", z, sd, got, want)
			}
		}
	}
}

// TestExpected: no more than the estimate, rising with it, falling with its error, and finite
// for every estimate.
func TestExpected(t *testing.T) {
	m, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	base, err := m.Recipe("")
	if err != nil {
		t.Fatal(err)
	}
	strong, err := m.Recipe("strong")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		macs := math.Exp(13 + 12*r.Float64())
		half := 0.1 + 5*r.Float64()
		last := math.Inf(-1)
		for top1 := 5.0; top1 < 89; top1 += 2 {
			v := base.Expected(top1, top1-half, top1+half, macs)
			wide := base.Expected(top1, top1-1.5*half, top1+1.5*half, macs)
			if !(v <= top1) || v < last-1e-9 || !(v > 0) {
				t.Fatalf("%.0f MACs, %v +- %v: %v after %v", macs, top1, half, v, last)
			}
			if v > 0 && top1-v > 0.1 && wide > v+0.3*half {
				t.Fatalf("%.0f MACs, %v: %v within %v, but %v within %v", macs, top1, v, half, wide, 1.5*half)
			}
			if s := strong.Expected(top1, top1-half, top1+half, macs); s < v-1e-9 {
				t.Fatalf("%.0f MACs, %v: %v by a base recipe, %v by a strong one", macs, top1, v, s)
			}
			last = v
		}
	}
	if v := base.Expected(75, math.NaN(), math.NaN(), 3e8); !math.IsNaN(v) {
		t.Errorf("an estimate without interval gives %v", v)
	}
	// MobileNetV3-Large lies on the frontier; two points more at its MACs are hardly believed.
	for _, c := range []struct{ top1, low, high float64 }{{73, 72.5, 73}, {75.03, 74, 75}, {77.03, 75, 75.6}} {
		if v := base.Expected(c.top1, c.top1-1.94, c.top1+1.94, 216589760); v < c.low || v > c.high {
			t.Errorf("%v at 217 M MACs: %v is expected, want %v to %v", c.top1, v, c.low, c.high)
		}
	}
}
