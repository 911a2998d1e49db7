package latency

import (
	"context"
	"fmt"
	"math"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/plural"
	"nas/internal/stat"
	"nas/latency/internal/agreement"
	"nas/latency/timing"
)

// Point is one network: predicted against measured.
type Point = agreement.Point

// Unheld says in which quarters of the latency less than 80 % of the networks lie in their intervals, and what to
// do; "" if the intervals hold, or if there are too few networks to tell.
func Unheld(points []Point) string { return agreement.Unheld(points) }

// ValidateOptions of [Validate].
type ValidateOptions struct {
	Runs     int                   // of each network in each round, at least; 0: those of timing.DefaultEffort
	Progress func(done, total int) // after each measurement; may be nil
}

// Validate measures networks, each twice, and compares the mean of the two measurements
// with the profile's prediction. rt must be the profile's device, and there must be at
// least one network.
func Validate(
	ctx context.Context, p *Profile, rt timing.Runtime, networks []*blocks.Network, o ValidateOptions,
) (*Validation, error) {
	if err := p.Matches(rt); err != nil {
		return nil, fault.Errorf("latency: this machine cannot check the profile: %w", err)
	}
	if len(networks) == 0 {
		return nil, fault.New("latency: no networks to validate with")
	}
	ps, err := p.predictAll(networks)
	if err != nil {
		return nil, err
	}
	facts := rt.Facts()
	timer, err := rt.Open(ctx, p.Calibration.Baseline)
	if err != nil {
		return nil, err
	}
	m := newTwice(timer, networks, o)
	err = m.measure(ctx, o.Progress)
	warnings := append(facts.Warnings(p.Device.Threads), timer.Close()...)
	if err != nil {
		return nil, err
	}
	if n := max(m.halves[0].Disturbed(), m.halves[1].Disturbed()); n > 0 {
		warnings = append(warnings, fmt.Sprintf("the machine was slow at each of up to %d visits to %d of %d networks: "+
			"their times are the runs at the pace of the reference kernel, and less certain",
			m.rounds/2+timing.Remeasurements, n, len(networks)))
	}
	if s := stat.Median(m.slowdowns); s > 1.03 {
		warnings = append(warnings,
			fmt.Sprintf("the reference kernel took %.0f %% longer than when the profile was made", 100*(s-1)))
	}
	a, b := m.halves[0].Timings(), m.halves[1].Timings()
	noise := 0.0
	for i := range ps {
		x, y := a[i].EndToEnd.MedianMs, b[i].EndToEnd.MedianMs
		ps[i].Measured = (x + y) / 2
		noise += 100 * math.Abs(x-y) / ps[i].Measured / float64(len(ps))
	}
	v := agreement.Summarize(ps, p.line(ps))
	v.NoisePct, v.Device, v.Warnings = noise, p.Device.String(), warnings
	for i, q := range ps {
		x, y := &a[i], &b[i]
		v.Points = append(v.Points, agreement.Point{
			Name: q.Name, PredictedMs: q.Predicted, LowMs: q.Low, HighMs: q.High, MeasuredMs: q.Measured,
			P10Ms: min(x.EndToEnd.P10Ms, y.EndToEnd.P10Ms), P90Ms: max(x.EndToEnd.P90Ms, y.EndToEnd.P90Ms),
			Runs: x.Runs + y.Runs,
		})
	}
	if w := Unheld(v.Points); w != "" {
		v.Warnings = append(v.Warnings, w)
	}
	return v, nil
}

// predictAll predicts networks; what was measured is left open.
func (p *Profile) predictAll(networks []*blocks.Network) ([]agreement.Pair, error) {
	r, err := p.Predictor()
	if err != nil {
		return nil, err
	}
	ps := make([]agreement.Pair, len(networks))
	for i, n := range networks {
		e, err := r.Predict(n)
		if err != nil {
			return nil, err
		}
		ps[i] = agreement.Pair{
			Name: n.Name, Predicted: e.LatencyMs, Low: e.LowMs, High: e.HighMs, MACs: float64(n.Counts().MACs),
		}
	}
	return ps, nil
}

// twice measures networks two times over, alternating, to see how well two measurements
// of one network agree.
type twice struct {
	halves    [2]*timing.Rounds
	rounds    int // of both together
	networks  int
	slowdowns []float64 // of the machine, at each measurement
}

// newTwice prepares the measurements; nothing is timed yet.
func newTwice(timer timing.Timer, networks []*blocks.Network, o ValidateOptions) *twice {
	e := timing.DefaultEffort()
	if o.Runs > 0 {
		e.Runs = o.Runs
	}
	m := &twice{rounds: 2 * timing.RoundsPerTiming, networks: len(networks)}
	if _, ok := timer.(timing.UnitTimer); !ok { // a calibration measures each network once
		m.rounds = 2
	}
	m.halves = [2]*timing.Rounds{timing.NewRounds(timer, networks, e), timing.NewRounds(timer, networks, e)}
	return m
}

// measure measures all networks, and again those that were disturbed.
func (m *twice) measure(ctx context.Context, progress func(done, total int)) error {
	for k := range m.rounds {
		err := m.halves[k%2].Measure(ctx, func(i int, t timing.Timing) {
			if t.Slowdown > 0 {
				m.slowdowns = append(m.slowdowns, t.Slowdown)
			}
			if progress != nil {
				progress(k*m.networks+i+1, m.rounds*m.networks)
			}
		})
		if err != nil {
			return err
		}
	}
	for k := range 2 * timing.Remeasurements {
		if err := m.halves[k%2].Remeasure(ctx, func(int, timing.Timing) {}); err != nil {
			return err
		}
	}
	return nil
}

// line is the baseline: the best straight line through the MACs of the networks
// that the profile was judged by, or of ps if those are few.
func (p *Profile) line(ps []agreement.Pair) [2]float64 {
	var own []agreement.Pair
	for _, h := range p.HeldOut {
		q := agreement.Pair{Measured: h.Measured.MedianMs}
		for _, u := range h.Units {
			q.MACs += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
		}
		own = append(own, q)
	}
	if len(own) >= 20 {
		return agreement.FitLine(own)
	}
	return agreement.FitLine(ps)
}

// Checked is what networks say of a profile that a later session of its device has measured.
type Checked struct {
	Points []Point
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
	disturbed, runs, interrupted := 0, 0, 0
	for i := range ts {
		t, q := &ts[i], ps[i]
		c.Points = append(c.Points, Point{Name: q.Name, PredictedMs: q.Predicted, LowMs: q.Low, HighMs: q.High,
			MeasuredMs: t.EndToEnd.MedianMs, P10Ms: t.EndToEnd.P10Ms, P90Ms: t.EndToEnd.P90Ms, Runs: t.Runs})
		if t.Uncertain || t.QuietRuns > 0 && t.Incomplete() || 2*t.Interrupted > t.Runs {
			disturbed++
		}
		runs, interrupted = runs+t.Runs, interrupted+t.Interrupted
	}
	if 2*disturbed > len(ts) {
		c.Busy = fmt.Sprintf("%d of %s were disturbed, and %.0f %% of the runs interrupted by other programs", disturbed,
			plural.Of(len(ts), "measurement"), 100*float64(interrupted)/float64(max(1, runs)))
	}
	return c, nil
}

// Judge says what networks measured in another session say of the 90 % intervals of a profile: whether they are held,
// or in which latencies they are refuted, "" for nowhere. If they are neither, more networks would tell.
func Judge(points []Point) (held bool, refuted string) { return agreement.Judge(points) }
