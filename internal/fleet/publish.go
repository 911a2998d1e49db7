package fleet

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/fault"
)

// subjectTaken is the error code of JetStream for a message whose subject has one already.
const subjectTaken = 10077

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

// slots is how many tasks the workers that are here do at once. The caller holds mu.
func (d *Dispatcher) slots() (n int) {
	for _, w := range d.workers {
		if !w.Leaving && time.Since(w.at) < silentAfter {
			n += w.Slots
		}
	}
	return n
}

// publish queues bundles. It reports whether all of them are in the queue. n tells this attempt from others.
func (d *Dispatcher) publish(list []*bundle, n int) (all bool) {
	futures := make([]jetstream.PubAckFuture, 0, len(list))
	all = true
	for _, b := range list {
		d.mu.Lock()
		m := nats.NewMsg(taskSubject(d.run, b.lane, b.token))
		m.Data = encode(bundleMessage{b.token, d.schedule.live(b)})
		empty := b.left == 0
		d.mu.Unlock()
		if empty {
			continue // done meanwhile
		}
		// The id is for a message that is sent twice because its acknowledgement was lost. It differs between starts and
		// attempts: one that was queued, done and lost with a damaged journal may be queued again.
		id := b.token + "." + strconv.FormatInt(d.began.UnixNano(), 36) + "." + strconv.Itoa(n)
		f, err := d.js.PublishMsgAsync(m, jetstream.WithMsgID(id))
		if err != nil {
			d.sayOnce("publish", "a task cannot be queued: %v", err)
			return false
		}
		futures = append(futures, f)
	}
	timeout := time.After(10 * time.Second)
	for _, f := range futures {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			if api := (*jetstream.APIError)(nil); errors.As(err, &api) && api.ErrorCode == subjectTaken {
				continue
			}
			d.sayOnce("publish", "a task cannot be queued: %v", err)
			all = false
		case <-timeout:
			d.sayOnce("publish", "the service does not answer")
			return false
		}
	}
	return all
}

// purge empties the queue of a lane.
func (d *Dispatcher) purge(ctx context.Context, lane string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if s, err := d.js.Stream(ctx, streamName(d.run)); err == nil {
		s.Purge(ctx, jetstream.WithPurgeSubject(taskSubject(d.run, lane, ">")))
	}
}

// reconcile compares the queue with the tasks that have no outcome, and queues again what is missing.
func (d *Dispatcher) reconcile(ctx context.Context, n int) {
	if !d.conn.IsConnected() {
		return // reconnecting calls again
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	stream, err := d.js.Stream(ctx, streamName(d.run))
	queued := 0
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		if err := d.makeStream(ctx); err != nil {
			d.sayOnce("stream", "%s", fault.Text(err))
			return
		}
	case err != nil:
		return
	default:
		queued = int(stream.CachedInfo().State.Msgs)
	}
	d.release(ctx)
	d.mu.Lock()
	var open []*bundle
	for _, b := range d.schedule.open {
		open = append(open, b)
	}
	lost, stalled := len(open)-queued, d.stalled()
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
	d.js.DeleteStream(ctx, streamName(d.run)) // an error shows in the next line
	if err := d.makeStream(ctx); err != nil {
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
	lanes := map[string]bool{}
	for _, b := range d.schedule.open {
		lanes[b.lane] = true
	}
	idle := false
	for name, w := range d.workers {
		if !d.here(name) || !slices.ContainsFunc(w.Lanes, func(lane string) bool { return lanes[lane] }) {
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
