// Package calibrate makes the profile of a device: it times networks until the time is up
// and fits the models of package latency to what it measured.
//
//	calibrate.go   the options and the course of a calibration
//	schedule.go    what is measured next: which network, and which once more
//	table.go       from what was measured to the rows of the profile's table
//	finish.go      the profile and its warnings
//	end_to_end.go  runtimes that tell the latency of whole networks only
package calibrate

import (
	"context"
	"errors"
	"iter"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency"
	"nas/latency/timing"
)

// Options of [Calibrate]. The zero value is a calibration of one minute.
type Options struct {
	// Budget is the wall time to spend, model fitting included; 0 means 60 s,
	// below 5 s is not enough for a profile. A quarter of it already gives a
	// usable one.
	Budget time.Duration
	// MaxUnits bounds the table: distinct units timed. 0 means 1500.
	MaxUnits int
	// TargetError, if not 0, stops earlier: as soon as the mean absolute relative
	// error on held-out networks is at most this (0.02 is 2 %).
	TargetError float64
	// Base, if not nil, is a profile of the same device whose measurements are
	// kept and added to.
	Base *latency.Profile
	// Prior, for a runtime that tells the time of whole networks only, is the
	// profile of another device to start from; nil: costs common to processors.
	Prior *latency.Profile
	// Progress, if not nil, is called from the measuring goroutine after each
	// network. It must be quick: it runs between timings.
	Progress func(Progress)
}

// Progress is the state of a calibration.
type Progress struct {
	Phase    string // "measuring", "fitting"
	Elapsed  time.Duration
	Budget   time.Duration
	Networks int // timed call by call
	HeldOut  int // measured whole, to judge the model
	Units    int // distinct, timed
	MaxUnits int
	// Error is the mean absolute relative error on the held-out networks at the
	// last fit; 0 before.
	Error float64
}

const (
	defaultBudget   = 60 * time.Second
	minBudget       = time.Second
	defaultMaxUnits = 1500
	poolSize        = 160  // networks to choose from
	maxHeldOut      = 140  // enough for the interval's quantile
	fitShare        = 0.18 // of the budget, kept for fitting
	between         = 30   // other networks between two visits to a held-out one
	visitShare      = 100  // one visit takes at most this part of the budget, or three runs
	enoughVisits    = 60   // fewer make a rough profile
	waiting         = 4    // networks timed while the machine was slow before the first is timed again
	inTurn          = 4    // every fourth network timed call by call is the one that was drawn first
	maxVisits       = 3    // of a network that is measured while the machine is slow
)

// candidate is a network that may be timed.
type candidate struct {
	net    *blocks.Network
	calls  []engine.Call
	tried  int           // visits so far
	before timing.Timing // the best of them
}

// wholeRecord is a held-out network with its measurement.
type wholeRecord struct {
	candidate
	t timing.Timing
}

// unitRecord is what one network told about one unit.
type unitRecord struct {
	ms, spread float64
	timing.Conditions
}

// calibration is the state of one Calibrate.
type calibration struct {
	dev    timing.Device
	timer  timing.UnitTimer
	opts   Options
	start  time.Time
	next   func() (*blocks.Network, bool)
	drawn  int // networks taken from the iterator
	ended  bool
	pool   []candidate
	held   []candidate // waiting to be measured
	second []candidate // held out, to be measured once more
	later  []candidate // timed call by call while the machine was slow: once more
	freq   map[engine.Unit]float64
	units  map[engine.Unit][]unitRecord
	kept   map[engine.Unit]latency.UnitTime // of Options.Base
	whole  []wholeRecord
	runs   int
	broken int                // runs interrupted
	nets   int                // timed call by call
	picked int                // from the pool
	visits int                // to all networks
	slow   int                // ... while the machine was slow
	prior  *latency.Predictor // what the units take as far as is known yet
	fitted bool               // prior was fitted to measurements
	hypers map[string]*stat.ResidualKernel
	error  float64
}

// Device makes the profile of a device. networks are drawn by the caller from
// what the profile will be asked about: a space, and reference networks. Every
// third is held out and measured whole; of the others those are timed call by
// call which hold the most time that is not known yet, weighted by how often
// their units occur, and every fourth is the one that was drawn first. All timing happens on the calling goroutine; nothing else
// should run in the process. Networks are measured in the state that life finds
// them in: each kernel on the activations of the one before.
//
// When ctx ends, the profile of what was measured so far is returned with the
// error, if it is enough for one.
func Device(ctx context.Context, rt timing.Runtime, networks iter.Seq[*blocks.Network], opts Options) (*latency.Profile, error) {
	if opts.Budget == 0 {
		opts.Budget = defaultBudget
	}
	if opts.Budget < minBudget {
		return nil, fault.Errorf("latency: a calibration budget of %v is too short, the least is %v", opts.Budget, minBudget)
	}
	if opts.MaxUnits == 0 {
		opts.MaxUnits = defaultMaxUnits
	}
	dev, facts := rt.Device(), rt.Facts()
	var known timing.Baseline
	if b := opts.Base; b != nil {
		if err := b.Device.Match(dev); err != nil {
			return nil, fault.Errorf("latency: measurements cannot be added to a profile of another device: %w", err)
		}
		known.ProbeNs = b.Calibration.ProbeNs // times are brought to this session's reference
	}
	start := time.Now()
	timer, err := rt.Open(ctx, known)
	if err != nil {
		return nil, err
	}
	next, stop := pull(networks)
	defer stop()
	units, ok := timer.(timing.UnitTimer)
	if !ok {
		defer timer.Close()
		return calibrateEndToEnd(ctx, timer, dev, facts, next, opts)
	}
	c := &calibration{
		dev: dev, timer: units, opts: opts, start: start, next: next,
		freq: map[engine.Unit]float64{}, units: map[engine.Unit][]unitRecord{}, kept: map[engine.Unit]latency.UnitTime{}, hypers: map[string]*stat.ResidualKernel{},
	}
	if opts.Base != nil {
		for _, u := range opts.Base.Units {
			c.kept[u.Unit] = u
		}
	}
	if c.prior, err = (&latency.Profile{Device: dev}).Fit(nil); err != nil {
		return nil, err
	}
	why, err := c.measure(ctx)
	// What waited for a better moment counts as it is.
	for _, n := range c.later {
		err = errors.Join(err, c.keep(n.calls, n.before))
	}
	for _, h := range c.second {
		c.whole = append(c.whole, wholeRecord{h, h.before})
	}
	base := timer.Baseline()
	slowPct := 0.0
	if r, ok := timer.(timing.ReferenceTimer); ok {
		slowPct = r.SlowPct()
	}
	warnings := append(facts.Warnings(dev.Threads), timer.Close()...)
	if err != nil && (ctx.Err() == nil || len(c.units) == 0 || len(c.whole) < 10) {
		return nil, err
	}
	p, ferr := c.finish(why, base, slowPct, facts, warnings)
	if ferr != nil {
		return nil, ferr
	}
	return p, err
}

// fill draws networks until the pool is full or the iterator ends.
func (c *calibration) fill() error {
	size := min(poolSize, 12+int(4*c.opts.Budget.Seconds()))
	for len(c.pool) < size && !c.ended {
		if err := c.draw(); err != nil {
			return err
		}
	}
	return nil
}

func (c *calibration) draw() error {
	n, ok := c.next()
	if !ok {
		c.ended = true
		return nil
	}
	calls, err := c.dev.Calls(n)
	if err != nil {
		return err
	}
	c.drawn++
	if c.drawn%3 == 0 {
		c.held = append(c.held, candidate{net: n, calls: calls})
		return nil
	}
	c.pool = append(c.pool, candidate{net: n, calls: calls})
	for i := range calls {
		c.freq[calls[i].Unit]++
	}
	return nil
}

// measure alternates between networks timed call by call and held-out ones, so
// that both see the same machine, until the time, the networks or the need ends.
func (c *calibration) measure(ctx context.Context) (why string, err error) {
	if err := c.fill(); err != nil {
		return "", err
	}
	if len(c.pool)+len(c.held) == 0 {
		return "", fault.New("latency: no networks to calibrate with")
	}
	deadline := c.start.Add(time.Duration(float64(c.opts.Budget) * (1 - fitShare)))
	nextFit := 250
	for step := 0; ; step++ {
		if err := timing.Stopped(ctx); err != nil {
			return "interrupted", err
		}
		if time.Now().After(deadline) && c.nets+len(c.later) > 0 && len(c.whole)+len(c.second) > 0 {
			return "budget", nil
		}
		for len(c.held)+len(c.second) == 0 && !c.ended {
			if err := c.draw(); err != nil {
				return "", err
			}
		}
		full := len(c.units) >= c.opts.MaxUnits
		hold := len(c.held)+len(c.second) > 0 && len(c.whole) < maxHeldOut
		train := len(c.pool)+len(c.later) > 0
		switch {
		case !hold && !train:
			return "networks", nil
		case hold && (!train || step%2 == 1 || full && step%4 != 0):
			err = c.holdOut(ctx)
		default:
			err = c.learn(ctx, full)
		}
		if err != nil {
			return "interrupted", err
		}
		c.report("measuring")
		if len(c.units) >= nextFit && len(c.units) < c.opts.MaxUnits {
			nextFit *= 3
			if err := c.refit(true); err != nil {
				return "", err
			}
			if c.opts.TargetError > 0 && len(c.whole) >= 30 && c.error <= c.opts.TargetError {
				return "target error", nil
			}
		}
		if c.opts.TargetError > 0 && full && len(c.whole)%20 == 19 {
			if err := c.refit(false); err != nil {
				return "", err
			}
			if c.error <= c.opts.TargetError {
				return "target error", nil
			}
		}
	}
}

func (c *calibration) report(phase string) {
	if c.opts.Progress != nil {
		c.opts.Progress(Progress{phase, time.Since(c.start), c.opts.Budget, c.nets, len(c.whole), len(c.units), c.opts.MaxUnits, c.error})
	}
}
