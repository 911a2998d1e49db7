package engine

import "time"

// Laps are the times of one run in parts, of some twenty microseconds where a kernel's
// work can be cut so. They begin and end at the same places in each run of a plan. A
// neighbour on the same core comes and goes within fractions of a millisecond:
// it slows down laps, not calls, and a probe tells which.
//
// The zero value is ready for [Plan.RunLaps], which overwrites what an earlier run left.
type Laps struct {
	// Probe, if not nil, is run after each lap, by the thread that ran it: something
	// that takes a microsecond or two if the core is undisturbed. It may run on several
	// threads at once.
	Probe func()
	// Lanes are the threads of the plan.
	Lanes []Lane

	watches []*stopwatch
}

// Lane is what one thread did. The laps of the i-th call are Laps[Ends[i-1]:Ends[i]];
// there are none if the thread had no part in it.
type Lane struct {
	Laps []Lap
	Ends []int
}

// Lap is a part of a call.
type Lap struct {
	Ns      int64 // it took
	ProbeNs int64 // the probe behind it took
}

// stopwatch is how a lane takes its laps.
type stopwatch struct {
	start time.Time
	begun int64 // of this lap, in nanoseconds since start
	laps  []Lap
	probe func()
	lap   func() // the method, made once
}

func (w *stopwatch) take() {
	end := int64(time.Since(w.start))
	w.probe()
	next := int64(time.Since(w.start))
	w.laps = append(w.laps, Lap{end - w.begun, next - end})
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

// RunLaps is [Plan.Run], and times its parts. The run takes longer by the probes.
func (p *Plan) RunLaps(out, in []float32, laps *Laps) error {
	if p.runs == nil {
		return errUnbound
	}
	lanes := p.team.lanes
	laps.open(len(lanes))
	for i := range lanes {
		lanes[i].watch, lanes[i].scratch.Lap = laps.watches[i], laps.watches[i].lap
	}
	defer func() {
		for i := range lanes {
			lanes[i].watch, lanes[i].scratch.Lap = nil, nil
		}
	}()
	err := p.run(out, in, laps)
	for i, w := range laps.watches {
		laps.Lanes[i].Laps = w.laps
	}
	return err
}

// open forgets the last run.
func (l *Laps) open(lanes int) {
	for len(l.watches) < lanes {
		w := new(stopwatch)
		w.lap = w.take
		l.watches = append(l.watches, w)
		l.Lanes = append(l.Lanes, Lane{})
	}
	l.watches, l.Lanes = l.watches[:lanes], l.Lanes[:lanes]
	start := time.Now()
	for i, w := range l.watches {
		w.start, w.laps = start, w.laps[:0]
		w.probe = l.Probe
		if w.probe == nil {
			w.probe = func() {}
		}
		l.Lanes[i].Ends = l.Lanes[i].Ends[:0]
	}
}

// endCall notes that all lanes have done their part of a call.
func (l *Laps) endCall() {
	for i, w := range l.watches {
		l.Lanes[i].Ends = append(l.Lanes[i].Ends, len(w.laps))
	}
}
