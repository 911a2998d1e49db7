package native

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks/engine"
	"nas/latency/timing"
)

// core is a core beside which another program comes and goes, in spells of mean length spell ms:
// work takes slow times as long during a share of the time.
type core struct {
	r                  *rand.Rand
	share, slow, spell float64
	busy               bool
	left               float64
}

// takes returns how long work of some ms takes now, if the other program makes it take slow
// times as long.
func (c *core) takes(work, slow float64) float64 {
	t := 0.0
	for work > 0 {
		if c.left <= 0 {
			c.busy = c.r.Float64() < c.share
			c.left = c.spell * c.r.ExpFloat64()
		}
		f := 1.0
		if c.busy {
			f = slow
		}
		d := min(work*f, c.left)
		t, c.left, work = t+d, c.left-d, work-d/f
	}
	return t * (1 + 0.005*c.r.NormFloat64())
}

// run runs calls that take the given ms in segments of at most some microseconds.
func (c *core) run(calls []float64, segment float64) (ms float64, l *engine.Trace) {
	thread := engine.ThreadTrace{}
	ms = 0.01 // between the calls
	for _, work := range calls {
		n := math.Ceil(work / segment)
		for range int(n) {
			t, p := c.takes(work/n, c.slow), c.takes(0.001, 1+1.5*(c.slow-1))
			thread.Segments = append(thread.Segments, engine.Segment{Ns: int64(1e6 * t), ProbeNs: int64(1e6 * p)})
			ms += t + p
		}
		thread.Ends = append(thread.Ends, len(thread.Segments))
	}
	return ms, &engine.Trace{Threads: []engine.ThreadTrace{thread}}
}

// quietProbes knows that a probe takes a microsecond.
func quietProbes() *probes { return &probes{base: 1000, tick: 20} }

// record simulates a round, with a reference kernel of 0.4 ms around the runs.
func (c *core) record(runs int, calls []float64) *recording {
	rec := &recording{threads: 1, probes: quietProbes()}
	look := func() {
		rec.refs = append(rec.refs, c.takes(0.4, c.slow))
	}
	look()
	for range runs {
		ms, l := c.run(calls, 0.02)
		rec.add(timedRun{ms: ms, cpuMs: ms}, l)
		look()
	}
	return rec
}

// A program beside it that slows the core down for fractions of a millisecond, most of the time
// or for the whole round, leaves no run of a network of ten milliseconds alone, nor many
// of its calls; its time is found all the same.
func TestRecordingFindsTheUndisturbedTime(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	calls, want := make([]float64, 25), 0.01
	for i := range calls {
		calls[i] = 0.05 + 0.7*r.Float64()
		want += calls[i]
	}
	for _, c := range []struct{ share, spell, limit float64 }{
		{0, 1, 0.004}, {0.3, 0.3, 0.006}, {0.6, 0.3, 0.008}, {0.85, 0.3, 0.02}, {1, 1, 0.01},
	} {
		var err, plain float64
		const trials = 20
		for range trials {
			host := core{r: r, share: c.share, slow: 1.4, spell: c.spell}
			rec := host.record(24, calls)
			x := rec.timing(0.4)
			err += math.Abs(x.EndToEnd.MedianMs/want-1) / trials
			runs := quietSample(column(rec.runs, func(v recordedRun) float64 { return v.ms }))
			plain += math.Abs(runs.MedianMs/want-1) / trials
			e := x.EndToEnd
			if !(e.P10Ms <= e.MedianMs && e.MedianMs <= e.P90Ms && e.LowMs <= e.MedianMs && e.MedianMs <= e.HighMs) {
				t.Fatalf("%+v", x.EndToEnd)
			}
			if (x.QuietRuns > 0) != (c.share < 1) || (x.Slowdown > 1.06) != (c.share == 1) {
				t.Errorf("%.0f %% disturbed: %g quiet runs, %g times as slow", 100*c.share, x.QuietRuns, x.Slowdown)
			}
			for i, ms := range x.CallMs {
				if math.Abs(ms/calls[i]-1) > 0.12 {
					t.Errorf("%.0f %% disturbed: a call takes %g ms, %g undisturbed", 100*c.share, ms, calls[i])
				}
			}
		}
		t.Logf("%.0f %% disturbed: off by %.2f %% in the mean, the median of the runs by %.1f %%",
			100*c.share, 100*err, 100*plain)
		if err > c.limit {
			t.Errorf("%.0f %% disturbed: off by %.1f %% in the mean", 100*c.share, 100*err)
		}
		if c.share > 0.5 && plain < 0.05 {
			t.Errorf("%.0f %% disturbed: the median of the runs is off by %.1f %% only: the test shows nothing",
				100*c.share, 100*plain)
		}
	}
}

// The interval of what was seen in quiet moments holds the truth about as often as
// two standard errors should.
func TestQuietInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	calls, want := []float64{0.3, 0.5, 0.1, 0.8}, 1.71
	in, trials := 0, 200
	for range trials {
		host := core{r: r, share: 0.5, slow: 1.4, spell: 0.5}
		if x := host.record(12, calls).timing(0.4); x.EndToEnd.LowMs <= want && want <= x.EndToEnd.HighMs {
			in++
		}
	}
	if in < trials*85/100 {
		t.Errorf("in %d of %d intervals", in, trials)
	}
}

// Threads wait for the last of them: a call takes what its slowest thread takes in quiet
// moments, whoever was disturbed when.
func TestQuietThreads(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	hosts := []*core{{r: r, share: 0.5, slow: 1.4, spell: 0.5}, {r: r, share: 0.5, slow: 1.4, spell: 0.5}}
	calls := [][]float64{{0.4, 0.3, 0.2}, {0.35, 0, 0.25}} // the second has no part in the second call
	rec := &recording{threads: 2, probes: quietProbes(), refs: []float64{0.4}}
	for range 16 {
		l := &engine.Trace{}
		for k, h := range hosts {
			_, one := h.run(calls[k], 0.02)
			l.Threads = append(l.Threads, one.Threads[0])
		}
		of, p := slowestThreads(l)
		rec.add(timedRun{ms: of[0] + of[1] + of[2] + p + 0.002, cpuMs: 2}, l)
	}
	x := rec.timing(0.4)
	for i, want := range []float64{0.4, 0.3, 0.25} {
		if math.Abs(x.CallMs[i]/want-1) > 0.02 {
			t.Errorf("call %d takes %g ms, want %g", i, x.CallMs[i], want)
		}
	}
	if math.Abs(x.EndToEnd.MedianMs/0.952-1) > 0.02 {
		t.Errorf("%g ms, want 0.952", x.EndToEnd.MedianMs)
	}
}

// The probe's time on an undisturbed core is found though few are undisturbed, and kept
// through a time when none is.
func TestProbes(t *testing.T) {
	p := newProbes()
	if p.tick <= 0 || p.tick > 1e8 {
		t.Errorf("the clock's resolution is %g ns", p.tick)
	}
	p.tick = 10
	r := rand.New(rand.NewPCG(13, 14))
	for k := range 3 * keptProbes {
		ns := 1000 + 3*r.NormFloat64()
		if k > keptProbes || r.Float64() < 0.9 {
			ns = 1400 + 900*r.Float64()
		}
		p.add(int64(ns))
	}
	if math.Abs(p.base-1000) > 3 {
		t.Errorf("an undisturbed probe takes %g ns, want 1000", p.base)
	}
	if !p.quiet(1200) || p.quiet(1300) {
		t.Error("a fifth more is quiet, three tenths are not")
	}
	probe()
}

// oneThread is the trace of a run on one thread; ends tells where the calls end.
func oneThread(ends []int, segments ...engine.Segment) *engine.Trace {
	return &engine.Trace{Threads: []engine.ThreadTrace{{Segments: segments, Ends: ends}}}
}

// disturbedTrace is that of a run whose calls took the given ms, disturbed throughout.
func disturbedTrace(calls ...float64) *engine.Trace {
	thread := engine.ThreadTrace{}
	for i, ms := range calls {
		thread.Segments = append(thread.Segments, engine.Segment{Ns: int64(1e6 * ms), ProbeNs: 1500})
		thread.Ends = append(thread.Ends, i+1)
	}
	return &engine.Trace{Threads: []engine.ThreadTrace{thread}}
}

// Runs that lost their core tell of calls only where there are no others, and nothing
// that was seen in quiet moments.
func TestRecordingOfLostRuns(t *testing.T) {
	rec := &recording{threads: 1, probes: quietProbes()}
	for range 8 {
		rec.add(timedRun{ms: 9, cpuMs: 3.003, switched: true}, disturbedTrace(1, 7))
	}
	x := rec.timing(0)
	if x.Interrupted != 8 || math.Abs(x.EndToEnd.MedianMs-3) > 1e-9 || len(x.EndToEnd.Warnings) == 0 {
		t.Errorf("all lost: %+v", x)
	}
	for range 4 {
		rec.add(timedRun{ms: 3.503, cpuMs: 3.503}, disturbedTrace(1, 2))
	}
	if x = rec.timing(0); math.Abs(x.EndToEnd.MedianMs-3.5) > 1e-9 || math.Abs(x.CallMs[1]/x.CallMs[0]-2) > 1e-9 {
		t.Errorf("four kept: %+v", x)
	}
	two := &recording{threads: 2, probes: quietProbes()}
	two.add(timedRun{ms: 9.003, cpuMs: 3, switched: true}, disturbedTrace(1, 7))
	if x = two.timing(0); math.Abs(x.EndToEnd.MedianMs-9) > 1e-9 {
		t.Errorf("threads wait for each other, and the wall time counts: %+v", x.EndToEnd)
	}
	quiet := &recording{threads: 1, probes: quietProbes()}
	for i := range 9 {
		l := oneThread([]int{1, 2}, engine.Segment{Ns: 1e6, ProbeNs: 1000}, engine.Segment{Ns: 2e6, ProbeNs: 1000})
		ms := 3.1
		if i%3 == 0 { // another task took the core within the second segment
			l.Threads[0].Segments[1].Ns, ms = 6e6, 7.1
		}
		quiet.add(timedRun{ms: ms + 0.002, cpuMs: 3.1, switched: i%3 == 0}, l)
	}
	if x = quiet.timing(0); math.Abs(x.EndToEnd.MedianMs-3.1) > 1e-9 || x.Interrupted != 3 || x.CallMs[1] != 2 {
		t.Errorf("a third lost: %+v", x)
	}
}

// A run is divided by the pace right before and after it, not by the round's.
func TestRescaledRunByRun(t *testing.T) {
	rec := &recording{threads: 1, probes: quietProbes(), refs: []float64{1.2}}
	for _, pace := range []float64{1.2, 1.5, 2, 1.5, 1.2, 1.8} {
		// The reference before the run is that after the last one; its mean with the one
		// after it is the pace of the run.
		before := rec.refs[len(rec.refs)-1]
		ms := 10 * (before + pace) / 2
		rec.add(timedRun{ms: ms + 0.003, cpuMs: ms}, disturbedTrace(0.3*ms, 0.7*ms))
		rec.refs = append(rec.refs, pace)
	}
	x := rec.timing(1)
	if math.Abs(x.EndToEnd.MedianMs-10) > 1e-5 || math.Abs(x.CallMs[0]-3) > 1e-5 || math.Abs(x.CallMs[1]-7) > 1e-5 {
		t.Errorf("%g ms, calls %v; want 10 and 3, 7", x.EndToEnd.MedianMs, x.CallMs)
	}
}

// Segments that had no quiet moment in one round had some in the other: both together tell the
// time of all, and count by how often they were seen.
func TestCombineQuietSegments(t *testing.T) {
	measure := func(runs int, first, second float64, quiet ...bool) timing.Timing {
		rec := &recording{threads: 1, probes: quietProbes(), refs: []float64{0.6}}
		for range runs {
			thread := engine.ThreadTrace{Ends: []int{1, 2}}
			for i, ms := range []float64{first, second} {
				seg := engine.Segment{Ns: int64(1e6 * ms), ProbeNs: 1000}
				if !quiet[i] {
					seg.Ns, seg.ProbeNs = seg.Ns*3/2, 1700
				}
				thread.Segments = append(thread.Segments, seg)
			}
			l := &engine.Trace{Threads: []engine.ThreadTrace{thread}}
			calls, p := slowestThreads(l)
			rec.add(timedRun{ms: calls[0] + calls[1] + p, cpuMs: 9}, l)
		}
		return rec.timing(0.4)
	}
	slow := measure(6, 1, 2, false, false)
	if slow.QuietRuns != 0 || !slow.NeedsRemeasure() || math.Abs(slow.EndToEnd.MedianMs-3) > 1e-5 {
		t.Fatalf("never quiet: %+v", slow)
	}
	half := measure(6, 1, 2, true, false) // the segment after a quiet one is disturbed: a third of the time is known
	if half.QuietRuns != 0 || !half.NeedsRemeasure() {
		t.Fatalf("a third quiet: %+v", half)
	}
	quiet := measure(9, 1.1, 2.2, true, true)
	if quiet.QuietRuns != 9 || quiet.NeedsRemeasure() || math.Abs(quiet.EndToEnd.MedianMs-3.3) > 1e-9 {
		t.Fatalf("quiet: %+v", quiet)
	}
	for _, c := range []struct {
		a, b timing.Timing
		want []float64
	}{
		{slow, quiet, []float64{1.1, 2.2}},
		{half, quiet, []float64{(6*1 + 9*1.1) / 15, 2.2}},
		{quiet, quiet, []float64{1.1, 2.2}},
		{quiet, measure(9, 1.3, 2.7, true, true), []float64{1.1, 2.2}}, // slowed down by something else
	} {
		for _, x := range []timing.Timing{timing.Combine(c.a, c.b), timing.Combine(c.b, c.a)} {
			if math.Abs(x.CallMs[0]-c.want[0]) > 1e-9 || math.Abs(x.CallMs[1]-c.want[1]) > 1e-9 ||
				x.NeedsRemeasure() || x.Runs != c.a.Runs+c.b.Runs {
				t.Errorf("%+v, want calls of %v ms", x, c.want)
			}
		}
	}
	x := timing.Combine(slow, slow)
	if x.QuietRuns != 0 || !x.NeedsRemeasure() || x.Runs != 12 || math.Abs(x.EndToEnd.MedianMs-3) > 1e-5 {
		t.Errorf("never quiet, twice: %+v", x)
	}
}

// What is short of quiet moments is worth another measurement, however fast the reference kernel
// was, and counts less in the table; a segment too short for the clock does no harm; and a
// round is not thrown away for a single segment.
func TestDoubtfulRounds(t *testing.T) {
	measure := func(runs int, segments ...engine.Segment) timing.Timing {
		rec := &recording{threads: 1, probes: quietProbes(), refs: []float64{0.4, 0.4}}
		for range runs {
			l := &engine.Trace{Threads: []engine.ThreadTrace{{Segments: segments, Ends: []int{len(segments)}}}}
			calls, p := slowestThreads(l)
			rec.add(timedRun{ms: calls[0] + p, cpuMs: 100}, l)
		}
		return rec.timing(0.4)
	}
	never := measure(6, engine.Segment{Ns: 1.4e6, ProbeNs: 1700})
	if !never.NeedsRemeasure() || !never.SlowAt(0.4) || never.Correction(0.4) != 1 {
		t.Errorf("no quiet moment, and a quiet reference: %+v", never)
	}
	short := measure(6, engine.Segment{Ns: 1e6, ProbeNs: 1000}, engine.Segment{Ns: 0, ProbeNs: 1000})
	if short.EndToEnd.MedianMs != 1 || !(short.CallSpread[0] > 0 && short.CallSpread[0] < 0.1) || short.NeedsRemeasure() {
		t.Errorf("with a segment of no time: %+v", short)
	}
	segments := make([]engine.Segment, 40)
	for i := range segments {
		segments[i] = engine.Segment{Ns: 20000, ProbeNs: 1000}
	}
	good := measure(9, segments...)
	bad := slices.Clone(segments)
	for i := range bad {
		bad[i] = engine.Segment{Ns: 30000, ProbeNs: 1700}
	}
	bad[0] = engine.Segment{Ns: 17000, ProbeNs: 1000}
	for _, x := range []timing.Timing{timing.Combine(good, measure(9, bad...)), timing.Combine(measure(9, bad...), good)} {
		if x.QuietShare != 1 || math.Abs(x.EndToEnd.MedianMs-0.8) > 0.002 || x.NeedsRemeasure() {
			t.Errorf("with a round in which one segment was quiet: %g ms, %g found", x.EndToEnd.MedianMs, x.QuietShare)
		}
	}
}

// A core that is lost within a probe is not taken off the time on the core.
func TestLostInAProbe(t *testing.T) {
	rec := &recording{threads: 1, probes: quietProbes()}
	for k := range 12 {
		segments := make([]engine.Segment, 30)
		for i := range segments {
			segments[i] = engine.Segment{Ns: 100000, ProbeNs: 1000}
		}
		x := timedRun{ms: 3.03, cpuMs: 3.03}
		if k%3 == 0 {
			segments[7].ProbeNs += 8e6
			x = timedRun{ms: 11.03, cpuMs: 3.03, switched: true}
		}
		rec.add(x, &engine.Trace{Threads: []engine.ThreadTrace{{Segments: segments, Ends: []int{30}}}})
	}
	x := rec.timing(0)
	if x.Interrupted != 4 || math.Abs(x.EndToEnd.P10Ms-3) > 1e-9 || math.Abs(x.EndToEnd.MedianMs-3) > 1e-9 {
		t.Errorf("%+v", x.EndToEnd)
	}
}

// What another session knew of the probe is dropped if it cannot be true, and kept if it can.
func TestProbeOfAnotherSession(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	for _, c := range []struct {
		known, share, want float64
	}{{700, 0.6, 1000}, {980, 0.6, 980}, {1000, 0, 1000}} {
		p := &probes{base: c.known, tick: 10}
		for range 1000 {
			ns := 1000 + 3*r.NormFloat64()
			if r.Float64() >= c.share {
				ns = 1500 + 900*r.Float64() // beside another program the probes do not agree
			}
			p.add(int64(ns))
		}
		if p.recheck(0); math.Abs(p.base-c.want) > 6 {
			t.Errorf("%g ns was known, %g %% of the probes were quiet: now %g, want %g", c.known, 100*c.share, p.base, c.want)
		}
	}
	// A program that runs beside for all of the session makes the probes agree, too. The clock tells it apart.
	for _, c := range []struct{ ns, clock, want float64 }{
		{1600, 1, 1000}, {1600, 1.02, 1000}, {1600, 1.6, 1600}, {1600, 0, 1600}, {1000, 0.9, 1000},
	} {
		p := &probes{base: 1000, tick: 10}
		for range 400 {
			p.add(int64(c.ns))
		}
		if p.recheck(c.clock); math.Abs(p.base-c.want) > 1 {
			t.Errorf("probes of %g ns, clock ratio %g: base %g, want %g", c.ns, c.clock, p.base, c.want)
		}
	}
	if p := (&probes{base: 1000, tick: 1e6}); p.quiet(1000) {
		t.Error("a clock of a millisecond tells quiet moments")
	}
}

// A clock that falls by a tenth is seen by the probes, not taken for another program, and
// divided out.
func TestClock(t *testing.T) {
	rec := &recording{threads: 1, probes: quietProbes()}
	for range 6 {
		l := oneThread([]int{1, 3}, engine.Segment{Ns: 1.1e6, ProbeNs: 1100},
			engine.Segment{Ns: 2.2e6, ProbeNs: 1100}, engine.Segment{Ns: 0.5e6, ProbeNs: 1900})
		rec.add(timedRun{ms: 3.804, cpuMs: 3.804}, l)
	}
	x := rec.timing(0.5)
	want := (1.1 + 2.2 + 0.5/x.DisturbedBy) / 1.1
	if math.Abs(x.Slowdown-1.1) > 1e-9 || x.SlowAt(0.4) || x.Correction(0.4) != 1 ||
		math.Abs(x.EndToEnd.MedianMs-want) > 1e-9 {
		t.Errorf("%g ms, want %g: %+v", x.EndToEnd.MedianMs, want, x.Conditions)
	}
}
