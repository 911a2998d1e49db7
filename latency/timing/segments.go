package timing

import "math"

// segmentTimes accumulates the times of each segment of one network, over all runs in all
// rounds of measurements.
type segmentTimes struct {
	ends    [][]int         // of each thread: where the kernel calls end among its segments
	threads [][]segmentTime // segments of each thread
	rest    float64         // ms of a run outside of its calls
	clock   float64         // how much longer quiet probes took than in the whole session, as a factor
}

// segmentTime holds the median times of one segment in ms, over the runs in which it was
// quiet and over those in which it was disturbed.
type segmentTime struct {
	ms, stdErr float64 // of the quiet runs, and its standard error
	quiet      float64 // number of quiet runs
	disturbed  float64 // ms of the disturbed runs
	others     float64 // number of disturbed runs
}

// maxDisagreement is the factor by which the quiet segments of two rounds may differ. If they
// differ by more, something slowed one of them down that the probes do not see, such as a
// virtual core that was moved away from the cache it shared, and the slower round is
// discarded.
const maxDisagreement = 1.1

// merge combines the segments of two rounds with one network, since segments that were never
// quiet in one may have been in the other.
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
		merged := make([]segmentTime, len(t.threads[k]))
		for i, s := range t.threads[k] {
			merged[i] = s.merge(u.threads[k][i])
		}
		out.threads = append(out.threads, merged)
	}
	return out
}

// merge returns the means of a and b, weighted by their runs.
func (a segmentTime) merge(b segmentTime) segmentTime {
	s := segmentTime{quiet: a.quiet + b.quiet, others: a.others + b.others}
	if s.quiet > 0 {
		s.ms = (a.quiet*a.ms + b.quiet*b.ms) / s.quiet
		s.stdErr = math.Hypot(a.quiet*a.stdErr, b.quiet*b.stdErr) / s.quiet
	}
	if s.others > 0 {
		s.disturbed = (a.others*a.disturbed + b.others*b.disturbed) / s.others
	}
	return s
}

// quietTimes are the times of a network on an undisturbed machine, put together from its
// segments.
type quietTimes struct {
	ms, stdErr []float64 // of each kernel call, and its standard error
	total      float64   // ms of the network
	runs       float64   // mean number of quiet runs of a segment
	share      float64   // share of the time that is in segments with quiet runs
}

// undisturbed returns the time of the network in ms, put together with [segmentTimes.quietTimes]; ok is false where too
// few segments were quiet.
func (t *segmentTimes) undisturbed(slowdown float64) (ms float64, ok bool) {
	c := t.quietTimes(slowdown)
	return c.total, c.share >= minQuietShare
}

// minQuietShare is the share of a network's time that must be in segments with quiet runs
// for the times to be put together from segments.
const minQuietShare = 0.7

// disturbedStdErr is the relative standard error of the time of a segment that had no quiet
// run, and is estimated from the disturbed ones.
const disturbedStdErr = 0.1

// quietTimes puts the times together. Segments without quiet runs count with their disturbed
// time divided by slowdown.
func (t *segmentTimes) quietTimes(slowdown float64) quietTimes {
	c := quietTimes{ms: make([]float64, len(t.ends[0])), stdErr: make([]float64, len(t.ends[0])), total: t.rest}
	var quiet, all, runs, segments float64
	for thread, ends := range t.ends {
		from := 0
		for call, end := range ends {
			ms, var2 := 0.0, 0.0
			for _, s := range t.threads[thread][from:end] {
				runs, segments = runs+s.quiet, segments+1
				if s.quiet > 0 {
					quiet += s.ms
				} else {
					s.ms = s.disturbed / slowdown
					s.stdErr = s.ms * disturbedStdErr
				}
				all += s.ms
				ms += s.ms
				var2 += s.stdErr * s.stdErr
			}
			if from = end; ms > c.ms[call] { // a call takes as long as its slowest thread
				c.ms[call], c.stdErr[call] = ms, math.Sqrt(var2)
			}
		}
	}
	for i := range c.ms {
		c.ms[i] = max(c.ms[i], 1e-5)
		c.total += c.ms[i]
	}
	if all > 0 {
		c.share, c.runs = quiet/all, runs/segments
	}
	return c
}
