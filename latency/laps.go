package latency

import (
	"math"
	"slices"

	"nas/blocks/engine"
)

// calmTimes are the times of a network's calls, each the sum of its laps in calm
// moments.
type calmTimes struct {
	ms, err []float64 // of each call, and its standard error
	runs    float64   // calm runs of a lap, in the mean
	found   float64   // share of the time that is in laps of which some were calm
	rest    float64   // between the calls, ms
}

// enoughCalm is the share of a network's time that must have been seen in calm
// moments; what is missing is estimated from the laps that were not.
const enoughCalm = 0.7

// calmTimes finds the times of the calls with nobody else on the machine: of every
// lap the median of those runs in which the probes before and behind it were calm.
// Probes tell the state of the core without regard to what the lap took, so that
// nothing is selected by its own time, as it would be among the shortest runs.
func (r *recording) calmTimes() calmTimes {
	c := calmTimes{ms: make([]float64, len(r.ends[0])), err: make([]float64, len(r.ends[0]))}
	rest := undisturbed(column(r.runs, func(v recorded) float64 { return v.rest }))
	c.rest = max(0, rest.MedianMs)
	var found, all, runs, laps float64
	for lane, ends := range r.ends {
		ts := r.lane(lane)
		slow := slowdown(ts)
		from := 0
		for call, end := range ends {
			ms, var2 := 0.0, 0.0
			for _, t := range ts[from:end] {
				runs, laps = runs+float64(t.runs), laps+1
				if t.runs > 0 {
					found += t.ms
				} else {
					t.ms /= slow
					t.err = t.ms * guessed
				}
				all += t.ms
				ms += t.ms
				var2 += t.err * t.err
			}
			if from = end; ms > c.ms[call] { // the lanes wait for the last
				c.ms[call], c.err[call] = ms, math.Sqrt(var2)
			}
		}
	}
	if all > 0 {
		c.found, c.runs = found/all, runs/laps
	}
	return c
}

// total is the time of the network.
func (c *calmTimes) total() float64 {
	sum := c.rest
	for _, ms := range c.ms {
		sum += ms
	}
	return sum
}

// clock is by how much longer calm probes took in these runs than undisturbed ones of
// the session, as a factor: the clock has fallen. 1 if there were none.
func (r *recording) clock() float64 {
	var calm []float64
	for k := range r.runs {
		for _, l := range r.runs[k].laps {
			for i := range l {
				if r.probes.calm(l[i].ProbeNs) {
					calm = append(calm, float64(l[i].ProbeNs))
				}
			}
		}
	}
	if len(calm) == 0 || r.probes.base == 0 {
		return 1
	}
	return median(calm) / r.probes.base
}

// guessed is the relative standard error of a lap that was never seen in a calm
// moment, from its time in others.
const guessed = 0.1

// lapTime is the time of a lap: in calm moments, if there were any.
type lapTime struct {
	ms, err   float64
	runs      int     // that were calm
	disturbed float64 // median of the others, 0: there are none
}

// lane sums up the laps of a lane over the runs.
func (r *recording) lane(lane int) []lapTime {
	out := make([]lapTime, len(r.runs[0].laps[lane]))
	var calm, others []float64
	for i := range out {
		calm, others = calm[:0], others[:0]
		for k := range r.runs {
			laps := r.runs[k].laps[lane]
			if ms := float64(laps[i].Ns) / 1e6; r.probes.calm(laps[i].ProbeNs) && (i == 0 || r.probes.calm(laps[i-1].ProbeNs)) {
				calm = append(calm, ms)
			} else {
				others = append(others, ms)
			}
		}
		t := lapTime{runs: len(calm)}
		if len(others) > 0 {
			t.disturbed = median(others)
			t.ms = t.disturbed
		}
		if len(calm) > 0 {
			t.ms = median(calm)
			t.err = t.ms * max(spreadOf(calm), 0.02) * math.Sqrt(math.Pi/2/float64(len(calm))) // of a median
		}
		out[i] = t
	}
	return out
}

// slowdown is by how much longer disturbed laps take, as a factor.
func slowdown(ts []lapTime) float64 {
	calm, disturbed := 0.0, 0.0
	for _, t := range ts {
		if t.runs >= 2 && t.disturbed > 0 {
			calm, disturbed = calm+t.ms, disturbed+t.disturbed
		}
	}
	if calm == 0 {
		return 1
	}
	return max(1, disturbed/calm)
}

// copyLaps keeps the laps of the run that l holds.
func copyLaps(l *engine.Laps) [][]engine.Lap {
	out := make([][]engine.Lap, len(l.Lanes))
	for i := range l.Lanes {
		out[i] = slices.Clone(l.Lanes[i].Laps)
	}
	return out
}

// copyEnds keeps where the calls end in them, which is the same for all runs.
func copyEnds(l *engine.Laps) [][]int {
	out := make([][]int, len(l.Lanes))
	for i := range l.Lanes {
		out[i] = slices.Clone(l.Lanes[i].Ends)
	}
	return out
}

// busiest returns, of the run that l holds, what each call took on the lane that took
// longest, in ms, and the time of all their probes.
func busiest(l *engine.Laps) (calls []float64, probes float64) {
	calls = make([]float64, len(l.Lanes[0].Ends))
	for i := range calls {
		var most, its int64
		for k := range l.Lanes {
			from := 0
			if i > 0 {
				from = l.Lanes[k].Ends[i-1]
			}
			var ns, p int64
			for _, lap := range l.Lanes[k].Laps[from:l.Lanes[k].Ends[i]] {
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
