package latency

import (
	"fmt"
	"time"

	"nas/internal/stat"
	"nas/latency/timing"
)

// finish makes the profile.
func (c *calibration) finish(why string, base timing.Baseline, slowPct float64, facts timing.Facts, warnings []string) (*Profile, error) {
	c.report("fitting")
	t0 := time.Now()
	c.hypers = map[string]*stat.ResidualKernel{}
	p, _, err := c.model(base.ReferenceMs)
	if err != nil {
		return nil, err
	}
	p.Facts = facts
	p.Created = time.Now().UTC().Truncate(time.Second)
	p.Calibration = Calibration{
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

// Busy returns why the profile should not be trusted, or "": other programs took
// a large part of the machine while it was calibrated, and the held-out networks
// show it, or are too few to show anything.
func (p *Profile) Busy() string {
	c := &p.Calibration
	v := p.Validation
	if c.InterruptPct <= 25 && c.SlowPct <= 50 || v == nil && c.WallS < 20 {
		return "" // a moment's calibration says itself that it is rough
	}
	shown := "too few networks could be measured to judge the model"
	if v != nil {
		if v.MAPEPct <= busyError {
			return ""
		}
		shown = fmt.Sprintf("the model errs by %.1f %% on networks that it has not seen", v.MAPEPct)
	}
	return fmt.Sprintf("other programs interrupted %.0f %% of the runs, the reference kernel was slowed down in %.0f %% of its, and %s", c.InterruptPct, c.SlowPct, shown)
}

// busyError is the error in per cent beyond which a calibration on a busy machine
// is not to be trusted: about twice that on a quiet one.
const busyError = 4
