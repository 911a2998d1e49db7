package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// team runs the parts of a call on several threads. The goroutine that calls Run is
// thread 0. The others are idle workers of the process: they are taken when a run
// begins and given back when it ends. Between calls they spin, because a call takes
// microseconds and so does waking a goroutine.
type team struct {
	threads []thread
	helpers []*worker
	job     runner
	parts   int
	turn    atomic.Uint32 // counts the calls that were divided among the threads
	pending atomic.Int32  // threads still working on the current one
	over    bool          // the next turn ends the run
}

func newTeam(threads []thread) *team {
	return &team{threads: threads, helpers: make([]*worker, len(threads)-1)}
}

// worker is a parked goroutine of the process.
type worker struct{ start chan assignment }

type assignment struct {
	t     *team
	index int // of the thread
	turn  uint32
}

var idle struct {
	sync.Mutex
	workers []*worker
}

// hire returns an idle worker or a new one.
func hire() *worker {
	idle.Lock()
	defer idle.Unlock()
	if n := len(idle.workers); n > 0 {
		w := idle.workers[n-1]
		idle.workers = idle.workers[:n-1]
		return w
	}
	w := &worker{make(chan assignment, 1)}
	go w.loop()
	return w
}

func (w *worker) loop() {
	for a := range w.start {
		a.t.help(a.index, a.turn)
		idle.Lock()
		idle.workers = append(idle.workers, w)
		idle.Unlock()
	}
}

// begin takes workers for all threads but the first.
func (t *team) begin() {
	t.over = false
	for i := range t.helpers {
		t.helpers[i] = hire()
		t.helpers[i].start <- assignment{t, i + 1, t.turn.Load()}
	}
}

// end gives the workers back and waits until they have left.
func (t *team) end() {
	if len(t.helpers) == 0 {
		return
	}
	t.over = true
	t.nextTurn()
	t.wait()
}

// nextTurn makes the workers look for their part of the next call.
func (t *team) nextTurn() {
	t.pending.Store(int32(len(t.helpers)))
	t.turn.Add(1)
}

func (t *team) wait() {
	for n := 1; t.pending.Load() != 0; n++ {
		pause(n)
	}
}

// pause is called for the n-th time between two looks at a flag. Every few
// microseconds it yields to other goroutines. After half a millisecond it also
// sleeps: the thread that it waits for has then most likely lost its core.
func pause(n int) {
	const spins, patience = 1 << 12, 1 << 19
	switch {
	case n >= patience && n%spins == 0:
		time.Sleep(20 * time.Microsecond)
	case n%spins == 0:
		runtime.Gosched()
	}
}

// do runs all parts of a call.
func (t *team) do(r runner) {
	parts := 1
	if len(t.helpers) > 0 {
		parts = min(r.maxParts(), len(t.threads))
	}
	if parts <= 1 {
		t.threads[0].run(r, 0, 1)
		return
	}
	t.job, t.parts = r, parts
	t.nextTurn()
	t.threads[0].run(r, 0, parts)
	t.wait()
}

// help is what a worker does during a run: its part of every call.
func (t *team) help(index int, turn uint32) {
	for {
		for n := 1; t.turn.Load() == turn; n++ {
			pause(n)
		}
		turn++
		if t.over {
			t.pending.Add(-1)
			return
		}
		if index < t.parts {
			t.threads[index].run(t.job, index, t.parts)
		}
		t.pending.Add(-1)
	}
}
