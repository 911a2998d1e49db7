package fleet

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/journal"
	"nas/internal/tasks"
	"nas/search"
)

// Options are those of a [Dispatcher].
type Options struct {
	Access
	// Dir is the directory of the run; Name is what people call it.
	Dir, Name string
	// Patience is how long a worker may be silent before its task goes to another. 0 means 15 seconds.
	Patience time.Duration
	// GiveUp is how often workers may lose a task, one after the other, before its trial fails. 0 means 5.
	GiveUp int
	// Recipe and Data are the hashes of what the run trains with; "" for a run that scores its candidates.
	Recipe, Data string
	// Weights is where the weights of networks that workers trained go.
	Weights tasks.Incoming
	// Say is called with what a person should know.
	Say func(format string, a ...any)
}

// Dispatcher is the searcher's side of a fleet: it queues tasks and takes outcomes.
type Dispatcher struct {
	o       Options
	service service
	run     string
	shared  *tasks.Setup
	packed  []byte
	journal *journal.Journal
	began   time.Time
	back    atomic.Bool  // the service was away since the queue was last looked at
	stored  atomic.Int64 // trials of the run that are on the disk, as far as is known

	mu       sync.Mutex
	schedule *schedule
	waits    map[string]func(tasks.Outcome, error) // by key
	workers  map[string]*workerSeen
	present  int       // slots of the workers that are here, as they were counted
	counted  time.Time // when
	counts   counts
	failed   error     // why the run cannot go on
	moved    time.Time // when workers were last seen to have tasks, or to be none
	said     map[string]int

	wake   chan struct{} // tasks wait to be published
	repair chan struct{} // the queue may have lost some
	inbox  chan request
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// counts are what the status shows.
type counts struct{ done, failed, refused, repeated, requeued int }

// workerSeen is what is known of a worker.
type workerSeen struct {
	beat
	at time.Time
}

// here reports whether a worker was heard lately.
func (w *workerSeen) here() bool { return !w.Leaving && time.Since(w.at) < silentAfter(w.every()) }

// Open connects the run of o.Dir, whose directory the caller has locked, to a fleet.
func Open(ctx context.Context, o Options) (*Dispatcher, error) {
	d, err := newDispatcher(o)
	if err != nil {
		return nil, err
	}
	conn, err := o.connect("nas "+o.Name, nats.ReconnectHandler(func(*nats.Conn) {
		d.back.Store(true)
		signal(d.repair)
	}))
	if err != nil {
		d.journal.Close()
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(2*window))
	if err != nil {
		conn.Close()
		d.journal.Close()
		return nil, fault.Errorf("fleet: %w", err)
	}
	return d, d.start(ctx, &natsService{conn, js, d.run, o.Name})
}

// newDispatcher reads the run of o.Dir.
func newDispatcher(o Options) (d *Dispatcher, err error) {
	if o.Patience == 0 {
		o.Patience = 15 * time.Second
	}
	if o.GiveUp == 0 {
		o.GiveUp = 5
	}
	d = &Dispatcher{
		o: o, schedule: newSchedule(o.GiveUp), waits: map[string]func(tasks.Outcome, error){},
		workers: map[string]*workerSeen{}, said: map[string]int{}, began: time.Now(),
		wake: make(chan struct{}, 1), repair: make(chan struct{}, 1), inbox: make(chan request, 4096),
	}
	if d.shared, err = tasks.SetupOf(o.Dir); err != nil {
		return nil, err
	}
	d.run, d.moved = d.shared.ID(), d.began
	if d.packed, err = d.shared.Pack(); err != nil {
		return nil, err
	}
	if d.journal, err = journal.Open(o.Dir, d.run); err != nil {
		return nil, err
	}
	if n := d.journal.Damaged; n > 0 {
		o.Say("%d outcomes in %s are damaged, and are computed again", n, journal.FileName)
	}
	return d, nil
}

// start begins to queue tasks at a service. After an error both are closed.
func (d *Dispatcher) start(ctx context.Context, s service) (err error) {
	d.service = s
	defer func() {
		if err != nil {
			d.journal.Close()
			s.close()
		}
	}()
	if err = s.makeQueue(ctx); err != nil {
		return err
	}
	if err = d.listen(); err != nil {
		return err
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.cancel = cancel
	d.work.Go(func() { d.publisher(inner) })
	d.work.Go(func() { d.committer(inner) })
	return s.publish(subjectRuns+".new", encode(d.announcement()))
}

// signal wakes who waits for a channel of one place.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (d *Dispatcher) announcement() announcement {
	return announcement{
		Format: tasks.Format, Run: d.run, Name: d.o.Name, Version: buildinfo.Version(), Class: d.shared.Class,
		Setup: len(d.packed), AckWaitS: d.o.Patience.Seconds(), Recipe: d.o.Recipe, Data: d.o.Data,
		BeatS: d.beatInterval().Seconds(),
	}
}

// submit queues a task. done is called once.
func (d *Dispatcher) submit(lane string, t tasks.Task, done func(tasks.Outcome, error)) {
	if o, ok := d.journal.Get(t.Key()); ok {
		if o.ArchID == t.ArchID {
			done(o, nil)
			return
		}
		d.journal.Drop(t.Key()) // of another search; an error shows when the next outcome is stored
	}
	d.mu.Lock()
	if err := d.failed; err != nil {
		d.mu.Unlock()
		done(tasks.Outcome{}, err)
		return
	}
	d.waits[t.Key()] = done
	d.schedule.submit(lane, t)
	d.mu.Unlock()
	signal(d.wake)
}

// fail ends all tasks, and those that would follow, with an error.
func (d *Dispatcher) fail(err error) {
	d.mu.Lock()
	if d.failed == nil {
		d.failed = err
	}
	d.mu.Unlock()
	for _, lane := range d.lanes() {
		d.abandon(lane, err)
	}
}

func (d *Dispatcher) lanes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.schedule.lanes()
}

// abandon ends the tasks of a lane with an error. Nobody wants their outcomes any more.
func (d *Dispatcher) abandon(lane string, err error) {
	var ends []func(tasks.Outcome, error)
	d.mu.Lock()
	for _, key := range d.schedule.forget(lane) {
		if done := d.waits[key]; done != nil {
			ends = append(ends, done)
			delete(d.waits, key)
		}
	}
	d.mu.Unlock()
	for _, done := range ends {
		done(tasks.Outcome{}, err)
	}
}

// Queue is the evaluator of a search whose candidates the fleet judges.
func (d *Dispatcher) Queue() search.Queue { return &queue{d: d} }

type queue struct {
	d     *Dispatcher
	once  sync.Once
	mu    sync.RWMutex // held while a task is submitted
	ended error        // why no more are
}

// Submit implements [search.Queue].
func (q *queue) Submit(ctx context.Context, c search.Candidate, done func(search.Result, error)) {
	q.once.Do(func() {
		context.AfterFunc(ctx, func() {
			q.mu.Lock()
			q.ended = context.Cause(ctx)
			q.mu.Unlock()
			q.d.abandon(evaluateLane, context.Cause(ctx))
		})
		q.d.stored.Store(int64(c.ID))
		q.d.journal.DropTold(c.ID) // what is stored already; an error shows when the next outcome is stored
	})
	q.mu.RLock()
	defer q.mu.RUnlock()
	if q.ended != nil {
		done(search.Result{}, q.ended)
		return
	}
	t := tasks.NewTask(q.d.run, tasks.Evaluate, &c)
	t.Arch = "" // its genes say the same
	q.d.submit(evaluateLane, t, func(o tasks.Outcome, err error) {
		if err != nil {
			done(search.Result{}, err)
			return
		}
		r, err := o.TrialResult(&c)
		if err != nil {
			err = search.Abort(err) // it was checked when it came
		}
		done(r, err)
	})
}

// Evaluate implements [search.Evaluator].
func (q *queue) Evaluate(ctx context.Context, c search.Candidate) (search.Result, error) {
	type answered struct {
		search.Result
		error
	}
	got := make(chan answered, 1)
	q.Submit(ctx, c, func(r search.Result, err error) { got <- answered{r, err} })
	a := <-got
	return a.Result, a.error
}

// Sink is where the trials of the search go: once they are in sink, their outcomes are not kept twice.
func (d *Dispatcher) Sink(sink search.Sink) search.Sink { return dropping{sink, d} }

type dropping struct {
	search.Sink
	d *Dispatcher
}

// Append implements [search.Sink].
func (s dropping) Append(batch []search.Trial) error {
	if err := s.Sink.Append(batch); err != nil {
		return err
	}
	keys := make([]string, len(batch))
	for i := range batch {
		keys[i] = tasks.EvaluationKey(batch[i].ID)
	}
	s.d.stored.Store(int64(batch[len(batch)-1].ID + 1))
	return s.d.journal.Drop(keys...)
}

// Close ends the fleet's part in a run. If the run is over, the queue goes, and the workers turn to others; else they
// go on with what is queued, and keep their outcomes until the run is continued.
func (d *Dispatcher) Close(over bool) error {
	d.fail(context.Canceled)
	d.cancel()
	d.work.Wait()
	if over {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		d.service.removeQueue(ctx)
		d.service.publish(callSubject(d.run, ofEnd), nil)
	}
	d.service.close()
	if over {
		if d.o.Weights.Dir != "" {
			os.RemoveAll(d.o.Weights.Dir) // of trainings that nobody waits for any more
		}
		return d.journal.Remove()
	}
	return d.journal.Close()
}

// sayOnce says a text, and then again after ten times as many of its kind.
func (d *Dispatcher) sayOnce(kind, format string, a ...any) {
	d.mu.Lock()
	d.said[kind]++
	n := d.said[kind]
	d.mu.Unlock()
	for n >= 10 && n%10 == 0 {
		n /= 10
	}
	if n == 1 {
		d.o.Say("%s", fmt.Sprintf(format, a...))
	}
}
