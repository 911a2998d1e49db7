package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/fault"
	"nas/internal/tasks"
)

// fetchWait is how long a slot waits for a task of a lane, and turnWait how long if it takes from several.
const (
	fetchWait = 2 * time.Second
	turnWait  = 50 * time.Millisecond
)

// slot takes bundles, one after the other, until ctx is done. It stays with a lane that has some.
func (m *member) slot(ctx, hard context.Context) {
	w := m.worker
	consumers := make([]jetstream.Consumer, len(m.lanes))
	for i := 0; ctx.Err() == nil && len(m.lanes) > 0; {
		lane := m.lanes[i]
		if consumers[i] == nil {
			var err error
			if consumers[i], err = m.consumer(ctx, lane); err != nil {
				if errors.Is(err, jetstream.ErrStreamNotFound) && m.searcherGone(ctx) {
					m.end()
					return
				}
				rest(ctx, 500*time.Millisecond)
				continue
			}
		}
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		wait := fetchWait
		if w.lanes.Load() > 1 {
			wait = turnWait
		}
		got, err := m.take(ctx, hard, consumers[i], lane, wait)
		<-w.slots
		if err != nil {
			consumers[i] = nil
			rest(ctx, 200*time.Millisecond)
		}
		if !got {
			i = (i + 1) % len(m.lanes)
		}
	}
}

// rest waits for so long, or until ctx is done.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// searcherGone reports whether no searcher answers for the run.
func (m *member) searcherGone(ctx context.Context) bool {
	call, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_, err := m.worker.conn.RequestWithContext(call, callSubject(m.Run, ofSetup), []byte("0"))
	return errors.Is(err, nats.ErrNoResponders)
}

// consumer makes the consumer of a lane, which all its workers share, or finds it.
func (m *member) consumer(ctx context.Context, lane string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return m.worker.js.CreateOrUpdateConsumer(ctx, streamName(m.Run), jetstream.ConsumerConfig{
		Durable: lane, FilterSubject: taskSubject(m.Run, lane, ">"), AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: m.ackWait(), MaxDeliver: -1, MaxAckPending: -1, MaxWaiting: 1 << 15,
	})
}

func (m *member) ackWait() time.Duration { return time.Duration(m.AckWaitS * float64(time.Second)) }

// take does a bundle of a lane, if one comes. After an error the consumer should be looked for again.
func (m *member) take(
	ctx, hard context.Context, consumer jetstream.Consumer, lane string, wait time.Duration,
) (got bool, err error) {
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(wait))
	if err != nil {
		return false, err
	}
	for msg := range batch.Messages() {
		m.do(ctx, hard, lane, msg)
		got = true
	}
	if err = batch.Error(); errors.Is(err, nats.ErrTimeout) {
		err = nil
	}
	return got, err
}

// do does the bundle of a message, and acknowledges that once the searcher has stored the outcomes.
func (m *member) do(ctx, hard context.Context, lane string, msg jetstream.Msg) {
	w := m.worker
	var b bundleMessage
	if err := m.decode(msg, lane, &b); err != nil {
		w.refuse(msg.Subject(), err)
		msg.TermWithReason("damaged") // the searcher queues it again
		return
	}
	if meta, err := msg.Metadata(); err != nil || meta.NumDelivered > 1 {
		if !m.wanted(ctx, b.Token) {
			msg.Ack()
			return
		}
	}
	w.busy.Add(1)
	defer w.busy.Add(-1)
	beating, stop := context.WithCancel(hard)
	defer stop()
	go m.keep(beating, msg)
	outcomes, err := m.outcomes(hard, &b)
	if err != nil {
		m.giveBack(hard, msg, &b, err)
		return
	}
	if m.send(hard, &b, outcomes) {
		m.acks.Go(func() { // the slot need not wait for it
			ack, cancel := context.WithTimeout(context.WithoutCancel(hard), 5*time.Second)
			defer cancel()
			msg.DoubleAck(ack) // if it is lost the task comes again, and is not wanted
		})
	} else if hard.Err() != nil && !m.over() {
		m.giveBack(hard, msg, &b, hard.Err())
	}
}

func (m *member) decode(msg jetstream.Msg, lane string, b *bundleMessage) error {
	if len(msg.Data()) > maxMessage {
		return fault.New("fleet: a bundle of tasks is too long")
	}
	if err := json.Unmarshal(msg.Data(), b); err != nil {
		return fault.Errorf("fleet: a bundle of tasks is damaged: %w", err)
	}
	if err := b.check(m.Run); err != nil {
		return err
	}
	if msg.Subject() != taskSubject(m.Run, lane, b.Token) {
		return fault.New("fleet: a bundle of tasks is not the one of its subject")
	}
	return nil
}

// keep tells the service that the task is at work.
func (m *member) keep(ctx context.Context, msg jetstream.Msg) {
	ticker := time.NewTicker(max(m.ackWait()/4, 50*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			msg.InProgress()
		}
	}
}

// wanted asks whether a bundle that comes again is still to be done. Without an answer it is.
func (m *member) wanted(ctx context.Context, token string) bool {
	call, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	r, err := m.worker.conn.RequestWithContext(call, callSubject(m.Run, ofClaims), encode(claim{token, m.worker.Name, ""}))
	if err != nil {
		return true
	}
	var a answer
	return json.Unmarshal(r.Data, &a) != nil || a.OK
}

// outcomes does the tasks of a bundle. Its error says nothing about the tasks: somebody else should do them.
func (m *member) outcomes(ctx context.Context, b *bundleMessage) (list []tasks.Outcome, err error) {
	w := m.worker
	for i := range b.Tasks {
		t := &b.Tasks[i]
		if w.before != nil {
			if err := w.before(ctx, t); err != nil {
				return nil, err
			}
		}
		var o tasks.Outcome
		switch t.Kind {
		case tasks.Evaluate:
			o, err = m.room.Evaluate(ctx, t)
		case tasks.Measure:
			w.measuring.Lock()
			o, err = tasks.MeasureOn(ctx, w.Device, w.Name, t)
			w.measuring.Unlock()
		case tasks.Train:
			var weights []byte
			if o, weights, err = m.school.Do(ctx, w.Name, t); err == nil && weights != nil {
				err = m.sendWeights(ctx, t, &o, weights)
			}
		}
		if err != nil {
			return nil, err
		}
		w.done.Add(1)
		list = append(list, o)
	}
	return list, nil
}

// giveBack returns a bundle to the queue.
func (m *member) giveBack(hard context.Context, msg jetstream.Msg, b *bundleMessage, why error) {
	w := m.worker
	c := claim{Token: b.Token, Worker: w.Name}
	delay := time.Duration(0)
	if hard.Err() == nil {
		w.failed.Add(1)
		c.Reason = fault.Text(why)
		c.Reason = c.Reason[:min(len(c.Reason), maxText)]
		delay = time.Second
		w.sayOnce(m.Run+c.Reason, "a task of %s is given back: %s", m.Name, c.Reason)
	}
	call, cancel := context.WithTimeout(context.WithoutCancel(hard), 2*time.Second)
	defer cancel()
	w.conn.RequestWithContext(call, callSubject(m.Run, ofReturns), encode(c))
	msg.NakWithDelay(delay)
}

// send sends outcomes until the searcher has stored them; it reports false if it never will. While no searcher is
// there, the outcomes are kept: it may be started again.
func (m *member) send(ctx context.Context, b *bundleMessage, outcomes []tasks.Outcome) bool {
	w := m.worker
	for len(outcomes) > 0 {
		n, size := 0, 0
		for n < len(outcomes) && (n == 0 || size+len(outcomes[n].Result)+1024 < maxMessage/2) {
			size += len(outcomes[n].Result) + 1024
			n++
		}
		data := encode(outcomeMessage{b.Token, w.Name, outcomes[:n]})
		for {
			a, err := m.call(ctx, ofOutcomes, data)
			if err == nil && a.OK {
				break
			}
			if err == nil {
				w.refuse(callSubject(m.Run, ofOutcomes), fmt.Errorf("the searcher refuses outcomes: %.200s", a.Error))
				return false
			}
			if ctx.Err() != nil || m.over() {
				return false
			}
			w.sayOnce(m.Run+"hold", "no searcher takes outcomes of %s: they are kept until one does", m.Name)
			rest(ctx, 500*time.Millisecond)
		}
		outcomes = outcomes[n:]
	}
	return true
}

func (m *member) call(ctx context.Context, of string, data []byte) (a answer, err error) {
	call, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := m.worker.conn.RequestWithContext(call, callSubject(m.Run, of), data)
	if err == nil {
		err = json.Unmarshal(r.Data, &a)
	}
	return a, err
}
