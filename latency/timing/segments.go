package timing

import "math"

// segmentTimes is what is known of the laps of a network, over the visits to it.
type segmentTimes struct {
	ends    [][]int         // of the calls, in the laps of each lane
	threads [][]segmentTime // the laps of each lane
	rest    float64         // between the calls, ms
	clock   float64         // by how much longer calm probes took than the session's, as a factor
}

// segmentTime is the time of a lap in calm moments, in ms, and in others.
type segmentTime struct {
	ms, stdErr float64 // of the calm runs, and its standard error
	quiet      float64 // that were calm
	disturbed  float64 // of the others
	others     float64 // how many they were
}

// learnSlowdown tells the session by how much disturbed laps took longer.
func (t *segmentTimes) learnSlowdown(p *probes) {
	for _, laps := range t.threads {
		for _, l := range laps {
			if l.quiet >= 2 && l.others >= 2 {
				p.quietMs += l.ms
				p.disturbedMs += l.disturbed
			}
		}
	}
}

// maxDisagreement is by how much longer one of two visits takes in calm moments before it does not
// count, as a factor: something slowed it down that the probes do not see, such as a
// virtual core that was moved away from the cache it shared with the other.
const maxDisagreement = 1.1

// merge joins two visits to one network: laps that had no calm moment in one had some in
// the other.
func (t *segmentTimes) merge(u *segmentTimes) *segmentTimes {
	a, b, common, all := 0.0, 0.0, 0, 0
	for k := range t.threads {
		all += len(t.threads[k])
		for i, x := range t.threads[k] {
			if y := u.threads[k][i]; x.quiet > 0 && y.quiet > 0 {
				a, b, common = a+x.ms, b+y.ms, common+1
			}
		}
	}
	switch {
	case 2*common < all: // too few to judge by
	case a > maxDisagreement*b && b > 0:
		return u
	case b > maxDisagreement*a && a > 0:
		return t
	}
	out := &segmentTimes{ends: t.ends, rest: min(t.rest, u.rest), clock: math.Sqrt(t.clock * u.clock)}
	for k := range t.threads {
		laps := make([]segmentTime, len(t.threads[k]))
		for i, a := range t.threads[k] {
			b := u.threads[k][i]
			l := segmentTime{quiet: a.quiet + b.quiet, others: a.others + b.others}
			if l.quiet > 0 {
				l.ms = (a.quiet*a.ms + b.quiet*b.ms) / l.quiet
				l.stdErr = math.Hypot(a.quiet*a.stdErr, b.quiet*b.stdErr) / l.quiet
			}
			if l.others > 0 {
				l.disturbed = (a.others*a.disturbed + b.others*b.disturbed) / l.others
			}
			laps[i] = l
		}
		out.threads = append(out.threads, laps)
	}
	return out
}

// quietTimes are the times of a network's calls, each the sum of its laps in calm
// moments.
type quietTimes struct {
	ms, stdErr []float64 // of each call, and its standard error
	total      float64   // of the network, ms
	runs       float64   // calm runs of a lap, in the mean
	share      float64   // share of the time that is in laps of which some were calm
}

// minQuietShare is the share of a network's time that must have been seen in calm
// moments; what is missing is estimated from the laps that were not, divided by slow.
const minQuietShare = 0.7

func (t *segmentTimes) quietTimes(slow float64) quietTimes {
	c := quietTimes{ms: make([]float64, len(t.ends[0])), stdErr: make([]float64, len(t.ends[0])), total: t.rest}
	var found, all, runs, laps float64
	for lane, ends := range t.ends {
		from := 0
		for call, end := range ends {
			ms, var2 := 0.0, 0.0
			for _, l := range t.threads[lane][from:end] {
				runs, laps = runs+l.quiet, laps+1
				if l.quiet > 0 {
					found += l.ms
				} else {
					l.ms = l.disturbed / slow
					l.stdErr = l.ms * disturbedStdErr
				}
				all += l.ms
				ms += l.ms
				var2 += l.stdErr * l.stdErr
			}
			if from = end; ms > c.ms[call] { // the lanes wait for the last
				c.ms[call], c.stdErr[call] = ms, math.Sqrt(var2)
			}
		}
	}
	for i := range c.ms {
		c.ms[i] = max(c.ms[i], 1e-5)
		c.total += c.ms[i]
	}
	if all > 0 {
		c.share, c.runs = found/all, runs/laps
	}
	return c
}

// disturbedStdErr is the relative standard error of a lap that was never seen in a calm
// moment, from its time in others.
const disturbedStdErr = 0.1
