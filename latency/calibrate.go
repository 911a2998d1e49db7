package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
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
	Base *Profile
	// Prior, for a runtime that tells the time of whole networks only, is the
	// profile of another device to start from; nil: costs common to processors.
	Prior *Profile
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
	maxVisits       = 3    // of a network that is measured while the machine is slow
)

// candidate is a network that may be timed.
type candidate struct {
	net    *blocks.Network
	calls  []engine.Call
	tried  int    // visits so far
	before Timing // the best of them
}

// wholeRecord is a held-out network with its measurement.
type wholeRecord struct {
	candidate
	t Timing
}

// unitRecord is what one network told about one unit.
type unitRecord struct {
	ms, spread float64
	refMs      float64 // reference time then
}

// calibration is the state of one Calibrate.
type calibration struct {
	rt      Runtime
	dev     Device
	timer   Timer
	opts    Options
	start   time.Time
	next    func() (*blocks.Network, bool)
	drawn   int // networks taken from the iterator
	ended   bool
	pool    []candidate
	held    []candidate // waiting to be measured
	second  []candidate // held out, to be measured once more
	later   []candidate // timed call by call while the machine was slow: once more
	freq    map[engine.Unit]float64
	units   map[engine.Unit][]unitRecord
	kept    map[engine.Unit]UnitTime // of Options.Base
	whole   []wholeRecord
	runs    int
	broken  int // runs interrupted
	nets    int // timed call by call
	visits  int // to all networks
	slow    int // ... while the machine was slow
	guesser *Predictor
	hypers  map[string]*Hyper
	error   float64
}

// Calibrate makes the profile of a device. networks are drawn by the caller from
// what the profile will be asked about: a space, and reference networks. Every
// third is held out and measured whole; of the others those are timed call by
// call which hold the most time that is not known yet, weighted by how often
// their units occur. All timing happens on the calling goroutine; nothing else
// should run in the process. Networks are measured in the state that life finds
// them in: each kernel on the activations of the one before.
//
// When ctx ends, the profile of what was measured so far is returned with the
// error, if it is enough for one.
func Calibrate(ctx context.Context, rt Runtime, networks iter.Seq[*blocks.Network], opts Options) (*Profile, error) {
	if opts.Budget == 0 {
		opts.Budget = defaultBudget
	}
	if opts.Budget < minBudget {
		return nil, fmt.Errorf("latency: a calibration budget of %v is too short, the least is %v", opts.Budget, minBudget)
	}
	if opts.MaxUnits == 0 {
		opts.MaxUnits = defaultMaxUnits
	}
	if b, ok := rt.(*Recipe); ok {
		return calibrateRecipe(ctx, b, networks, opts)
	}
	c := &calibration{
		rt: rt, dev: rt.Device(), opts: opts, start: time.Now(),
		freq: map[engine.Unit]float64{}, units: map[engine.Unit][]unitRecord{}, kept: map[engine.Unit]UnitTime{}, hypers: map[string]*Hyper{},
	}
	facts := rt.Facts()
	if b := opts.Base; b != nil {
		if err := b.Device.match(c.dev); err != nil {
			return nil, fmt.Errorf("latency: measurements cannot be added to a profile of another device: %w", err)
		}
		for _, u := range b.Units {
			c.kept[u.Unit] = u
		}
	}
	next, stop := pull(networks)
	defer stop()
	c.next = next
	if err := c.fill(); err != nil {
		return nil, err
	}
	if len(c.pool)+len(c.held) == 0 {
		return nil, errors.New("latency: no networks to calibrate with")
	}
	refMs := 0.0
	if opts.Base != nil {
		refMs = opts.Base.Calibration.ReferenceMs
	}
	timer, err := rt.Open(ctx, refMs)
	if err != nil {
		return nil, err
	}
	c.timer = timer
	why, err := c.measure(ctx)
	// What waited for a better moment counts as it is.
	for _, n := range c.later {
		err = errors.Join(err, c.keep(n.before))
	}
	for _, h := range c.second {
		c.whole = append(c.whole, wholeRecord{h, h.before})
	}
	base := timer.ReferenceMs()
	slowPct := slowShare(timer)
	warnings := append(facts.warnings(c.dev.Threads), timer.Close()...)
	if err != nil && (ctx.Err() == nil || len(c.units) == 0 || len(c.whole) < 10) {
		return nil, err
	}
	p, ferr := c.finish(why, base, slowPct, facts, warnings)
	if ferr != nil {
		return nil, ferr
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

func slowShare(t Timer) float64 {
	m, ok := t.(*meter)
	if !ok || len(m.seen) == 0 {
		return 0
	}
	n, base := 0, m.ReferenceMs()
	for _, v := range m.seen {
		if v > 1.05*base {
			n++
		}
	}
	return 100 * float64(n) / float64(len(m.seen))
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
	calls, err := cut(n, c.dev)
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
	deadline := c.start.Add(time.Duration(float64(c.opts.Budget) * (1 - fitShare)))
	nextFit := 250
	for step := 0; ; step++ {
		if err := canceled(ctx); err != nil {
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

// time times a network and tells whether it has to be measured again, later: the
// machine was slow, and a neighbour's bursts last for seconds.
func (c *calibration) time(ctx context.Context, n *candidate, e Effort) (t Timing, again bool, err error) {
	e.MaxTime = c.opts.Budget / visitShare
	t, err = c.timer.Time(ctx, n.net, e)
	if err != nil {
		return t, false, err
	}
	c.runs += t.Runs
	c.broken += t.Interrupted
	slow := t.Slow > slowLimit
	if slow {
		c.slow++
	}
	if n.tried > 0 {
		t = better(n.before, t)
	}
	n.tried++
	n.before = t
	// Where the machine is always slow, more networks tell more than more visits.
	c.visits++
	return t, slow && n.tried < maxVisits && (c.visits < 20 || 2*c.slow < c.visits), nil
}

// holdOut measures a held-out network as Validate does: in two visits with other
// networks in between, of which the shorter counts.
func (c *calibration) holdOut(ctx context.Context) error {
	var h candidate
	if len(c.second) >= between || len(c.held) == 0 {
		h, c.second = c.second[0], c.second[1:]
	} else {
		h, c.held = c.held[0], c.held[1:]
	}
	t, again, err := c.time(ctx, &h, visit)
	if err != nil {
		return err
	}
	if again || h.tried < 2 {
		c.second = append(c.second, h)
		return nil
	}
	c.whole = append(c.whole, wholeRecord{h, t})
	return nil
}

// learn times the calls of the network that promises most. full: the table is
// full, only units in it are timed again.
func (c *calibration) learn(ctx context.Context, full bool) error {
	var n candidate
	if len(c.later) >= waiting || len(c.pool) == 0 {
		n, c.later = c.later[0], c.later[1:]
	} else {
		i := c.choose(full)
		n = c.pool[i]
		c.pool = slices.Delete(c.pool, i, i+1)
		if !c.ended {
			if err := c.fill(); err != nil {
				return err
			}
		}
	}
	t, again, err := c.time(ctx, &n, Effort{Runs: 12, Kernels: true})
	if err != nil {
		return err
	}
	if again {
		c.later = append(c.later, n)
		return nil
	}
	return c.keep(t)
}

// keep takes what a network told about its units.
func (c *calibration) keep(t Timing) error {
	c.nets++
	if t.CallMs == nil {
		return fmt.Errorf("latency: %s does not time single calls", c.dev.Name)
	}
	by := map[engine.Unit]*unitRecord{}
	count := map[engine.Unit]float64{}
	for i := range t.Calls {
		u := t.Calls[i].Unit
		if by[u] == nil {
			by[u] = &unitRecord{refMs: t.RefMs}
		}
		by[u].ms += t.CallMs[i]
		by[u].spread += t.CallSpread[i]
		count[u]++
	}
	// In the order of the calls: which units still find room must not depend on
	// the order of a map.
	for i := range t.Calls {
		u := t.Calls[i].Unit
		r := by[u]
		if r == nil {
			continue
		}
		delete(by, u)
		if _, ok := c.units[u]; !ok && len(c.units) >= c.opts.MaxUnits {
			continue
		}
		r.ms /= count[u]
		r.spread /= count[u]
		c.units[u] = append(c.units[u], *r)
	}
	return nil
}

// choose returns the candidate with the largest gain for its price. The gain of
// a unit is the time that is uncertain in it, in all networks of the pool; of
// a unit already timed k times it is a share of that which falls with k.
func (c *calibration) choose(full bool) int {
	best, bestScore := 0, math.Inf(-1)
	for i := range c.pool {
		gain, price := 0.0, 0.5 // ms to bind the network
		seen := make(map[engine.Unit]bool, len(c.pool[i].calls))
		for k := range c.pool[i].calls {
			u := &c.pool[i].calls[k].Unit
			ms, sd := c.guess(u)
			price += ms
			if seen[*u] {
				continue
			}
			seen[*u] = true
			n := len(c.units[*u])
			if n == 0 && full {
				continue
			}
			if n > 0 {
				sd = 0.04 / float64(n)
			}
			gain += ms * sd * math.Sqrt(c.freq[*u])
		}
		if s := gain / price; s > bestScore {
			best, bestScore = i, s
		}
	}
	return best
}

// guess returns a unit's time in ms and its relative standard deviation as far
// as is known yet.
func (c *calibration) guess(u *engine.Unit) (ms, sd float64) {
	if c.guesser == nil {
		c.guesser = newPredictor(&Profile{Device: c.dev, Network: fitNetwork(nil)}, nil)
	}
	k := c.guesser.cost(u)
	return k.ms, math.Sqrt(k.var2) / k.ms
}

// table makes the rows of the profile's table from what was measured.
func (c *calibration) table() []UnitTime {
	base := c.timer.ReferenceMs()
	ok := func(ref float64) bool { return ref <= slowLimit*base || ref == 0 }
	// How much a unit varies from network to network, where that was seen.
	var between []float64
	for _, rs := range c.units {
		if len(rs) >= 4 {
			var ms []float64
			for _, r := range rs {
				if ok(r.refMs) {
					ms = append(ms, r.ms)
				}
			}
			if len(ms) >= 4 {
				between = append(between, spreadOf(ms))
			}
		}
	}
	typical := 0.03
	if len(between) >= 10 {
		typical = max(0.005, median(between))
	}
	var out []UnitTime
	for u, rs := range c.units {
		var ms, sp []float64
		for _, r := range rs {
			if ok(r.refMs) {
				ms, sp = append(ms, r.ms), append(sp, r.spread)
			}
		}
		if len(ms) == 0 { // measured in a slow moment only: better than nothing
			for _, r := range rs {
				ms, sp = append(ms, r.ms), append(sp, r.spread+0.05)
			}
		}
		row := UnitTime{Unit: u, Networks: len(ms)}
		if k, ok := c.kept[u]; ok { // counts as often as it was measured, within reason
			for range min(k.Networks, 5) {
				ms = append(ms, k.Ms)
				sp = append(sp, k.Spread)
			}
			row.Networks += k.Networks
		}
		n := len(ms)
		one := math.Hypot(typical, median(sp))
		if n >= 4 {
			one = max(spreadOf(slices.Clone(ms)), typical/2)
		}
		row.Ms = median(ms)
		row.Spread = one / math.Sqrt(float64(n))
		out = append(out, row)
	}
	for u, k := range c.kept {
		if _, ok := c.units[u]; !ok {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	return out
}

// refit fits the unit models to what there is, and judges them by the held-out
// networks. search looks for hyperparameters anew.
func (c *calibration) refit(search bool) error {
	c.report("fitting")
	if search {
		c.hypers = map[string]*Hyper{}
	}
	p, kinds, err := c.model()
	if err != nil {
		return err
	}
	for k, m := range kinds {
		c.hypers[k] = m.Hyper
	}
	c.guesser = newPredictor(p, kinds)
	if p.Validation != nil {
		c.error = p.Validation.MAPEPct / 100
	}
	runtime.GC()
	return nil
}

// model fits a profile to what was measured.
func (c *calibration) model() (*Profile, map[string]*KindModel, error) {
	p := &Profile{Format: Format, Device: c.dev, Units: c.table()}
	kinds, err := fitKinds(p.Units, &p.Device.Target, c.hypers)
	if err != nil {
		return nil, nil, err
	}
	p.Kinds = slices.SortedFunc(maps.Values(kinds), func(a, b *KindModel) int { return cmp.Compare(a.Kind, b.Kind) })
	at := map[engine.Unit]int{}
	if b := c.opts.Base; b != nil {
		p.Shapes, p.HeldOut = slices.Clone(b.Shapes), slices.Clone(b.HeldOut)
		for i, s := range p.Shapes {
			at[s.Unit] = i
		}
	}
	base := c.timer.ReferenceMs()
	quiet := slices.DeleteFunc(slices.Clone(c.whole), func(w wholeRecord) bool { return w.t.RefMs > slowLimit*base })
	if len(quiet) < max(20, len(c.whole)/2) {
		quiet = c.whole
	}
	for _, w := range quiet {
		p.addHeldOut(w.net.Name, w.calls, w.t.Whole, at)
	}
	if err := p.fitHeldOut(newPredictor(p, kinds)); err != nil {
		return nil, nil, err
	}
	p.Network.Between = betweenSessions
	return p, kinds, nil
}

// addHeldOut appends a network measured whole. at finds the index of a shape.
func (p *Profile) addHeldOut(name string, calls []engine.Call, s Sample, at map[engine.Unit]int) {
	count := map[engine.Unit]int{}
	for i := range calls {
		count[calls[i].Unit]++
	}
	h := WholeTime{Name: name, Measured: s}
	for i := range calls {
		u := calls[i].Unit
		if count[u] == 0 {
			continue
		}
		k, ok := at[u]
		if !ok {
			k = len(p.Shapes)
			at[u] = k
			p.Shapes = append(p.Shapes, engineUnit{u})
		}
		h.Units = append(h.Units, [2]int{k, count[u]})
		delete(count, u)
	}
	p.HeldOut = append(p.HeldOut, h)
}

// fitHeldOut fits the network model to the held-out networks, and keeps how well
// each of them is predicted from the others.
func (p *Profile) fitHeldOut(r *Predictor) error {
	hs, macs := p.sums(r)
	for i, h := range hs {
		if !(h.measured > 0) || !(h.ms > 0) {
			return fmt.Errorf("latency: network %s: %g ms is not a time", p.HeldOut[i].Name, h.measured)
		}
	}
	p.Network = fitNetwork(hs)
	left := p.Network.left
	if len(left) < 20 {
		return nil
	}
	ps := make([]pair, len(hs))
	for i := range hs {
		// The prediction that the other held-out networks would have made.
		ms := hs[i].measured * math.Exp(-left[i])
		half := p.Network.Quantile * (p.Network.Floor + hs[i].spread())
		ps[i] = pair{p.HeldOut[i].Name, ms, ms * math.Exp(-half), ms * math.Exp(half), hs[i].measured, macs[i]}
	}
	p.Validation = summarize(ps, fitLine(ps))
	return nil
}

// sums adds up the units of the held-out networks, and their MACs.
func (p *Profile) sums(r *Predictor) (hs []heldOut, macs []float64) {
	hs, macs = make([]heldOut, len(p.HeldOut)), make([]float64, len(p.HeldOut))
	for i, h := range p.HeldOut {
		hs[i].measured = h.Measured.MedianMs
		for _, u := range h.Units {
			c := r.cost(&p.Shapes[u[0]].Unit)
			macs[i] += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
			for range u[1] {
				hs[i].add(&c)
			}
		}
	}
	return hs, macs
}

// finish makes the profile.
func (c *calibration) finish(why string, refMs, slowPct float64, facts Facts, warnings []string) (*Profile, error) {
	c.report("fitting")
	t0 := time.Now()
	c.hypers = map[string]*Hyper{}
	p, _, err := c.model()
	if err != nil {
		return nil, err
	}
	p.Facts = facts
	p.Created = time.Now().UTC().Truncate(time.Second)
	p.Calibration = Calibration{
		WallS: time.Since(c.start).Seconds(), FitS: time.Since(t0).Seconds(), Networks: c.nets, Runs: c.runs,
		ReferenceMs: refMs, Stopped: why, InterruptPct: 100 * float64(c.broken) / float64(max(1, c.runs)),
		SlowPct: slowPct,
	}
	if b := c.opts.Base; b != nil {
		p.Calibration.AddedTo = b.Created.Format(time.RFC3339)
		p.Calibration.Networks += b.Calibration.Networks
		p.Calibration.Runs += b.Calibration.Runs
		if r := refMs / b.Calibration.ReferenceMs; r > 1.05 || r < 0.95 {
			warnings = append(warnings, fmt.Sprintf("the reference kernel took %.0f %% of its time in the profile that was added to: the machine has changed", 100*r))
		}
	}
	if c.slow > c.visits/4 {
		warnings = append(warnings, fmt.Sprintf("the machine was slower than its best during %d of %d measurements", c.slow, c.visits))
	}
	if p.Calibration.InterruptPct > 10 {
		warnings = append(warnings, fmt.Sprintf("other programs interrupted %.0f %% of the runs", p.Calibration.InterruptPct))
	}
	if c.visits < enoughVisits && why == "budget" {
		longer := time.Duration(2 * enoughVisits / float64(max(1, c.visits)) * float64(c.opts.Budget)).Round(10 * time.Second)
		warnings = append(warnings, fmt.Sprintf("the budget of %v was enough for %d measurements of such networks only: %v would do better", c.opts.Budget, c.visits, longer))
	}
	if len(p.HeldOut) < 30 {
		warnings = append(warnings, fmt.Sprintf("only %d networks were measured to judge the model: the interval is rough", len(p.HeldOut)))
	}
	p.Warnings = append([]string{}, warnings...)
	c.report("fitting")
	return p, nil
}

// Busy returns why the profile should not be trusted, or "": other programs took
// a large part of the machine while it was calibrated, and the held-out networks
// show it, or are too few to show anything.
func (p *Profile) Busy() string {
	c := &p.Calibration
	v := p.Validation
	if c.InterruptPct <= 25 && c.SlowPct <= 50 || v == nil && c.WallS < 20 {
		return "" // a moment's calibration says itself that it is rough
	}
	shown := "too few networks could be measured to judge the model"
	if v != nil {
		if v.MAPEPct <= busyError {
			return ""
		}
		shown = fmt.Sprintf("the model errs by %.1f %% on networks that it has not seen", v.MAPEPct)
	}
	return fmt.Sprintf("other programs interrupted %.0f %% of the runs, the reference kernel was slowed down in %.0f %% of its, and %s", c.InterruptPct, c.SlowPct, shown)
}

// busyError is the error in per cent beyond which a calibration on a busy machine
// is not to be trusted: about twice that on a quiet one.
const busyError = 4
