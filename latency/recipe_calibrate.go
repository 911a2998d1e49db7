package latency

import (
	"context"
	"errors"
	"iter"
	"time"

	"nas/blocks"
)

// recipeRuns is how often a network is to be run by a command.
const recipeRuns = 30

// calibrateRecipe times whole networks through a recipe until the time or the
// networks end, and fits costs to them.
func calibrateRecipe(ctx context.Context, r *Recipe, networks iter.Seq[*blocks.Network], o Options) (*Profile, error) {
	start := time.Now()
	d := r.Device()
	var base *Profile
	if o.Base != nil {
		return nil, errors.New("latency: adding to a profile of whole networks is not possible; calibrate with a larger budget")
	}
	if base = o.Prior; base == nil {
		base = genericProfile(d)
	}
	facts := r.Facts()
	timer, err := r.Open(ctx, Baseline{})
	if err != nil {
		return nil, err
	}
	defer timer.Close()
	var ms []Measured
	var samples []Sample
	var pace []float64 // the reference networks' time at each
	why := "networks"
	next, stop := pull(networks)
	defer stop()
	for {
		var nets []*blocks.Network
		for len(nets) < r.spec.Batch {
			n, ok := next()
			if !ok {
				break
			}
			nets = append(nets, n)
		}
		if len(nets) == 0 {
			break
		}
		ts, err := timer.(*recipeTimer).timeAll(ctx, nets, Effort{Runs: recipeRuns})
		if err != nil {
			return nil, err
		}
		for i, n := range nets {
			ms = append(ms, Measured{n, ts[i].Whole.MedianMs})
			samples = append(samples, ts[i].Whole)
			pace = append(pace, ts[i].RefMs)
		}
		if o.Progress != nil {
			o.Progress(Progress{Phase: "measuring", Elapsed: time.Since(start), Budget: o.Budget, HeldOut: len(ms)})
		}
		if time.Since(start) > time.Duration(float64(o.Budget)*(1-fitShare)) {
			why = "budget"
			break
		}
	}
	now := timer.Baseline()
	for i := range ms {
		if ref := now.ReferenceMs; ref > 0 {
			ms[i].Ms *= ref / pace[i]
			samples[i] = samples[i].scaled(ref / pace[i])
		}
	}
	p, err := Adapt(base, d, ms)
	if err != nil {
		return nil, err
	}
	for i := range samples {
		p.HeldOut[i].Measured = samples[i]
	}
	p.Facts = facts
	p.Calibration.Stopped, p.Calibration.Baseline = why, now
	p.Calibration.WallS = time.Since(start).Seconds()
	p.Warnings = append(p.Warnings, facts.warnings(d.Threads)...)
	return p, nil
}
