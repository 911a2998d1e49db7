package latency

import (
	"fmt"
	"math"

	"nas/blocks"
	"nas/internal/plural"
	"nas/internal/stat"
	"nas/latency/internal/agreement"
	"nas/latency/timing"
)

// Checked is what networks say of a profile that a later session of its device has measured.
type Checked struct {
	Points  []Point
	OffPct  float64 // median of |predicted/measured - 1|
	Outside int     // number of points outside of their intervals
	// Busy says what disturbed most of the measurements, which then decide nothing; "" if they were not.
	Busy string
}

// Check holds the profile against networks measured in another session of its device. ts[i] is the timing of
// networks[i].
func (p *Profile) Check(networks []*blocks.Network, ts []timing.Timing) (Checked, error) {
	var c Checked
	ps, err := p.predictAll(networks)
	if err != nil {
		return c, err
	}
	off, disturbed, runs, interrupted := make([]float64, len(ts)), 0, 0, 0
	for i := range ts {
		t, q := &ts[i], ps[i]
		x := Point{Name: q.Name, PredictedMs: q.Predicted, LowMs: q.Low, HighMs: q.High, MeasuredMs: t.EndToEnd.MedianMs,
			P10Ms: t.EndToEnd.P10Ms, P90Ms: t.EndToEnd.P90Ms, Runs: t.Runs}
		c.Points = append(c.Points, x)
		if !x.Inside() {
			c.Outside++
		}
		off[i] = 100 * math.Abs(x.PredictedMs/x.MeasuredMs-1)
		if t.Uncertain || t.QuietRuns > 0 && t.Incomplete() || 2*t.Interrupted > t.Runs {
			disturbed++
		}
		runs, interrupted = runs+t.Runs, interrupted+t.Interrupted
	}
	c.OffPct = stat.Median(off)
	if 2*disturbed > len(ts) {
		c.Busy = fmt.Sprintf("%d of %s were disturbed, and %.0f %% of the runs interrupted by other programs", disturbed,
			plural.Of(len(ts), "measurement"), 100*float64(interrupted)/float64(max(1, runs)))
	}
	return c, nil
}

// Refuted says how many networks of which latencies lie outside of their intervals, if that is more than 20 % beyond
// doubt; "" where it may be chance. It looks at all points, and at each quarter of them by measured latency. Each of
// the five looks errs one time in 500, so that together they err at most one time in 100.
func Refuted(points []Point) string { return agreement.Refuted(points) }
