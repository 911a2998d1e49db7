// Package calibrate makes the profile of a device: it times networks until the time is up
// and fits the models of package latency to what it measured.
//
//	calibrate.go   the options and the course of a calibration
//	schedule.go    what is measured next: which network, and which once more
//	fit.go         from what was measured to the table, the models and the warnings
//	end_to_end.go  runtimes that tell the latency of whole networks only
package calibrate

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency"
	"nas/latency/timing"
)

// Options of [Device]. The zero value is a calibration of one minute.
type Options struct {
	// Budget is the wall time to spend, fits included; 0 means 60 s. A quarter of that gives a
	// usable profile, less than 5 s does not, and less than 1 s is refused.
	Budget time.Duration
	// MaxUnits bounds the number of distinct units that are timed; 0 means 1500.
	MaxUnits int
	// TargetError, if not 0, ends the calibration as soon as the mean absolute relative error
	// on held-out networks is at most this: 0.02 is 2 %.
	TargetError float64
	// Base, if not nil, is a profile of the same device whose measurements are added to. It
	// must be Extensible.
	Base *latency.Profile
	// Prior is the profile of another device to start from, for a runtime that does not time
	// units; nil: costs common to processors.
	Prior *latency.Profile
	// Sustained, if not 0, puts the device under load for so long before anything is timed, and keeps it under load. The
	// runtime must then be that of the sustained device, and time units. It does not count for Budget.
	Sustained time.Duration
	// Progress, if not nil, is called from the measuring goroutine after each network, between
	// timings. The time that it takes does not count for Budget, so it may hold the calibration.
	Progress func(Progress)
}

// Progress is the state of a calibration.
type Progress struct {
	Phase    string // "heating", "measuring", "fitting"
	Elapsed  time.Duration
	Budget   time.Duration
	Networks int // number of networks whose units were timed
	HeldOut  int // number of networks measured end to end, to judge the models by
	Units    int // number of distinct units timed
	MaxUnits int
	// Error is the mean absolute relative error on the held-out networks at the last fit; 0
	// before.
	Error float64
	// Heat is that of a sustained device; nil otherwise. In the phase "heating" Budget is the time of the load.
	Heat *timing.Heat
}

const (
	defaultBudget   = 60 * time.Second
	minBudget       = time.Second
	defaultMaxUnits = 1500
	fitShare        = 0.18 // of the budget, kept for fitting
)

// Device makes the profile of a device. networks should be like those that the profile will be
// asked about: samples of a space, and reference networks.
//
// Every third network is held out and measured end to end. Of the others, the units are timed
// inside the running network. The next network is the one with the most uncertain time in its
// units, each weighted by how often it occurs, for the time that measuring takes; every
// fourth is the one that was drawn first. A runtime that does not time units is calibrated
// from end-to-end latencies alone.
//
// All timing happens on the calling goroutine, and nothing else should run in the process.
// When ctx ends, Device returns its cause, and the profile of what was measured so far if
// that is enough for one.
func Device(
	ctx context.Context, rt timing.Runtime, networks iter.Seq[*blocks.Network], opts Options,
) (*latency.Profile, error) {
	opts.Budget, opts.MaxUnits = cmp.Or(opts.Budget, defaultBudget), cmp.Or(opts.MaxUnits, defaultMaxUnits)
	if opts.Budget < minBudget {
		return nil, fault.Errorf("latency: a calibration budget of %v is too short, the least is %v", opts.Budget, minBudget)
	}
	dev, facts := rt.Device(), rt.Facts()
	var known timing.Baseline
	if b := opts.Base; b != nil {
		if err := b.Device.Match(dev); err != nil {
			return nil, fault.Errorf("latency: measurements cannot be added to a profile of another device: %w", err)
		}
		// Times are brought to this session's reference.
		known.ProbeNs, known.ClockNs = b.Calibration.ProbeNs, b.Calibration.ClockNs
	}
	prior, err := (&latency.Profile{Device: dev}).Fit(nil)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	timer, err := rt.Open(ctx, known)
	if err != nil {
		return nil, err
	}
	heater, err := heated(ctx, timer, dev, &opts)
	if err != nil {
		timer.Close()
		return nil, err
	}
	if heater != nil {
		start = time.Now()
	}
	next, stop := pull(networks)
	defer stop()
	units, ok := timer.(timing.UnitTimer)
	if !ok {
		defer timer.Close()
		return endToEnd(ctx, timer, dev, facts, next, opts)
	}
	c := &calibration{
		dev: dev, timer: units, opts: opts, start: start, next: next, prior: prior,
		freq:   map[engine.Unit]float64{},
		units:  map[engine.Unit][]unitRecord{},
		base:   map[engine.Unit]latency.UnitTime{},
		hypers: map[string]*stat.ResidualKernel{},
	}
	if opts.Base != nil {
		for _, u := range opts.Base.Units {
			c.base[u.Unit] = u
		}
	}
	why, err := c.measure(ctx)
	err = errors.Join(err, c.keepPending())
	closed := summary{why: why, baseline: timer.Baseline()}
	if r, ok := timer.(timing.ReferenceTimer); ok {
		closed.slowPct = r.SlowPct()
	}
	closed.warnings = append(facts.Warnings(dev.Threads), timer.Close()...)
	if err != nil && (ctx.Err() == nil || len(c.units) == 0 || len(c.heldOut) < 10) {
		return nil, err
	}
	p, ferr := c.finish(closed, facts)
	if ferr != nil {
		return nil, ferr
	}
	if heater != nil {
		heat := heater.Heated()
		p.Calibration.Heat = &heat
	}
	return p, err
}

// pull is iter.Pull with a goroutine: a coroutine may not be resumed from a
// thread that was locked after it was made. The goroutine works only while next
// waits for it, so that it disturbs no timing.
func pull[T any](seq iter.Seq[T]) (next func() (T, bool), stop func()) {
	ask, answer := make(chan bool), make(chan T)
	go func() {
		defer close(answer)
		if !<-ask {
			return
		}
		for v := range seq {
			answer <- v
			if !<-ask {
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() { close(ask) })
	next = func() (T, bool) {
		select {
		case ask <- true:
		case <-answer: // closed: the sequence has ended
		}
		v, ok := <-answer
		return v, ok
	}
	return next, stop
}

// heated puts the device under the load of opts. It returns nil where there is none.
func heated(ctx context.Context, timer timing.Timer, dev timing.Device, opts *Options) (timing.Heater, error) {
	h, ok := timer.(timing.Heater)
	switch {
	case dev.Sustained != (opts.Sustained > 0):
		return nil, fault.New("latency: a sustained device is calibrated under load, and no other one is")
	case opts.Sustained == 0:
		return nil, nil
	case !ok:
		return nil, fault.Errorf("latency: %s cannot be kept under load between its timings", dev)
	}
	report := func(heat timing.Heat) {
		if opts.Progress != nil {
			opts.Progress(Progress{
				Phase: "heating", Elapsed: time.Duration(heat.LoadS * float64(time.Second)), Budget: opts.Sustained, Heat: &heat,
			})
		}
	}
	return h, h.Heat(ctx, opts.Sustained, report)
}
