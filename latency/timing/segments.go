package timing

import "math"

// Segments accumulates the times of each segment of one network, over all runs in all
// rounds of measurements. A segment is a part of a kernel call that takes some microseconds.
type Segments struct {
	Ends    [][]int     // of each thread: where the kernel calls end among its segments
	Threads [][]Segment // segments of each thread
	RestMs  float64     // of a run, outside of its calls
	Clock   float64     // how much longer quiet probes took than in the whole session, as a factor
}

// Segment holds the median times of one segment in ms, over the runs in which it was
// quiet and over those in which it was disturbed.
type Segment struct {
	Ms, StdErr  float64 // of the quiet runs, and its standard error
	Quiet       float64 // number of quiet runs
	DisturbedMs float64 // ms of the disturbed runs
	Disturbed   float64 // number of disturbed runs
}

// maxDisagreement is the factor by which the quiet segments of two rounds may differ. If they
// differ by more, something slowed one of them down that the probes do not see, such as a
// virtual core that was moved away from the cache it shared, and the slower round is
// discarded.
const maxDisagreement = 1.1

// merge combines the segments of two rounds with one network, since segments that were never
// quiet in one may have been in the other.
func (t *Segments) merge(u *Segments) *Segments {
	a, b, common, all := 0.0, 0.0, 0, 0
	for k := range t.Threads {
		all += len(t.Threads[k])
		for i, x := range t.Threads[k] {
			if y := u.Threads[k][i]; x.Quiet > 0 && y.Quiet > 0 {
				a, b, common = a+x.Ms, b+y.Ms, common+1
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
	out := &Segments{Ends: t.Ends, RestMs: min(t.RestMs, u.RestMs), Clock: math.Sqrt(t.Clock * u.Clock)}
	for k := range t.Threads {
		merged := make([]Segment, len(t.Threads[k]))
		for i, s := range t.Threads[k] {
			merged[i] = s.merge(u.Threads[k][i])
		}
		out.Threads = append(out.Threads, merged)
	}
	return out
}

// merge returns the means of a and b, weighted by their runs.
func (a Segment) merge(b Segment) Segment {
	s := Segment{Quiet: a.Quiet + b.Quiet, Disturbed: a.Disturbed + b.Disturbed}
	if s.Quiet > 0 {
		s.Ms = (a.Quiet*a.Ms + b.Quiet*b.Ms) / s.Quiet
		s.StdErr = math.Hypot(a.Quiet*a.StdErr, b.Quiet*b.StdErr) / s.Quiet
	}
	if s.Disturbed > 0 {
		s.DisturbedMs = (a.Disturbed*a.DisturbedMs + b.Disturbed*b.DisturbedMs) / s.Disturbed
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

// Undisturbed returns the time of the network in ms, put together with [Segments.quietTimes]; ok is false where too
// few segments were quiet.
func (t *Segments) Undisturbed(slowdown float64) (ms float64, ok bool) {
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
func (t *Segments) quietTimes(slowdown float64) quietTimes {
	c := quietTimes{ms: make([]float64, len(t.Ends[0])), stdErr: make([]float64, len(t.Ends[0])), total: t.RestMs}
	var quiet, all, runs, segments float64
	for thread, ends := range t.Ends {
		from := 0
		for call, end := range ends {
			ms, var2 := 0.0, 0.0
			for _, s := range t.Threads[thread][from:end] {
				runs, segments = runs+s.Quiet, segments+1
				if s.Quiet > 0 {
					quiet += s.Ms
				} else {
					s.Ms = s.DisturbedMs / slowdown
					s.StdErr = s.Ms * disturbedStdErr
				}
				all += s.Ms
				ms += s.Ms
				var2 += s.StdErr * s.StdErr
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
