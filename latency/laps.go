package latency

import (
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// lapTimes is what is known of the laps of a network, over the visits to it.
type lapTimes struct {
	ends  [][]int     // of the calls, in the laps of each lane
	lanes [][]lapTime // the laps of each lane
	rest  float64     // between the calls, ms
	clock float64     // by how much longer calm probes took than the session's, as a factor
}

// lapTime is the time of a lap in calm moments, in ms, and in others.
type lapTime struct {
	ms, err   float64 // of the calm runs, and its standard error
	runs      float64 // that were calm
	disturbed float64 // of the others
	others    float64 // how many they were
}

// lapTimes finds, of every lap, the median of those runs in which the probes before and
// behind it were calm. Probes tell the state of the core without regard to what the lap
// took, so that nothing is selected by its own time, as it would be among the shortest
// runs.
func (r *recording) lapTimes() *lapTimes {
	t := &lapTimes{ends: r.ends, clock: 1}
	rest := undisturbed(column(r.runs, func(v recorded) float64 { return v.rest }))
	t.rest = max(0, rest.MedianMs)
	var calm, others, probes []float64
	for lane := range r.ends {
		laps := make([]lapTime, len(r.runs[0].laps[lane]))
		for i := range laps {
			calm, others = calm[:0], others[:0]
			for k := range r.runs {
				x := r.runs[k].laps[lane]
				now := r.probes.calm(x[i].ProbeNs)
				if now {
					probes = append(probes, float64(x[i].ProbeNs))
				}
				if ms := float64(x[i].Ns) / 1e6; now && (i == 0 || r.probes.calm(x[i-1].ProbeNs)) {
					calm = append(calm, ms)
				} else {
					others = append(others, ms)
				}
			}
			l := lapTime{runs: float64(len(calm)), others: float64(len(others))}
			if len(others) > 0 {
				l.disturbed = stat.Median(others)
			}
			if len(calm) > 0 {
				if l.ms = stat.Median(calm); l.ms > 0 { // a coarse clock does not see the shortest
					l.err = l.ms * max(spreadOf(calm), 0.02) * math.Sqrt(math.Pi/2/l.runs) // of a median
				}
			}
			laps[i] = l
		}
		t.lanes = append(t.lanes, laps)
	}
	if len(probes) > 0 && r.probes.base > 0 {
		t.clock = stat.Median(probes) / r.probes.base
	}
	return t
}

// slowed tells the session by how much disturbed laps took longer.
func (t *lapTimes) slowed(p *probes) {
	for _, laps := range t.lanes {
		for _, l := range laps {
			if l.runs >= 2 && l.others >= 2 {
				p.calmMs += l.ms
				p.otherMs += l.disturbed
			}
		}
	}
}

// unseen is by how much longer one of two visits takes in calm moments before it does not
// count, as a factor: something slowed it down that the probes do not see, such as a
// virtual core that was moved away from the cache it shared with the other.
const unseen = 1.1

// with joins two visits to one network: laps that had no calm moment in one had some in
// the other.
func (t *lapTimes) with(u *lapTimes) *lapTimes {
	a, b, common, all := 0.0, 0.0, 0, 0
	for k := range t.lanes {
		all += len(t.lanes[k])
		for i, x := range t.lanes[k] {
			if y := u.lanes[k][i]; x.runs > 0 && y.runs > 0 {
				a, b, common = a+x.ms, b+y.ms, common+1
			}
		}
	}
	switch {
	case 2*common < all: // too few to judge by
	case a > unseen*b && b > 0:
		return u
	case b > unseen*a && a > 0:
		return t
	}
	out := &lapTimes{ends: t.ends, rest: min(t.rest, u.rest), clock: math.Sqrt(t.clock * u.clock)}
	for k := range t.lanes {
		laps := make([]lapTime, len(t.lanes[k]))
		for i, a := range t.lanes[k] {
			b := u.lanes[k][i]
			l := lapTime{runs: a.runs + b.runs, others: a.others + b.others}
			if l.runs > 0 {
				l.ms = (a.runs*a.ms + b.runs*b.ms) / l.runs
				l.err = math.Hypot(a.runs*a.err, b.runs*b.err) / l.runs
			}
			if l.others > 0 {
				l.disturbed = (a.others*a.disturbed + b.others*b.disturbed) / l.others
			}
			laps[i] = l
		}
		out.lanes = append(out.lanes, laps)
	}
	return out
}

// calmTimes are the times of a network's calls, each the sum of its laps in calm
// moments.
type calmTimes struct {
	ms, err []float64 // of each call, and its standard error
	total   float64   // of the network, ms
	runs    float64   // calm runs of a lap, in the mean
	found   float64   // share of the time that is in laps of which some were calm
}

// enoughCalm is the share of a network's time that must have been seen in calm
// moments; what is missing is estimated from the laps that were not, divided by slow.
const enoughCalm = 0.7

func (t *lapTimes) calm(slow float64) calmTimes {
	c := calmTimes{ms: make([]float64, len(t.ends[0])), err: make([]float64, len(t.ends[0])), total: t.rest}
	var found, all, runs, laps float64
	for lane, ends := range t.ends {
		from := 0
		for call, end := range ends {
			ms, var2 := 0.0, 0.0
			for _, l := range t.lanes[lane][from:end] {
				runs, laps = runs+l.runs, laps+1
				if l.runs > 0 {
					found += l.ms
				} else {
					l.ms = l.disturbed / slow
					l.err = l.ms * guessed
				}
				all += l.ms
				ms += l.ms
				var2 += l.err * l.err
			}
			if from = end; ms > c.ms[call] { // the lanes wait for the last
				c.ms[call], c.err[call] = ms, math.Sqrt(var2)
			}
		}
	}
	for i := range c.ms {
		c.ms[i] = max(c.ms[i], 1e-5)
		c.total += c.ms[i]
	}
	if all > 0 {
		c.found, c.runs = found/all, runs/laps
	}
	return c
}

// guessed is the relative standard error of a lap that was never seen in a calm
// moment, from its time in others.
const guessed = 0.1

// copyLaps keeps the laps of the run that l holds.
func copyLaps(l *engine.Trace) [][]engine.Segment {
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
		for _, l := range r.runs[i].laps {
			n += 16 * len(l)
		}
	}
	return n
}
