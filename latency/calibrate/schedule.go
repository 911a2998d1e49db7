package calibrate

import (
	"context"
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/latency/timing"
)

// timeFunc is Timer.Time or UnitTimer.TimeUnits.
type timeFunc func(context.Context, *blocks.Network, timing.Effort) (timing.Timing, error)

// time times a network and tells whether it has to be measured again, later: the
// machine was slow, and a neighbour's bursts last for seconds.
func (c *calibration) time(ctx context.Context, n *candidate, e timing.Effort, by timeFunc) (t timing.Timing, again bool, err error) {
	e.MaxTime = c.opts.Budget / visitShare
	t, err = by(ctx, n.net, e)
	if err != nil {
		return t, false, err
	}
	c.runs += t.Runs
	c.broken += t.Interrupted
	slow := t.Incomplete()
	if slow {
		c.slow++
	}
	if n.tried > 0 {
		t = timing.Combine(n.before, t)
	}
	n.tried++
	n.before = t
	// Where the machine is always slow, more networks tell more than more visits.
	c.visits++
	again = slow && (c.visits < 20 || 2*c.slow < c.visits) || c.surprising(n.calls, t.EndToEnd.MedianMs)
	return t, again && n.tried < maxVisits, nil
}

// surprise is how much longer than its units' sum a network takes at most, as a
// factor: more was a neighbour that the reference kernel did not meet.
const surprise = 1.1

func (c *calibration) surprising(calls []engine.Call, ms float64) bool {
	if !c.fitted {
		return false
	}
	sum := 0.0
	for i := range calls {
		unitMs, _ := c.prior.Unit(&calls[i].Unit)
		sum += unitMs
	}
	return ms > surprise*sum
}

// holdOut measures a held-out network as Validate does: in two visits with other
// networks in between.
func (c *calibration) holdOut(ctx context.Context) error {
	var h candidate
	if len(c.second) >= between || len(c.held) == 0 {
		h, c.second = c.second[0], c.second[1:]
	} else {
		h, c.held = c.held[0], c.held[1:]
	}
	t, again, err := c.time(ctx, &h, timing.DefaultEffort(), c.timer.Time)
	if err != nil {
		return err
	}
	if again || h.tried < 2 {
		c.second = append(c.second, h)
		return nil
	}
	c.whole = append(c.whole, wholeRecord{h, t})
	return nil
}

// learn times the calls of the network that promises most. full: the table is
// full, only units in it are timed again.
func (c *calibration) learn(ctx context.Context, full bool) error {
	var n candidate
	if len(c.later) >= waiting || len(c.pool) == 0 {
		n, c.later = c.later[0], c.later[1:]
	} else {
		i := 0 // what was drawn first is timed for certain, one by one
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
	t, again, err := c.time(ctx, &n, timing.Effort{Runs: 12}, c.timer.TimeUnits)
	if err != nil {
		return err
	}
	if again {
		c.later = append(c.later, n)
		return nil
	}
	return c.keep(n.calls, t)
}

// keep takes what a network told about its units.
func (c *calibration) keep(calls []engine.Call, t timing.Timing) error {
	c.nets++
	if len(t.CallMs) != len(calls) || len(t.CallSpread) != len(calls) {
		return fault.Errorf("latency: %s timed %d calls of a network that has %d", c.dev.Name, len(t.CallMs), len(calls))
	}
	by := map[engine.Unit]*unitRecord{}
	count := map[engine.Unit]float64{}
	for i := range calls {
		u := calls[i].Unit
		if by[u] == nil {
			by[u] = &unitRecord{Conditions: t.Conditions}
		}
		by[u].ms += t.CallMs[i]
		by[u].spread += t.CallSpread[i]
		count[u]++
	}
	// In the order of the calls: which units still find room must not depend on
	// the order of a map.
	for i := range calls {
		u := calls[i].Unit
		r := by[u]
		if r == nil {
			continue
		}
		delete(by, u)
		if _, ok := c.units[u]; !ok && len(c.units) >= c.opts.MaxUnits {
			continue
		}
		r.ms /= count[u]
		r.spread /= count[u]
		c.units[u] = append(c.units[u], *r)
	}
	return nil
}

// choose returns the candidate with the largest gain for its price. The gain of
// a unit is the time that is uncertain in it, in all networks of the pool; of
// a unit already timed k times it is a share of that which falls with k.
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
