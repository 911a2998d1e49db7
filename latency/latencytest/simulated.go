package latencytest

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Simulated is a device whose true costs are known, for tests of calibration and
// prediction. The costs are no sum of the cost model's terms, but behave as processors do:
// tiles of six pixels (the model assumes eight), a penalty for channels that are a multiple
// of 256, memory that gets slower in two steps, and an overhead of each network. It is a
// [timing.Runtime], its own [timing.UnitTimer], and not safe for concurrent use.
type Simulated struct {
	Opened int                       // timers that are open
	Scale  func(kind string) float64 // multiplies the time of a kind of unit; nil: 1

	r       *rand.Rand
	noise   float64 // of one measurement, relative
	context float64 // of a unit's time between networks, relative
}

// NewSimulated returns a device whose measurements vary by noise, and whose units vary
// from network to network by context: both relative standard deviations.
func NewSimulated(seed uint64, noise, context float64) *Simulated {
	return &Simulated{r: rand.New(rand.NewPCG(seed, 0)), noise: noise, context: context}
}

// Device returns what is simulated.
func (f *Simulated) Device() timing.Device {
	return timing.Device{Name: "fake", CPU: "Fake", Runtime: "fake kernels", DType: "float32", Threads: 1, CPUSet: "0",
		Target: engine.Target{ISA: "avx512", L1: 32 << 10, L2: 1 << 20, L3: 32 << 20, Threads: 1}}
}

// Facts describes no machine in particular.
func (f *Simulated) Facts() timing.Facts { return timing.Facts{CPU: "Fake", Cores: 1, Load: -1} }

// Open returns the device itself.
func (f *Simulated) Open(context.Context, timing.Baseline) (timing.Timer, error) {
	f.Opened++
	return f, nil
}

// Baseline returns a reference time of 1 ms.
func (f *Simulated) Baseline() timing.Baseline { return timing.Baseline{ReferenceMs: 1} }

// Close ends a session without warnings.
func (f *Simulated) Close() []string { f.Opened--; return nil }

// TrueMs is the time of a unit in ms without any noise.
func (f *Simulated) TrueMs(u *engine.Unit) float64 {
	t := f.Device().Target
	w := float64((u.Out.W + 5) / 6 * 6)
	fill := w / float64(u.Out.W)
	ns := 400 + float64(u.MACs())/28*fill
	if costmodel.KindOf(u) == "dwconv" {
		ns = 300 + float64(u.MACs())/18*(1+0.15*math.Log2(float64(u.Dilation[0])))
	}
	if u.Name == "block" {
		ns = 900 + float64(u.MACs())/24*fill
	}
	if u.Out.C%256 == 0 {
		ns *= 1.12
	}
	move := float64(u.BytesIn() + u.BytesOut() + u.BytesWeights())
	rate := 0.02
	switch {
	case move > float64(t.L2):
		rate = 0.06
	case move > float64(t.L1):
		rate = 0.03
	}
	ns += move * rate
	switch u.Act {
	case blocks.HSwish:
		ns += 0.2 * float64(u.Out.Elems())
	case blocks.Swish, blocks.Sigmoid:
		ns += 0.8 * float64(u.Out.Elems())
	}
	if f.Scale != nil {
		ns *= f.Scale(costmodel.KindOf(u))
	}
	return ns / 1e6
}

// Time simulates e.Runs runs of a network, at least one.
func (f *Simulated) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	t, err := f.TimeUnits(ctx, n, e)
	t.CallMs, t.CallSpread = nil, nil
	return t, err
}

// TimeUnits is Time with the times of the units.
func (f *Simulated) TimeUnits(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	if err := context.Cause(ctx); err != nil {
		return timing.Timing{}, err
	}
	calls, err := f.Device().Calls(n)
	if err != nil {
		return timing.Timing{}, err
	}
	t := timing.Timing{Conditions: timing.Conditions{Slowdown: 1, RefMs: 1}, Runs: e.Runs}
	sum := 0.0
	t.CallMs, t.CallSpread = make([]float64, len(calls)), make([]float64, len(calls))
	for i := range calls {
		// The context of a unit in a network is the same each time that it is measured.
		h := fnv.New64a()
		h.Write([]byte(n.Name + calls[i].Unit.Key()))
		c := rand.New(rand.NewPCG(h.Sum64(), 1)).NormFloat64()
		ms := f.TrueMs(&calls[i].Unit) * math.Exp(f.context*c)
		t.CallMs[i] = ms * math.Exp(f.noise*f.r.NormFloat64())
		t.CallSpread[i] = f.noise
		sum += ms
	}
	sum = 0.004 + 1.03*sum
	runs := make([]float64, max(1, e.Runs))
	for i := range runs {
		runs[i] = sum * math.Exp(f.noise*f.r.NormFloat64())
	}
	t.EndToEnd = timing.NewSample(runs)
	return t, nil
}
