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
	"nas/internal/stat"
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
	batches int               // of networks, each spread over the latencies
	done    int               // batches that were measured
	busy    string            // why the measurements decide nothing, "" if they do
}

// batch is the number of networks that are measured at once: where they leave doubt, another batch follows, up to most
// networks of those drawn.
const (
	batch = 12
	most  = 4 * batch
	drawn = 2 * most
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
	n := min(most, len(all))
	c.batches = (n + batch - 1) / batch
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

// findings are what some networks say of a profile.
type findings struct {
	nets    []*blocks.Network // by predicted latency
	ts      []timing.Timing
	points  []latency.Point
	held    bool   // the intervals hold
	refuted string // where they do not, beyond doubt; "" for nowhere
}

// judge measures batch after batch until the intervals hold, or fail beyond doubt, or until no network is left. Where
// the machine was too busy, busy says so.
func (c *check) judge(ctx context.Context, step string) (f findings, err error) {
	var measured []int // of nets
	timed := make([]timing.Timing, len(c.nets))
	for c.done < c.batches && !f.held && f.refuted == "" && c.busy == "" {
		var which []int
		var nets []*blocks.Network
		for i := c.done; i < len(c.nets); i += c.batches {
			which, nets = append(which, i), append(nets, c.nets[i])
		}
		c.done++
		ts, err := c.measure(ctx, step, nets)
		if err != nil {
			return f, err
		}
		x, err := c.profile.Check(nets, ts)
		if err != nil {
			return f, err
		}
		for k, i := range which {
			timed[i] = ts[k]
		}
		c.busy, step = x.Busy, "check it again"
		measured, f.points = append(measured, which...), append(f.points, x.Points...)
		f.held, f.refuted = latency.Judge(f.points)
	}
	slices.Sort(measured)
	for _, i := range measured {
		f.nets, f.ts = append(f.nets, c.nets[i]), append(f.ts, timed[i])
	}
	return f, nil
}

// measure times networks.
func (c *check) measure(ctx context.Context, step string, nets []*blocks.Network) (ts []timing.Timing, err error) {
	report := func() {
		c.Report(work.Progress{Step: step, Done: len(ts), Total: len(nets), Ended: len(ts) == len(nets)})
		c.Gate.Wait(ctx)
	}
	report()
	effort := timing.Effort{Runs: 15, MaxRuns: 500, Until: timing.MedianPrecision, Budget: 100 * time.Millisecond}
	for t, err := range timing.TimeEach(ctx, c.timer, nets, effort) {
		if err != nil {
			return nil, err
		}
		ts = append(ts, t)
		report()
	}
	return ts, nil
}

// offPct is the median of |predicted/measured - 1|, in per cent.
func (f *findings) offPct() float64 {
	off := make([]float64, len(f.points))
	for i, p := range f.points {
		off[i] = 100 * math.Abs(p.PredictedMs/p.MeasuredMs-1)
	}
	return stat.Median(off)
}

// inside is the number of networks in their intervals.
func (f *findings) inside() (n int) {
	for i := range f.points {
		if f.points[i].Inside() {
			n++
		}
	}
	return n
}

// staleLimit is by how many per cent a cached profile may be off in the median before it is thrown away: beyond what
// a busy machine does to a median of undisturbed runs.
const staleLimit = 12

// cached decides whether the cached profile holds, may follow the device, or is to be made anew, and says so. The
// profile follows if its predictions then hold for networks that it did not follow.
func (c *check) cached(ctx context.Context) (keep bool, err error) {
	first, err := c.judge(ctx, "check the profile")
	near := first.offPct() <= staleLimit
	if err != nil || c.busy != "" || len(first.points) == 0 || first.held && near {
		return true, err
	}
	before := c.profile.Network
	followed := ""
	if near && c.done < c.batches {
		if followed, err = c.profile.Follow(first.nets, first.ts); err != nil {
			return true, err
		}
	}
	if followed != "" {
		second, err := c.judge(ctx, "check it again")
		switch {
		case err != nil:
			return false, err
		case c.busy != "": // by now: the first ones may have been disturbed as well
			c.profile.Network = before
			return true, nil
		case second.held:
			c.Sayf("this hour differs from that of the profile, whose predictions are %s off: they follow %s measured "+
				"now, and %d of %d others lie in their intervals; nas calibrate makes a new profile", followed,
				plural.Of(len(first.ts), "network"), second.inside(), len(second.points))
			return true, nil
		}
	}
	c.profile.Network = before
	c.Sayf("the cached profile is %.0f %% off by now, and %d of %s measured now lie outside of their intervals (%s): "+
		"calibrating anew", first.offPct(), len(first.points)-first.inside(), plural.Of(len(first.points), "network"),
		c.cause())
	return false, nil
}

// named returns in which latencies the intervals of a named profile fail beyond doubt, "" if they do not. A named
// profile follows nothing: the same file always predicts the same.
func (c *check) named(ctx context.Context) (refuted string, err error) {
	f, err := c.judge(ctx, "check the profile")
	if c.busy != "" {
		return "", err
	}
	return f.refuted, err
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
