package timing

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/internal/stat"
)

func TestSampleCoversMedian(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const trials = 2000
	hit := 0
	for range trials {
		xs := make([]float64, 15)
		for i := range xs {
			xs[i] = r.ExpFloat64() // median ln 2
		}
		s := NewSample(xs)
		if s.LowMs <= math.Ln2 && math.Ln2 <= s.HighMs {
			hit++
		}
	}
	// d = 4 of 15 covers with probability 0.9648; 4 standard errors are 0.016.
	if p := float64(hit) / trials; math.Abs(p-0.9648) > 0.017 {
		t.Errorf("interval holds the median in %.3f of samples, want 0.965", p)
	}
}

func TestSampleValues(t *testing.T) {
	xs := []float64{5, 1, 4, 2, 3, 9, 8, 7, 6, 10, 11}
	s := NewSample(xs)
	if s.MedianMs != 6 || s.P10Ms != 2 || s.P90Ms != 10 || s.Runs != 11 || s.LowMs != 2 || s.HighMs != 10 {
		t.Errorf("%+v", s)
	}
	if !slices.IsSorted(xs) {
		t.Error("values not sorted")
	}
	if s := NewSample(nil); s.Runs != 0 || len(s.Warnings) != 1 {
		t.Errorf("no values: %+v", s)
	}
	if s := NewSample([]float64{1, 2, 4}); s.LowMs != 1 || s.HighMs != 4 || len(s.Warnings) != 1 {
		t.Errorf("three values: %+v", s)
	}
}

// A tenth of the runs slowed down tenfold must not move the figures that the
// model is fitted to.
func TestSampleIsRobust(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	xs := make([]float64, 100)
	for i := range xs {
		xs[i] = 10 + 0.1*r.NormFloat64()
		if i%10 == 0 {
			xs[i] *= 10
		}
	}
	if s := NewSample(slices.Clone(xs)); math.Abs(s.MedianMs-10) > 0.05 {
		t.Errorf("median %g", s.MedianMs)
	}
	if s := stat.RelativeMAD(xs); s < 0.005 || s > 0.02 {
		t.Errorf("spread %g, want about 0.01", s)
	}
}
