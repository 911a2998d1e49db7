package regression

import (
	"math"
	"math/rand/v2"
	"testing"
)

// noises are errors of a log ratio, as likely positive as negative: quiet, with outliers that have no mean, and in
// bursts that last for pairs.
var noises = map[string]func(r *rand.Rand) func() float64{
	"normal": func(r *rand.Rand) func() float64 { return func() float64 { return 0.01 * r.NormFloat64() } },
	"cauchy": func(r *rand.Rand) func() float64 {
		return func() float64 { return 0.01 * math.Tan(math.Pi*(r.Float64()-0.5)) }
	},
	"bursts": func(r *rand.Rand) func() float64 {
		scale := 0.01
		return func() float64 {
			if r.IntN(10) == 0 {
				scale = 0.01 * math.Pow(30, r.Float64())
			}
			return scale * r.NormFloat64()
		}
	},
}

// TestSequence looks at the interval after each of 200 pairs: it misses the truth in at most 5 % of sequences, at
// any of the looks.
func TestSequence(t *testing.T) {
	const sequences, pairs, truth = 300, 200, 0.02
	for name, noise := range noises {
		missed := 0
		for k := range sequences {
			e := noise(rand.New(rand.NewPCG(uint64(k), 1)))
			var s sequence
			for range pairs {
				if s.add(truth + e()); s.excludes(truth) {
					missed++
					break
				}
			}
		}
		// Of a share of 5 % at most, 300 sequences have more than 24 with a probability below 1 %.
		if missed > 24 {
			t.Errorf("%s: %d of %d sequences exclude the truth", name, missed, sequences)
		}
		t.Logf("%s: %d of %d sequences exclude the truth", name, missed, sequences)
	}
}

// decide adds pairs until there is a verdict; at most so many.
func decide(next func() float64, most int, tolerance float64) (r Result, pairs int) {
	var s sequence
	r.Verdict = Undecided
	for pairs = 0; pairs < most && r.Verdict == Undecided; pairs++ {
		s.add(next())
		r.conclude(&s, tolerance)
	}
	return r, pairs
}

// TestVerdict: with a noise of 1 % every difference gets its verdict, and few pairs give none.
func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		ratio float64
		want  Word
	}{{1, Same}, {1.05, Slower}, {1.1, Slower}, {2, Slower}, {0.9, Faster}, {1 / 1.05, Faster}, {1.005, Same}} {
		right := 0
		for k := range 100 {
			e := noises["normal"](rand.New(rand.NewPCG(uint64(k), 2)))
			r, _ := decide(func() float64 { return math.Log(c.ratio) + e() }, 200, 0.03)
			if r.Verdict == c.want {
				right++
			}
			if r.Verdict != Undecided && !(0 < r.Low && r.Low <= r.Ratio && r.Ratio <= r.High) {
				t.Errorf("ratio %v: %+v", c.ratio, r)
			}
		}
		if right < 95 {
			t.Errorf("ratio %v: %s with %d of 100 sequences", c.ratio, c.want, right)
		}
	}
	if r, n := decide(func() float64 { return math.Log(3) }, 8, 0.03); r.Verdict != Undecided || n != 8 || r.High != 0 {
		t.Errorf("after 8 pairs: %+v", r)
	}
	if r, n := decide(func() float64 { return 0 }, 50, 0.03); r.Verdict != Same || math.Abs(r.Ratio-1) > 1e-6 {
		t.Errorf("of equal times: %+v after %d pairs", r, n)
	}
}
