package proxy

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"nas/blocks/engine"
)

// TestMemoryLimiter: what needs more than the limit is refused, and together no more
// than the limit is in use.
func TestMemoryLimiter(t *testing.T) {
	n := network(t, "mobilenet_v2")
	const limit = 1 << 30
	l := newMemoryLimiter(limit)
	peak := float64(n.Counts().PeakActivations)
	if _, err := l.reserve(t.Context(), n, int(limit/4/peak)); err == nil {
		t.Error("a batch of twice the limit is let in")
	}
	third := int(limit / 3 / 8 / peak)
	var inside, most atomic.Int64
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			release, err := l.reserve(t.Context(), n, third)
			if err != nil {
				t.Error(err)
				return
			}
			v := inside.Add(1)
			for m := most.Load(); v > m && !most.CompareAndSwap(m, v); m = most.Load() {
			}
			runtime.Gosched()
			inside.Add(-1)
			release()
		})
	}
	wg.Wait()
	if got := most.Load(); got > 3 || !l.free.TryAcquire(limit) {
		t.Errorf("%d thirds at once", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.reserve(ctx, n, third); err != context.Canceled {
		t.Errorf("waiting for memory ends with %v when its context does", err)
	}
}

// TestStopsInside: a network that is being run stops at the next activation.
func TestStopsInside(t *testing.T) {
	n, err := runnable(network(t, "mobilenet_v2"), 0.25)
	if err != nil {
		t.Fatal(err)
	}
	seen, stop := 0, errors.New("stop")
	o := engine.Options{Batch: 2, BatchStats: true, Tap: func(int, []float32) error {
		seen++
		return stop
	}}
	_, err = runRandom(t.Context(), n, 0, o,
		func(normal func(int) []float32) []float32 { return normal(2 * n.Input().Elems()) })
	if err != stop || seen != 1 {
		t.Errorf("%d activations, then %v", seen, err)
	}
}
