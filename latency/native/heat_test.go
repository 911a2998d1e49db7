package native

import (
	"context"
	"errors"
	"testing"
	"time"

	"nas/latency/timing"
)

// A heated timer was under load for as long as asked, knows its clock, and runs the load in place of pauses.
func TestHeat(t *testing.T) {
	rt := New(1).Sustained()
	if d := rt.Device(); !d.Sustained || d.Match(New(1).Device()) == nil || Of(d).Device() != d {
		t.Fatalf("%v is the device of a burst", d)
	}
	x, err := rt.Open(t.Context(), timing.Baseline{})
	if err != nil {
		t.Fatal(err)
	}
	m := x.(*timer)
	defer m.Close()
	seen := 0
	begin := time.Now()
	if err := m.Heat(t.Context(), 60*time.Millisecond, func(timing.Heat) { seen++ }); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 60*time.Millisecond || seen == 0 {
		t.Errorf("heated in %v, seen %d times", took, seen)
	}
	time.Sleep(80 * time.Millisecond)
	begin = time.Now()
	tm, err := m.TimeUnits(t.Context(), referenceNetwork(), timing.Effort{Runs: 3})
	if took := time.Since(begin); err != nil || took < 80*time.Millisecond || len(tm.CallMs) == 0 {
		t.Errorf("timed in %v after a pause of 80 ms: %v", took, err)
	}
	h := m.Heated()
	if h.LoadS < 0.06 || len(h.Clock) < 2 || h.Clock[0].S != 0 {
		t.Errorf("%+v", h)
	}
	for _, c := range h.Clock {
		if c.MHz < 20 || c.MHz > 10_000 { // an emulated core is slow
			t.Errorf("a clock of %.0f MHz", c.MHz)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Heat(ctx, time.Hour, func(timing.Heat) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
