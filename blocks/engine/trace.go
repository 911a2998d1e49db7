package engine

import "time"

// Trace are the times of one run in parts, of some twenty microseconds where a kernel's
// work can be cut so. They begin and end at the same places in each run of a plan. A
// neighbour on the same core comes and goes within fractions of a millisecond:
// it slows down laps, not calls, and a probe tells which.
//
// The zero value is ready for [Plan.RunTraced], which overwrites what an earlier run left.
type Trace struct {
	// Probe, if not nil, is run after each lap, by the thread that ran it: something
	// that takes a microsecond or two if the core is undisturbed. It may run on several
	// threads at once.
	Probe func()
	// Threads are the threads of the plan.
	Threads []ThreadTrace

	watches []*stopwatch
}

// ThreadTrace is what one thread did. The laps of the i-th call are Laps[Ends[i-1]:Ends[i]];
// there are none if the thread had no part in it.
type ThreadTrace struct {
	Segments []Segment
	Ends     []int
}

// Segment is a part of a call.
type Segment struct {
	Ns      int64 // it took
	ProbeNs int64 // the probe behind it took
}

// stopwatch is how a lane takes its laps.
type stopwatch struct {
	start    time.Time
	begun    int64 // of this lap, in nanoseconds since start
	segments []Segment
	probe    func()
	end      func() // the method, made once
}

func (w *stopwatch) take() {
	end := int64(time.Since(w.start))
	w.probe()
	next := int64(time.Since(w.start))
	w.segments = append(w.segments, Segment{end - w.begun, next - end})
	w.begun = next
}

// run runs a part of a call, and takes its laps if somebody looks.
func (l *lane) run(r runner, part, parts int) {
	w := l.watch
	if w == nil {
		r.run(part, parts, l)
		return
	}
	l.scratch.Worked = 0
	w.begun = int64(time.Since(w.start))
	r.run(part, parts, l)
	w.take()
}

// RunTraced is [Plan.Run], and times its parts. The run takes longer by the probes.
func (p *Plan) RunTraced(out, in []float32, laps *Trace) error {
	if p.runs == nil {
		return errUnbound
	}
	lanes := p.team.lanes
	laps.open(len(lanes))
	for i := range lanes {
		lanes[i].watch, lanes[i].scratch.EndSegment = laps.watches[i], laps.watches[i].end
	}
	defer func() {
		for i := range lanes {
			lanes[i].watch, lanes[i].scratch.EndSegment = nil, nil
		}
	}()
	err := p.run(out, in, laps)
	for i, w := range laps.watches {
		laps.Threads[i].Segments = w.segments
	}
	return err
}

// open forgets the last run.
func (l *Trace) open(lanes int) {
	for len(l.watches) < lanes {
		w := new(stopwatch)
		w.end = w.take
		l.watches = append(l.watches, w)
		l.Threads = append(l.Threads, ThreadTrace{})
	}
	l.watches, l.Threads = l.watches[:lanes], l.Threads[:lanes]
	start := time.Now()
	for i, w := range l.watches {
		w.start, w.segments = start, w.segments[:0]
		w.probe = l.Probe
		if w.probe == nil {
			w.probe = func() {}
		}
		l.Threads[i].Ends = l.Threads[i].Ends[:0]
	}
}

// endCall notes that all lanes have done their part of a call.
func (l *Trace) endCall() {
	for i, w := range l.watches {
		l.Threads[i].Ends = append(l.Threads[i].Ends, len(w.segments))
	}
}
