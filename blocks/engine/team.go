package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// team runs the parts of a call on several threads. The goroutine that calls Run is
// thread 0. The others are idle workers of the process, its helpers: they are taken when
// a run begins and leave when it is over. Between calls they spin, because a call takes
// microseconds and so does waking a goroutine.
//
// Each part is claimed by the thread that computes it. A thread first takes its own
// parts, then those that others have not begun. So a helper whose core is taken away
// delays a call by the part that it is in the middle of, and none while it has no part.
// A thread that waits gives its core away after some tens of microseconds: the system
// then lets the delayed one run there.
type team struct {
	threads []thread
	present []atomic.Bool // whether thread i has a helper, which may not have seen that the last run is over
	job     runner        // valid while a part of it is claimed and not done
	parts   atomic.Int32
	claims  []atomic.Uint32 // of each part: twice the turn in which it may be taken, or one more once it is
	left    atomic.Int32    // parts that are not done
	turn    atomic.Uint32   // counts the calls that were divided among the threads
	over    atomic.Bool     // the run: helpers leave
	fixed   atomic.Bool     // thread i computes part i and no other, so that traces are alike
	wary    int             // calls that are still to be divided finely, because a helper was late
}

// fine is the number of parts of each thread in a call that is divided finely. The finer, the less a
// helper that loses its core is in the middle of, but fused blocks compute rows twice where parts meet.
const fine = 4

// waryCalls is how many calls are divided finely after a helper was late: some milliseconds of work.
const waryCalls = 128

func newTeam(threads []thread) *team {
	return &team{threads: threads, present: make([]atomic.Bool, len(threads)),
		claims: make([]atomic.Uint32, fine*len(threads))}
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

// begin takes workers for all threads but the first. traced makes each thread keep to its own part.
func (t *team) begin(traced bool) {
	t.fixed.Store(traced)
	t.over.Store(false)
	for i := 1; i < len(t.threads); i++ {
		if t.present[i].CompareAndSwap(false, true) {
			hire().start <- assignment{t, i, t.turn.Load()}
		}
	}
}

// end lets the helpers leave. It does not wait for them: they hold no part.
func (t *team) end() { t.over.Store(true) }

// pause is called for the n-th time between two looks at a flag. Every few
// microseconds it yields to other goroutines. After some tens of microseconds it also
// sleeps: the thread that it waits for has then most likely lost its core, and may have this one.
func pause(n int) {
	const spins, patience = 1 << 10, 1 << 15
	switch {
	case n >= patience && n%spins == 0:
		time.Sleep(20 * time.Microsecond)
	case n%spins == 0:
		runtime.Gosched()
	}
}

// do runs all parts of a call.
func (t *team) do(r runner) {
	threads := len(t.threads)
	parts := 1
	if threads > 1 {
		parts = threads
		if t.wary > 0 && !t.fixed.Load() {
			parts *= fine
			t.wary--
		}
		parts = min(r.maxParts(), parts)
	}
	if parts <= 1 {
		t.threads[0].run(r, 0, 1)
		return
	}
	turn := t.turn.Load() + 1
	t.job = r
	t.parts.Store(int32(parts))
	t.left.Store(int32(parts))
	for i := range parts {
		t.claims[i].Store(2 * turn)
	}
	t.turn.Store(turn)
	others := t.work(0, turn)
	n := 1
	for ; t.left.Load() != 0; n++ {
		pause(n)
	}
	if from, to := cut(parts, 0, threads); others == parts-(to-from) || n > lateAfter {
		t.wary = waryCalls // the helpers have done nothing, or the last of them was slow
	}
}

// lateAfter is the number of looks, of about a nanosecond each, after which a helper is late.
const lateAfter = 1 << 14

// work computes parts of the turn until none is free, and returns how many of them were other threads' own.
func (t *team) work(index int, turn uint32) (others int) {
	parts := int(t.parts.Load())
	from, to := cut(parts, index, len(t.threads))
	if t.fixed.Load() {
		from, to, parts = index, min(index+1, parts), 0
	}
	for i := from; i < to; i++ {
		t.part(i, index, turn)
	}
	for i := parts - 1; i >= 0; i-- { // the last parts of the others: they begin with their first
		if (i < from || i >= to) && t.part(i, index, turn) {
			others++
		}
	}
	return others
}

// part computes a part of the turn if it is free.
func (t *team) part(i, index int, turn uint32) bool {
	if !t.claims[i].CompareAndSwap(2*turn, 2*turn+1) {
		return false
	}
	t.threads[index].run(t.job, i, int(t.parts.Load()))
	t.left.Add(-1)
	return true
}

// help is what a worker does during a run: its parts of every call.
func (t *team) help(index int, turn uint32) {
	for {
		for n := 1; t.turn.Load() == turn; n++ {
			if t.over.Load() {
				// An exchange, because the look at over after it must not be early: qemu-user runs an arm64
				// release store and the acquire load after it in either order, and Go needs the order of the code.
				t.present[index].Swap(false)
				// The next run may have begun, and counted on this helper.
				if t.over.Load() || !t.present[index].CompareAndSwap(false, true) {
					return
				}
			}
			pause(n)
		}
		turn = t.turn.Load()
		t.work(index, turn)
	}
}
