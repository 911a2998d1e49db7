package profiles

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/buildinfo"
	"nas/internal/plural"
	"nas/internal/random"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/timing"
)

// check holds a profile against its device, as it is now: it measures networks of the space for a moment each. The key
// of a profile holds what a device is, not what its clock, its neighbours and this program's kernels do today.
type check struct {
	*ownDevice
	profile *latency.Profile
	timer   timing.Timer
	nets    []*blocks.Network // by predicted latency
	busy    string            // why the measurements decide nothing, "" if they do
}

// checked is the number of networks that are measured at once, of drawn ones. They are spread over the latencies of
// the space. Where the first ones leave doubt, as many others follow.
const (
	checked = 8
	drawn   = 48
)

// openCheck begins a check. Close ends it.
func (o *ownDevice) openCheck(ctx context.Context, rt timing.Runtime, p *latency.Profile) (*check, error) {
	predictor, err := p.Predictor()
	if err != nil {
		return nil, err
	}
	type candidate struct {
		net *blocks.Network
		ms  float64
	}
	var all []candidate
	seen := map[float64]bool{} // a small space gives the same networks again
	r := random.Stream(o.config.Accuracy.Seed, "stale")
	for i := range drawn {
		net := calibrationSample(o.space, i, r)
		if net == nil {
			continue
		}
		e, err := predictor.Predict(net)
		if err != nil {
			return nil, err
		}
		if !seen[e.LatencyMs] {
			seen[e.LatencyMs] = true
			all = append(all, candidate{net, e.LatencyMs})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.ms, b.ms) })
	c := &check{ownDevice: o, profile: p}
	n := min(2*checked, len(all))
	for i := range n {
		c.nets = append(c.nets, all[i*(len(all)-1)/max(1, n-1)].net)
	}
	known := p.Calibration.Baseline
	if p.Facts.Program != buildinfo.Version() {
		known.ClockNs = 0 // which tells what the probe takes only where both are the same code
	}
	c.timer, err = rt.Open(ctx, known)
	return c, err
}

// Close ends the measurements.
func (c *check) Close() { c.timer.Close() }

// measure measures every second network, beginning with one of them. Where the machine was too busy, busy says so.
func (c *check) measure(ctx context.Context, step string, first int) (
	nets []*blocks.Network, ts []timing.Timing, x latency.Checked, err error,
) {
	for i := first; i < len(c.nets); i += 2 {
		nets = append(nets, c.nets[i])
	}
	report := func() {
		c.Report(work.Progress{Step: step, Done: len(ts), Total: len(nets), Ended: len(ts) == len(nets)})
		c.Gate.Wait(ctx)
	}
	report()
	effort := timing.Effort{Runs: 15, MaxRuns: 500, Until: timing.MedianPrecision, Budget: 100 * time.Millisecond}
	for t, err := range timing.TimeEach(ctx, c.timer, nets, effort) {
		if err != nil {
			return nil, nil, x, err
		}
		ts = append(ts, t)
		report()
	}
	if len(ts) > 0 {
		x, err = c.profile.Check(nets, ts)
	}
	c.busy = x.Busy
	return nets, ts, x, err
}

// staleLimit is by how many per cent a cached profile may be off in the median before it is thrown away: beyond what
// a busy machine does to a median of undisturbed runs.
const staleLimit = 12

// cached decides whether the cached profile holds, may follow the device, or is to be made anew, and says so. The
// profile follows if its predictions then hold for networks that it did not follow.
func (c *check) cached(ctx context.Context) (keep bool, err error) {
	nets, ts, first, err := c.measure(ctx, "check the profile", 0)
	if err != nil || first.Busy != "" || len(ts) == 0 {
		return true, err
	}
	before := c.profile.Network
	followed, err := c.profile.Follow(nets, ts)
	if err != nil || followed == "" && first.OffPct <= staleLimit {
		return true, err
	}
	_, _, second, err := c.measure(ctx, "check it again", 1)
	switch {
	case err != nil:
		return false, err
	case second.Busy != "": // by now: the first ones may have been disturbed as well
		c.profile.Network = before
		return true, nil
	case first.OffPct <= staleLimit && 4*second.Outside <= len(second.Points):
		c.Sayf("this hour differs from that of the profile, whose predictions are %s off: they follow %s measured "+
			"now, and %d of %d others lie in their intervals; nas calibrate makes a new profile", followed,
			plural.Of(len(ts), "network"), len(second.Points)-second.Outside, len(second.Points))
		return true, nil
	}
	c.profile.Network = before
	c.Sayf("the cached profile is %.0f %% off by now, and %d of %s measured now lie outside of their intervals (%s): "+
		"calibrating anew", first.OffPct, first.Outside, plural.Of(len(ts), "network"), c.cause())
	return false, nil
}

// named returns in which latencies the intervals of a named profile fail beyond doubt, "" if they do not. A named
// profile follows nothing: the same file always predicts the same.
func (c *check) named(ctx context.Context) (refuted string, err error) {
	_, _, first, err := c.measure(ctx, "check the profile", 0)
	if err != nil || first.Busy != "" || 4*first.Outside <= len(first.Points) {
		return "", err
	}
	_, _, second, err := c.measure(ctx, "check it again", 1)
	if err != nil || second.Busy != "" {
		return "", err
	}
	return latency.Refuted(append(first.Points, second.Points...)), nil
}

// cause says why a profile does not hold, as far as it can be told.
func (c *check) cause() string {
	was, is := c.profile.Calibration.ClockNs, c.timer.Baseline().ClockNs
	known := was > 0 && is > 0
	switch {
	case known && math.Abs(math.Log(is/was)) > clockTolerance:
		word := "slower"
		if is < was {
			word = "faster"
		}
		return fmt.Sprintf("the clock is %.0f %% %s than at its calibration", 100*math.Abs(was/is-1), word)
	case c.profile.Facts.Program != buildinfo.Version():
		return "another build of this program made it"
	case known:
		return "clock and program are the same: its calibration was disturbed, or something else slows this core down now"
	}
	return "another build of this program, or another clock"
}

// clockTolerance is the difference of two clocks, in the logarithm, that is none.
const clockTolerance = 0.03

// sayBusy says that a profile could not be checked, where that is so.
func (c *check) sayBusy() {
	if c.busy == "" {
		return
	}
	why := c.busy
	if was, is := c.profile.Calibration.ClockNs, c.timer.Baseline().ClockNs; was > 0 && is > 0 &&
		math.Abs(math.Log(is/was)) > clockTolerance {
		why += "; " + c.cause()
	}
	c.Sayf("the machine is too busy to check the profile, which is taken as it is (%s): nas doctor says when it is quiet",
		why)
}
