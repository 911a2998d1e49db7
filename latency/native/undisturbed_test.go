package native

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Bursts that slow down most of the runs must move neither the median nor its
// interval by more than the undisturbed runs differ.
func TestQuietSample(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, share := range []float64{0, 0.3, 0.6} {
		xs := make([]float64, 60)
		for i := range xs {
			xs[i] = 10 + 0.1*r.NormFloat64()
			if float64(i) < share*60 {
				xs[i] *= 1.1 + 0.3*r.Float64()
			}
		}
		s := quietSample(xs)
		if math.Abs(s.MedianMs-10) > 0.1 || s.Runs+s.Dropped != 60 || s.HighMs > 10.4 {
			t.Errorf("%.0f %% disturbed: %+v", 100*share, s)
		}
		if share > 0.2 && s.P90Ms < 11 {
			t.Errorf("the disturbed runs do not show in the percentiles: %+v", s)
		}
	}
	if s := quietSample([]float64{3, 1, 9}); s.MedianMs != 3 || s.Dropped != 0 {
		t.Errorf("three values: %+v", s)
	}
	if s := quietSample(nil); s.Runs != 0 || len(s.Warnings) != 1 {
		t.Errorf("no values: %+v", s)
	}
}
