package latency

import (
	"fmt"
	"math"
)

// run is one timed run of a network.
type run struct {
	ms       float64 // wall time
	cpuMs    float64 // time that the thread had a core; 0 if the system does not tell
	switched bool    // another task took it in between
}

// lost tells whether other tasks took more than a fiftieth of the run. A glance
// of the system's own threads, or of this program's, takes microseconds.
func (x run) lost() bool { return x.switched && x.cpuMs > 0 && x.cpuMs < 0.98*x.ms }

// recording is what was seen of a network in one visit.
type recording struct {
	threads int
	ms      []float64   // of each run; where the thread was alone and lost its core, the time on it
	calls   [][]float64 // ms of the calls, one row a run
	kept    [][]float64 // rows of runs that kept their core
	rest    []float64   // ... what these runs took beyond their calls
	refs    []float64   // the reference kernel between the runs
	lost    int         // runs that did not
}

func (r *recording) add(x run, ns []int64) {
	row, sum := make([]float64, len(ns)), 0.0
	for i, v := range ns {
		row[i] = float64(v) / 1e6
		sum += row[i]
	}
	r.calls = append(r.calls, row)
	if x.lost() {
		r.lost++
		if r.threads == 1 {
			x.ms = x.cpuMs
		}
	} else {
		r.kept = append(r.kept, row)
		r.rest = append(r.rest, x.ms-sum)
	}
	r.ms = append(r.ms, x.ms)
}

// fewKept is the number of runs that kept their core below which the calls of a
// network do not tell its time.
const fewKept = 3

// whole is the time of the network with nobody else on the machine. Neighbours,
// above all those on the other hardware thread of the core, slow it down for
// milliseconds at a time: of a network that takes longer hardly any run is
// undisturbed, yet each of its calls is in some. So the time is the sum of what
// the calls took undisturbed, and of what lies between them. On a machine at rest
// that is the median of the runs. The percentiles are those of all runs, except
// that they enclose the median.
func (r *recording) whole() Sample {
	s := quietSample(r.ms)
	if len(r.kept) < fewKept {
		return s
	}
	q := undisturbed(r.rest)
	sum, half2 := q.MedianMs, 0.0
	for i := range r.kept[0] {
		q := undisturbed(column(r.kept, i))
		h := (q.HighMs - q.LowMs) / 2
		sum += q.MedianMs
		half2 += h * h
	}
	half := math.Sqrt(half2)
	s.MedianMs, s.LowMs, s.HighMs = sum, sum-half, sum+half
	s.P10Ms, s.P90Ms = min(s.P10Ms, sum), max(s.P90Ms, sum)
	return s
}

// timing sums up the recording.
func (r *recording) timing() Timing {
	t := Timing{Whole: r.whole(), Runs: len(r.ms), Interrupted: r.lost, RefMs: undisturbed(r.refs).MedianMs}
	if 4*t.Interrupted > 3*t.Runs && t.Runs >= 4 {
		t.Whole.Warnings = append(t.Whole.Warnings, fmt.Sprintf("other programs interrupted %d of %d runs", t.Interrupted, t.Runs))
	}
	// Of a run that was interrupted the call is not known in which it was: such
	// runs tell of single calls only where no others do.
	rows := r.kept
	if len(rows) < fewKept {
		rows = r.calls
	}
	if len(rows) == 0 {
		return t
	}
	t.CallMs, t.CallSpread = make([]float64, len(rows[0])), make([]float64, len(rows[0]))
	for i := range t.CallMs {
		v := column(rows, i)
		q := undisturbed(v)
		ms := q.MedianMs
		if len(r.kept) < fewKept {
			ms = quantile(v, 0.25)
		} else {
			v = v[:q.Runs]
		}
		t.CallMs[i] = max(ms, 1e-5)
		t.CallSpread[i] = min(0.3, spreadOf(v)/math.Sqrt(float64(len(v))))
	}
	return t
}

func column(rows [][]float64, i int) []float64 {
	v := make([]float64, len(rows))
	for k, row := range rows {
		v[k] = row[i]
	}
	return v
}
