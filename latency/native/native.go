package native

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency/internal/host"
	"nas/latency/timing"
)

// runnable is a network ready to be timed on this machine.
type runnable struct {
	plan    *engine.Plan
	in, out []float32
	trace   engine.Trace
}

// memory is what networks run in, one after the other. Only the last one can run.
type memory struct {
	workspace engine.Workspace
	weights   timing.WeightMemory
	params    int64 // of the largest network so far
}

// fits reports whether there is room for a network, but for its activations.
func (m *memory) fits(n *blocks.Network) bool { return n.Counts().Params <= m.params }

// prepare compiles and binds a network. If w is nil, or the target computes with integers, the
// weights are random. The time of kernels does not depend on values as long as no activation is denormal, which
// timing.RandomWeights prevents.
func prepare(n *blocks.Network, w *blocks.Weights, t engine.Target, m *memory) (*runnable, error) {
	p, err := engine.Compile(n, t, engine.Options{})
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	if t.DType == engine.Int8 {
		err = p.BindInteger(&m.workspace, timing.RandomIntegers(n))
	} else {
		if w == nil {
			w = m.weights.Random(n)
		}
		err = p.BindIn(&m.workspace, w)
	}
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	r := &runnable{plan: p, in: timing.RandomInput(p.InLen()), out: make([]float32, p.OutLen())}
	r.trace.Probe = probe
	return r, nil
}

// timer times networks on this machine. Between the runs it times the reference
// network, which shows how fast the machine is at that moment.
type timer struct {
	s        *host.Session
	target   engine.Target
	ref      *runnable
	known    timing.Baseline // of the device's profile
	refTimes []float64       // of the reference network in this session, in ms
	refRuns  recording       // of the last of these runs
	refMs    float64         // undisturbed time of the reference network; 0: to be worked out
	chainNs  float64         // the shortest time of the chain; 0: the clock of the system is too coarse
	probes   *probes
	memory   memory // of the networks that are timed
	oven     *oven  // nil: the machine is not kept under load
}

// newTimer opens a session and learns what the machine takes undisturbed.
func newTimer(t engine.Target, cpus []int, known timing.Baseline) (*timer, error) {
	m := &timer{target: t, known: known, probes: newProbes()}
	m.probes.base = known.ProbeNs
	ref, err := prepare(referenceNetwork(), nil, t, new(memory))
	if err != nil {
		return nil, err
	}
	m.ref, m.refRuns.probes = ref, m.probes
	m.s = host.Open(max(t.Threads, 1), cpus)
	// The clock may need some milliseconds to rise, and other programs may be busy for some.
	settle := settling
	if known.ProbeNs > 0 {
		settle /= 5
	}
	for begin, k := time.Now(), 0; time.Since(begin) < settle && k < 1<<14; k++ {
		if k%10 == 9 { // spread the same work over more time, to see more of the machine's states
			time.Sleep(settle / 40)
		}
		m.reference()
	}
	m.refTimes = m.refTimes[len(m.refTimes)/4:]
	m.refMs = 0
	m.probes.recheck(m.clockRatio())
	m.s.Collect()
	return m, nil
}

// settling is how long the reference network is timed when a session is opened and nothing is
// known of the undisturbed machine. Some of that time should be quiet.
const settling = 500 * time.Millisecond

// reference times the reference network: the mean of two runs in ms, after one run that brings
// its data back into the cache.
func (m *timer) reference() float64 {
	m.ref.plan.Run(m.ref.out, m.ref.in) // bound, and the slices fit
	both := 0.0
	for range 2 {
		t := time.Now()
		m.ref.plan.RunTraced(m.ref.out, m.ref.in, &m.ref.trace)
		ms := float64(time.Since(t).Nanoseconds()) / 1e6
		m.addProbes(&m.ref.trace)
		m.refRuns.add(timedRun{ms: ms}, &m.ref.trace)
		both += m.refRuns.runs[len(m.refRuns.runs)-1].ms / 2
	}
	if n := len(m.refRuns.runs); n > 2*keptReferences {
		m.refRuns.runs = append(m.refRuns.runs[:0], m.refRuns.runs[n-keptReferences:]...)
	}
	m.timeChain()
	m.refTimes = append(m.refTimes, both)
	if len(m.refTimes)%32 == 0 {
		m.refMs = 0
	}
	return both
}

// keptReferences is the number of runs of the reference network that its undisturbed time is
// worked out from.
const keptReferences = 128

// addProbes adds the probes of a run to the session's.
func (m *timer) addProbes(t *engine.Trace) {
	for i := range t.Threads {
		for _, s := range t.Threads[i].Segments {
			m.probes.add(s.ProbeNs)
		}
	}
}

// Baseline returns what the reference network, the probe and the chain take undisturbed.
func (m *timer) Baseline() timing.Baseline {
	return timing.Baseline{ReferenceMs: m.referenceMs(), ProbeNs: m.probes.base, ClockNs: m.chainNs}
}

// referenceMs is the time of the reference network put together from quiet segments, or the
// fifth percentile of its times if there are hardly any.
func (m *timer) referenceMs() float64 {
	if m.refMs == 0 {
		if ms, ok := m.refRuns.segmentTimes().Undisturbed(m.probes.slowdown()); ok {
			m.refMs = ms
		} else {
			s := slices.Clone(m.refTimes)
			slices.Sort(s)
			m.refMs = stat.Quantile(s, 0.05)
		}
	}
	return m.refMs
}

// SlowPct is the share of timings of the reference network that were over 5 % slower than
// undisturbed, in per cent.
func (m *timer) SlowPct() float64 {
	if len(m.refTimes) == 0 {
		return 0
	}
	n, base := 0, m.referenceMs()
	for _, v := range m.refTimes {
		if v > 1.05*base {
			n++
		}
	}
	return 100 * float64(n) / float64(len(m.refTimes))
}

// CollectGarbage collects what was dropped, if that is much.
func (m *timer) CollectGarbage() { m.s.CollectGrown() }

// Collecting runs f with the garbage collector on. The collector lets garbage grow to the size of what is kept, so
// what networks are timed in is given back before.
func (m *timer) Collecting(f func()) {
	m.release()
	m.s.Collecting(f)
}

// Close ends the session.
func (m *timer) Close() []string {
	m.release()
	return m.s.Close()
}

// release gives the memory of the networks that were timed back to the system.
func (m *timer) release() {
	m.memory = memory{}
	m.s.Release()
}

// Heat implements [timing.Heater]. The load is the reference network, again and again, on as many threads as networks
// are timed with. Afterwards the session knows nothing of the cold machine.
func (m *timer) Heat(ctx context.Context, load time.Duration, seen func(timing.Heat)) error {
	m.oven = &oven{run: func() error { return m.ref.plan.Run(m.ref.out, m.ref.in) }}
	if err := m.oven.heatUp(ctx, load, seen); err != nil {
		return err
	}
	m.known, m.probes, m.refTimes, m.refMs, m.chainNs = timing.Baseline{}, newProbes(), nil, 0, 0
	m.refRuns = recording{probes: m.probes}
	for begin := time.Now(); time.Since(begin) < settling; {
		m.reference()
	}
	m.oven.timed()
	return nil
}

// Heated implements [timing.Heater].
func (m *timer) Heated() timing.Heat { return m.oven.heat }

// Time times a network end to end.
func (m *timer) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	t, err := m.TimeUnits(ctx, n, e)
	t.CallMs, t.CallSpread = nil, nil
	return t, err
}

// TimeUnits times a network: two runs to warm up, then blocks of runs with the reference
// network in between. See recording.timing for what is made of them.
func (m *timer) TimeUnits(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	if err := m.oven.keep(ctx); err != nil {
		return timing.Timing{}, err
	}
	defer m.oven.timed()
	if !m.memory.fits(n) { // let go of the old memory before there is new
		m.release()
		m.memory.params = n.Counts().Params
	}
	r, err := prepare(n, e.Weights, m.target, &m.memory)
	if err != nil {
		return timing.Timing{}, err
	}
	if err := m.warmUp(ctx, r, e.Warm); err != nil {
		return timing.Timing{}, err
	}
	g := progress{effort: e, start: time.Now()}
	rec := &recording{threads: m.s.Threads, probes: m.probes}
	rec.refs = append(rec.refs, m.reference())
	for !g.done(rec, m.base) {
		if err := timing.Stopped(ctx); err != nil {
			return timing.Timing{}, err
		}
		block, runs := 0.0, 0
		for block < blockMs && (runs == 0 || len(rec.runs) < e.Runs || e.Runs == 0) {
			x, err := m.run(r)
			if err != nil {
				return timing.Timing{}, err
			}
			m.addProbes(&r.trace)
			rec.add(x, &r.trace)
			block += x.ms
			runs++
		}
		g.spentMs += block
		rec.refs = append(rec.refs, m.reference())
	}
	t := rec.timing(m.base())
	m.probes.learn(t.Segments)
	m.CollectGarbage()
	return t, nil
}

// blockMs is the time of the runs between two timings of the reference network: one run at
// least.
const blockMs = 4

// warmUp runs a network twice, and until the time is over.
func (m *timer) warmUp(ctx context.Context, r *runnable, d time.Duration) error {
	start := time.Now()
	for i := 0; i < 2 || time.Since(start) < d; i++ {
		if err := timing.Stopped(ctx); err != nil {
			return err
		}
		if _, err := m.run(r); err != nil {
			return err
		}
	}
	return nil
}

// progress is that of one network's timing towards its Effort.
type progress struct {
	effort  timing.Effort
	start   time.Time
	spentMs float64 // in timed runs
	checked int     // number of runs when the interval was last worked out
}

// done reports whether rec has runs enough. base returns the undisturbed time of the reference
// network.
func (g *progress) done(rec *recording, base func() float64) bool {
	e, n := &g.effort, len(rec.runs)
	switch {
	case e.MaxTime > 0 && n >= 3 && time.Since(g.start) > e.MaxTime:
		return true
	case n == 0 || n < e.Runs:
		return false
	case n < 20*e.Runs && g.spentMs < float64(e.MinTime.Nanoseconds())/1e6:
		return false
	case n >= e.MaxRuns || time.Since(g.start) >= e.Budget:
		return true
	case n < g.checked+g.checked/8: // working the interval out costs as much as some runs
		return false
	}
	g.checked = n
	t := rec.timing(base())
	return t.QuietRuns > 0 && t.EndToEnd.Spread() <= e.Until
}

// base is the undisturbed time of the reference network, that of the profile if there is one.
func (m *timer) base() float64 {
	if m.known.ReferenceMs > 0 {
		return m.known.ReferenceMs
	}
	return m.referenceMs()
}

// run runs r once, and leaves the trace in r.trace.
func (m *timer) run(r *runnable) (timedRun, error) {
	u0 := host.ReadUsage(m.s.Threads)
	t := time.Now()
	err := r.plan.RunTraced(r.out, r.in, &r.trace)
	d := time.Since(t)
	u1 := host.ReadUsage(m.s.Threads)
	if err != nil {
		return timedRun{}, fault.Errorf("latency: %w", err)
	}
	return timedRun{
		ms:       float64(d.Nanoseconds()) / 1e6,
		cpuMs:    float64((u1.CPU - u0.CPU).Nanoseconds()) / 1e6,
		switched: u1.Switched != u0.Switched,
	}, nil
}

// referenceNetwork returns pointwise and depthwise convolutions of ordinary shapes, which take
// about a fifth of a millisecond on a fast core and whose data stay in a second-level cache.
// As networks do, it slows down when the clock falls and when another hardware thread of the
// core is busy.
func referenceNetwork() *blocks.Network {
	b := blocks.NewBuilder("reference", blocks.Shape{H: 14, W: 14, C: 64})
	x := b.Input()
	for range 2 {
		x = blocks.InvertedResidual{Out: 64, Kernel: 3, Stride: 1, Expanded: 192, Act: blocks.ReLU6}.Build(b, x)
	}
	n, err := b.Network()
	if err != nil {
		panic(err) // a constant
	}
	return n
}

// Of returns this machine as the profile of one like it has it: with its number of threads and its type of values.
func Of(d timing.Device) *Runtime {
	r := New(d.Threads)
	if d.Target.DType == engine.Int8 {
		r = r.Integers()
	}
	if d.Sustained {
		r = r.Sustained()
	}
	return r
}

// Runtime is this machine, running the engine's kernels.
type Runtime struct {
	target    engine.Target
	cpus      []int
	sustained bool
}

// New returns this machine for a number of threads (less than 1 means 1).
// cpus are the cores to measure on; none: the last of the fastest usable ones.
func New(threads int, cpus ...int) *Runtime {
	threads = max(1, threads)
	if len(cpus) == 0 {
		cpus = host.LastCPUs(threads)
	}
	return &Runtime{target: engine.Host(threads), cpus: cpus}
}

// Integers returns the same machine and cores for networks of 8-bit integers.
func (n *Runtime) Integers() *Runtime {
	r := *n
	r.target.DType = engine.Int8
	return &r
}

// Sustained returns the same machine in the state of steady work: another device, with a profile of its own. Its timers
// are to be heated before they time anything; see [timing.Heater].
func (n *Runtime) Sustained() *Runtime {
	r := *n
	r.sustained = true
	return &r
}

// Device returns what is timed.
func (n *Runtime) Device() timing.Device {
	dtype := "float32"
	if n.target.DType != engine.Float32 {
		dtype = n.target.DType
	}
	return timing.Device{
		Name: timing.NativeName, CPU: timing.HostFacts(n.cpus).CPU, Runtime: "nas kernels",
		Version: buildinfo.Release(), DType: dtype, Threads: n.target.Threads, CPUSet: ranges(n.cpus), Target: n.target,
		Sustained: n.sustained,
	}
}

// Facts describes this machine now.
func (n *Runtime) Facts() timing.Facts { return timing.HostFacts(n.cpus) }

// Open starts a measuring session.
func (n *Runtime) Open(ctx context.Context, known timing.Baseline) (timing.Timer, error) {
	return newTimer(n.target, n.cpus, known)
}

// ranges writes sorted numbers as "0-3,6".
func ranges(xs []int) string {
	var b strings.Builder
	for i := 0; i < len(xs); {
		j := i
		for j+1 < len(xs) && xs[j+1] == xs[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(xs[i]))
		if j > i {
			b.WriteString("-" + strconv.Itoa(xs[j]))
		}
		i = j + 1
	}
	return b.String()
}
