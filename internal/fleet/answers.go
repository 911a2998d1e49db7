package fleet

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/tasks"
	"nas/search"
)

// listen subscribes to what workers and people ask.
func (d *Dispatcher) listen() error {
	for subject, handle := range map[string]func(request){
		subjectRuns:                    func(m request) { m.answer(d.announcement()) },
		subjectStatus:                  func(m request) { m.answer(d.Status()) },
		callSubject(d.run, ofSetup):    d.answerSetup,
		callSubject(d.run, ofClaims):   d.answerClaim,
		callSubject(d.run, ofWeights):  d.takeWeights,
		callSubject(d.run, ofReturns):  d.takeReturn,
		callSubject(d.run, ofBeats):    d.takeBeat,
		callSubject(d.run, ofOutcomes): func(m request) { d.inbox <- m },
	} {
		if err := d.service.subscribe(subject, handle); err != nil {
			return err
		}
	}
	return nil
}

// refuse answers a message that cannot be used, counts it and says so.
func (d *Dispatcher) refuse(m request, err error) {
	d.mu.Lock()
	d.counts.refused++
	d.mu.Unlock()
	d.sayOnce("refused", "a message on %s is refused: %s", m.subject, fault.Text(err))
	m.answer(answer{Error: fault.Text(err)})
}

// answerSetup sends a part of the packed setup, from an offset on.
func (d *Dispatcher) answerSetup(m request) {
	from, err := strconv.Atoi(string(m.data[:min(len(m.data), 20)]))
	if err != nil || from < 0 || from > len(d.packed) {
		d.refuse(m, errors.New("it asks for a part of the setup that is not there"))
		return
	}
	if m.respond != nil {
		m.respond(d.packed[from:min(from+setupPart, len(d.packed))])
	}
}

// takeBeat notes what a worker says of itself.
func (d *Dispatcher) takeBeat(m request) {
	var b beat
	if err := decode(m.data, &b); err != nil {
		d.refuse(m, err)
		return
	}
	d.mu.Lock()
	w := d.workers[b.Worker]
	known := w != nil && w.here()
	if w == nil && len(d.workers) >= maxWorkers {
		d.mu.Unlock()
		d.refuse(m, fmt.Errorf("there are %d workers already", maxWorkers))
		return
	}
	if w == nil || !known || b.Leaving || w.Slots != b.Slots {
		d.counted = time.Time{}
	}
	d.workers[b.Worker] = &workerSeen{b, time.Now()}
	n := len(d.workers)
	d.mu.Unlock()
	switch {
	case b.Leaving:
		d.o.Say("worker %s leaves%s", b.Worker, d.nobody())
	case !known && n <= 32:
		d.o.Say("worker %s is here: %d at once%s", b.Worker, b.Slots, note(b.Note))
	}
	if !known {
		signal(d.wake) // more fits into the queue
	}
}

func note(text string) string {
	if text == "" {
		return ""
	}
	return "; " + text
}

// nobody says that no worker is left, or is "".
func (d *Dispatcher) nobody() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, w := range d.workers {
		if w.here() {
			return ""
		}
	}
	return ": none is left, and the search waits for another (nas worker)"
}

// maxWorkers bounds the table of workers.
const maxWorkers = 1 << 16

// answerClaim decides about a bundle that came to a worker again.
func (d *Dispatcher) answerClaim(m request) {
	var c claim
	if err := decode(m.data, &c); err != nil {
		d.refuse(m, err)
		return
	}
	d.mu.Lock()
	wanted, split, dead := d.schedule.again(c.Token)
	d.counts.repeated++
	var outcomes []tasks.Outcome
	if dead != nil {
		for i := range dead.tasks {
			if o, err := tasks.Failed(&dead.tasks[i], "fleet", dead.reason()); err == nil {
				outcomes = append(outcomes, o)
			}
		}
		d.counts.failed += len(outcomes)
	}
	d.mu.Unlock()
	m.answer(answer{OK: wanted})
	if len(split) > 0 && !d.publish(split, int(time.Now().UnixNano())) {
		signal(d.repair)
	}
	if len(outcomes) > 0 {
		d.inbox <- request{data: encode(outcomeMessage{Token: c.Token, Worker: c.Worker, Outcomes: outcomes})}
	}
}

// takeReturn notes why a worker gave a bundle back.
func (d *Dispatcher) takeReturn(m request) {
	var c claim
	if err := decode(m.data, &c); err != nil {
		d.refuse(m, err)
		return
	}
	d.mu.Lock()
	if c.Reason == "" {
		d.schedule.excuse(c.Token)
	} else {
		d.schedule.fail(c.Token, c.Worker+": "+c.Reason)
	}
	d.mu.Unlock()
	if c.Reason != "" {
		d.sayOnce("return "+c.Worker, "worker %s gave a task back: %s", c.Worker, c.Reason)
	}
	m.answer(answer{OK: true})
}

// committer stores outcomes until ctx is done: those that arrive while some are stored are stored together.
func (d *Dispatcher) committer(ctx context.Context) {
	const most = 512 // messages at once
	for {
		var batch []request
		select {
		case <-ctx.Done():
			return
		case m := <-d.inbox:
			batch = append(batch, m)
		}
	more:
		for len(batch) < most {
			select {
			case m := <-d.inbox:
				batch = append(batch, m)
			default:
				break more
			}
		}
		d.commit(batch)
	}
}

// commit stores the outcomes of messages, answers them, and passes the outcomes on.
func (d *Dispatcher) commit(batch []request) {
	var stored []tasks.Outcome
	var answered []request
	seen := map[string]bool{}
	for _, m := range batch {
		list, err := d.outcomes(m)
		if err != nil {
			d.refuse(m, err)
			continue
		}
		answered = append(answered, m)
		for _, o := range list {
			if !seen[o.Key()] {
				seen[o.Key()] = true
				stored = append(stored, o)
			}
		}
	}
	if err := d.journal.Add(stored...); err != nil {
		d.fail(search.Abort(err))
		return // the workers keep what they have for the run that is continued
	}
	ok := encode(answer{OK: true})
	for _, m := range answered {
		if m.respond != nil {
			m.respond(ok)
		}
	}
	dones := make([]func(tasks.Outcome, error), len(stored))
	d.mu.Lock()
	d.moved = time.Now()
	for i := range stored {
		key := stored[i].Key()
		d.schedule.done(key, stored[i].Seconds)
		d.counts.done++
		dones[i] = d.waits[key]
		delete(d.waits, key)
	}
	d.mu.Unlock()
	signal(d.wake)
	for i, done := range dones {
		if done != nil {
			done(stored[i], nil)
		}
	}
}

// outcomes returns what a message holds of tasks that have no outcome. The error says why it is refused.
func (d *Dispatcher) outcomes(m request) (list []tasks.Outcome, err error) {
	var x outcomeMessage
	if err := decode(m.data, &x); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range x.Outcomes {
		o := &x.Outcomes[i]
		if err := o.Check(); err != nil {
			return nil, err
		}
		if o.Run != d.run {
			return nil, fmt.Errorf("an outcome is of run %s, this is run %s", o.Run, d.run)
		}
		if o.Kind == tasks.Evaluate && o.Version != buildinfo.Version() {
			return nil, fmt.Errorf("worker %s is nas %.64q, this is %s: use the same version everywhere", x.Worker, o.Version,
				buildinfo.Version())
		}
		t, wanted := d.schedule.wants(o.Key())
		if !wanted {
			if d.mayWant(o) {
				list = append(list, *o)
			}
			continue
		}
		if t.ArchID != o.ArchID {
			return nil, fmt.Errorf("an outcome of trial %d is of network %s, not %s", o.Trial, o.ArchID, t.ArchID)
		}
		if o.Kind == tasks.Evaluate {
			if _, err := o.TrialResult(&search.Candidate{ID: t.Trial, ArchID: t.ArchID}); err != nil {
				return nil, err
			}
		} else if err := o.CheckResult(); err != nil {
			return nil, err
		}
		list = append(list, *o)
	}
	return list, nil
}

// mayWant reports whether the search may still ask for what an outcome tells: a worker kept it while the searcher was
// started again, and that has not come so far yet. Whether it is of the right network shows then. The caller holds mu.
func (d *Dispatcher) mayWant(o *tasks.Outcome) bool {
	const most = 1 << 20 // outcomes that are kept on trust
	if o.Kind != tasks.Evaluate || o.Trial < int(d.stored.Load()) || d.journal.Len() > most {
		return false
	}
	_, err := o.TrialResult(&search.Candidate{ID: o.Trial, ArchID: o.ArchID})
	return err == nil
}

func (m *outcomeMessage) check() error {
	if !plainName.MatchString(m.Token) || !plainName.MatchString(m.Worker) || len(m.Outcomes) > maxBundleTasks {
		return fault.New("fleet: outcomes are damaged")
	}
	return nil
}
