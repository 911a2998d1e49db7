package calibrate

import (
	"context"
	"errors"
	"time"

	"nas/blocks"
	"nas/internal/fault"
	"nas/internal/plural"
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
	ms, ts, why, err := timeWhole(ctx, timer, d, next, o, start)
	if err != nil {
		return nil, err
	}
	// All times at the speed that the machine had in the median of the session.
	now := timer.Baseline()
	for i := range ts {
		if now.ReferenceMs > 0 && ts[i].RefMs > 0 {
			ms[i].Runs = ms[i].Runs.Scaled(now.ReferenceMs / ts[i].RefMs)
			ms[i].Ms = ms[i].Runs.MedianMs
		}
	}
	if o.Progress != nil {
		o.Progress(Progress{Phase: "fitting", Elapsed: time.Since(start), Budget: o.Budget, HeldOut: len(ms)})
	}
	p, err := latency.Adapt(o.Prior, d, ms)
	if err == nil {
		err = p.Unrelated()
	}
	if err != nil {
		return nil, err
	}
	p.Facts = facts
	p.Calibration.Stopped, p.Calibration.Baseline = why, now
	p.Calibration.WallS = time.Since(start).Seconds()
	p.Warnings = append(p.Warnings, facts.Warnings(d.Threads)...)
	return p, nil
}

// errBudget is the cause of the end of what is measured when the budget ends.
var errBudget = errors.New("the budget is spent")

// firstBatch is the most networks of the first start, which shows how long one takes.
const firstBatch = 2

// firstTrial is the number of networks at which the first fit is tried for its time.
const firstTrial = 60

// timeWhole times networks end to end until the networks end, or as much of the budget is left as the
// fit takes. What a command is doing then is stopped, and the networks of its start are lost.
func timeWhole(
	ctx context.Context, timer timing.Timer, d timing.Device, next func() (*blocks.Network, bool), o Options,
	start time.Time,
) (ms []latency.Measured, ts []timing.Timing, why string, err error) {
	reserve := time.Duration(float64(o.Budget) * fitShare)
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := func() time.Duration { return time.Until(start.Add(o.Budget - reserve/4)) }
	alarm := time.AfterFunc(end(), func() { cancel(errBudget) })
	defer alarm.Stop()
	var fit fitTime
	for most := firstBatch; ; {
		nets := take(next, timer, most)
		if len(nets) == 0 {
			return ms, ts, "networks", nil
		}
		for t, err := range timing.TimeEach(limited, timer, nets, timing.Effort{Runs: endToEndRuns}) {
			switch {
			case err == nil:
			case !errors.Is(err, errBudget) || ctx.Err() != nil:
				return nil, nil, "", err
			case len(ms) > 0:
				return ms, ts, "budget", nil
			default:
				return nil, nil, "", fault.Errorf("latency: the budget of %v ended before the first times of %s: "+
					"give a longer one, or let the recipe take fewer at once (batch)", o.Budget, plural.Of(len(nets), "network"))
			}
			ms = append(ms, latency.Measured{Network: nets[0], Ms: t.EndToEnd.MedianMs, Runs: t.EndToEnd})
			ts = append(ts, t)
			nets = nets[1:]
		}
		if o.Progress != nil {
			alarm.Stop()
			begin := time.Now()
			o.Progress(Progress{Phase: "measuring", Elapsed: begin.Sub(start), Budget: o.Budget, HeldOut: len(ms)})
			start = start.Add(time.Since(begin))
			alarm.Reset(end())
		}
		left := o.Budget - time.Since(start)
		most = max(1, int(float64(left)/2/float64(time.Since(start))*float64(len(ms)))) // half of the time that is left
		if left < max(reserve, fit.at(len(ms))) {
			return ms, ts, "budget", nil
		}
		if len(ms) < max(firstTrial, 2*fit.n) {
			continue
		}
		if fit.n > 0 && left < 3*fit.at(len(ms)) { // a trial would spend what the fit needs
			return ms, ts, "budget", nil
		}
		began := time.Now()
		if _, err := latency.Adapt(o.Prior, d, ms); err != nil {
			return nil, nil, "", err
		}
		fit = fitTime{len(ms), time.Since(began)}
	}
}

// fitTime is how long a fit to n measurements took.
type fitTime struct {
	n    int
	took time.Duration
}

// at is how long a fit to n measurements will take: with the square of their number, and a quarter more.
func (f fitTime) at(n int) time.Duration {
	if f.n == 0 {
		return 0
	}
	r := float64(n) / float64(f.n)
	return time.Duration(1.25 * r * r * float64(f.took))
}

// take draws as many networks as a timer times at once, at most most, or those that are left.
func take(next func() (*blocks.Network, bool), timer timing.Timer, most int) []*blocks.Network {
	n := 1
	if b, ok := timer.(timing.BatchTimer); ok {
		n = min(b.Batch(), most)
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
