package native

import (
	"context"
	"errors"
	"testing"
	"time"

	"nas/latency/timing"
)

func TestMeasure(t *testing.T) {
	for _, threads := range []int{1, 2} {
		o := timing.MeasureOptions{Budget: 50 * time.Millisecond}
		s, err := timing.Measure(context.Background(), referenceNetwork(), New(threads), o)
		if err != nil {
			t.Fatal(err)
		}
		if s.Runs+s.Dropped < 15 || !(s.P10Ms <= s.MedianMs && s.MedianMs <= s.P90Ms) ||
			!(s.LowMs <= s.MedianMs && s.MedianMs <= s.HighMs) {
			t.Errorf("%d threads: %+v", threads, s)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := timing.Measure(ctx, referenceNetwork(), New(1), timing.MeasureOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
