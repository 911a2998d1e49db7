package calibrate

import (
	"context"
	"time"

	"nas/blocks"
	"nas/internal/fault"
	"nas/latency"
	"nas/latency/timing"
)

// endToEndRuns is how often each network is run.
const endToEndRuns = 30

// endToEnd times networks end to end until the time or the networks end, and adapts a profile
// to them.
func endToEnd(
	ctx context.Context, timer timing.Timer, d timing.Device, facts timing.Facts,
	next func() (*blocks.Network, bool), o Options,
) (*latency.Profile, error) {
	if o.Base != nil {
		return nil, fault.New("latency: adding to a profile of whole networks is not possible; " +
			"calibrate with a larger budget")
	}
	start := time.Now()
	var ms []latency.Measured
	var ts []timing.Timing
	why := "networks"
	for {
		nets := take(next, timer)
		if len(nets) == 0 {
			break
		}
		for t, err := range timing.TimeEach(ctx, timer, nets, timing.Effort{Runs: endToEndRuns}) {
			if err != nil {
				return nil, err
			}
			ms = append(ms, latency.Measured{Network: nets[0], Ms: t.EndToEnd.MedianMs})
			ts = append(ts, t)
			nets = nets[1:]
		}
		if o.Progress != nil {
			o.Progress(Progress{Phase: "measuring", Elapsed: time.Since(start), Budget: o.Budget, HeldOut: len(ms)})
		}
		if time.Since(start) > time.Duration(float64(o.Budget)*(1-fitShare)) {
			why = "budget"
			break
		}
	}
	// All times at the speed that the machine had in the median of the session.
	now := timer.Baseline()
	for i := range ts {
		if now.ReferenceMs > 0 && ts[i].RefMs > 0 {
			ms[i].Ms *= now.ReferenceMs / ts[i].RefMs
			ts[i].EndToEnd = ts[i].EndToEnd.Scaled(now.ReferenceMs / ts[i].RefMs)
		}
	}
	p, err := latency.Adapt(o.Prior, d, ms)
	if err != nil {
		return nil, err
	}
	for i := range ts {
		p.HeldOut[i].Measured = ts[i].EndToEnd
	}
	p.Facts = facts
	p.Calibration.Stopped, p.Calibration.Baseline = why, now
	p.Calibration.WallS = time.Since(start).Seconds()
	p.Warnings = append(p.Warnings, facts.Warnings(d.Threads)...)
	return p, nil
}

// take draws as many networks as a timer times at once, or those that are left.
func take(next func() (*blocks.Network, bool), timer timing.Timer) []*blocks.Network {
	n := 1
	if b, ok := timer.(timing.BatchTimer); ok {
		n = b.Batch()
	}
	var nets []*blocks.Network
	for len(nets) < n {
		net, ok := next()
		if !ok {
			break
		}
		nets = append(nets, net)
	}
	return nets
}
