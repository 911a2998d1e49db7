package timing

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
	"nas/latency/timing/internal/host"
)

// runnable is a network ready to be timed on this machine.
type runnable struct {
	plan    *engine.Plan
	in, out []float32
	laps    engine.Trace
}

// prepare compiles and binds a network. Where w is nil the weights are random; their values do
// not change the time of any kernel as long as no activation is denormal, which
// He's rule sees to.
func prepare(n *blocks.Network, w *blocks.Weights, t engine.Target) (*runnable, error) {
	p, err := engine.Compile(n, t, engine.Options{})
	if err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	if w == nil {
		w = RandomWeights(n)
	}
	if err := p.Bind(w); err != nil {
		return nil, fault.Errorf("latency: %w", err)
	}
	r := &runnable{plan: p, in: make([]float32, p.InLen()), out: make([]float32, p.OutLen())}
	for i := range r.in {
		r.in[i] = normals[i&(len(normals)-1)]
	}
	r.laps.Probe = probe
	return r, nil
}

// nativeTimer times networks in one open session. Around every run it times the
// reference kernel, which tells how fast the machine is at that moment.
type nativeTimer struct {
	s        *host.Session
	target   engine.Target
	ref      *runnable
	known    Baseline  // from the caller
	refTimes []float64 // reference times of this session
	refRuns  recording // of the last of them
	refMs    float64   // what they tell, from time to time
	probes   *probes
	sinceGC  int // bytes bound since the last garbage collection
}

func newMeter(t engine.Target, cpus []int, known Baseline) (*nativeTimer, error) {
	m := &nativeTimer{target: t, known: known, probes: newProbes()}
	m.probes.base = known.ProbeNs
	ref, err := prepare(referenceNetwork(), nil, t)
	if err != nil {
		return nil, err
	}
	m.ref, m.refRuns.probes = ref, m.probes
	m.s = host.Open(max(t.Threads, 1), cpus)
	// The clock may need some milliseconds to rise, and a neighbour may stay for some.
	settle := settling
	if known.ProbeNs > 0 {
		settle /= 5
	}
	for begin, k := time.Now(), 0; time.Since(begin) < settle && k < 1<<14; k++ {
		if k%10 == 9 { // the neighbours of more moments, for the same work
			time.Sleep(settle / 40)
		}
		m.reference()
	}
	m.refTimes = m.refTimes[len(m.refTimes)/4:]
	m.refMs = 0
	m.probes.recheck()
	m.s.Collect()
	return m, nil
}

// settling is the time from the opening of a session to the first measurement, if
// nothing is known of the machine undisturbed: some of it should be.
const settling = 500 * time.Millisecond

// reference times the reference kernel: the mean of two runs, in ms, after one
// that brings its data back into the cache.
func (m *nativeTimer) reference() float64 {
	m.ref.plan.Run(m.ref.out, m.ref.in) // bound, and the slices fit
	both := 0.0
	for range 2 {
		t := time.Now()
		m.ref.plan.RunTraced(m.ref.out, m.ref.in, &m.ref.laps)
		ms := float64(time.Since(t).Nanoseconds()) / 1e6
		m.addProbes(&m.ref.laps)
		m.refRuns.add(timedRun{ms: ms}, &m.ref.laps)
		both += m.refRuns.runs[len(m.refRuns.runs)-1].ms / 2
	}
	if n := len(m.refRuns.runs); n > 2*keptReferences {
		m.refRuns.runs = append(m.refRuns.runs[:0], m.refRuns.runs[n-keptReferences:]...)
	}
	m.refTimes = append(m.refTimes, both)
	if len(m.refTimes)%32 == 0 {
		m.refMs = 0
	}
	return both
}

// keptReferences are the runs of the reference kernel that tell its undisturbed time.
const keptReferences = 128

// addProbes takes in the probes of a run.
func (m *nativeTimer) addProbes(l *engine.Trace) {
	for i := range l.Threads {
		for _, lap := range l.Threads[i].Segments {
			m.probes.add(lap.ProbeNs)
		}
	}
}

// Baseline is what undisturbed times are compared with in this session.
func (m *nativeTimer) Baseline() Baseline { return Baseline{m.referenceMs(), m.probes.base} }

// referenceMs is the reference kernel's time in calm moments, or the fifth percentile
// of the session's looks at it if there were hardly any.
func (m *nativeTimer) referenceMs() float64 {
	if m.refMs == 0 {
		if c := m.refRuns.segmentTimes().quietTimes(m.probes.slowdown()); c.share >= minQuietShare {
			m.refMs = c.total
		} else {
			s := slices.Clone(m.refTimes)
			slices.Sort(s)
			m.refMs = stat.Quantile(s, 0.05)
		}
	}
	return m.refMs
}

// SlowPct is the share of slow timings of the reference kernel, in per cent.
func (m *nativeTimer) SlowPct() float64 {
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

// Close leaves the measuring state.
func (m *nativeTimer) Close() []string { return m.s.Close() }

// Time times a network end to end.
func (m *nativeTimer) Time(ctx context.Context, n *blocks.Network, e Effort) (Timing, error) {
	t, err := m.TimeUnits(ctx, n, e)
	t.CallMs, t.CallSpread = nil, nil
	return t, err
}

// TimeUnits times a network: two runs to warm up, then blocks of runs with the
// reference kernel in between. Every run tells the times of its laps, from which
// that of the whole is put together (see recording.timing).
func (m *nativeTimer) TimeUnits(ctx context.Context, n *blocks.Network, e Effort) (Timing, error) {
	r, err := prepare(n, e.Weights, m.target)
	if err != nil {
		return Timing{}, err
	}
	start := time.Now()
	for i := 0; i < 2 || time.Since(start) < e.Warm; i++ {
		if err := Stopped(ctx); err != nil {
			return Timing{}, err
		}
		if _, err := m.run(r); err != nil {
			return Timing{}, err
		}
	}
	start = time.Now()
	rec := recording{threads: m.s.Threads, probes: m.probes}
	rec.refs = append(rec.refs, m.reference())
	spent, look := 0.0, 0 // ms in timed runs; how many runs there were at the last look at the interval
	enough := func() bool {
		n := len(rec.runs)
		switch {
		case e.MaxTime > 0 && n >= 3 && time.Since(start) > e.MaxTime:
			return true
		case n == 0 || n < e.Runs:
			return false
		case n < 20*e.Runs && spent < float64(e.MinTime.Nanoseconds())/1e6:
			return false
		case n >= e.MaxRuns || time.Since(start) >= e.Budget:
			return true
		case n < look+look/8: // looking costs as much as some runs
			return false
		}
		look = n
		t := rec.timing(m.base())
		return t.QuietRuns > 0 && t.EndToEnd.Spread() <= e.Until
	}
	for !enough() {
		if err := Stopped(ctx); err != nil {
			return Timing{}, err
		}
		block, runs := 0.0, 0
		for block < blockMs && (runs == 0 || len(rec.runs) < e.Runs || e.Runs == 0) {
			x, err := m.run(r)
			if err != nil {
				return Timing{}, err
			}
			m.addProbes(&r.laps)
			rec.add(x, &r.laps)
			block += x.ms
			runs++
		}
		spent += block
		rec.refs = append(rec.refs, m.reference())
	}
	t := rec.timing(m.base())
	t.segments.learnSlowdown(m.probes)
	if m.sinceGC += 4*len(r.in) + 2*weightBytes(n) + rec.bytes(); m.sinceGC > 1<<29 {
		m.sinceGC = 0
		m.s.Collect()
	}
	return t, nil
}

// blockMs of runs lie between two looks at the reference kernel, at least one run.
const blockMs = 4

func (m *nativeTimer) base() float64 {
	if m.known.ReferenceMs > 0 {
		return m.known.ReferenceMs
	}
	return m.referenceMs()
}

func weightBytes(n *blocks.Network) int { return 4 * int(n.Counts().Params) }

// run runs r once and leaves its laps in r.laps.
func (m *nativeTimer) run(r *runnable) (timedRun, error) {
	u0 := host.ReadUsage(m.s.Threads)
	t := time.Now()
	err := r.plan.RunTraced(r.out, r.in, &r.laps)
	d := time.Since(t)
	u1 := host.ReadUsage(m.s.Threads)
	if err != nil {
		return timedRun{}, fault.Errorf("latency: %w", err)
	}
	return timedRun{float64(d.Nanoseconds()) / 1e6, float64((u1.CPU - u0.CPU).Nanoseconds()) / 1e6, u1.Switched != u0.Switched}, nil
}

// Stopped is the context's error with the package's prefix.
func Stopped(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fault.Errorf("latency: stopped: %w", err)
	}
	return nil
}

// referenceNetwork is the reference kernel: pointwise and depthwise convolutions
// of ordinary shapes whose data stay in a second-level cache, about a fifth of a
// millisecond on a fast core. It slows down when the clock falls and when a
// neighbour shares the core's units, as networks do.
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

// NativeName is the Device.Name of [Native].
const NativeName = "native"

// Native is this machine, running the engine's kernels.
type Native struct {
	target engine.Target
	cpus   []int
}

// NewNative returns this machine for a number of threads (less than 1 means 1).
// cpus are the cores to measure on; none: the last of the fastest usable ones.
func NewNative(threads int, cpus ...int) *Native {
	threads = max(1, threads)
	if len(cpus) == 0 {
		cpus = host.LastCPUs(threads)
	}
	return &Native{target: engine.Host(threads), cpus: cpus}
}

// Device returns what is timed.
func (n *Native) Device() Device {
	return Device{
		Name: NativeName, CPU: HostFacts(n.cpus).CPU, Runtime: "nas kernels", Version: buildinfo.Release(), DType: "float32",
		Threads: n.target.Threads, CPUSet: ranges(n.cpus), Target: n.target,
	}
}

// Facts describes this machine now.
func (n *Native) Facts() Facts { return HostFacts(n.cpus) }

// Open starts a measuring session.
func (n *Native) Open(ctx context.Context, known Baseline) (Timer, error) {
	return newMeter(n.target, n.cpus, known)
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
