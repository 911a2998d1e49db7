package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fault"
	"nas/internal/tasks"
	"nas/internal/work"
	"nas/latency/timing"
)

// Worker does tasks of all runs that a service announces.
type Worker struct {
	Access
	Name      string // letters, digits, - and _; no two workers have the same
	Slots     int    // tasks at once; 0 means 1
	Evaluates bool   // judges candidates
	// Device, if not nil, is what networks are timed on. Nothing else should be done on it.
	Device  timing.Runtime
	Schools []*tasks.School // the recipes and data that it trains with
	// Grace is how long a task may go on when the worker is told to end, before it is given back. 0 means 10 seconds.
	Grace time.Duration
	Say   func(format string, a ...any)

	before func(context.Context, *tasks.Task) error // comes before each task; nil: nothing does

	conn  *nats.Conn
	js    jetstream.JetStream
	slots chan struct{}
	mu    sync.Mutex
	runs  map[string]*member
	said  map[string]bool

	busy, done, failed, refused atomic.Int64
	lanes                       atomic.Int64 // of all runs
	measuring, calibrating      sync.Mutex
	calibrated                  calibrated
}

// Run works until ctx is done. It then finishes its tasks, or gives them back.
func (w *Worker) Run(ctx context.Context) error {
	if !plainName.MatchString(w.Name) {
		return config.Usagef("--name %q: want up to 64 letters, digits, - and _", w.Name)
	}
	w.Slots = max(1, w.Slots)
	if w.Grace == 0 {
		w.Grace = 10 * time.Second
	}
	w.slots, w.runs, w.said = make(chan struct{}, w.Slots), map[string]*member{}, map[string]bool{}
	found := make(chan announcement, 64)
	hear := func(m *nats.Msg) {
		if len(m.Data) == 0 {
			return // nobody searches
		}
		var a announcement
		if err := decode(m.Data, &a); err != nil {
			w.refuse(m.Subject, err)
			return
		}
		select {
		case found <- a:
		default: // it is announced again
		}
	}
	var err error
	lost := nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
		if ctx.Err() == nil {
			w.Say("the service is gone (%v): waiting for it", err)
		}
	})
	back := nats.ReconnectHandler(func(*nats.Conn) { w.Say("the service is back") })
	for w.conn == nil {
		w.conn, err = w.connect("nas worker "+w.Name, lost, back)
		switch {
		case errors.Is(err, nats.ErrNoServers) && ctx.Err() == nil: // it may be started later
			w.sayOnce("wait", "%s: waiting for it", fault.Text(err))
			rest(ctx, 2*time.Second)
		case err != nil && ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
	defer w.conn.Close()
	if w.js, err = jetstream.New(w.conn); err != nil {
		return fault.Errorf("fleet: %w", err)
	}
	inbox := nats.NewInbox()
	for _, subject := range []string{inbox, subjectRuns + ".new"} {
		if _, err := w.conn.Subscribe(subject, hear); err != nil {
			return fault.Errorf("fleet: %w", err)
		}
	}
	var work sync.WaitGroup
	defer work.Wait()
	if err := w.offerDevice(ctx, &work); err != nil {
		return err
	}
	w.Say("worker %s: %d at once, waiting for runs at %s", w.Name, w.Slots, w.conn.ConnectedUrlRedacted())
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	var asked time.Time
	for {
		if time.Since(asked) >= w.askEvery() {
			w.conn.PublishRequest(subjectRuns, inbox, nil)
			asked = time.Now()
		}
		select {
		case <-ctx.Done():
			w.Say("worker %s ends: it finishes its tasks or gives them back", w.Name)
			return nil
		case a := <-found:
			if err := w.join(ctx, a, &work); err != nil && ctx.Err() == nil {
				w.sayOnce(a.Run+fault.Text(err), "run %s (%s): %s", a.Name, a.Run, fault.Text(err))
			}
		case <-ticker.C:
		}
	}
}

// refuse counts a message that cannot be used, and says so.
func (w *Worker) refuse(subject string, err error) {
	w.refused.Add(1)
	w.sayOnce(subject+fault.Text(err), "a message on %s is refused: %s", subject, fault.Text(err))
}

func (w *Worker) sayOnce(what, format string, a ...any) {
	w.mu.Lock()
	known := w.said[what]
	if len(w.said) < 1000 {
		w.said[what] = true
	}
	w.mu.Unlock()
	if !known {
		w.Say("%s", fmt.Sprintf(format, a...))
	}
}

// askEvery is how often the worker asks for runs: a worker that has some, as often as it says how it stands.
func (w *Worker) askEvery() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	every := time.Duration(0)
	for _, m := range w.runs {
		every = max(every, time.Duration(m.beatEvery.Load()))
	}
	return max(every, beatEvery) - beatEvery/2
}

// join begins to work for a run, unless it does already.
func (w *Worker) join(ctx context.Context, a announcement, all *sync.WaitGroup) error {
	w.mu.Lock()
	m := w.runs[a.Run]
	w.mu.Unlock()
	if m != nil {
		m.beatEvery.Store(int64(a.beatInterval()))
		return nil
	}
	if a.Format != tasks.Format {
		return fmt.Errorf("it is of nas %s with tasks of format %d, this is nas %s with format %d: use the same version "+
			"everywhere", a.Version, a.Format, buildinfo.Version(), tasks.Format)
	}
	m = &member{worker: w, announcement: a, ended: make(chan struct{})}
	m.beatEvery.Store(int64(a.beatInterval()))
	if err := m.prepare(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	w.runs[a.Run] = m
	w.mu.Unlock()
	all.Go(func() {
		m.run(ctx)
		w.mu.Lock()
		delete(w.runs, a.Run)
		w.mu.Unlock()
	})
	return nil
}

// member is a worker's part in one run.
type member struct {
	worker *Worker
	announcement
	room   *tasks.Room
	school *tasks.School
	lanes  []string
	note   string // why it does less than it could

	beatEvery atomic.Int64   // a [time.Duration]
	acks      sync.WaitGroup // on their way
	ended     chan struct{}
	once      sync.Once
}

// prepare fetches the setup of the run and makes its models, for as much as this worker can do.
func (m *member) prepare(ctx context.Context) error {
	w := m.worker
	if w.Device != nil {
		m.lanes = append(m.lanes, measureLane(w.Name))
	}
	for _, s := range w.Schools {
		if recipe, data := s.IDs(); m.Recipe != "" && recipe == m.Recipe && data == m.Data {
			m.school = s
			m.lanes = append(m.lanes, atLane(trainLane(recipe, data), w.Name), trainLane(recipe, data))
		}
	}
	if m.Recipe != "" && m.school == nil && len(w.Schools) > 0 {
		m.note = "it trains with another recipe or other data than this worker has"
	}
	if w.Evaluates && m.Recipe == "" {
		if have := evaluator.NumericClass(); m.Class != have {
			m.note = (&tasks.ClassError{Want: m.Class, Have: have}).Error()
		} else {
			s, err := m.fetchSetup(ctx)
			if err != nil {
				return err
			}
			if m.room, err = tasks.NewRoom(ctx, s, w.Name, work.Options{Workers: w.Slots}); err != nil {
				return err
			}
			m.lanes = append(m.lanes, evaluateLane)
		}
	}
	if m.note != "" {
		w.sayOnce(m.Run+m.note, "run %s: %s", m.Name, m.note)
	}
	return nil
}

// fetchSetup gets the setup of the run by parts.
func (m *member) fetchSetup(ctx context.Context) (*tasks.Setup, error) {
	data := make([]byte, 0, m.Setup)
	for len(data) < m.Setup {
		call, cancel := context.WithTimeout(ctx, 10*time.Second)
		r, err := m.worker.conn.RequestWithContext(call, callSubject(m.Run, ofSetup), fmt.Appendf(nil, "%d", len(data)))
		cancel()
		if err != nil {
			return nil, fmt.Errorf("its setup does not come: %w", err)
		}
		if len(r.Data) == 0 || len(data)+len(r.Data) > m.Setup {
			return nil, errors.New("its setup is not as long as was announced")
		}
		data = append(data, r.Data...)
	}
	s, err := tasks.Unpack(data)
	if err != nil {
		return nil, err
	}
	if s.ID() != m.Run {
		return nil, errors.New("its setup is not that of the run that was announced")
	}
	return s, nil
}

// run takes tasks until ctx is done or the run ends.
func (m *member) run(ctx context.Context) {
	w := m.worker
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sub, err := w.conn.Subscribe(callSubject(m.Run, ofEnd), func(*nats.Msg) { m.end() })
	if err == nil {
		defer sub.Unsubscribe()
	}
	w.Say("working for %s: %v", m.Name, m.lanes)
	// hard is the context of tasks: they go on for a while when ctx is done.
	hard, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var slots sync.WaitGroup
	w.lanes.Add(int64(len(m.lanes)))
	defer w.lanes.Add(-int64(len(m.lanes)))
	for range w.Slots {
		slots.Go(func() { m.slot(ctx, hard) })
	}
	m.beat(false)
	for going := true; going; {
		select {
		case <-time.After(time.Duration(m.beatEvery.Load())):
			m.beat(false)
		case <-m.ended:
			going = false
		case <-ctx.Done():
			going = false
		}
	}
	cancel()
	idle := make(chan struct{})
	go func() { slots.Wait(); close(idle) }()
	grace := w.Grace
	select {
	case <-m.ended:
		grace = 0 // nobody wants its tasks any more
	default:
	}
	select {
	case <-idle:
	case <-time.After(grace):
		stop()
		<-idle
	}
	m.acks.Wait()
	m.beat(true)
	w.conn.FlushTimeout(time.Second)
	w.Say("done with %s", m.Name)
}

// end notes that the run is over.
func (m *member) end() { m.once.Do(func() { close(m.ended) }) }

// over reports whether the run is over.
func (m *member) over() bool {
	select {
	case <-m.ended:
		return true
	default:
		return false
	}
}

// beat says what the worker does.
func (m *member) beat(leaving bool) {
	w := m.worker
	b := beat{
		Worker: w.Name, Version: buildinfo.Version(), Class: evaluator.NumericClass(), Lanes: m.lanes, Slots: w.Slots,
		Busy: int(w.busy.Load()), Done: int(w.done.Load()), Failed: int(w.failed.Load()), Refused: int(w.refused.Load()),
		Note: m.note, Leaving: leaving, EveryS: time.Duration(m.beatEvery.Load()).Seconds(),
	}
	if w.Device != nil {
		b.Device = w.Device.Device().String()
	}
	w.conn.Publish(callSubject(m.Run, ofBeats), encode(b))
}
