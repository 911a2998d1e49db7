package rungs

import (
	"context"
	"slices"
	"sync"
)

// Slots are places for trainings at the same time. Of those who wait for one, the trial with the smallest id is next:
// others may wait for it.
type Slots struct {
	mu      sync.Mutex
	free    []string
	waiting []*waiter
}

type waiter struct {
	id   int
	slot chan string
}

// NewSlots returns free slots with these names.
func NewSlots(names []string) *Slots { return &Slots{free: slices.Clone(names)} }

// Take waits for a slot for a trial.
func (s *Slots) Take(ctx context.Context, id int) (name string, err error) {
	s.mu.Lock()
	if len(s.free) > 0 {
		name, s.free = s.free[0], s.free[1:]
		s.mu.Unlock()
		return name, nil
	}
	w := &waiter{id, make(chan string, 1)}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	select {
	case name := <-w.slot:
		return name, nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	i := slices.Index(s.waiting, w)
	if i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // it was given at this moment
		s.Free(<-w.slot)
	}
	return "", context.Cause(ctx)
}

// Free gives a slot back.
func (s *Slots) Free(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		s.free = append(s.free, name)
		return
	}
	next := 0
	for i, w := range s.waiting {
		if w.id < s.waiting[next].id {
			next = i
		}
	}
	w := s.waiting[next]
	s.waiting = slices.Delete(s.waiting, next, next+1)
	w.slot <- name
}
