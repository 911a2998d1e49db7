package native

import (
	"context"
	"time"

	"nas/latency/timing"
)

// chain computes a chain of dependent operations, each of one cycle, and returns how long it took in nanoseconds. It
// needs one operation a cycle of a core that can do four or more, and no memory. So a busy hardware thread beside
// hardly changes it. The probe, the reference network and all kernels tell the load as well as the clock.
func chain() int64 {
	begin := time.Now()
	x := uint64(begin.Nanosecond()) | 1
	for range chainSteps { // xorshift: Marsaglia, Journal of Statistical Software, 2003
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	ns := time.Since(begin).Nanoseconds()
	if x == 0 {
		panic("the chain was not computed") // a xorshift never comes to 0
	}
	return ns
}

// chainSteps make a chain of some microseconds: six cycles each.
const chainSteps = 2000

// chainsAtOnce is how often the chain is timed beside each run of the reference network.
const chainsAtOnce = 2

// timeChain times the chain. The shortest of all times is the session's: everything but the clock only adds.
func (m *timer) timeChain() {
	for range chainsAtOnce {
		if ns := float64(chain()); ns > 0 && (m.chainNs == 0 || ns < m.chainNs) {
			m.chainNs = ns
		}
	}
}

// clockRatio is how much longer than in the profile's session the clock makes everything take; 0: not known.
func (m *timer) clockRatio() float64 {
	if m.known.ClockNs <= 0 {
		return 0
	}
	return m.chainNs / m.known.ClockNs
}

const (
	chainCycles = 6  // of each step of the chain: a shift and an exclusive or, three times
	chainTries  = 32 // measurements, of which the fastest counts: others may take the core for a moment
	heatSlice   = 900 * time.Millisecond
	coolGap     = 50 * time.Millisecond // a pause of the load that counts
	clockEvery  = 5 * time.Second       // measurements of the clock while networks are timed
)

// clockMHz is the clock of this core now, by the time of the chain.
func clockMHz() float64 {
	best := int64(0)
	for range chainTries {
		if ns := chain(); best == 0 || ns > 0 && ns < best {
			best = ns
		}
	}
	if best <= 0 {
		return 0
	}
	return chainCycles * chainSteps * 1e3 / float64(best)
}

// oven keeps the machine under load.
type oven struct {
	run    func() error // the load, once
	began  time.Time
	loaded time.Time // the end of the last load
	heat   timing.Heat
}

// heatUp begins with the load, and keeps it up for a while.
func (o *oven) heatUp(ctx context.Context, load time.Duration, seen func(timing.Heat)) error {
	o.began = time.Now()
	o.clock()
	for left := load; left > 0; left = load - time.Since(o.began) {
		if err := o.work(ctx, min(heatSlice, left)); err != nil {
			return err
		}
		o.heat.LoadS = time.Since(o.began).Seconds()
		o.clock()
		seen(o.heat)
	}
	return nil
}

// work runs the load for a while.
func (o *oven) work(ctx context.Context, d time.Duration) error {
	for begin := time.Now(); time.Since(begin) < d; {
		if err := timing.Stopped(ctx); err != nil {
			return err
		}
		if err := o.run(); err != nil {
			return err
		}
	}
	o.loaded = time.Now()
	return nil
}

// clock adds the clock of this moment to what is known.
func (o *oven) clock() {
	s := 0.0
	if len(o.heat.Clock) > 0 {
		s = time.Since(o.began).Seconds()
	}
	o.heat.Clock = append(o.heat.Clock, timing.ClockPoint{S: s, MHz: clockMHz()})
}

// keep makes up for the time since the last load.
func (o *oven) keep(ctx context.Context) error {
	if o == nil {
		return nil
	}
	if pause := time.Since(o.loaded); pause > coolGap {
		if err := o.work(ctx, pause); err != nil {
			return err
		}
	}
	if last := o.heat.Clock[len(o.heat.Clock)-1].S; time.Since(o.began).Seconds()-last >= clockEvery.Seconds() {
		o.clock()
	}
	return nil
}

// timed notes that a network was timed, which is load, too.
func (o *oven) timed() {
	if o != nil {
		o.loaded = time.Now()
	}
}
