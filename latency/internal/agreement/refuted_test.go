package agreement

import (
	"math/rand/v2"
	"testing"
)

// spreadPoints are n networks of 1 to 10 ms, of which those of miss lie outside of their intervals.
func spreadPoints(n int, miss func(i int) bool) []Point {
	ps := make([]Point, n)
	for i := range ps {
		ms := 1 + 9*float64(i)/float64(n)
		ps[i] = Point{PredictedMs: ms, LowMs: 0.9 * ms, HighMs: 1.1 * ms, MeasuredMs: ms}
		if miss(i) {
			ps[i].PredictedMs, ps[i].LowMs, ps[i].HighMs = 1.2*ms, 1.1*ms, 1.3*ms
		}
	}
	return ps
}

func TestRefuted(t *testing.T) {
	for _, c := range []struct {
		name string
		n    int
		miss func(i int) bool
		want string
	}{
		{"none", 16, func(int) bool { return false }, ""},
		{"half", 16, func(i int) bool { return i%2 == 0 }, ""},
		{"nine of sixteen", 16, func(i int) bool { return i%2 == 0 || i == 1 },
			"9 of 16 networks of 1 to 9.44 ms (predictions are +20 % off)"},
		{"the fastest quarter", 16, func(i int) bool { return i < 4 },
			"4 of 4 networks of 1 to 2.69 ms (predictions are +20 % off)"},
		{"three of it", 16, func(i int) bool { return i < 3 }, ""},
		{"all of three", 3, func(int) bool { return true }, ""},
		{"no points", 0, func(int) bool { return true }, ""},
	} {
		if got := Refuted(spreadPoints(c.n, c.miss)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	// Intervals that hold 80 % are refuted less than one time in 100, those that hold a third most of the time.
	r := rand.New(rand.NewPCG(1, 2))
	rate := func(misses float64) (pct float64) {
		for range 2000 {
			if Refuted(spreadPoints(16, func(int) bool { return r.Float64() < misses })) != "" {
				pct += 100.0 / 2000
			}
		}
		return pct
	}
	if pct := rate(0.2); pct > 1 {
		t.Errorf("intervals that hold 80 %% are refuted %.2f %% of the time", pct)
	}
	if pct := rate(0.67); pct < 80 {
		t.Errorf("intervals that hold a third are refuted %.0f %% of the time", pct)
	}
}
