package search

import (
	"fmt"
	"iter"

	"nas/internal/fault"
	"nas/space"
)

// Exhaustive asks for every network of a space once, in the space's own order.
type Exhaustive struct {
	proposer
	next  func() (space.Genes, bool)
	stop  func()
	ahead int // candidates that may be open
}

// NewExhaustive returns an exhaustive searcher. The space must be a [Lister].
func NewExhaustive(setup Setup) (*Exhaustive, error) {
	p, err := newProposer(setup)
	if err != nil {
		return nil, err
	}
	l, ok := p.Space.(Lister)
	if !ok {
		return nil, fault.Errorf("search: exhaustive: the space of %v networks cannot be listed", p.Space.Size())
	}
	e := &Exhaustive{proposer: p, ahead: randomAhead}
	e.next, e.stop = iter.Pull(l.All())
	return e, nil
}

// String implements [Searcher].
func (e *Exhaustive) String() string { return fmt.Sprintf("exhaustive(%s)", e.settings()) }

// Ask implements [Searcher].
func (e *Exhaustive) Ask() (Candidate, State) {
	if e.asked-e.told >= e.ahead {
		return Candidate{}, Wait
	}
	for e.started < len(e.Start) {
		e.started++
		if c, ok := e.accept(e.Space.Canonical(e.Start[e.started-1]), nil, 0); ok {
			return c, Ready
		}
	}
	for !e.exhausted {
		g, ok := e.next()
		if !ok {
			e.stop()
			e.exhausted = true
			break
		}
		if c, ok := e.accept(g, nil, 0); ok {
			return c, Ready
		}
	}
	return Candidate{}, Exhausted
}

// Tell implements [Searcher].
func (e *Exhaustive) Tell(t Trial) error { return e.tell(&t) }
