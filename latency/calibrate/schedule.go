package calibrate

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency"
	"nas/latency/timing"
)

const (
	poolSize     = 160 // networks to choose from
	maxHeldOut   = 140 // enough for the quantile of the interval
	holdOutGap   = 30  // other networks between two measurements of a held-out one
	timeShare    = 100 // a network is timed for at most this part of the budget, or for three runs
	maxPending   = 4   // networks timed while the machine was slow, before the first is timed again
	inTurn       = 4   // every fourth network whose units are timed is the one that was drawn first
	maxAttempts  = 3   // measurements of one network while the machine is slow
	firstFit     = 250 // units timed before the first fit; later fits at three times as many each
	minForTarget = 30  // held-out networks that TargetError is compared on
)

// candidate is a network that may be measured.
type candidate struct {
	net      *blocks.Network
	calls    []engine.Call
	attempts int           // measurements so far
	timing   timing.Timing // all of them combined
}

// unitRecord is what one network showed of one unit.
type unitRecord struct {
	ms, spread float64
	timing.Conditions
}

// calibration is the state of one call of Device.
type calibration struct {
	dev   timing.Device
	timer timing.UnitTimer
	opts  Options
	start time.Time

	next  func() (*blocks.Network, bool)
	drawn int // number of networks taken from next
	ended bool

	pool        []candidate // networks whose units may be timed
	picked      int         // number of networks taken from pool
	pending     []candidate // networks whose units were timed while the machine was slow: to be timed again
	held        []candidate // networks to be measured end to end
	heldPending []candidate // those to be measured once more
	heldOut     []candidate // those that have been measured

	freq   map[engine.Unit]float64          // number of calls of a unit in all networks of the pool
	units  map[engine.Unit][]unitRecord     // what was measured
	base   map[engine.Unit]latency.UnitTime // of Options.Base
	prior  *latency.Predictor               // predicts units from what is known so far
	fitted bool                             // prior was fitted to measurements
	hypers map[string]*stat.ResidualKernel  // of the kinds at the last fit
	fit    fitTime                          // of the last fit
	error  float64                          // at the last fit

	networks     int // number of networks whose units were timed
	measurements int // number of measurements of any network
	slow         int // ... while the machine was slow
	runs         int
	interrupted  int // number of runs
}

// fill draws networks until the pool is full or the iterator ends.
func (c *calibration) fill() error {
	size := min(poolSize, 12+int(4*c.opts.Budget.Seconds()))
	for len(c.pool) < size && !c.ended {
		if err := c.draw(); err != nil {
			return err
		}
		if g, ok := c.timer.(timing.Collector); ok {
			g.CollectGarbage()
		}
	}
	return nil
}

// draw takes one network from the iterator and holds every third out.
func (c *calibration) draw() error {
	n, ok := c.next()
	if !ok {
		c.ended = true
		return nil
	}
	calls, err := c.dev.Calls(n)
	if err != nil {
		return err
	}
	c.drawn++
	if c.drawn%3 == 0 {
		c.held = append(c.held, candidate{net: n, calls: calls})
		return nil
	}
	c.pool = append(c.pool, candidate{net: n, calls: calls})
	for i := range calls {
		c.freq[calls[i].Unit]++
	}
	return nil
}

// measure alternates between networks whose units are timed and held-out ones, so that both
// see the same states of the machine. It returns why it ended.
func (c *calibration) measure(ctx context.Context) (why string, err error) {
	if err := c.fill(); err != nil {
		return "", err
	}
	if len(c.pool)+len(c.held) == 0 {
		return "", fault.New("latency: no networks to calibrate with")
	}
	reserve := time.Duration(float64(c.opts.Budget) * fitShare)
	nextFit := firstFit
	for step := 0; ; step++ {
		if err := timing.Stopped(ctx); err != nil {
			return "interrupted", err
		}
		both := c.networks+len(c.pending) > 0 && len(c.heldOut)+len(c.heldPending) > 0
		if left := c.opts.Budget - time.Since(c.start); both && left < max(reserve, c.fit.at(len(c.units))) {
			return "budget", nil
		}
		if more, err := c.step(ctx, step); err != nil {
			return "interrupted", err
		} else if !more {
			return "networks", nil
		}
		c.report("measuring")
		full := len(c.units) >= c.opts.MaxUnits
		switch {
		case !full && len(c.units) >= nextFit:
			nextFit *= 3
			err = c.refit(true)
		case full && c.opts.TargetError > 0 && len(c.heldOut)%20 == 19:
			err = c.refit(false)
		default:
			continue
		}
		if err != nil {
			return "", err
		}
		if c.opts.TargetError > 0 && len(c.heldOut) >= minForTarget && c.error <= c.opts.TargetError {
			return "target error", nil
		}
	}
}

// step measures one network. It reports false if there is none left.
func (c *calibration) step(ctx context.Context, k int) (more bool, err error) {
	for len(c.held)+len(c.heldPending) == 0 && !c.ended {
		if err := c.draw(); err != nil {
			return false, err
		}
	}
	full := len(c.units) >= c.opts.MaxUnits
	hold := len(c.held)+len(c.heldPending) > 0 && len(c.heldOut) < maxHeldOut
	train := len(c.pool)+len(c.pending) > 0
	switch {
	case !hold && !train:
		return false, nil
	case hold && (!train || k%2 == 1 || full && k%4 != 0):
		return true, c.holdOut(ctx)
	}
	return true, c.timeUnits(ctx, full)
}

// report tells the caller about the progress.
func (c *calibration) report(phase string) {
	if c.opts.Progress != nil {
		begin := time.Now()
		c.opts.Progress(Progress{
			Phase: phase, Elapsed: time.Since(c.start), Budget: c.opts.Budget, Networks: c.networks,
			HeldOut: len(c.heldOut), Units: len(c.units), MaxUnits: c.opts.MaxUnits, Error: c.error,
		})
		c.start = c.start.Add(time.Since(begin))
	}
}

// timeFunc is Timer.Time or UnitTimer.TimeUnits.
type timeFunc func(context.Context, *blocks.Network, timing.Effort) (timing.Timing, error)

// measureOnce measures a network and adds that to what is known of it. It reports true if the network
// should be measured again later, since the machine was slow, and bursts of other work last
// for seconds.
func (c *calibration) measureOnce(
	ctx context.Context, n *candidate, e timing.Effort, by timeFunc,
) (again bool, err error) {
	e.MaxTime = c.opts.Budget / timeShare
	t, err := by(ctx, n.net, e)
	if err != nil {
		return false, err
	}
	c.runs += t.Runs
	c.interrupted += t.Interrupted
	c.measurements++
	slow := t.Incomplete()
	if slow {
		c.slow++
	}
	if n.attempts > 0 {
		t = timing.Combine(n.timing, t)
	}
	n.attempts++
	n.timing = t
	// On a machine that is always slow, more networks help more than more measurements of each.
	again = slow && (c.measurements < 20 || 2*c.slow < c.measurements) || c.outlier(n)
	return again && n.attempts < maxAttempts, nil
}

// outlierFactor is how much longer than the sum of its units, as a factor, an undisturbed
// network takes at most. One that took longer was disturbed in a way that the reference did
// not show.
const outlierFactor = 1.1

// outlier reports whether a network took implausibly long. Before the first fit none did.
func (c *calibration) outlier(n *candidate) bool {
	if !c.fitted {
		return false
	}
	sum := 0.0
	for i := range n.calls {
		ms, _ := c.prior.Unit(&n.calls[i].Unit)
		sum += ms
	}
	return n.timing.EndToEnd.MedianMs > outlierFactor*sum
}

// holdOut measures a held-out network end to end, as Validate does: twice, with other networks
// in between.
func (c *calibration) holdOut(ctx context.Context) error {
	var h candidate
	if len(c.heldPending) >= holdOutGap || len(c.held) == 0 {
		h, c.heldPending = c.heldPending[0], c.heldPending[1:]
	} else {
		h, c.held = c.held[0], c.held[1:]
	}
	again, err := c.measureOnce(ctx, &h, timing.DefaultEffort(), c.timer.Time)
	if err != nil {
		return err
	}
	if again || h.attempts < 2 {
		c.heldPending = append(c.heldPending, h)
		return nil
	}
	c.heldOut = append(c.heldOut, h)
	return nil
}

// timeUnits times the units of the network that promises most. If the table is full, only
// units in it count.
func (c *calibration) timeUnits(ctx context.Context, full bool) error {
	var n candidate
	if len(c.pending) >= maxPending || len(c.pool) == 0 {
		n, c.pending = c.pending[0], c.pending[1:]
	} else {
		i := 0 // so that the networks drawn first are timed for certain, one by one
		if c.picked++; c.picked%inTurn != 0 || full {
			i = c.choose(full)
		}
		n = c.pool[i]
		c.pool = slices.Delete(c.pool, i, i+1)
		if !c.ended {
			if err := c.fill(); err != nil {
				return err
			}
		}
	}
	again, err := c.measureOnce(ctx, &n, timing.Effort{Runs: 12}, c.timer.TimeUnits)
	if err != nil {
		return err
	}
	if again {
		c.pending = append(c.pending, n)
		return nil
	}
	return c.record(&n)
}

// keepPending takes the networks that were to be measured once more as they are.
func (c *calibration) keepPending() error {
	var err error
	for i := range c.pending {
		err = errors.Join(err, c.record(&c.pending[i]))
	}
	c.heldOut = append(c.heldOut, c.heldPending...)
	return err
}

// record records what a network showed of its units: the mean over the calls of each.
func (c *calibration) record(n *candidate) error {
	c.networks++
	calls, t := n.calls, &n.timing
	if len(t.CallMs) != len(calls) || len(t.CallSpread) != len(calls) {
		return fault.Errorf("latency: %s timed %d calls of a network that has %d", c.dev.Name, len(t.CallMs), len(calls))
	}
	sums := map[engine.Unit]*unitRecord{}
	count := map[engine.Unit]float64{}
	for i := range calls {
		u := calls[i].Unit
		if sums[u] == nil {
			sums[u] = &unitRecord{Conditions: t.Conditions}
		}
		sums[u].ms += t.CallMs[i]
		sums[u].spread += t.CallSpread[i]
		count[u]++
	}
	// In the order of the calls: which units still fit into the table must not depend on the
	// order of a map.
	for i := range calls {
		u := calls[i].Unit
		r := sums[u]
		if r == nil {
			continue
		}
		delete(sums, u)
		if _, ok := c.units[u]; !ok && len(c.units) >= c.opts.MaxUnits {
			continue
		}
		r.ms /= count[u]
		r.spread /= count[u]
		c.units[u] = append(c.units[u], *r)
	}
	return nil
}

// choose returns the index of the network of the pool with the largest gain for its price. The
// gain of a unit is the standard deviation of its time, times the root of its number of calls
// in the pool; of a unit that was timed k times it is 4 % of its time over k. The price is the
// time that the network takes.
func (c *calibration) choose(full bool) int {
	best, bestScore := 0, math.Inf(-1)
	for i := range c.pool {
		gain, price := 0.0, 0.5 // ms to bind the network
		seen := make(map[engine.Unit]bool, len(c.pool[i].calls))
		for k := range c.pool[i].calls {
			u := &c.pool[i].calls[k].Unit
			ms, sd := c.prior.Unit(u)
			price += ms
			if seen[*u] {
				continue
			}
			seen[*u] = true
			n := len(c.units[*u])
			if n == 0 && full {
				continue
			}
			if n > 0 {
				sd = 0.04 / float64(n)
			}
			gain += ms * sd * math.Sqrt(c.freq[*u])
		}
		if s := gain / price; s > bestScore {
			best, bestScore = i, s
		}
	}
	return best
}
