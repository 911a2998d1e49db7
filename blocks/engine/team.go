package engine

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// team runs the parts of a call on several threads. The goroutine that calls
// Run is lane 0. Others are taken from the workers of the process when a run
// begins and given back when it ends; in between they spin, since a call takes
// microseconds and waking a goroutine does too.
type team struct {
	lanes   []lane
	helpers []*worker
	job     runner
	parts   int
	turn    atomic.Uint32 // counts calls that are shared out
	pending atomic.Int32  // lanes still at work on the current one
	over    bool          // with the next turn the run ends
}

func newTeam(lanes []lane) *team {
	return &team{lanes: lanes, helpers: make([]*worker, len(lanes)-1)}
}

// worker is a parked goroutine of the process.
type worker struct{ start chan assignment }

type assignment struct {
	t    *team
	lane int
	turn uint32
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
		a.t.help(a.lane, a.turn)
		idle.Lock()
		idle.workers = append(idle.workers, w)
		idle.Unlock()
	}
}

// begin gathers the workers.
func (t *team) begin() {
	t.over = false
	for i := range t.helpers {
		t.helpers[i] = hire()
		t.helpers[i].start <- assignment{t, i + 1, t.turn.Load()}
	}
}

// end sends them home and waits until they have left.
func (t *team) end() {
	if len(t.helpers) == 0 {
		return
	}
	t.over = true
	t.share()
	t.wait()
}

// share starts a turn.
func (t *team) share() {
	t.pending.Store(int32(len(t.helpers)))
	t.turn.Add(1)
}

func (t *team) wait() {
	for n := 1; t.pending.Load() != 0; n++ {
		pause(n)
	}
}

// pause is called between two looks at a flag, the n-th time. It offers the
// processor to other goroutines every few microseconds, and to other processes
// after half a millisecond: then the lane waited for has most likely lost its own.
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
		parts = min(r.pieces(), len(t.lanes))
	}
	if parts <= 1 {
		t.lanes[0].run(r, 0, 1)
		return
	}
	t.job, t.parts = r, parts
	t.share()
	t.lanes[0].run(r, 0, parts)
	t.wait()
}

// help is the life of a worker during a run.
func (t *team) help(lane int, turn uint32) {
	for {
		for n := 1; t.turn.Load() == turn; n++ {
			pause(n)
		}
		turn++
		if t.over {
			t.pending.Add(-1)
			return
		}
		if lane < t.parts {
			t.lanes[lane].run(t.job, lane, t.parts)
		}
		t.pending.Add(-1)
	}
}
