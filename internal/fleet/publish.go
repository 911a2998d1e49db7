package fleet

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"nas/internal/fault"
)

// publisher keeps the queue filled until ctx is done.
func (d *Dispatcher) publisher(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Second)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			d.mu.Lock()
			slots := d.slots()
			made := d.schedule.bundles(slots, max(256, 4*slots))
			d.mu.Unlock()
			if !d.publish(made, n) {
				d.pause(ctx)
			}
		case <-ticker.C:
			d.reconcile(ctx, n)
		case <-d.repair:
			d.reconcile(ctx, n)
		}
	}
}

// pause lets a service that is gone come back, and then looks what it has lost.
func (d *Dispatcher) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
	signal(d.repair)
}

// slots is how many tasks the workers that are here do at once. It is counted anew where a worker comes or goes, and
// from time to time, for those that fell silent: not with each outcome. The caller holds mu.
func (d *Dispatcher) slots() int {
	if time.Since(d.counted) < beatEvery {
		return d.present
	}
	d.present, d.counted = 0, time.Now()
	for name, w := range d.workers {
		if w.here() {
			d.present += w.Slots
		} else if time.Since(w.at) > forgetAfter {
			delete(d.workers, name)
		}
	}
	return d.present
}

// forgetAfter is how long a worker that is gone is shown.
const forgetAfter = 6 * time.Hour

// beatInterval is how often workers should say how they stand.
func (d *Dispatcher) beatInterval() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return min(max(beatEvery, time.Duration(len(d.workers))*time.Second/beatsPerSecond), maxBeat)
}

// publish queues bundles. It reports whether all of them are in the queue. n tells this attempt from others.
func (d *Dispatcher) publish(list []*bundle, n int) (all bool) {
	parcels := make([]parcel, 0, len(list))
	for _, b := range list {
		d.mu.Lock()
		empty := b.left == 0
		data := encode(bundleMessage{b.token, d.schedule.live(b)})
		d.mu.Unlock()
		if empty {
			continue // done meanwhile
		}
		// The id is for a message that is sent twice because its acknowledgement was lost. It differs between starts and
		// attempts: one that was queued, done and lost with a damaged journal may be queued again.
		id := b.token + "." + strconv.FormatInt(d.began.UnixNano(), 36) + "." + strconv.Itoa(n)
		parcels = append(parcels, parcel{taskSubject(d.run, b.lane, b.token), id, data})
	}
	if err := d.service.put(parcels); err != nil {
		d.sayOnce("publish", "a task cannot be queued: %v", err)
		return false
	}
	return true
}

// reconcile compares the queue with the tasks that have no outcome, and queues again what is missing.
func (d *Dispatcher) reconcile(ctx context.Context, n int) {
	if !d.service.connected() {
		return // reconnecting calls again
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	queued, err := d.service.queued(ctx)
	switch {
	case errors.Is(err, errNoQueue):
		if err := d.service.makeQueue(ctx); err != nil {
			d.sayOnce("stream", "%s", fault.Text(err))
			return
		}
	case err != nil:
		return
	}
	d.release(ctx)
	d.mu.Lock()
	var open []*bundle
	lost, stalled := len(d.schedule.open)-queued, d.stalled()
	if lost > 0 || stalled {
		open = d.schedule.opened()
	}
	defer d.back.Store(false)
	d.counts.requeued += max(0, lost)
	d.mu.Unlock()
	switch {
	case lost > 0 && !d.back.Load(): // one that was damaged on the way, say
		if !d.publish(open, n) {
			d.pause(ctx)
		}
		return
	case lost > 0:
		d.sayOnce("lost", "the queue has lost %d of %d tasks: it is made anew", lost, len(open))
	case stalled:
		d.sayOnce("stalled", "workers wait, and the queue hands out none of %d tasks: it is made anew", len(open))
	default:
		signal(d.wake)
		return
	}
	// What remembers the tasks that are left, and to whom they went, may be damaged as well.
	d.service.removeQueue(ctx) // an error shows in the next line
	if err := d.service.makeQueue(ctx); err != nil {
		d.sayOnce("stream", "%s", fault.Text(err))
		d.pause(ctx)
		return
	}
	if !d.publish(open, n) {
		d.pause(ctx)
	}
	signal(d.wake)
}

// stalled reports whether workers that take tasks have had none for a while though some are open, and begins a new
// while if so. The caller holds mu.
func (d *Dispatcher) stalled() bool {
	idle := false
	for _, w := range d.workers {
		if !w.here() || !slices.ContainsFunc(w.Lanes, d.schedule.hasOpen) {
			continue
		}
		if w.Busy > 0 {
			idle = false
			break
		}
		idle = true
	}
	if !idle {
		d.moved = time.Now()
		return false
	}
	if time.Since(d.moved) < 2*d.o.Patience {
		return false
	}
	d.moved = time.Now()
	return true
}
