package latency

import (
	"context"
	"hash/fnv"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/timing"
)

// fakeRuntime is a device whose true costs are known: not a sum of the model's
// terms, but what processors are known to do, with tiles of six pixels (the
// model believes in eight), a penalty for channels that are a multiple of 256, a
// memory that gets slower in two steps, and an effect of each network as a whole.
type fakeRuntime struct {
	r       *rand.Rand
	noise   float64 // of one measurement, relative
	context float64 // of a unit's time between networks, relative
	slow    float64 // probability of a slow moment (30 % longer)
	threads int
	opened  int
	scale   func(kind string) float64 // nil: 1
}

func newFake(seed uint64, noise, context float64) *fakeRuntime {
	return &fakeRuntime{r: rand.New(rand.NewPCG(seed, 0)), noise: noise, context: context, threads: 1}
}

func (f *fakeRuntime) Device() timing.Device {
	return timing.Device{Name: "fake", CPU: "Fake", Runtime: "fake kernels", DType: "float32", Threads: f.threads, CPUSet: "0",
		Target: engine.Target{ISA: "avx512", L1: 32 << 10, L2: 1 << 20, L3: 32 << 20, Threads: f.threads}}
}

func (f *fakeRuntime) Facts() timing.Facts { return timing.Facts{CPU: "Fake", Cores: 1, Load: -1} }

func (f *fakeRuntime) Open(context.Context, timing.Baseline) (timing.Timer, error) {
	f.opened++
	return f, nil
}

func (f *fakeRuntime) Baseline() timing.Baseline { return timing.Baseline{ReferenceMs: 1} }
func (f *fakeRuntime) Close() []string           { f.opened--; return nil }

// trueMs is the time of a unit without any noise.
func (f *fakeRuntime) trueMs(u *engine.Unit) float64 {
	t := f.Device().Target
	w := float64((u.Out.W + 5) / 6 * 6)
	fill := w / float64(u.Out.W)
	ns := 400 + float64(u.MACs())/28*fill
	if kindOf(u) == "dwconv" {
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
	if f.scale != nil {
		ns *= f.scale(kindOf(u))
	}
	return ns / 1e6
}

func (f *fakeRuntime) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	t, err := f.TimeUnits(ctx, n, e)
	t.CallMs, t.CallSpread = nil, nil
	return t, err
}

func (f *fakeRuntime) TimeUnits(_ context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	calls, err := f.Device().Calls(n)
	if err != nil {
		return timing.Timing{}, err
	}
	t := timing.Timing{Conditions: timing.Conditions{Slowdown: 1, RefMs: 1}, Runs: e.Runs}
	if f.r.Float64() < f.slow {
		t.Slowdown, t.RefMs = 1.3, 1.3
	}
	sum := 0.0
	t.CallMs, t.CallSpread = make([]float64, len(calls)), make([]float64, len(calls))
	for i := range calls {
		// The context of a unit in a network is the same each time that it is measured.
		h := fnv.New64a()
		h.Write([]byte(n.Name + calls[i].Unit.Key()))
		c := rand.New(rand.NewPCG(h.Sum64(), 1)).NormFloat64()
		ms := f.trueMs(&calls[i].Unit) * math.Exp(f.context*c) * t.Slowdown
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

func seqOf(nets []*blocks.Network) iter.Seq[*blocks.Network] { return slices.Values(nets) }
