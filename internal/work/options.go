package work

import (
	"context"
	"fmt"
	"sync"
	"time"

	"nas/search"
)

// Options say how work is done. They never change a result.
type Options struct {
	// Workers is how many networks are judged at once. 0 means one for each processor.
	Workers int
	// Elsewhere says that other machines evaluate the candidates: what a training needs is there, and not looked for here.
	Elsewhere bool
	// Say is called with one line of text at each step. Progress is called from time to time within
	// a step. Both may be nil and are called from one goroutine at a time.
	Say      func(string)
	Progress func(Progress)
	// Gate, if not nil, holds the work while it is closed: a calibration or a measurement between two networks, a
	// search before the next candidate, a training before the next rung.
	Gate *Gate
}

// Sayf formats a line for Say.
func (o Options) Sayf(format string, a ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, a...))
	}
}

// Report calls Progress.
func (o Options) Report(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

// Progress is how far a step has come.
type Progress struct {
	Step    string // "calibrate", "search", "measure", "measure again"
	Done    int
	Total   int              // 0 if unknown
	Seconds bool             // Done and Total are seconds
	Search  *search.Progress // of the step "search"
	Note    string           // what else there is to say, in a few words
	Ended   bool             // the step is over, though Done may be less than Total
}

// String is Done of Total, with the unit.
func (p Progress) String() string {
	s := fmt.Sprint(p.Done)
	if p.Total > 0 {
		s += fmt.Sprintf(" of %d", p.Total)
	}
	if p.Seconds {
		s += " s"
	}
	if p.Note != "" {
		s += "; " + p.Note
	}
	return s
}

// Gate holds work while it is closed: what has begun goes on, and nothing new begins. The zero value is open, and so is
// a nil gate. Its methods may be called at the same time.
type Gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed when the gate is opened; nil: it is open
	since  time.Time     // when it was closed
	held   time.Duration // how long it was closed, without the time since then
	waits  int
}

// Close closes the gate.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		g.opened, g.since = make(chan struct{}), time.Now()
	}
}

// Open lets all go on that wait.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened != nil {
		close(g.opened)
		g.opened = nil
		g.held += time.Since(g.since)
	}
}

// Wait returns when the gate is open, or ctx is done.
func (g *Gate) Wait(ctx context.Context) {
	if g == nil {
		return
	}
	g.mu.Lock()
	opened := g.opened
	if opened != nil {
		g.waits++
	}
	g.mu.Unlock()
	if opened == nil {
		return
	}
	select {
	case <-opened:
	case <-ctx.Done():
	}
	g.mu.Lock()
	g.waits--
	g.mu.Unlock()
}

// Held returns for how long the gate was closed, all in all.
func (g *Gate) Held() time.Duration {
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened == nil {
		return g.held
	}
	return g.held + time.Since(g.since)
}

// State reports whether the gate is closed, and whether work waits at it.
func (g *Gate) State() (closed, waiting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.opened != nil, g.waits > 0
}
