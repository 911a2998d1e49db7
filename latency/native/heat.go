package native

import (
	"context"
	"time"

	"nas/latency/timing"
)

const (
	chainSteps = 16     // dependent operations of an iteration of chain
	chainRuns  = 20_000 // iterations of a measurement of the clock: about a tenth of a millisecond
	chainTries = 8      // measurements, of which the fastest counts: others may take the core for a moment
	heatSlice  = 900 * time.Millisecond
	coolGap    = 50 * time.Millisecond // a pause of the load that counts
	clockEvery = 5 * time.Second       // measurements of the clock while networks are timed
)

// chain computes a fixed chain of dependent additions and exclusive ors. Each takes one cycle on the processors of
// today, and none can begin before the one before it has ended, whatever else the core could do.
func chain(n int, x, a, b uint64) uint64 {
	for range n {
		x += a
		x ^= b
		x += b
		x ^= a
		x += a
		x ^= b
		x += b
		x ^= a
		x += a
		x ^= b
		x += b
		x ^= a
		x += a
		x ^= b
		x += b
		x ^= a
	}
	return x
}

// chained keeps the results of chain, so that the compiler cannot leave it out.
var chained uint64

// clockMHz is the clock of this core now, by the time of chain.
func clockMHz() float64 {
	best := time.Duration(0)
	for range chainTries {
		begin := time.Now()
		chained += chain(chainRuns, uint64(begin.UnixNano()), 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9)
		if d := time.Since(begin); best == 0 || d < best && d > 0 {
			best = d
		}
	}
	if best <= 0 {
		return 0
	}
	return chainSteps * chainRuns * 1e3 / float64(best.Nanoseconds())
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
