package engine

import "time"

// Trace records where the time of one run went. Each kernel call is cut into segments of
// about twenty microseconds, as far as its loops allow; the cuts are at the same places in
// every run of a plan. Work of other programs on the same core comes and goes within
// fractions of a millisecond, so it slows down single segments. The probe timed after each
// segment tells which.
//
// The zero value is ready for [Plan.RunTraced], which overwrites the trace of an earlier run.
type Trace struct {
	// Probe, if not nil, is run after each segment, on the same thread. It should take one
	// or two microseconds on an undisturbed core, and must be safe for concurrent use.
	Probe   func()
	Threads []ThreadTrace // one for each thread of the plan

	watches []*stopwatch
}

// ThreadTrace holds the segments of one thread. Those of the i-th kernel call are
// Segments[Ends[i-1]:Ends[i]], none if the thread had no share of that call.
type ThreadTrace struct {
	Segments []Segment
	Ends     []int
}

// Segment is the time of one part of a kernel call, in nanoseconds.
type Segment struct {
	Ns      int64
	ProbeNs int64 // of the probe right after the segment
}

// stopwatch times the segments of one thread.
type stopwatch struct {
	start    time.Time
	begun    int64 // when the current segment began, in nanoseconds since start
	segments []Segment
	probe    func()
	end      func() // the method take, bound once
}

// take ends the current segment, runs the probe and begins the next segment.
func (w *stopwatch) take() {
	end := int64(time.Since(w.start))
	w.probe()
	next := int64(time.Since(w.start))
	w.segments = append(w.segments, Segment{end - w.begun, next - end})
	w.begun = next
}

// run computes a part of a call, and times its segments if the run is traced.
func (th *thread) run(r runner, part, parts int) {
	w := th.watch
	if w == nil {
		r.run(part, parts, th)
		return
	}
	th.scratch.Worked, th.bytes.Worked = 0, 0
	w.begun = int64(time.Since(w.start))
	r.run(part, parts, th)
	w.take()
}

// RunTraced is [Plan.Run] with a trace of its time. The probes make the run take longer.
func (p *Plan) RunTraced(out, in []float32, t *Trace) error {
	if p.runs == nil {
		return errUnbound
	}
	threads := p.team.threads
	t.open(len(threads))
	for i := range threads {
		threads[i].watch = t.watches[i]
		threads[i].scratch.EndSegment, threads[i].bytes.EndSegment = t.watches[i].end, t.watches[i].end
	}
	defer func() {
		for i := range threads {
			threads[i].watch, threads[i].scratch.EndSegment, threads[i].bytes.EndSegment = nil, nil, nil
		}
	}()
	err := p.run(out, in, t)
	for i, w := range t.watches {
		t.Threads[i].Segments = w.segments
	}
	return err
}

// open clears the trace of the last run.
func (t *Trace) open(threads int) {
	for len(t.watches) < threads {
		w := new(stopwatch)
		w.end = w.take
		t.watches = append(t.watches, w)
		t.Threads = append(t.Threads, ThreadTrace{})
	}
	t.watches, t.Threads = t.watches[:threads], t.Threads[:threads]
	start := time.Now()
	for i, w := range t.watches {
		w.start, w.segments = start, w.segments[:0]
		w.probe = t.Probe
		if w.probe == nil {
			w.probe = func() {}
		}
		t.Threads[i].Ends = t.Threads[i].Ends[:0]
	}
}

// endCall notes that all threads have done their share of a call.
func (t *Trace) endCall() {
	for i, w := range t.watches {
		t.Threads[i].Ends = append(t.Threads[i].Ends, len(w.segments))
	}
}
