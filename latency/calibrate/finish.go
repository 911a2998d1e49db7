package calibrate

import (
	"fmt"
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
