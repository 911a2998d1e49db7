package timing

import (
	"math"
	"testing"
)

// What was measured at a pace that later turned out to be less of the best is
// corrected once, not twice.
func TestCorrection(t *testing.T) {
	for _, c := range []struct {
		Conditions
		want float64
	}{
		{Conditions{Slowdown: 1.02, RefMs: 1.02, BaseMs: 1}, 1},        // undisturbed
		{Conditions{Slowdown: 1.3, RefMs: 1.3, BaseMs: 1}, 1},          // divided already
		{Conditions{Slowdown: 1.3, RefMs: 1.3}, 1 / 1.3},               // not divided: nothing was known
		{Conditions{Slowdown: 1.3, RefMs: 1.56, BaseMs: 1.2}, 1 / 1.2}, // divided by too little
		{Conditions{Slowdown: 1.02, RefMs: 1.22, BaseMs: 1.2}, 1 / 1.22},
		{Conditions{Slowdown: 1.3, RefMs: 1.04, BaseMs: 0.8}, 1 / 0.8}, // divided by too much
	} {
		if got := c.Correction(1); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: %g, want %g", c.Conditions, got, c.want)
		}
	}
}

// Of two rounds the undisturbed one counts, of two undisturbed ones the shorter, and
// two at the reference kernel's pace become their mean, weighted by their runs.
func TestCombine(t *testing.T) {
	measure := func(ms, slow float64, runs int) Timing {
		return Timing{
			EndToEnd: Sample{MedianMs: ms, LowMs: ms - 1, HighMs: ms + 1, P10Ms: ms, P90Ms: ms},
			CallMs:   []float64{ms}, CallSpread: []float64{0.03},
			Conditions: Conditions{Slowdown: slow, RefMs: slow, BaseMs: 1}, Runs: runs, Interrupted: 1}
	}
	for _, c := range []struct {
		a, b Timing
		want float64
	}{
		{measure(10, 1, 12), measure(11, 1.02, 12), 10},
		{measure(9, 1.3, 12), measure(11, 1.02, 12), 11},
		{measure(9, 1.3, 10), measure(12, 1.4, 20), 11},
	} {
		for _, x := range []Timing{Combine(c.a, c.b), Combine(c.b, c.a)} {
			if math.Abs(x.EndToEnd.MedianMs-c.want) > 1e-9 || math.Abs(x.CallMs[0]-c.want) > 1e-9 ||
				x.Runs != c.a.Runs+c.b.Runs || x.Interrupted != 2 {
				t.Errorf("%g at %g and %g at %g: %+v, want %g ms", c.a.EndToEnd.MedianMs, c.a.Slowdown,
					c.b.EndToEnd.MedianMs, c.b.Slowdown, x, c.want)
			}
			if x.QuietRuns != 0 {
				t.Errorf("seen %g times in quiet moments", x.QuietRuns)
			}
			if x.EndToEnd.LowMs > x.EndToEnd.MedianMs || x.EndToEnd.HighMs < x.EndToEnd.MedianMs {
				t.Errorf("an interval without its median: %+v", x.EndToEnd)
			}
		}
	}
}
