package rungs

import (
	"context"
	"slices"
	"sync"

	"nas/search/pareto"
)

// Ladder decides which trials go on to the next rung. Its methods may be called at the same time. Every trial from 0 on
// must come to its end, or those after it wait.
type Ladder struct {
	eta int

	mu      sync.Mutex
	trials  []trial       // by id
	next    []int         // of each rung: the smallest id of which is not known whether it comes there
	ended   int           // the smallest id that has not ended
	known   int           // the smallest id of which is not known whether it is trained
	changed chan struct{} // closed at every change, and made anew
	waiting int           // calls that wait for changed
}

type trial struct {
	counted bool        // it is one of the trials that are trained
	values  []float64   // after each rung
	costs   [][]float64 // at each rung, to be minimised; nil at one that another trial came to with the same network
	ended   bool
	whole   bool // came to the last rung
}

// NewLadder returns a ladder with so many rungs, on which one in eta goes on.
func NewLadder(rungs, eta int) *Ladder {
	return &Ladder{eta: eta, next: make([]int, rungs), changed: make(chan struct{})}
}

// Enter records that a trial is to be trained. It waits until it is known of every trial before it whether that one is,
// and returns how many are.
func (l *Ladder) Enter(ctx context.Context, id int) (before int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at(id).counted = true
	l.advance()
	if err := l.wait(ctx, func() bool { return l.known >= id }); err != nil {
		return 0, err
	}
	for _, t := range l.trials[:id] {
		if t.counted {
			before++
		}
	}
	return before, nil
}

// Reach records that a trial came to its next rung with a value, and its costs there: the objectives, to be minimised.
// It waits until the same is known of every trial before it, and reports whether the trial goes on. From the last rung
// none does.
func (l *Ladder) Reach(ctx context.Context, id int, value float64, costs []float64) (goOn bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rung := l.reach(id, value, costs)
	if rung == len(l.next)-1 {
		return false, nil
	}
	if err := l.wait(ctx, func() bool { return l.next[rung] >= id }); err != nil {
		return false, err
	}
	return l.among(id, rung), nil
}

// Pass records a rung of a trial that goes on in any case. Costs are nil where an earlier trial with the same network
// came to the rung.
func (l *Ladder) Pass(id int, value float64, costs []float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reach(id, value, costs)
}

func (l *Ladder) reach(id int, value float64, costs []float64) (rung int) {
	t := l.at(id)
	rung = len(t.values)
	t.values, t.costs = append(t.values, value), append(t.costs, slices.Clone(costs))
	l.advance()
	return rung
}

// End records that a trial ended: it comes to no further rung. Whole says that it came to the last.
func (l *Ladder) End(id int, whole bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.at(id)
	if t.ended {
		return
	}
	t.ended, t.whole = true, whole
	l.advance()
}

// Replay records a trial of a run that is resumed: whether it was one that is trained, its values after each rung, and
// its costs there.
func (l *Ladder) Replay(id int, counted bool, values []float64, costs [][]float64, whole bool) {
	l.mu.Lock()
	l.at(id).counted = counted
	for i, v := range values {
		l.reach(id, v, costs[i])
	}
	l.mu.Unlock()
	l.End(id, whole)
}

// Finished returns the values after each rung of the trials before id that came to the last. It waits until all before
// id have ended.
func (l *Ladder) Finished(ctx context.Context, id int) (values [][]float64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.wait(ctx, func() bool { return l.ended >= id }); err != nil {
		return nil, err
	}
	for _, t := range l.trials[:id] {
		if t.whole {
			values = append(values, t.values)
		}
	}
	return values, nil
}

func (l *Ladder) at(id int) *trial {
	for len(l.trials) <= id {
		l.trials = append(l.trials, trial{})
	}
	return &l.trials[id]
}

// advance moves on what is known, and wakes those who wait for it.
func (l *Ladder) advance() {
	for r := range l.next {
		for l.next[r] < len(l.trials) {
			if t := &l.trials[l.next[r]]; !t.ended && len(t.values) <= r {
				break
			}
			l.next[r]++
		}
	}
	for l.ended < len(l.trials) && l.trials[l.ended].ended {
		l.ended++
	}
	for l.known < len(l.trials) && (l.trials[l.known].counted || l.trials[l.known].ended) {
		l.known++
	}
	close(l.changed)
	l.changed, l.waiting = make(chan struct{}), 0
}

// wait waits, with mu held, until what is known is enough.
func (l *Ladder) wait(ctx context.Context, enough func() bool) error {
	for !enough() {
		changed := l.changed
		l.waiting++
		l.mu.Unlock()
		select {
		case <-changed:
			l.mu.Lock()
		case <-ctx.Done():
			l.mu.Lock()
			return context.Cause(ctx)
		}
	}
	return nil
}

// Waiting returns how many calls wait for other trials, and will go on waiting unless something is recorded.
func (l *Ladder) Waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}

// among reports whether a trial is, among those up to it that came to a rung, on the front or one of the best 1/eta,
// rounded up.
func (l *Ladder) among(id, rung int) bool {
	var points [][]float64
	for _, t := range l.trials[:id+1] {
		if len(t.costs) > rung && t.costs[rung] != nil {
			points = append(points, t.costs[rung])
		}
	}
	self := len(points) - 1
	keep := (len(points) + l.eta - 1) / l.eta
	ranks, _ := pareto.Sort(points, nil)
	better := 0
	var front [][]float64
	place := 0 // of the trial among its front
	for i, r := range ranks {
		switch {
		case r < ranks[self]:
			better++
		case r == ranks[self]:
			if i == self {
				place = len(front)
			}
			front = append(front, points[i])
		}
	}
	if better == 0 || better+len(front) <= keep {
		return true
	}
	kept, _ := new(pareto.Pruner).Prune(front, keep-better)
	return slices.Contains(kept, place)
}
