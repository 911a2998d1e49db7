package latency

import (
	"math"
	"math/rand/v2"
	"testing"
)

// record simulates runs of calls that take the given ms, with a reference kernel of
// 0.4 ms between them, on a core whose speed is divided by slow during a share of the
// time, in spells of mean length spell ms.
func record(r *rand.Rand, runs int, calls []float64, share, slow, spell float64) *recording {
	rec := &recording{threads: 1}
	busy := r.Float64() < share
	left := 0.0
	took := func(work float64) float64 {
		t := 0.0
		for work > 0 {
			if left <= 0 {
				busy = r.Float64() < share
				left = spell * r.ExpFloat64()
			}
			f := 1.0
			if busy {
				f = slow
			}
			d := min(work*f, left)
			t, left, work = t+d, left-d, work-d/f
		}
		return t * (1 + 0.005*r.NormFloat64())
	}
	rec.refs = append(rec.refs, took(0.4))
	for range runs {
		ns := make([]int64, len(calls))
		total := 0.01 // between the calls
		for i, work := range calls {
			t := took(work)
			ns[i] = int64(1e6 * t)
			total += t
		}
		rec.add(run{ms: total, cpuMs: total}, ns)
		rec.refs = append(rec.refs, took(0.4))
	}
	return rec
}

// A neighbour that slows the core down for milliseconds, most of the time or for the
// whole visit, leaves no run of a network of ten milliseconds alone; its time is found
// all the same.
func TestRecordingFindsTheUndisturbedTime(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	calls, want := make([]float64, 40), 0.01
	for i := range calls {
		calls[i] = 0.05 + 0.4*r.Float64()
		want += calls[i]
	}
	for _, c := range []struct{ share, limit float64 }{{0, 0.015}, {0.3, 0.015}, {0.6, 0.015}, {1, 0.01}} {
		var err, plain float64
		const trials = 30
		for range trials {
			rec := record(r, 24, calls, c.share, 1.4, 1.5)
			x := rec.timing(0.4)
			err += math.Abs(x.Whole.MedianMs/want-1) / trials
			plain += math.Abs(quietSample(column(rec.runs, func(v recorded) float64 { return v.ms })).MedianMs/want-1) / trials
			if !(x.Whole.P10Ms <= x.Whole.MedianMs && x.Whole.MedianMs <= x.Whole.P90Ms && x.Whole.LowMs <= x.Whole.MedianMs && x.Whole.MedianMs <= x.Whole.HighMs) {
				t.Fatalf("%+v", x.Whole)
			}
			if slow := x.Slow > slowLimit; slow && c.share < 0.5 || !slow && c.share == 1 {
				t.Errorf("%.0f %% disturbed: the reference kernel was %g times as slow", 100*c.share, x.Slow)
			}
			for i, ms := range x.CallMs {
				if math.Abs(ms/calls[i]-1) > 0.1 {
					t.Errorf("%.0f %% disturbed: a call takes %g ms, %g undisturbed", 100*c.share, ms, calls[i])
				}
			}
		}
		if err > c.limit {
			t.Errorf("%.0f %% disturbed: off by %.1f %% in the mean", 100*c.share, 100*err)
		}
		if c.share > 0.5 && plain < 0.05 {
			t.Errorf("%.0f %% disturbed: the median of the runs is off by %.1f %% only: the test shows nothing", 100*c.share, 100*plain)
		}
	}
}

// What was measured at a pace that later turned out to be less of the best is
// corrected once, not twice.
func TestCorrection(t *testing.T) {
	for _, c := range []struct {
		Pace
		want float64
	}{
		{Pace{Slow: 1.02, RefMs: 1.02, BaseMs: 1}, 1},        // undisturbed
		{Pace{Slow: 1.3, RefMs: 1.3, BaseMs: 1}, 1},          // divided already
		{Pace{Slow: 1.3, RefMs: 1.3}, 1 / 1.3},               // not divided: nothing was known
		{Pace{Slow: 1.3, RefMs: 1.56, BaseMs: 1.2}, 1 / 1.2}, // divided by too little
		{Pace{Slow: 1.02, RefMs: 1.22, BaseMs: 1.2}, 1 / 1.22},
		{Pace{Slow: 1.3, RefMs: 1.04, BaseMs: 0.8}, 1 / 0.8}, // divided by too much
	} {
		if got := c.correction(1); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%+v: %g, want %g", c.Pace, got, c.want)
		}
	}
}

// Runs that lost their core tell of calls only where there are no others.
func TestRecordingOfLostRuns(t *testing.T) {
	rec := &recording{threads: 1}
	for range 8 {
		rec.add(run{ms: 9, cpuMs: 3, switched: true}, []int64{1e6, 7e6})
	}
	x := rec.timing(0)
	if x.Interrupted != 8 || x.Whole.MedianMs != 3 || x.CallMs[0] != 1 || len(x.Whole.Warnings) == 0 {
		t.Errorf("all lost: %+v", x)
	}
	for range 4 {
		rec.add(run{ms: 3.5, cpuMs: 3.5}, []int64{1e6, 2e6})
	}
	if x = rec.timing(0); math.Abs(x.Whole.MedianMs-3.5) > 1e-9 || x.CallMs[1] != 2 {
		t.Errorf("four kept: %+v", x)
	}
	two := &recording{threads: 2}
	two.add(run{ms: 9, cpuMs: 3, switched: true}, []int64{1e6, 7e6})
	if x = two.timing(0); x.Whole.MedianMs != 9 {
		t.Errorf("threads wait for each other, and the wall time counts: %+v", x.Whole)
	}
}

// A run is divided by the pace right before and after it, not by the visit's.
func TestPacedRunByRun(t *testing.T) {
	rec := &recording{threads: 1, refs: []float64{1.2}}
	for _, pace := range []float64{1.2, 1.5, 2, 1.5, 1.2, 1.8} {
		// The reference before the run is that after the last one; its mean with the one
		// after it is the pace of the run.
		before := rec.refs[len(rec.refs)-1]
		ms := 10 * (before + pace) / 2
		rec.add(run{ms: ms, cpuMs: ms}, []int64{int64(0.3e6 * ms), int64(0.7e6 * ms)})
		rec.refs = append(rec.refs, pace)
	}
	x := rec.timing(1)
	if math.Abs(x.Whole.MedianMs-10) > 1e-9 || math.Abs(x.CallMs[0]-3) > 1e-6 || math.Abs(x.CallMs[1]-7) > 1e-6 {
		t.Errorf("%g ms, calls %v; want 10 and 3, 7", x.Whole.MedianMs, x.CallMs)
	}
}

// Of two visits the undisturbed one counts, of two undisturbed ones the shorter, and
// two at the reference kernel's pace become their mean, weighted by their runs.
func TestBetter(t *testing.T) {
	visit := func(ms, slow float64, runs int) Timing {
		return Timing{Whole: Sample{MedianMs: ms, LowMs: ms - 1, HighMs: ms + 1, P10Ms: ms, P90Ms: ms}, CallMs: []float64{ms}, CallSpread: []float64{0.03},
			Pace: Pace{Slow: slow, RefMs: slow, BaseMs: 1}, Runs: runs, Interrupted: 1}
	}
	for _, c := range []struct {
		a, b Timing
		want float64
	}{
		{visit(10, 1, 12), visit(11, 1.02, 12), 10},
		{visit(9, 1.3, 12), visit(11, 1.02, 12), 11},
		{visit(9, 1.3, 10), visit(12, 1.4, 20), 11},
	} {
		for _, x := range []Timing{better(c.a, c.b), better(c.b, c.a)} {
			if math.Abs(x.Whole.MedianMs-c.want) > 1e-9 || math.Abs(x.CallMs[0]-c.want) > 1e-9 || x.Runs != c.a.Runs+c.b.Runs || x.Interrupted != 2 {
				t.Errorf("%g at %g and %g at %g: %+v, want %g ms", c.a.Whole.MedianMs, c.a.Slow, c.b.Whole.MedianMs, c.b.Slow, x, c.want)
			}
			if x.Whole.LowMs > x.Whole.MedianMs || x.Whole.HighMs < x.Whole.MedianMs {
				t.Errorf("an interval without its median: %+v", x.Whole)
			}
		}
	}
}
