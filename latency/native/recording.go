package native

import (
	"fmt"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/timing"
)

// timedRun is one timed run of a network.
type timedRun struct {
	ms       float64 // wall time
	cpuMs    float64 // time on a core; 0 if the system does not tell
	switched bool    // another task took the core in between
}

// lost reports whether other tasks took the core for more than 2 % of the run. The system's
// own threads take microseconds, which do not count.
func (x timedRun) lost() bool { return x.switched && x.cpuMs > 0 && x.cpuMs < 0.98*x.ms }

// recording holds the runs of a network in one round, and the times of the reference network
// before the first run, after the last and between some.
type recording struct {
	threads int
	probes  *probes
	ends    [][]int // of each thread: where the kernel calls end among its segments
	runs    []recordedRun
	refs    []float64 // ms of the reference network
	lost    int       // number of runs that lost their core
}

// recordedRun is one run, its times in ms and without those of the probes.
type recordedRun struct {
	ms       float64            // wall time; the time on the core if a single thread lost it
	segments [][]engine.Segment // of each thread
	calls    []float64          // of each kernel call, on its slowest thread
	rest     float64            // outside of the calls
	ref      int                // index of the reference before the run
	lost     bool
}

// add records a run and its trace.
func (r *recording) add(x timedRun, trace *engine.Trace) {
	calls, probes := slowestThreads(trace)
	v := recordedRun{
		ms: x.ms - probes, segments: copySegments(trace), calls: calls,
		ref: max(0, len(r.refs)-1), lost: x.lost(),
	}
	v.rest = v.ms
	for _, ms := range calls {
		v.rest -= ms
	}
	if r.ends == nil {
		r.ends = copyEnds(trace)
	}
	if v.lost {
		r.lost++
		if r.threads == 1 { // a probe in which the core was lost had it for a typical time
			v.ms = max(x.cpuMs-min(probes, typicalProbesMs(trace)), 0)
		}
	}
	r.runs = append(r.runs, v)
}

// typicalProbesMs is the time of all probes of a run in ms if each had taken their median.
func typicalProbesMs(t *engine.Trace) float64 {
	var ns []float64
	for _, seg := range t.Threads[0].Segments {
		ns = append(ns, float64(seg.ProbeNs))
	}
	n := float64(len(ns))
	if n == 0 {
		return 0
	}
	return n * stat.Median(ns) / 1e6
}

// minKept is the number of runs that must have kept their core for only those to count.
const minKept = 3

// kept returns the runs that kept their core.
func (r *recording) kept() []recordedRun {
	var out []recordedRun
	for _, v := range r.runs {
		if !v.lost {
			out = append(out, v)
		}
	}
	return out
}

// timing returns the time of the network on an undisturbed machine. base is the time of the
// reference network there; 0: unknown.
//
// It is put together from quiet segments if there are enough, and otherwise from runs rescaled
// by the reference network beside them. On a machine at rest both are the median of the runs.
func (r *recording) timing(base float64) timing.Timing {
	t := timing.Timing{Runs: len(r.runs), Interrupted: r.lost, Conditions: timing.Conditions{Slowdown: 1, BaseMs: base}}
	if len(r.refs) > 0 {
		t.RefMs = undisturbedSample(slices.Clone(r.refs)).MedianMs
		if base > 0 {
			t.Slowdown = t.RefMs / base
		}
	}
	t.EndToEnd = quietSample(column(r.runs, func(v recordedRun) float64 { return v.ms }))
	if 4*t.Interrupted > 3*t.Runs && t.Runs >= 4 {
		t.EndToEnd.Warnings = append(t.EndToEnd.Warnings,
			fmt.Sprintf("other programs interrupted %d of %d runs", t.Interrupted, t.Runs))
	}
	if len(r.runs) == 0 {
		return t
	}
	t.Segments, t.DisturbedBy = r.segmentTimes(), r.probes.slowdown()
	if t.SetQuiet() {
		return t
	}
	// It is not known in which call a run lost its core, so such runs tell the times of calls
	// only if there are hardly any others.
	kept := r.kept()
	if len(kept) < minKept {
		kept = r.runs
	}
	t.Uncertain = true
	r.rescale(&t, kept)
	return t
}

// rescale sets the times of a round in which the machine was slow throughout: each run is
// divided by the slowdown of the reference network right before and after it. Other programs
// slow some kernels down more than the reference and others less, so that the result is
// off by 5 % (standard deviation between networks).
func (r *recording) rescale(t *timing.Timing, kept []recordedRun) {
	scale := make([]float64, len(kept))
	for i, v := range kept {
		scale[i] = 1
		if len(r.refs) > 0 && t.BaseMs > 0 {
			after := r.refs[min(v.ref+1, len(r.refs)-1)]
			scale[i] = 1 / max(1, (r.refs[v.ref]+after)/2/t.BaseMs)
		}
	}
	at := func(f func(recordedRun) float64) []float64 {
		v := column(kept, f)
		for i := range v {
			v[i] *= scale[i]
		}
		return v
	}
	whole := timing.NewSample(at(func(v recordedRun) float64 { return v.ms }))
	t.EndToEnd.SetMedian(whole.MedianMs, whole.LowMs, whole.HighMs)
	// A call is either disturbed or not, while the slowdown is a mean over its run: means of
	// calls are needed, not medians.
	sum := trimmedMean(at(func(v recordedRun) float64 { return v.rest }))
	n := len(kept[0].calls)
	t.CallMs, t.CallSpread = make([]float64, n), make([]float64, n)
	for i := range t.CallMs {
		v := at(func(x recordedRun) float64 { return x.calls[i] })
		t.CallMs[i] = max(trimmedMean(v), 1e-5)
		t.CallSpread[i] = meanError(v)
		sum += t.CallMs[i]
	}
	for i := range t.CallMs {
		t.CallMs[i] *= whole.MedianMs / sum
	}
}

// meanError is the relative standard error of a mean of v, at most 0.3.
func meanError(v []float64) float64 { return min(0.3, stat.RelativeMAD(v)/math.Sqrt(float64(len(v)))) }

// trimmedMean is the mean of v without a tenth at either end. It sorts v.
func trimmedMean(v []float64) float64 {
	slices.Sort(v)
	mid := v[len(v)/10 : len(v)-len(v)/10]
	sum := 0.0
	for _, x := range mid {
		sum += x
	}
	return sum / float64(len(mid))
}

// column returns one number of each run.
func column(runs []recordedRun, f func(recordedRun) float64) []float64 {
	v := make([]float64, len(runs))
	for k, x := range runs {
		v[k] = f(x)
	}
	return v
}

// Segments returns the median times of each segment, separately over the runs in which it
// was quiet and the others. A segment is quiet if the probes before and after it were. Since
// probes show the state of the core whatever the segment took, no run is selected by its own
// time, as would be so with the shortest runs.
func (r *recording) segmentTimes() *timing.Segments {
	t := &timing.Segments{Ends: r.ends, Clock: 1}
	rest := undisturbedSample(column(r.runs, func(v recordedRun) float64 { return v.rest }))
	t.RestMs = max(0, rest.MedianMs)
	var quiet, others, probes []float64
	for thread := range r.ends {
		times := make([]timing.Segment, len(r.runs[0].segments[thread]))
		for i := range times {
			quiet, others = quiet[:0], others[:0]
			for k := range r.runs {
				x := r.runs[k].segments[thread]
				now := r.probes.quiet(x[i].ProbeNs)
				if now {
					probes = append(probes, float64(x[i].ProbeNs))
				}
				if ms := float64(x[i].Ns) / 1e6; now && (i == 0 || r.probes.quiet(x[i-1].ProbeNs)) {
					quiet = append(quiet, ms)
				} else {
					others = append(others, ms)
				}
			}
			times[i] = newSegmentTime(quiet, others)
		}
		t.Threads = append(t.Threads, times)
	}
	if len(probes) > 0 && r.probes.base > 0 {
		t.Clock = stat.Median(probes) / r.probes.base
	}
	return t
}

// newSegmentTime summarises the times of a segment in ms. It sorts both lists.
func newSegmentTime(quiet, others []float64) timing.Segment {
	s := timing.Segment{Quiet: float64(len(quiet)), Disturbed: float64(len(others))}
	if len(others) > 0 {
		s.DisturbedMs = stat.Median(others)
	}
	if len(quiet) > 0 {
		if s.Ms = stat.Median(quiet); s.Ms > 0 { // a coarse clock does not see the shortest segments
			// The standard error of a median of normal values, each with an error of 2 % or more.
			s.StdErr = s.Ms * max(stat.RelativeMAD(quiet), 0.02) * math.Sqrt(math.Pi/2/s.Quiet)
		}
	}
	return s
}

// copySegments copies the segments of a trace, which the next run overwrites.
func copySegments(t *engine.Trace) [][]engine.Segment {
	out := make([][]engine.Segment, len(t.Threads))
	for i := range t.Threads {
		out[i] = slices.Clone(t.Threads[i].Segments)
	}
	return out
}

// copyEnds copies where the calls end, which is the same for all runs.
func copyEnds(t *engine.Trace) [][]int {
	out := make([][]int, len(t.Threads))
	for i := range t.Threads {
		out[i] = slices.Clone(t.Threads[i].Ends)
	}
	return out
}

// slowestThreads returns the time of each kernel call on its slowest thread, and the time of
// all probes there, in ms.
func slowestThreads(t *engine.Trace) (calls []float64, probes float64) {
	calls = make([]float64, len(t.Threads[0].Ends))
	for i := range calls {
		var most, its int64
		for k := range t.Threads {
			from := 0
			if i > 0 {
				from = t.Threads[k].Ends[i-1]
			}
			var ns, p int64
			for _, seg := range t.Threads[k].Segments[from:t.Threads[k].Ends[i]] {
				ns += seg.Ns
				p += seg.ProbeNs
			}
			if ns > most {
				most, its = ns, p
			}
		}
		calls[i] = float64(most) / 1e6
		probes += float64(its) / 1e6
	}
	return calls, probes
}

// quietSample summarises runs of one thing on a shared machine. The work of others comes in
// bursts, and only ever makes a run longer: the median of all runs moves by a fifth within
// seconds, while the runs between the bursts agree within 2 %. So the median and its interval
// are those of the undisturbed runs; the percentiles are of all.
func quietSample(ms []float64) timing.Sample {
	all := slices.Sorted(slices.Values(ms))
	if len(all) == 0 {
		return timing.NewSample(nil)
	}
	limit := disturbedAbove(all)
	n := len(all)
	for n > 1 && all[n-1] > limit {
		n--
	}
	s := timing.NewSample(all[:n])
	s.P10Ms, s.P90Ms = stat.Quantile(all, 0.1), stat.Quantile(all, 0.9)
	s.MedianMs = max(s.MedianMs, s.P10Ms)
	s.Dropped = len(all) - n
	return s
}

// disturbedAbove returns the time beyond which a run counts as disturbed: 5 % more than the
// first decile, or more if fewer than six runs, or a quarter of them, would remain. ms must
// be sorted.
func disturbedAbove(ms []float64) float64 {
	n := len(ms)
	return max(burst*stat.Quantile(ms, 0.1), ms[min(n-1, max(5, n/4))])
}

// burst is the least factor by which the work of others makes a run longer.
const burst = 1.05

// undisturbedSample summarises runs that are so short that some are undisturbed, however many
// are not. It sorts ms.
func undisturbedSample(ms []float64) timing.Sample {
	slices.Sort(ms)
	n := len(ms)
	if n == 0 {
		return timing.NewSample(nil)
	}
	first := stat.Quantile(ms, 0.1)
	for n > 1 && ms[n-1] > burst*first {
		n--
	}
	s := timing.NewSample(ms[:n])
	s.MedianMs = max(s.MedianMs, first)
	s.LowMs, s.HighMs = min(s.LowMs, s.MedianMs), max(s.HighMs, s.MedianMs)
	s.Dropped = len(ms) - n
	return s
}
