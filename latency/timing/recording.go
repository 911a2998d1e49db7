package timing

import (
	"fmt"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// timedRun is one timed timedRun of a network.
type timedRun struct {
	ms       float64 // wall time
	cpuMs    float64 // time that the thread had a core; 0 if the system does not tell
	switched bool    // another task took it in between
}

// lost tells whether other tasks took more than a fiftieth of the run. A glance
// of the system's own threads, or of this program's, takes microseconds.
func (x timedRun) lost() bool { return x.switched && x.cpuMs > 0 && x.cpuMs < 0.98*x.ms }

// recording is what was seen of a network in one visit: runs, with the reference
// kernel before the first, after the last and between some.
type recording struct {
	threads int
	probes  *probes
	ends    [][]int // of the calls in the laps of each lane
	runs    []recordedRun
	refs    []float64 // ms of the reference kernel
	lost    int       // runs that lost their core
}

// recordedRun is a run as a recording keeps it, in ms and without its probes.
type recordedRun struct {
	ms       float64            // where the thread was alone and lost its core, the time on it
	segments [][]engine.Segment // of each lane
	calls    []float64          // on the lane that took longest
	rest     float64            // what the run took beyond its calls
	ref      int                // index of the reference before it
	lost     bool
}

func (r *recording) add(x timedRun, laps *engine.Trace) {
	calls, probes := busiest(laps)
	v := recordedRun{ms: x.ms - probes, segments: copySegments(laps), calls: calls, ref: max(0, len(r.refs)-1), lost: x.lost()}
	v.rest = v.ms
	for _, ms := range calls {
		v.rest -= ms
	}
	if r.ends == nil {
		r.ends = copyEnds(laps)
	}
	if v.lost {
		r.lost++
		if r.threads == 1 { // the time that probes had the core, if it was lost in one
			v.ms = max(x.cpuMs-min(probes, typicalProbesMs(laps)), 0)
		}
	}
	r.runs = append(r.runs, v)
}

// typicalProbesMs is the time of the probes of a run if all had been like most, in ms.
func typicalProbesMs(l *engine.Trace) float64 {
	var ns []float64
	for _, lap := range l.Threads[0].Segments {
		ns = append(ns, float64(lap.ProbeNs))
	}
	n := float64(len(ns))
	if n == 0 {
		return 0
	}
	return n * stat.Median(ns) / 1e6
}

// minKept is the number of runs that kept their core below which the calls of a
// network do not tell its time.
const minKept = 3

// kept are the runs that kept their core.
func (r *recording) kept() []recordedRun {
	var out []recordedRun
	for _, v := range r.runs {
		if !v.lost {
			out = append(out, v)
		}
	}
	return out
}

// timing is the time of the network with nobody else on the machine. base is the
// reference kernel's time then; 0: unknown.
//
// Neighbours, above all those on the other hardware thread of the core, slow it
// down for fractions of a millisecond to seconds at a time. Of a network that takes
// longer hardly any run is undisturbed, yet each of its laps is in some: see
// lapTimes. On a machine at rest the sum is the median of the runs. Where a
// neighbour stayed for the whole visit, see paced.
func (r *recording) timing(base float64) Timing {
	t := Timing{Runs: len(r.runs), Interrupted: r.lost, Conditions: Conditions{Slowdown: 1, BaseMs: base}}
	if len(r.refs) > 0 {
		t.RefMs = undisturbedSample(slices.Clone(r.refs)).MedianMs
		if base > 0 {
			t.Slowdown = t.RefMs / base
		}
	}
	t.EndToEnd = quietSample(column(r.runs, func(v recordedRun) float64 { return v.ms }))
	if 4*t.Interrupted > 3*t.Runs && t.Runs >= 4 {
		t.EndToEnd.Warnings = append(t.EndToEnd.Warnings, fmt.Sprintf("other programs interrupted %d of %d runs", t.Interrupted, t.Runs))
	}
	if len(r.runs) == 0 {
		return t
	}
	t.segments, t.disturbedBy = r.segmentTimes(), r.probes.slowdown()
	if t.setQuiet() {
		return t
	}
	// Of a run that was interrupted the call is not known in which it was: such
	// runs tell of single calls only where no others do.
	kept := r.kept()
	if len(kept) < minKept {
		kept = r.runs
	}
	t.Uncertain = true
	r.rescale(&t, kept)
	return t
}

// rescale fills in the times of a visit in which the machine was slow throughout:
// each run is divided by the reference kernel's pace right before and after it. A
// neighbour slows some kernels more and others less than the reference: 5 per cent
// off the truth, as standard deviation between networks.
func (r *recording) rescale(t *Timing, kept []recordedRun) {
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
	whole := NewSample(at(func(v recordedRun) float64 { return v.ms }))
	t.EndToEnd.setMedian(whole.MedianMs, whole.LowMs, whole.HighMs)
	// A call is disturbed or not, and the pace is a mean over its run.
	sum := trimmedMean(at(func(v recordedRun) float64 { return v.rest }))
	n := len(kept[0].calls)
	t.CallMs, t.CallSpread = make([]float64, n), make([]float64, n)
	for i := range t.CallMs {
		v := at(func(x recordedRun) float64 { return x.calls[i] })
		t.CallMs[i] = max(trimmedMean(v), 1e-5)
		t.CallSpread[i] = meanSpread(v)
		sum += t.CallMs[i]
	}
	for i := range t.CallMs {
		t.CallMs[i] *= whole.MedianMs / sum
	}
}

// meanSpread is the relative half width of a mean of v.
func meanSpread(v []float64) float64 { return min(0.3, stat.RelativeMAD(v)/math.Sqrt(float64(len(v)))) }

// trimmedMean is the mean of v, which it sorts, without a tenth at either end.
func trimmedMean(v []float64) float64 {
	slices.Sort(v)
	mid := v[len(v)/10 : len(v)-len(v)/10]
	sum := 0.0
	for _, x := range mid {
		sum += x
	}
	return sum / float64(len(mid))
}

func column(runs []recordedRun, f func(recordedRun) float64) []float64 {
	v := make([]float64, len(runs))
	for k, x := range runs {
		v[k] = f(x)
	}
	return v
}

// segmentTimes finds, of every lap, the median of those runs in which the probes before and
// behind it were calm. Probes tell the state of the core without regard to what the lap
// took, so that nothing is selected by its own time, as it would be among the shortest
// runs.
func (r *recording) segmentTimes() *segmentTimes {
	t := &segmentTimes{ends: r.ends, clock: 1}
	rest := undisturbedSample(column(r.runs, func(v recordedRun) float64 { return v.rest }))
	t.rest = max(0, rest.MedianMs)
	var calm, others, probes []float64
	for lane := range r.ends {
		laps := make([]segmentTime, len(r.runs[0].segments[lane]))
		for i := range laps {
			calm, others = calm[:0], others[:0]
			for k := range r.runs {
				x := r.runs[k].segments[lane]
				now := r.probes.quiet(x[i].ProbeNs)
				if now {
					probes = append(probes, float64(x[i].ProbeNs))
				}
				if ms := float64(x[i].Ns) / 1e6; now && (i == 0 || r.probes.quiet(x[i-1].ProbeNs)) {
					calm = append(calm, ms)
				} else {
					others = append(others, ms)
				}
			}
			l := segmentTime{quiet: float64(len(calm)), others: float64(len(others))}
			if len(others) > 0 {
				l.disturbed = stat.Median(others)
			}
			if len(calm) > 0 {
				if l.ms = stat.Median(calm); l.ms > 0 { // a coarse clock does not see the shortest
					l.stdErr = l.ms * max(stat.RelativeMAD(calm), 0.02) * math.Sqrt(math.Pi/2/l.quiet) // of a median
				}
			}
			laps[i] = l
		}
		t.threads = append(t.threads, laps)
	}
	if len(probes) > 0 && r.probes.base > 0 {
		t.clock = stat.Median(probes) / r.probes.base
	}
	return t
}

// copySegments keeps the laps of the run that l holds.
func copySegments(l *engine.Trace) [][]engine.Segment {
	out := make([][]engine.Segment, len(l.Threads))
	for i := range l.Threads {
		out[i] = slices.Clone(l.Threads[i].Segments)
	}
	return out
}

// copyEnds keeps where the calls end in them, which is the same for all runs.
func copyEnds(l *engine.Trace) [][]int {
	out := make([][]int, len(l.Threads))
	for i := range l.Threads {
		out[i] = slices.Clone(l.Threads[i].Ends)
	}
	return out
}

// busiest returns, of the run that l holds, what each call took on the lane that took
// longest, in ms, and the time of all their probes.
func busiest(l *engine.Trace) (calls []float64, probes float64) {
	calls = make([]float64, len(l.Threads[0].Ends))
	for i := range calls {
		var most, its int64
		for k := range l.Threads {
			from := 0
			if i > 0 {
				from = l.Threads[k].Ends[i-1]
			}
			var ns, p int64
			for _, lap := range l.Threads[k].Segments[from:l.Threads[k].Ends[i]] {
				ns += lap.Ns
				p += lap.ProbeNs
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

// bytes is the memory of a recording's laps.
func (r *recording) bytes() int {
	n := 0
	for i := range r.runs {
		for _, l := range r.runs[i].segments {
			n += 16 * len(l)
		}
	}
	return n
}
