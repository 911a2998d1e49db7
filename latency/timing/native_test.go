package timing

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	for _, threads := range []int{1, 2} {
		o := MeasureOptions{Budget: 50 * time.Millisecond}
		s, err := Measure(context.Background(), referenceNetwork(), NewNative(threads), o)
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
	if _, err := Measure(ctx, referenceNetwork(), NewNative(1), MeasureOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}
