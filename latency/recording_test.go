package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// record simulates runs of calls that take the given ms, on a core whose speed is
// divided by slow during a share of the time, in spells of mean length spell ms.
func record(r *rand.Rand, runs int, calls []float64, share, slow, spell float64) *recording {
	rec := &recording{threads: 1}
	busy := r.Float64() < share
	left := 0.0
	next := func() {
		if left <= 0 {
			busy = r.Float64() < share
			left = spell * r.ExpFloat64()
		}
	}
	for range runs {
		ns := make([]int64, len(calls))
		total := 0.01 // between the calls
		for i, work := range calls {
			took := 0.0
			for work > 0 {
				next()
				f := 1.0
				if busy {
					f = slow
				}
				d := min(work*f, left)
				took, left, work = took+d, left-d, work-d/f
			}
			took *= 1 + 0.005*r.NormFloat64()
			ns[i] = int64(1e6 * took)
			total += took
		}
		rec.add(run{ms: total, cpuMs: total}, ns)
	}
	return rec
}

// A neighbour that slows the core down for milliseconds, most of the time, leaves
// no run of a network of ten milliseconds alone; its time is found all the same.
func TestRecordingFindsTheUndisturbedTime(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	calls, want := make([]float64, 40), 0.01
	for i := range calls {
		calls[i] = 0.05 + 0.4*r.Float64()
		want += calls[i]
	}
	for _, share := range []float64{0, 0.3, 0.6} {
		var err, plain float64
		const trials = 30
		for range trials {
			rec := record(r, 24, calls, share, 1.4, 1.5)
			x := rec.timing()
			err += math.Abs(x.Whole.MedianMs/want-1) / trials
			plain += math.Abs(quietSample(rec.ms).MedianMs/want-1) / trials
			if !(x.Whole.P10Ms <= x.Whole.MedianMs && x.Whole.MedianMs <= x.Whole.P90Ms && x.Whole.LowMs <= x.Whole.MedianMs && x.Whole.MedianMs <= x.Whole.HighMs) {
				t.Fatalf("%+v", x.Whole)
			}
			for i, ms := range x.CallMs {
				if math.Abs(ms/calls[i]-1) > 0.1 {
					t.Errorf("%.0f %% disturbed: a call takes %g ms, %g undisturbed", 100*share, ms, calls[i])
				}
			}
		}
		if err > 0.015 {
			t.Errorf("%.0f %% disturbed: off by %.1f %% in the mean", 100*share, 100*err)
		}
		if share > 0.5 && plain < 0.05 {
			t.Errorf("%.0f %% disturbed: the median of the runs is off by %.1f %% only: the test shows nothing", 100*share, 100*plain)
		}
	}
}

// Runs that lost their core tell of calls only where there are no others.
func TestRecordingOfLostRuns(t *testing.T) {
	rec := &recording{threads: 1}
	for range 8 {
		rec.add(run{ms: 9, cpuMs: 3, switched: true}, []int64{1e6, 7e6})
	}
	x := rec.timing()
	if x.Interrupted != 8 || x.Whole.MedianMs != 3 || x.CallMs[0] != 1 || len(x.Whole.Warnings) == 0 {
		t.Errorf("all lost: %+v", x)
	}
	for range 4 {
		rec.add(run{ms: 3.5, cpuMs: 3.5}, []int64{1e6, 2e6})
	}
	if x = rec.timing(); math.Abs(x.Whole.MedianMs-3.5) > 1e-9 || x.CallMs[1] != 2 {
		t.Errorf("four kept: %+v", x)
	}
	two := &recording{threads: 2}
	two.add(run{ms: 9, cpuMs: 3, switched: true}, []int64{1e6, 7e6})
	if x = two.timing(); x.Whole.MedianMs != 9 {
		t.Errorf("threads wait for each other, and the wall time counts: %+v", x.Whole)
	}
}
