package rungs

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// climb sends trials up a ladder, in any order and so many at once, and returns how far each came.
func climb(t *testing.T, values [][]float64, cost []float64, skip map[int]bool, seed uint64, workers int) []int {
	t.Helper()
	l := NewLadder(len(values[0]), 3)
	reached := make([]int, len(values))
	var wg sync.WaitGroup
	free := make(chan bool, workers)
	r := rand.New(rand.NewPCG(seed, 1))
	pauses := make([]time.Duration, len(values))
	for i := range pauses {
		pauses[i] = time.Duration(r.IntN(300)) * time.Microsecond
	}
	for id := range values {
		free <- true
		wg.Go(func() {
			defer func() { <-free }()
			time.Sleep(pauses[id])
			defer func() { l.End(id, reached[id] == len(values[0])) }()
			if skip[id] {
				return
			}
			for k, v := range values[id] {
				reached[id] = k + 1
				goOn, err := l.Reach(t.Context(), id, v, []float64{cost[id], -v})
				if err != nil {
					t.Error(err)
				}
				if !goOn {
					return
				}
			}
		})
	}
	wg.Wait()
	return reached
}

// Which trials go on depends neither on how many are at work nor on which ends first.
func TestLadderIsInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for round := range 20 {
		const n = 60
		values, cost, skip := make([][]float64, n), make([]float64, n), map[int]bool{}
		for i := range values {
			q := r.Float64()
			values[i], cost[i] = []float64{q + 0.1*r.Float64(), q + 1, q + 2}, r.Float64()+q
			skip[i] = r.IntN(5) == 0
		}
		want := climb(t, values, cost, skip, 0, 1)
		for workers := range 8 {
			if got := climb(t, values, cost, skip, uint64(workers), 2+3*workers); !slices.Equal(got, want) {
				t.Fatalf("round %d, %d workers:\n%v\nwant\n%v", round, 2+3*workers, got, want)
			}
		}
		count := [4]int{}
		for _, k := range want {
			count[k]++
		}
		first, second := n-len(keys(skip)), n-len(keys(skip))-count[1]
		if second < first/6 || second > first*3/4 || count[3] == 0 {
			t.Errorf("round %d: of %d trials %d go on, %d finish", round, first, second, count[3])
		}
	}
}

func keys(m map[int]bool) (list []int) {
	for k, v := range m {
		if v {
			list = append(list, k)
		}
	}
	return list
}

// The best third of each rung goes on, and the first always does: nothing better is known.
func TestLadderKeepsTheBest(t *testing.T) {
	l := NewLadder(2, 3)
	var went []int
	for id, v := range []float64{5, 9, 4, 8, 3, 10} {
		goOn, err := l.Reach(t.Context(), id, v, []float64{-v})
		if err != nil {
			t.Fatal(err)
		}
		if goOn {
			went = append(went, id)
			if last, err := l.Reach(t.Context(), id, v+1, []float64{-v - 1}); last || err != nil {
				t.Error("a trial goes on from the last rung")
			}
		}
		l.End(id, goOn)
	}
	if want := []int{0, 1, 3, 5}; !slices.Equal(went, want) { // 8 is the second of four, of which two go on
		t.Errorf("%v went on, want %v", went, want)
	}
	values, err := l.Finished(t.Context(), 5)
	if err != nil || len(values) != 3 || values[1][0] != 9 || values[1][1] != 10 {
		t.Errorf("%v finished, %v", values, err)
	}
}

func TestLadderWaits(t *testing.T) {
	l := NewLadder(2, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.Reach(ctx, 1, 5, []float64{5}); err != context.DeadlineExceeded {
		t.Errorf("trial 1 was judged before trial 0: %v", err)
	}
	l.Replay(0, true, []float64{4}, [][]float64{{4}}, false)
	if _, err := l.Finished(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestSlots(t *testing.T) {
	s := NewSlots([]string{"a", "b"})
	a, _ := s.Take(t.Context(), 0)
	b, _ := s.Take(t.Context(), 1)
	if a != "a" || b != "b" {
		t.Fatalf("%q and %q", a, b)
	}
	got := make(chan int, 2)
	var wg sync.WaitGroup
	for _, id := range []int{7, 3} {
		wg.Go(func() {
			if _, err := s.Take(t.Context(), id); err == nil {
				got <- id
			}
		})
	}
	for {
		s.mu.Lock()
		n := len(s.waiting)
		s.mu.Unlock()
		if n == 2 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	s.Free("a")
	if id := <-got; id != 3 {
		t.Errorf("trial %d was first", id)
	}
	s.Free("b")
	wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Take(ctx, 9); err != context.Canceled {
		t.Error(err)
	}
}

// Whatever is on the front of its rung goes on, however many that are.
func TestLadderKeepsTheFront(t *testing.T) {
	l := NewLadder(2, 3)
	for id := range 6 {
		v := float64(id)
		goOn, err := l.Reach(t.Context(), id, v, []float64{v, -v}) // each is better and dearer than the one before
		if err != nil || !goOn {
			t.Errorf("trial %d of the front is stopped: %v", id, err)
		}
		l.End(id, false)
	}
	if goOn, err := l.Reach(t.Context(), 6, 2, []float64{5, -2}); goOn || err != nil {
		t.Errorf("a trial that three others dominate goes on: %v", err)
	}
}
