package latency

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/engine"
)

// runnable is a network ready to be timed on this machine.
type runnable struct {
	plan    *engine.Plan
	calls   []engine.Call
	in, out []float32
	ns      []int64
}

// prepare compiles and binds a network. Where w is nil the weights are random; their values do
// not change the time of any kernel as long as no activation is denormal, which
// He's rule sees to.
func prepare(n *blocks.Network, w *blocks.Weights, t engine.Target) (*runnable, error) {
	p, err := engine.Compile(n, t, engine.Options{})
	if err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	if w == nil {
		w = timingWeights(n)
	}
	if err := p.Bind(w); err != nil {
		return nil, fmt.Errorf("latency: %w", err)
	}
	r := &runnable{plan: p, calls: p.Kernels(), in: make([]float32, p.InLen()), out: make([]float32, p.OutLen())}
	for i := range r.in {
		r.in[i] = normals[i&(len(normals)-1)]
	}
	r.ns = make([]int64, len(r.calls))
	return r, nil
}

// normals are standard normal values, to be repeated: drawing each of some
// million weights anew would take longer than timing the network.
var normals = func() []float32 {
	r := rand.New(rand.NewPCG(0x6c6174, 0))
	v := make([]float32, 1<<14)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}()

// timingWeights are random weights by He's rule. So that they need little memory
// beside the packed ones, layers that batch normalisation follows have their
// values from the network's longest tensor, and its scale makes up for the
// difference in fan-in.
func timingWeights(n *blocks.Network) *blocks.Weights {
	readers := n.Consumers()
	var long blocks.Param
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			if p.Init == blocks.InitHe && p.Len() > long.Len() {
				long = p
			}
		}
	}
	at := 0
	draw := func(p blocks.Param) []float32 {
		t, std := make([]float32, p.Len()), he(p)
		for j := range t {
			t[j] = std * normals[(at+j)&(len(normals)-1)]
		}
		at += len(t) + 1
		return t
	}
	shared := draw(long)
	w := blocks.EmptyWeights(n)
	scale := float32(1) // of the next node, if it is batch normalisation
	for i := range n.Nodes {
		normalised := len(readers[i]) == 1 && readers[i][0] == i+1 && isNorm(n, i+1)
		one, next := scale, float32(1)
		var ts [][]float32
		for _, p := range n.Params(i) {
			var t []float32
			switch {
			case p.Init == blocks.InitHe && normalised:
				t, next = shared[:p.Len():p.Len()], he(p)/he(long)
			case p.Init == blocks.InitHe && p.Len() == long.Len() && p.FanIn == long.FanIn:
				t = shared
			case p.Init == blocks.InitHe:
				t = draw(p)
			default:
				t = make([]float32, p.Len())
				if p.Init == blocks.InitOne {
					for j := range t {
						t[j] = one
					}
					one = 1 // the variance stays
				}
			}
			ts = append(ts, t)
		}
		if ts != nil {
			w.Set(i, ts)
		}
		scale = next
	}
	return w
}

// he is the standard deviation of a layer's weights by He's rule.
func he(p blocks.Param) float32 { return float32(math.Sqrt(2 / float64(max(p.FanIn, 1)))) }

func isNorm(n *blocks.Network, i int) bool {
	_, ok := n.Nodes[i].Op.(*blocks.BatchNorm)
	return ok
}

// meter times networks in one open session. Around every run it times the
// reference kernel, which tells how fast the machine is at that moment.
type meter struct {
	s      *session
	target engine.Target
	ref    *runnable
	refMs  float64   // from the caller, or 0
	seen   []float64 // reference times of this session
	looks  int       // at the reference beside runs
	quiet  int       // ... that found it undisturbed
	since  int       // bytes bound since the last garbage collection
}

func newMeter(t engine.Target, cpus []int, refMs float64) (*meter, error) {
	m := &meter{target: t, refMs: refMs}
	ref, err := prepare(referenceNetwork(), nil, t)
	if err != nil {
		return nil, err
	}
	m.ref = ref
	m.s = openSession(max(t.Threads, 1), cpus)
	for range 100 {
		m.reference()
	}
	m.seen = m.seen[50:] // the clock may need some milliseconds to rise
	return m, nil
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

// reference times the reference kernel: the shortest of three runs, in ms. The
// first brings its data back into the cache.
func (m *meter) reference() float64 {
	best := math.Inf(1)
	for range 3 {
		t := time.Now()
		m.ref.plan.Run(m.ref.out, m.ref.in) // bound, and the slices fit
		best = min(best, float64(time.Since(t).Nanoseconds())/1e6)
	}
	m.seen = append(m.seen, best)
	return best
}

// ReferenceMs is the tenth percentile of the session's reference times.
func (m *meter) ReferenceMs() float64 {
	s := slices.Clone(m.seen)
	slices.Sort(s)
	return quantile(s, 0.1)
}

// Close leaves the measuring state.
func (m *meter) Close() []string { return m.s.close() }

// Time times a network: two runs to warm up, then blocks of runs with the
// reference kernel in between, the calls timed within the same runs where they
// are asked for. While the reference is slower than undisturbed, more runs are
// made, up to patience times as many. Of a run during which other tasks had the
// core, the time on the core counts; for several threads, which wait for each
// other, all of it.
func (m *meter) Time(ctx context.Context, n *blocks.Network, e Effort) (Timing, error) {
	r, err := prepare(n, e.Weights, m.target)
	if err != nil {
		return Timing{}, err
	}
	t := Timing{Calls: r.calls}
	start := time.Now()
	for i := 0; i < 2 || time.Since(start) < e.Warm; i++ {
		if err := canceled(ctx); err != nil {
			return Timing{}, err
		}
		if _, err := m.run(r, i == 1); err != nil {
			return Timing{}, err
		}
	}
	start = time.Now()
	var (
		ms, refs []float64
		per      [][]float64 // times of the calls, one row a run
		spent    float64     // ms in timed runs
		quiet    int         // runs beside an undisturbed reference
		lost     []bool      // of each run
		before   = m.reference()
	)
	enough := func() bool {
		if e.MaxTime > 0 && len(ms) >= 3 && time.Since(start) > e.MaxTime {
			return true
		}
		if len(ms) == 0 || len(ms) < e.Runs || len(ms) < patience*e.Runs && quiet < e.Runs && !m.restless() {
			return false
		}
		if len(ms) < 20*e.Runs && spent < float64(e.MinTime.Nanoseconds())/1e6 {
			return false
		}
		return len(ms) >= e.MaxRuns || time.Since(start) >= e.Budget || quietSample(ms).Spread() <= e.Until
	}
	for !enough() {
		if err := canceled(ctx); err != nil {
			return Timing{}, err
		}
		block, runs := 0.0, 0
		for block < blockMs && (runs == 0 || len(ms) < e.Runs || e.Runs == 0) {
			x, err := m.run(r, e.Kernels)
			if err != nil {
				return Timing{}, err
			}
			lost = append(lost, x.lost())
			if x.lost() {
				t.Interrupted++
				if m.s.threads == 1 {
					x.ms = x.cpuMs
				}
			}
			ms = append(ms, x.ms)
			block += x.ms
			runs++
			if e.Kernels {
				row := make([]float64, len(r.ns))
				for i, ns := range r.ns {
					row[i] = float64(ns) / 1e6
				}
				per = append(per, row)
			}
		}
		spent += block
		after := m.reference()
		refs = append(refs, after)
		m.looks++
		if max(before, after) <= quietLimit*m.base() {
			m.quiet++
			quiet += runs
		}
		before = after
	}
	t.Runs = len(ms)
	limit := disturbed(slices.Sorted(slices.Values(ms)))
	t.Whole = quietSample(ms)
	if 4*t.Interrupted > 3*t.Runs && t.Runs >= 4 {
		t.Whole.Warnings = append(t.Whole.Warnings, fmt.Sprintf("other programs interrupted %d of %d runs", t.Interrupted, t.Runs))
	}
	if base := m.base(); base > 0 {
		t.RefMs = median(refs)
		t.Slow = t.RefMs / base
	}
	if e.Kernels {
		t.CallMs, t.CallSpread = make([]float64, len(r.calls)), make([]float64, len(r.calls))
		// Of a run that was interrupted the call is not known in which it was: such
		// runs tell of single calls only where no others do.
		var rows [][]float64
		for k, row := range per {
			if ms[k] <= limit && !lost[k] {
				rows = append(rows, row)
			}
		}
		at := 0.5
		if len(rows) < 3 {
			rows, at = per, 0.25
		}
		v := make([]float64, len(rows))
		for i := range t.CallMs {
			for k, row := range rows {
				v[k] = row[i]
			}
			slices.Sort(v)
			t.CallMs[i] = max(quantile(v, at), 1e-5)
			t.CallSpread[i] = min(0.3, spreadOf(v)/math.Sqrt(float64(len(v))))
		}
	}
	if m.since += 4*len(r.in) + 2*weightBytes(n); m.since > 1<<29 {
		m.since = 0
		m.s.collect()
	}
	return t, nil
}

// slowLimit is how much slower than undisturbed the reference kernel may be in
// the median before what was measured beside it is measured again.
const slowLimit = 1.06

// better returns the shorter of two timings of one network, with the runs of
// both; the machine was as slow as at the quieter of them.
func better(t, u Timing) Timing {
	if u.Whole.MedianMs < t.Whole.MedianMs {
		t, u = u, t
	}
	t.Slow, t.RefMs = min(t.Slow, u.Slow), min(t.RefMs, u.RefMs)
	t.Runs += u.Runs
	t.Interrupted += u.Interrupted
	return t
}

// restless tells that waiting for a quiet moment is in vain in this session.
func (m *meter) restless() bool { return m.looks > 30 && 4*m.quiet < m.looks }

const (
	blockMs    = 4    // of runs between two looks at the reference kernel, at least one run
	patience   = 3    // times as many runs on a machine that is not quiet
	quietLimit = 1.05 // of the reference kernel's undisturbed time
)

func (m *meter) base() float64 {
	if m.refMs > 0 {
		return m.refMs
	}
	return m.ReferenceMs()
}

func weightBytes(n *blocks.Network) int { return 4 * int(n.Counts().Params) }

// run is one timed run of a network.
type run struct {
	ms       float64 // wall time
	cpuMs    float64 // time that the thread had a core; 0 if the system does not tell
	switched bool    // another task took it in between
}

// lost tells whether other tasks took more than a fiftieth of the run. A glance
// of the system's own threads, or of this program's, takes microseconds.
func (x run) lost() bool { return x.switched && x.cpuMs > 0 && x.cpuMs < 0.98*x.ms }

// run runs r once. With kernels, the times of its calls are left in r.ns.
func (m *meter) run(r *runnable, kernels bool) (run, error) {
	clear(r.ns)
	u0 := readUsage(m.s.threads)
	var err error
	t := time.Now()
	if kernels {
		err = r.plan.RunTimed(r.out, r.in, r.ns)
	} else {
		err = r.plan.Run(r.out, r.in)
	}
	d := time.Since(t)
	u1 := readUsage(m.s.threads)
	if err != nil {
		return run{}, fmt.Errorf("latency: %w", err)
	}
	return run{float64(d.Nanoseconds()) / 1e6, float64((u1.cpu - u0.cpu).Nanoseconds()) / 1e6, u1.switched != u0.switched}, nil
}

// canceled is the context's error with the package's prefix.
func canceled(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("latency: stopped: %w", err)
	}
	return nil
}
