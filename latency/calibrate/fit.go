package calibrate

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"nas/internal/plural"
	"nas/internal/stat"
	"nas/latency"
	"nas/latency/timing"
)

// summary is what is known of a session when it has been closed.
type summary struct {
	why      string // the calibration ended
	baseline timing.Baseline
	slowPct  float64 // see timing.ReferenceTimer
	warnings []string
}

// finish makes the profile.
func (c *calibration) finish(s summary, facts timing.Facts) (*latency.Profile, error) {
	c.report("fitting")
	start := time.Now()
	if c.fit.n == 0 || time.Since(c.start)+c.fit.at(len(c.units)) < c.opts.Budget {
		c.hypers = map[string]*stat.ResidualKernel{} // else there is no time to search for them again
	}
	p, _, err := c.model(s.baseline.ReferenceMs)
	if err != nil {
		return nil, err
	}
	p.Facts = facts
	p.Created = time.Now().UTC().Truncate(time.Second)
	p.Calibration = latency.Calibration{
		WallS: time.Since(c.start).Seconds(), FitS: time.Since(start).Seconds(), Networks: c.networks, Runs: c.runs,
		Baseline: s.baseline, Stopped: s.why, SlowPct: s.slowPct,
		InterruptPct: 100 * float64(c.interrupted) / float64(max(1, c.runs)),
	}
	if b := c.opts.Base; b != nil {
		p.Calibration.AddedTo = b.Created.Format(time.RFC3339)
		p.Calibration.Networks += b.Calibration.Networks
		p.Calibration.Runs += b.Calibration.Runs
	}
	p.Warnings = append(append([]string{}, s.warnings...), c.warnings(p)...)
	c.report("fitting")
	return p, nil
}

// enough is the number of measurements below which a profile is rough.
const enough = 60

// warnings says what is doubtful about a finished profile.
func (c *calibration) warnings(p *latency.Profile) []string {
	var w []string
	warn := func(format string, args ...any) { w = append(w, fmt.Sprintf(format, args...)) }
	if b := c.opts.Base; b != nil {
		if r := p.Calibration.ReferenceMs / b.Calibration.ReferenceMs; r > 1.05 || r < 0.95 {
			warn("the reference kernel took %.0f %% of its time in the profile that was added to: "+
				"the machine has changed", 100*r)
		}
	}
	if c.slow > c.measurements/4 {
		warn("the machine was slower than its best during %d of %d measurements", c.slow, c.measurements)
	}
	if p.Calibration.InterruptPct > 10 {
		warn("other programs interrupted %.0f %% of the runs", p.Calibration.InterruptPct)
	}
	if c.measurements < enough && p.Calibration.Stopped == "budget" {
		const step = 10 * time.Second
		longer := time.Duration(2 * enough / float64(max(1, c.measurements)) * float64(c.opts.Budget))
		longer = max(longer+step-1, c.opts.Budget+step).Truncate(step)
		warn("the budget of %v was enough for %s of such networks only: %v would do better",
			c.opts.Budget, plural.Of(c.measurements, "measurement"), longer)
	}
	if len(p.HeldOut) < 30 {
		warn("the model was judged by %s only: the interval is rough", plural.Of(len(p.HeldOut), "network"))
	}
	return w
}

// table makes the rows of the profile's table from what was measured. base is the undisturbed
// time of the reference.
func (c *calibration) table(base float64) []latency.UnitTime {
	typical := c.betweenNetworks(base)
	var out []latency.UnitTime
	for u, rs := range c.units {
		ms, sd := undisturbed(rs, base)
		row := latency.UnitTime{Unit: u, Networks: len(ms)}
		if b, ok := c.base[u]; ok { // counts as often as it was measured, up to five times
			for range min(b.Networks, 5) {
				ms, sd = append(ms, b.Ms), append(sd, b.Spread)
			}
			row.Networks += b.Networks
		}
		one := math.Hypot(typical, stat.Median(sd)) // relative standard deviation of one of ms
		if len(ms) >= 4 {
			one = max(stat.RelativeMAD(slices.Clone(ms)), typical/2)
		}
		row.Ms = stat.Median(ms)
		row.Spread = one / math.Sqrt(float64(len(ms)))
		out = append(out, row)
	}
	for u, b := range c.base {
		if _, ok := c.units[u]; !ok {
			out = append(out, b)
		}
	}
	slices.SortFunc(out, func(a, b latency.UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	return out
}

// betweenNetworks is how much the time of a unit varies from network to network, as a relative
// standard deviation: the median over the units that were timed in four or more, or 3 % if
// there are fewer than ten of these.
func (c *calibration) betweenNetworks(base float64) float64 {
	var between []float64
	for _, rs := range c.units {
		var ms []float64
		for _, r := range rs {
			if !r.SlowAt(base) {
				ms = append(ms, r.ms)
			}
		}
		if len(ms) >= 4 {
			between = append(between, stat.RelativeMAD(ms))
		}
	}
	if len(between) < 10 {
		return 0.03
	}
	return max(0.005, stat.Median(between))
}

// undisturbed returns the times of a unit, and their relative standard deviations, that were
// measured while the machine was not slow. If there are none, it returns all, corrected.
func undisturbed(rs []unitRecord, base float64) (ms, sd []float64) {
	for _, r := range rs {
		if !r.SlowAt(base) {
			ms, sd = append(ms, r.ms), append(sd, r.spread)
		}
	}
	if len(ms) == 0 {
		for _, r := range rs {
			ms, sd = append(ms, r.ms*r.Correction(base)), append(sd, r.spread+0.05)
		}
	}
	return ms, sd
}

// refit fits the models to what was measured so far, and judges them by the held-out networks.
// search finds the hyperparameters anew; otherwise they stay those of the last fit.
func (c *calibration) refit(search bool) error {
	c.report("fitting")
	if search {
		c.hypers = map[string]*stat.ResidualKernel{}
	}
	began := time.Now()
	var p *latency.Profile
	var r *latency.Predictor
	var err error
	fit := func() { p, r, err = c.model(c.timer.Baseline().ReferenceMs) }
	if g, ok := c.timer.(timing.Collector); ok {
		g.Collecting(fit)
	} else {
		fit()
	}
	if err != nil {
		return err
	}
	if search {
		c.fit = fitTime{len(c.units), time.Since(began)}
	}
	for _, k := range p.Kinds {
		c.hypers[k.Kind] = k.Hyper
	}
	c.prior, c.fitted = r, true
	if p.Validation != nil {
		c.error = p.Validation.MAPEPct / 100
	}
	return nil
}

// model fits a profile to what was measured. base is the undisturbed time of the reference.
func (c *calibration) model(base float64) (*latency.Profile, *latency.Predictor, error) {
	p := &latency.Profile{Format: latency.Format, Device: c.dev, Units: c.table(base)}
	if b := c.opts.Base; b != nil {
		p.Shapes, p.HeldOut = slices.Clone(b.Shapes), slices.Clone(b.HeldOut)
	}
	quiet := slices.DeleteFunc(slices.Clone(c.heldOut), func(h candidate) bool { return h.timing.SlowAt(base) })
	if len(quiet) < max(20, len(c.heldOut)/2) {
		quiet = c.heldOut
	}
	for _, h := range quiet {
		p.AddHeldOut(h.net.Name, h.calls, h.timing.EndToEnd.Scaled(h.timing.Correction(base)))
	}
	r, err := p.Fit(c.hypers)
	if err != nil {
		return nil, nil, err
	}
	p.Network.Between = betweenSessions
	return p, r, nil
}

// betweenSessions is the relative difference, common to all networks, between two processes on
// one machine: memory lies elsewhere, and other programs run. One calibration cannot see it, so
// it is added to the interval on either side. It is the root mean square of the median errors
// of five profiles, each validated in a process of its own.
const betweenSessions = 0.012
