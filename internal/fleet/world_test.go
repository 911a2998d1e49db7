package fleet

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"nas/internal/buildinfo"
	"nas/internal/tasks"
)

// World is a service and its workers that exist in simulated time only, for tests in a bubble of package synctest. The
// dispatcher, the schedule and the journal on the other side are the real ones.
type World struct {
	Workers int
	// Work does a task in no time: it returns how long it would take, and what comes of it.
	Work func(*tasks.Task) (time.Duration, tasks.Outcome)
	// DiePerHour is the part of the workers that dies in an hour. Each one is back after Away.
	DiePerHour float64
	Away       time.Duration
	Patience   time.Duration // after that a task that a worker lost goes to another
	Delay      time.Duration // of the messages of one task together
	BeatEvery  time.Duration // so often each worker says how it stands

	Deaths, Redelivered, Beats int
	Busy, Alive                time.Duration // of all workers: work whose outcome was recorded; life

	mu     sync.Mutex
	subs   map[string]func(request)
	queue  []*letter
	first  int                // of queue
	again  []*letter          // those whose worker died come before others
	all    map[string]*letter // by subject: not acknowledged
	idle   []*hand
	events timeline
	rand   *rand.Rand
	wake   chan struct{}
	began  time.Time
}

// letter is a message of the queue.
type letter struct {
	subject   string
	data      []byte
	delivered int
}

// hand is a worker, which does one task at a time.
type hand struct {
	name  string
	life  int // a death begins another: events of the last one are void
	alive bool
	since time.Time // alive
	work  *letter
	began time.Time // the work
	done  int
}

// event is something that happens to a worker at a time, in one of its lives, or to a letter whose worker died.
type event struct {
	at     time.Time
	what   func(*World, *hand, *event)
	hand   *hand
	life   int
	letter *letter
}

type timeline []*event

func (t timeline) Len() int           { return len(t) }
func (t timeline) Less(i, k int) bool { return t[i].at.Before(t[k].at) }
func (t timeline) Swap(i, k int)      { t[i], t[k] = t[k], t[i] }
func (t *timeline) Push(x any)        { *t = append(*t, x.(*event)) }
func (t *timeline) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// Open starts a dispatcher whose service and workers are the world's. It lives until ctx is done.
func (w *World) Open(ctx context.Context, o Options) (*Dispatcher, error) {
	d, err := newDispatcher(o)
	if err != nil {
		return nil, err
	}
	w.subs, w.all, w.wake = map[string]func(request){}, map[string]*letter{}, make(chan struct{}, 1)
	w.rand, w.began = rand.New(rand.NewPCG(1, 2)), time.Now()
	if err := d.start(ctx, w); err != nil {
		return nil, err
	}
	for i := range w.Workers {
		h := &hand{name: fmt.Sprint("w", i)}
		w.begin(h)
	}
	go w.turn(ctx)
	return d, nil
}

// turn lets events happen.
func (w *World) turn(ctx context.Context) {
	for {
		w.mu.Lock()
		w.assign()
		var due []*event
		for len(w.events) > 0 && !w.events[0].at.After(time.Now()) {
			due = append(due, heap.Pop(&w.events).(*event))
		}
		next := time.Until(w.events[0].at)
		w.mu.Unlock()
		for _, e := range due {
			if e.hand == nil || e.life == e.hand.life {
				e.what(w, e.hand, e)
			}
		}
		if len(due) > 0 {
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-w.wake:
			timer.Stop()
		}
	}
}

// at plans an event. The caller holds mu.
func (w *World) at(after time.Duration, e *event) {
	e.at = time.Now().Add(after)
	if e.hand != nil {
		e.life = e.hand.life
	}
	heap.Push(&w.events, e)
}

// begin is the birth of a worker.
func (w *World) begin(h *hand) {
	w.mu.Lock()
	h.life++
	h.alive, h.since = true, time.Now()
	w.idle = append(w.idle, h)
	if w.DiePerHour > 0 {
		w.at(time.Duration(w.rand.ExpFloat64()/w.DiePerHour*float64(time.Hour)), &event{what: (*World).die, hand: h})
	}
	w.mu.Unlock()
	w.beat(h, nil)
}

// die is its sudden death. Its task is handed out again once its worker was silent for so long.
func (w *World) die(h *hand, _ *event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Deaths++
	w.Alive += time.Since(h.since)
	h.life++
	h.alive = false
	if h.work != nil {
		w.at(w.Patience, &event{what: (*World).redeliver, letter: h.work})
		h.work = nil
	}
	w.at(w.Away, &event{what: func(w *World, h *hand, _ *event) { w.begin(h) }, hand: h})
}

func (w *World) redeliver(_ *hand, e *event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all[e.letter.subject] == e.letter {
		w.again = append(w.again, e.letter)
	}
}

// beat has a worker say how it stands, and plans the next time.
func (w *World) beat(h *hand, _ *event) {
	w.mu.Lock()
	busy := 0
	if h.work != nil {
		busy = 1
	}
	b := beat{
		Worker: h.name, Version: buildinfo.Version(), Lanes: []string{evaluateLane}, Slots: 1, Busy: busy, Done: h.done,
		EveryS: w.BeatEvery.Seconds(),
	}
	w.Beats++
	w.at(w.BeatEvery, &event{what: (*World).beat, hand: h})
	w.mu.Unlock()
	w.call(ofBeats, encode(b), nil)
}

// call sends a message to the searcher. mu is not held.
func (w *World) call(of string, data []byte, respond func([]byte)) {
	w.mu.Lock()
	var handle func(request)
	for subject, f := range w.subs {
		if strings.HasPrefix(subject, runPrefix) && strings.HasSuffix(subject, "."+of) {
			handle = f
		}
	}
	w.mu.Unlock()
	handle(request{"", data, respond})
}

// assign gives letters to idle workers. The caller holds mu.
func (w *World) assign() {
	for len(w.idle) > 0 && (len(w.again) > 0 || w.first < len(w.queue)) {
		h := w.idle[0]
		w.idle = w.idle[1:]
		if !h.alive || h.work != nil {
			continue
		}
		if len(w.again) > 0 {
			h.work, w.again = w.again[0], w.again[1:]
		} else {
			h.work, w.queue[w.first] = w.queue[w.first], nil
			w.first++
		}
		if w.first > 1<<12 && w.first > len(w.queue)/2 {
			w.queue = append(w.queue[:0], w.queue[w.first:]...)
			w.first = 0
		}
		h.work.delivered++
		what := (*World).work
		if h.work.delivered > 1 {
			w.Redelivered++
			what = (*World).claim
		}
		w.at(0, &event{what: what, hand: h})
	}
}

// claim asks whether a task that came again is wanted.
func (w *World) claim(h *hand, _ *event) {
	l, life := h.work, h.life
	var b bundleMessage
	if err := json.Unmarshal(l.data, &b); err != nil {
		panic(err)
	}
	w.call(ofClaims, encode(claim{b.Token, h.name, ""}), func(data []byte) {
		var a answer
		if err := json.Unmarshal(data, &a); err != nil {
			panic(err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if h.life != life {
			return
		}
		if a.OK {
			w.at(0, &event{what: (*World).work, hand: h})
		} else {
			w.acknowledge(h, l)
		}
	})
}

// work begins the tasks of a worker's letter.
func (w *World) work(h *hand, _ *event) {
	var b bundleMessage
	if err := json.Unmarshal(h.work.data, &b); err != nil {
		panic(err)
	}
	x := outcomeMessage{Token: b.Token, Worker: h.name}
	total := w.Delay
	for i := range b.Tasks {
		took, o := w.Work(&b.Tasks[i])
		total += took
		x.Outcomes = append(x.Outcomes, o)
	}
	l, life := h.work, h.life
	w.mu.Lock()
	defer w.mu.Unlock()
	h.began = time.Now()
	w.at(total, &event{hand: h, what: func(w *World, h *hand, _ *event) {
		w.call(ofOutcomes, encode(x), func(data []byte) {
			var a answer
			if err := json.Unmarshal(data, &a); err != nil || !a.OK {
				panic(string(data))
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.Busy += total - w.Delay
			if h.life == life {
				h.done += len(x.Outcomes)
				w.acknowledge(h, l)
			}
		})
	}})
}

// acknowledge takes a letter out of the queue: its worker is idle. The caller holds mu.
func (w *World) acknowledge(h *hand, l *letter) {
	if w.all[l.subject] == l {
		delete(w.all, l.subject)
	}
	h.work = nil
	w.idle = append(w.idle, h)
	signal(w.wake)
}

// Life is how long all workers together were alive until now.
func (w *World) Life() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	total := w.Alive
	seen := map[*hand]bool{}
	for _, e := range w.events { // each one that lives has beats and a death before it
		if h := e.hand; h != nil && h.alive && !seen[h] {
			seen[h] = true
			total += time.Since(h.since)
		}
	}
	return total
}

// Utilised is which part of the workers' life went into outcomes that were recorded.
func (w *World) Utilised() float64 {
	life := w.Life()
	if life == 0 {
		return math.NaN()
	}
	return float64(w.Busy) / float64(life)
}

// World implements service.

func (w *World) connected() bool { return true }

func (w *World) subscribe(subject string, handle func(request)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs[subject] = handle
	return nil
}

func (w *World) publish(string, []byte) error { return nil }

func (w *World) makeQueue(context.Context) error { return nil }

func (w *World) queued(context.Context) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.all), nil
}

func (w *World) put(list []parcel) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range list {
		if w.all[p.subject] == nil {
			l := &letter{subject: p.subject, data: p.data}
			w.all[p.subject] = l
			w.queue = append(w.queue, l)
		}
	}
	signal(w.wake)
	return nil
}

func (w *World) purge(context.Context, string) {}
func (w *World) removeQueue(context.Context)   {}
func (w *World) close()                        {}
