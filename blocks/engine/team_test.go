package engine

import (
	"sync/atomic"
	"testing"
	"time"
)

// countRun counts how often each of its parts is computed, and on which thread.
type countRun struct {
	most  int
	parts [64]atomic.Int32
	on    [64]atomic.Int32
	slow  time.Duration // of a part of a helper
}

func (r *countRun) maxParts() int { return r.most }

func (r *countRun) run(part, parts int, th *thread) {
	if th.index > 0 {
		time.Sleep(r.slow)
	}
	for i, to := cut(len(r.parts), part, parts); i < to; i++ {
		r.parts[i].Add(1)
		r.on[i].Store(int32(th.index))
	}
}

// Every part of every call is computed once, in any number of parts, with helpers that come, go, and are slow; the
// calls of a traced run are divided alike.
func TestTeamComputesEachPartOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 5} {
		members := make([]thread, threads)
		for i := range members {
			members[i].index = i
		}
		team := newTeam(members)
		calls := 0
		for run := range 200 {
			traced := run%5 == 4
			team.begin(traced)
			for k := range 20 {
				r := &countRun{most: 1 + (run+k)%40}
				if run%50 == 0 && k == 3 {
					r.slow = time.Millisecond
				}
				team.do(r)
				calls++
				for i := range r.parts {
					if n := r.parts[i].Load(); n != 1 {
						t.Fatalf("%d threads, run %d, call %d: slice %d is computed %d times", threads, run, k, i, n)
					}
				}
				parts := min(r.most, threads)
				for part := range parts {
					from, to := cut(len(r.parts), part, parts)
					for i := from; traced && i < to; i++ {
						if on := int(r.on[i].Load()); on != part {
							t.Fatalf("%d threads, traced: part %d is computed on thread %d", threads, part, on)
						}
					}
				}
			}
			team.end()
		}
	}
}

// A helper that leaves while the next run begins is either kept or replaced: a traced run waits for it. Under qemu-user
// this hung once in some hundred thousand runs, because the emulator reorders a release store and an acquire load.
func TestTeamKeepsItsHelpers(t *testing.T) {
	members := []thread{{index: 0}, {index: 1}}
	team := newTeam(members)
	for run := range 200_000 {
		team.begin(run%2 == 1)
		team.do(&countRun{most: 2})
		team.end()
	}
}
