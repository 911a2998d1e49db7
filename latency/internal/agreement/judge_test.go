package agreement

import (
	"math"
	"math/rand/v2"
	"testing"
)

// measuredPoints are n networks of 1 to 10 ms whose intervals reach half to either side, and whose measured times are
// off by so many half intervals.
func measuredPoints(n int, half float64, off func(i int) float64) []Point {
	ps := make([]Point, n)
	for i := range ps {
		ms := 1 + 9*float64(i)/float64(n)
		ps[i] = Point{PredictedMs: ms, LowMs: ms * math.Exp(-half), HighMs: ms * math.Exp(half),
			MeasuredMs: ms * math.Exp(half*off(i))}
	}
	return ps
}

func TestJudge(t *testing.T) {
	where := func(yes func(i int) bool) func(int) float64 {
		return func(i int) float64 {
			if yes(i) {
				return 2 * float64(2*(i%2)-1) // to both sides
			}
			return 0
		}
	}
	for _, c := range []struct {
		name    string
		n       int
		off     func(i int) float64
		held    bool
		refuted string
	}{
		{"none outside", 12, where(func(int) bool { return false }), true, ""},
		{"one of twelve", 12, where(func(i int) bool { return i == 5 }), true, ""},
		{"four of twelve", 12, where(func(i int) bool { return i%3 == 0 }), false, ""},
		{"six of twelve", 12, where(func(i int) bool { return i%4 < 2 }), false,
			"6 of 12 networks of 0.819 to 9.47 ms (predictions are +0 % off)"},
		{"the fastest quarter", 24, where(func(i int) bool { return i < 6 }), false,
			"5 of 6 networks of 0.819 to 3.25 ms (predictions are +11 % off)"},
		{"all inside, and faster than predicted", 12, func(int) float64 { return -0.9 }, false,
			"0 of 12 networks of 0.914 to 8.45 ms (predictions are +9 % off)"},
		{"all inside, and a little faster", 12, func(int) float64 { return -0.5 }, false, ""},
		{"all of two", 2, where(func(int) bool { return true }), false, ""},
		{"no points", 0, nil, false, ""},
	} {
		if held, refuted := Judge(measuredPoints(c.n, 0.1, c.off)); held != c.held || refuted != c.refuted {
			t.Errorf("%s: held %v, refuted %q; want %v, %q", c.name, held, refuted, c.held, c.refuted)
		}
	}
}

// Networks are measured twelve at a time, up to 48, until a judgement is clear. Normal errors of which 90 % lie inside
// are refuted less than one time in 100. A shift of all networks by 6 % is refuted nearly always, by intervals of up to
// that half width.
func TestJudgeInSteps(t *testing.T) {
	const sd = 1 / 1.6449 // in half intervals
	const times = 2000
	for _, c := range []struct {
		name        string
		half        float64
		shift       func(quarter int) float64 // of log ms
		least, most float64                   // share of refuted ones, in per cent
		networks    float64                   // that are measured, in the mean, at most
	}{
		{"right", 0.04, func(int) float64 { return 0 }, 0, 1, 22},
		{"another session, 1 %", 0.04, func(int) float64 { return 0.01 }, 0, 2, 30},
		{"6 %, narrow intervals", 0.03, func(int) float64 { return 0.06 }, 99, 100, 14},
		{"6 %, usual intervals", 0.045, func(int) float64 { return 0.06 }, 99, 100, 16},
		{"6 %, wide intervals", 0.06, func(int) float64 { return 0.06 }, 97, 100, 24},
		{"6 %, but for the slowest", 0.045, func(q int) float64 { return []float64{0.06, 0.06, 0.06, 0}[q] }, 95, 100, 24},
		{"15 % of the fastest", 0.045, func(q int) float64 { return []float64{0.15, 0, 0, 0}[q] }, 90, 100, 30},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		refuted, measured := 0, 0
		for range times {
			var ps []Point
			held, why := false, ""
			for len(ps) < 48 && !held && why == "" {
				ps = append(ps, measuredPoints(12, c.half, func(i int) float64 {
					return c.shift(i/3)/c.half + sd*r.NormFloat64()
				})...)
				held, why = Judge(ps)
			}
			measured += len(ps)
			if why != "" {
				refuted++
			}
		}
		pct, mean := 100*float64(refuted)/times, float64(measured)/times
		t.Logf("%s: %.1f %% refuted, after %.1f networks", c.name, pct, mean)
		if pct < c.least || pct > c.most || mean > c.networks {
			t.Errorf("%s: %.1f %% refuted after %.1f networks, want %g to %g %% after at most %g", c.name, pct, mean,
				c.least, c.most, c.networks)
		}
	}
}
