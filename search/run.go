package search

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"nas/internal/fault"
)

// A Sink stores trials. Append is called with batches in id order, from one
// goroutine, and returns when they are safe. An error ends the run; what was
// appended before stays valid.
type Sink interface {
	Append(batch []Trial) error
}

// Options are the options of [Run]. The zero value runs one worker until the
// space is exhausted.
type Options struct {
	// Workers is how many candidates are evaluated at the same time. 0 means 1.
	// It has no influence on the trials.
	Workers int
	Stop    Stop
	// Timeout bounds one evaluation through its context; the trial fails when it
	// is over. 0 means no bound. An evaluator that ignores its context is not
	// interrupted.
	Timeout time.Duration
	// Reference is the reference point of the hypervolume, one value an
	// objective in its own unit. nil means that hypervolume is not computed.
	Reference []float64
	// Replay yields the recorded trials of a run to be resumed, from trial 0.
	// They are told again and neither evaluated nor appended to the sink.
	Replay iter.Seq2[Trial, error]
	// Observe is called with every trial in id order, replayed ones included,
	// and the front after it.
	Observe func(Trial, *Front)
	// Progress is called from time to time and once at the end.
	Progress func(Progress)
	// Every is the least time between two calls of Progress. 0 means 200 ms.
	Every time.Duration
	// Gate, if not nil, may hold the run: no evaluation begins before its Wait
	// has returned. The time that it held counts neither for Timeout nor for
	// Stop.Time.
	Gate Gate
}

// A Gate holds a run while it is closed.
type Gate interface {
	// Wait returns when the gate is open, or ctx is done.
	Wait(ctx context.Context)
	// Held returns for how long the gate was closed so far, all in all.
	Held() time.Duration
}

// wait waits at the gate, if there is one.
func (o *Options) wait(ctx context.Context) {
	if o.Gate != nil {
		o.Gate.Wait(ctx)
	}
}

// left returns how much of Stop.Time is left of a run that began so long ago.
func (o *Options) left(since time.Duration) time.Duration {
	if o.Gate != nil {
		since -= o.Gate.Held()
	}
	return o.Stop.Time - since
}

// Summary is the outcome of a run.
type Summary struct {
	Progress
	Status Status
	Front  *Front
	// Constraints explains a front without members.
	Constraints ConstraintStats
}

// ErrDiverged is in the error of a replay that asks for other candidates than
// were recorded: the seed, the settings, the space or the program differ.
var ErrDiverged = errors.New("the recorded trials belong to another run")

// Run searches until a criterion of o.Stop is met or ctx is done, and returns how
// far it came; both are no errors. It returns an error, with a Summary, when the
// sink or the replay fails or the searcher breaks its protocol. The sink then
// holds a prefix of the trials.
//
// A nil sink stores nothing. objectives are those that the searcher was made
// with.
//
// Candidates that are being evaluated when the run ends are dropped; their
// evaluations have returned when Run returns.
func Run(ctx context.Context, s Searcher, e Evaluator, sink Sink, objectives []Objective, o Options) (*Summary, error) {
	l, err := newLoop(s, objectives, o)
	if err != nil {
		return nil, err
	}
	if err = l.replay(); err == nil && l.status == StatusRunning {
		err = l.work(ctx, e, sink)
	}
	if err != nil {
		l.status = StatusFailed
	}
	l.report()
	return &Summary{Progress: l.progress(), Status: l.status, Front: l.front, Constraints: l.constraints}, err
}

// newLoop returns a loop that has not begun.
func newLoop(s Searcher, objectives []Objective, o Options) (*loop, error) {
	front, err := NewFront(objectives, o.Reference)
	if err != nil {
		return nil, err
	}
	if o.Stop.Plateau > 0 && o.Reference == nil {
		return nil, fault.New("search: a stop by hypervolume plateau needs a reference point")
	}
	l := &loop{
		searcher: s, objectives: front.objectives, options: o, front: front, began: time.Now(),
		plateau: plateau{window: o.Stop.Plateau, gain: o.Stop.plateauGain()},
	}
	if l.options.Every == 0 {
		l.options.Every = 200 * time.Millisecond
	}
	return l, nil
}

// loop is the state of Run.
type loop struct {
	searcher    Searcher
	objectives  []Objective
	options     Options
	front       *Front
	constraints ConstraintStats
	plateau     plateau
	status      Status
	exhausted   bool

	queue    []Candidate // asked for, not handed to a worker
	asked    int
	told     int
	replayed int

	evaluations int
	best        []float64 // costs
	began       time.Time
	workBegan   time.Time
	reported    time.Time

	tasks   chan Candidate // nil before work
	results chan outcome
	open    int           // candidates at the workers
	done    map[int]Trial // evaluated, waiting for a smaller id
	stopped bool          // a worker says so
	aborted error         // the reason that an evaluator gave for ending the run
}

// ask queues candidates until the searcher waits. No more than limit are asked
// for in all; 0 means no limit.
func (l *loop) ask(limit int) error {
	for !l.exhausted && (limit == 0 || l.asked < limit) {
		c, state := l.searcher.Ask()
		switch state {
		case Wait:
			if l.told == l.asked {
				return fault.Errorf("search: %s waits though every result has been told", l.searcher)
			}
			return nil
		case Exhausted:
			l.exhausted = true
			return nil
		}
		if c.ID != l.asked {
			return fault.Errorf("search: %s asked for candidate %d where %d comes next", l.searcher, c.ID, l.asked)
		}
		l.asked++
		l.queue = append(l.queue, c)
		l.exchange()
	}
	return nil
}

// exchange gives the workers what they take without delay, and takes what they
// have: asking for a generation takes a while, during which they need not wait.
func (l *loop) exchange() {
	for len(l.queue) > 0 {
		select {
		case l.tasks <- l.queue[0]:
			l.queue = l.queue[1:]
			l.open++
		case r := <-l.results:
			l.take(r)
		default:
			return
		}
	}
}

// take notes what a worker sends back.
func (l *loop) take(r outcome) {
	l.open--
	if a := (*abortion)(nil); errors.As(r.err, &a) && l.aborted == nil {
		l.aborted = a.error
	}
	if r.err != nil {
		l.stopped = true // only a run that is being stopped or aborted yields errors
		return
	}
	l.done[r.trial.ID] = r.trial
}

// tell hands the next trial to searcher, front and criteria.
func (l *loop) tell(t Trial) error {
	if err := l.searcher.Tell(t); err != nil {
		return err
	}
	l.told++
	l.constraints.Add(t)
	if l.front.Add(t) {
		p, _ := costsTo(make([]float64, len(l.objectives)), &t.Result, l.objectives)
		if l.best == nil {
			l.best = p
		}
		for i, v := range p {
			l.best[i] = min(l.best[i], v)
		}
	}
	if l.options.Observe != nil {
		l.options.Observe(t, l.front)
	}
	stop := &l.options.Stop
	if !t.Screened {
		l.evaluations++
		if l.plateau.done(l.front.Hypervolume()) {
			l.status = StatusPlateau
		}
		if stop.Evaluations > 0 && l.evaluations >= stop.Evaluations {
			l.status = StatusEvaluations
		}
	}
	if stop.Trials > 0 && l.told >= stop.Trials {
		l.status = StatusTrials
	}
	if now := time.Now(); l.options.Progress != nil && now.Sub(l.reported) >= l.options.Every {
		l.report()
	}
	return nil
}

// replay tells the recorded trials, checking that the searcher asks for them.
// Trials recorded beyond a criterion are kept: the run then had a later one.
func (l *loop) replay() error {
	defer func() { l.workBegan = time.Now() }()
	if l.options.Replay == nil {
		return nil
	}
	for t, err := range l.options.Replay {
		if err != nil {
			return err
		}
		if len(l.queue) == 0 {
			limit := l.options.Stop.Trials
			if limit > 0 {
				limit = max(limit, l.told+1)
			}
			if err := l.ask(limit); err != nil {
				return err
			}
		}
		if len(l.queue) == 0 {
			return fault.Errorf("search: trial %d was recorded, but the searcher has no more candidates: %w", t.ID, ErrDiverged)
		}
		c := l.queue[0]
		l.queue = l.queue[1:]
		c.name()
		if t.ID != c.ID || t.ArchID != c.ArchID || !slices.Equal(t.Genes, c.Genes) || t.Continues != c.Continues {
			return fault.Errorf("search: trial %d (arch %s, genes %v) was recorded where trial %d (arch %s, genes %v) "+
				"is asked for: %w",
				t.ID, t.ArchID, t.Genes, c.ID, c.ArchID, c.Genes, ErrDiverged)
		}
		if err := l.tell(t); err != nil {
			return err
		}
		l.replayed++
		if err := l.ask(l.options.Stop.Trials); err != nil {
			return err
		}
	}
	return nil
}

// work evaluates until the run ends.
func (l *loop) work(ctx context.Context, e Evaluator, sink Sink) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	workers := max(1, l.options.Workers)
	l.tasks, l.results = make(chan Candidate, 8*workers), make(chan outcome, 8*workers)
	l.done = map[int]Trial{}
	l.start(ctx, e, workers)
	store := newWriter(sink)
	defer func() {
		cancel()
		close(l.tasks)
		for ; l.open > 0; l.open-- {
			<-l.results
		}
		if e := store.close(); err == nil {
			err = e
		}
	}()
	var deadline <-chan time.Time
	var timer *time.Timer
	if l.options.Stop.Time > 0 {
		timer = time.NewTimer(l.options.left(time.Since(l.began)))
		defer timer.Stop()
		deadline = timer.C
	}
	if err := l.ask(l.options.Stop.Trials); err != nil {
		return err
	}
	for {
		for l.status == StatusRunning {
			t, ok := l.done[l.told]
			if !ok {
				break
			}
			delete(l.done, t.ID)
			if err := l.tell(t); err != nil {
				return err
			}
			store.put(t)
			if l.status == StatusRunning {
				if err := l.ask(l.options.Stop.Trials); err != nil {
					return err
				}
			}
		}
		if l.aborted != nil {
			return l.aborted
		}
		if l.status == StatusRunning && l.stopped {
			l.status = StatusInterrupted
		}
		if l.status == StatusRunning && l.exhausted && l.told == l.asked {
			l.status = StatusExhausted
		}
		if l.status != StatusRunning {
			return nil
		}
		var tasks chan Candidate
		var next Candidate
		if len(l.queue) > 0 {
			tasks, next = l.tasks, l.queue[0]
		}
		select {
		case tasks <- next:
			l.queue = l.queue[1:]
			l.open++
		case r := <-l.results:
			l.take(r)
		case <-deadline:
			if left := l.options.left(time.Since(l.began)); left > 0 { // it was held meanwhile
				timer.Reset(max(left, 20*time.Millisecond))
			} else {
				l.status = StatusTime
			}
		case <-ctx.Done():
			l.status = StatusInterrupted
		case <-store.failed:
			return nil // close returns the error
		}
	}
}
