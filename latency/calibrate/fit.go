package calibrate

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"nas/internal/stat"
	"nas/latency"
	"nas/latency/timing"
)

// finish makes the profile.
func (c *calibration) finish(why string, base timing.Baseline, slowPct float64, facts timing.Facts, warnings []string) (*latency.Profile, error) {
	c.report("fitting")
	t0 := time.Now()
	c.hypers = map[string]*stat.ResidualKernel{}
	p, _, err := c.model(base.ReferenceMs)
	if err != nil {
		return nil, err
	}
	p.Facts = facts
	p.Created = time.Now().UTC().Truncate(time.Second)
	p.Calibration = latency.Calibration{
		WallS: time.Since(c.start).Seconds(), FitS: time.Since(t0).Seconds(), Networks: c.nets, Runs: c.runs,
		Baseline: base, Stopped: why, InterruptPct: 100 * float64(c.broken) / float64(max(1, c.runs)),
		SlowPct: slowPct,
	}
	if b := c.opts.Base; b != nil {
		p.Calibration.AddedTo = b.Created.Format(time.RFC3339)
		p.Calibration.Networks += b.Calibration.Networks
		p.Calibration.Runs += b.Calibration.Runs
		if r := base.ReferenceMs / b.Calibration.ReferenceMs; r > 1.05 || r < 0.95 {
			warnings = append(warnings, fmt.Sprintf("the reference kernel took %.0f %% of its time in the profile that was added to: the machine has changed", 100*r))
		}
	}
	if c.slow > c.visits/4 {
		warnings = append(warnings, fmt.Sprintf("the machine was slower than its best during %d of %d measurements", c.slow, c.visits))
	}
	if p.Calibration.InterruptPct > 10 {
		warnings = append(warnings, fmt.Sprintf("other programs interrupted %.0f %% of the runs", p.Calibration.InterruptPct))
	}
	if c.visits < enoughVisits && why == "budget" {
		longer := time.Duration(2 * enoughVisits / float64(max(1, c.visits)) * float64(c.opts.Budget)).Round(10 * time.Second)
		warnings = append(warnings, fmt.Sprintf("the budget of %v was enough for %d measurements of such networks only: %v would do better", c.opts.Budget, c.visits, longer))
	}
	if len(p.HeldOut) < 30 {
		warnings = append(warnings, fmt.Sprintf("only %d networks were measured to judge the model: the interval is rough", len(p.HeldOut)))
	}
	p.Warnings = append([]string{}, warnings...)
	c.report("fitting")
	return p, nil
}

// table makes the rows of the profile's table from what was measured; base is the
// reference kernel's undisturbed time.
func (c *calibration) table(base float64) []latency.UnitTime {
	// How much a unit varies from network to network, where that was seen.
	var between []float64
	for _, rs := range c.units {
		if len(rs) >= 4 {
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
	}
	typical := 0.03
	if len(between) >= 10 {
		typical = max(0.005, stat.Median(between))
	}
	var out []latency.UnitTime
	for u, rs := range c.units {
		var ms, sp []float64
		for _, r := range rs {
			if !r.SlowAt(base) {
				ms, sp = append(ms, r.ms), append(sp, r.spread)
			}
		}
		if len(ms) == 0 { // measured in a slow moment only: better than nothing
			for _, r := range rs {
				ms, sp = append(ms, r.ms*r.Correction(base)), append(sp, r.spread+0.05)
			}
		}
		row := latency.UnitTime{Unit: u, Networks: len(ms)}
		if k, ok := c.kept[u]; ok { // counts as often as it was measured, within reason
			for range min(k.Networks, 5) {
				ms = append(ms, k.Ms)
				sp = append(sp, k.Spread)
			}
			row.Networks += k.Networks
		}
		n := len(ms)
		one := math.Hypot(typical, stat.Median(sp))
		if n >= 4 {
			one = max(stat.RelativeMAD(slices.Clone(ms)), typical/2)
		}
		row.Ms = stat.Median(ms)
		row.Spread = one / math.Sqrt(float64(n))
		out = append(out, row)
	}
	for u, k := range c.kept {
		if _, ok := c.units[u]; !ok {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b latency.UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	return out
}

// refit fits the unit models to what there is, and judges them by the held-out
// networks. search looks for hyperparameters anew.
func (c *calibration) refit(search bool) error {
	c.report("fitting")
	if search {
		c.hypers = map[string]*stat.ResidualKernel{}
	}
	p, r, err := c.model(c.timer.Baseline().ReferenceMs)
	if err != nil {
		return err
	}
	for _, k := range p.Kinds {
		c.hypers[k.Kind] = k.Hyper
	}
	c.prior, c.fitted = r, true
	if p.Validation != nil {
		c.error = p.Validation.MAPEPct / 100
	}
	runtime.GC()
	return nil
}

// model fits a profile to what was measured.
func (c *calibration) model(base float64) (*latency.Profile, *latency.Predictor, error) {
	p := &latency.Profile{Format: latency.Format, Device: c.dev, Units: c.table(base)}
	if b := c.opts.Base; b != nil {
		p.Shapes, p.HeldOut = slices.Clone(b.Shapes), slices.Clone(b.HeldOut)
	}
	quiet := slices.DeleteFunc(slices.Clone(c.whole), func(w wholeRecord) bool { return w.t.SlowAt(base) })
	if len(quiet) < max(20, len(c.whole)/2) {
		quiet = c.whole
	}
	for _, w := range quiet {
		p.AddHeldOut(w.net.Name, w.calls, w.t.EndToEnd.Scaled(w.t.Correction(base)))
	}
	r, err := p.Fit(c.hypers)
	if err != nil {
		return nil, nil, err
	}
	p.Network.Between = betweenSessions
	return p, r, nil
}

// betweenSessions is what the same networks differ by, all alike, from one process
// to the next on one machine: memory lies elsewhere, the neighbours are others.
// One calibration cannot see it, so the interval is wider by it on either side.
// It is the root mean square of the median errors of five profiles, each
// validated in a process of its own.
const betweenSessions = 0.012
