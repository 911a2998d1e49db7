package proxy

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
)

// TestRoom: what needs more than half of the memory is refused, and together no
// more than half is in use.
func TestRoom(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom()
	k := n.Counts()
	if _, err := r.enter(n, int(machineMemory()/8/float64(k.PeakActivations))); err == nil {
		t.Error("a batch that fills the memory is let in")
	}
	batch := int(machineMemory() / 2 / 3 / 8 / float64(k.PeakActivations)) // a third of the half
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			leave, err := r.enter(n, batch)
			if err != nil {
				t.Error(err)
				return
			}
			v := inside.Add(1)
			for m := most.Load(); v > m && !most.CompareAndSwap(m, v); m = most.Load() {
			}
			time.Sleep(time.Millisecond)
			inside.Add(-1)
			leave()
		})
	}
	wg.Wait()
	if got := most.Load(); got > 3 || r.used != 0 {
		t.Errorf("%d thirds at once, %v bytes in use at the end", got, r.used)
	}
}

// TestStopsInside: a network that is being run stops at the next activation.
func TestStopsInside(t *testing.T) {
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		t.Fatal(err)
	}
	n, d, seen, stop := shrunk(t, n), drawerOf(0), 0, errors.New("stop")
	o := engine.Options{Batch: 2, BatchStats: true, Tap: func(int, []float32) error {
		seen++
		return stop
	}}
	if _, err = runRandom(n, d, o, func() []float32 { return d.input(2 * n.Input().Elems()) }); err != stop || seen != 1 {
		t.Errorf("%d activations, then %v", seen, err)
	}
}

func shrunk(t *testing.T, n *blocks.Network) *blocks.Network {
	small, err := runnable(n, 0.25)
	if err != nil {
		t.Fatal(err)
	}
	return small
}
