// Package latencytest tests runtimes: one call of [Conformance] takes any
// [timing.Runtime] through everything that measuring, calibrating and validating rely on.
// It also has a device whose true costs are known, [Simulated], to test what is made of
// measurements.
package latencytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"nas/blocks"
	"nas/latency/timing"
)

// effort is small: what is tested is the form of timings, never how exact they are.
var effort = timing.Effort{Runs: 3}

// Conformance tests a runtime, and those of the optional interfaces that its timers have:
// [timing.UnitTimer], [timing.BatchTimer] and [timing.ReferenceTimer]. It times small
// networks, some dozen times.
func Conformance(t *testing.T, rt timing.Runtime) {
	t.Run("device", func(t *testing.T) { device(t, rt) })
	t.Run("facts", func(t *testing.T) { facts(t, rt) })
	t.Run("session", func(t *testing.T) { session(t, rt) })
	t.Run("time", func(t *testing.T) { open(t, rt, endToEnd) })
	t.Run("refusals", func(t *testing.T) { open(t, rt, refusals) })
	t.Run("units", func(t *testing.T) { open(t, rt, func(t *testing.T, x timing.Timer) { units(t, rt.Device(), x) }) })
	t.Run("batch", func(t *testing.T) { open(t, rt, batch) })
	t.Run("reference", func(t *testing.T) { open(t, rt, reference) })
}

// device: profiles are found and compared by it, so it names everything and never changes.
func device(t *testing.T, rt timing.Runtime) {
	d := rt.Device()
	if e := rt.Device(); d != e {
		t.Errorf("Device returns %+v, then %+v", d, e)
	}
	if d.Name == "" || d.CPU == "" || d.Runtime == "" || d.DType == "" || d.Threads < 1 || d.Target.ISA == "" {
		t.Errorf("name, processor, runtime, data type, threads and target of a device must be set: %+v", d)
	}
	if d.Cut != timing.CutPlan && d.Cut != timing.CutOps && d.Cut != timing.CutBlocks {
		t.Errorf("cut %q is not one of package timing's", d.Cut)
	}
	a, err := d.Calls(network(t, 8))
	if err != nil || len(a) == 0 {
		t.Fatalf("%d calls of a network: %v", len(a), err)
	}
	if b, err := d.Calls(network(t, 8)); err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("the same network has other calls: %v, %v", b, err)
	}
}

// facts: they may change with the clock and the load, the machine may not.
func facts(t *testing.T, rt timing.Runtime) {
	a, b := rt.Facts(), rt.Facts()
	if a.CPU == "" {
		t.Errorf("facts name no processor: %+v", a)
	}
	if a.CPU != b.CPU || a.OS != b.OS || a.Arch != b.Arch || a.Cores != b.Cores {
		t.Errorf("the machine changes from %+v to %+v", a, b)
	}
}

// session: timers can be opened one after the other, with or without a baseline.
func session(t *testing.T, rt timing.Runtime) {
	var known timing.Baseline
	for range 2 {
		x, err := rt.Open(t.Context(), known)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Time(t.Context(), network(t, 8), effort); err != nil {
			t.Error(err)
		}
		known = x.Baseline()
		x.Close()
		if !(known.ReferenceMs >= 0 && known.ProbeNs >= 0 && known.ClockNs >= 0) {
			t.Errorf("a baseline of %+v", known)
		}
	}
}

// open runs a test with a timer.
func open(t *testing.T, rt timing.Runtime, test func(t *testing.T, x timing.Timer)) {
	x, err := rt.Open(t.Context(), timing.Baseline{})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	test(t, x)
}

// endToEnd: times are positive and in order, and a network with a hundred times the work
// takes longer.
func endToEnd(t *testing.T, x timing.Timer) {
	small, large := network(t, 8), network(t, 80)
	var ms [2]float64
	for i, n := range []*blocks.Network{small, large} {
		got, err := x.Time(t.Context(), n, effort)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkTiming(got); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		ms[i] = got.EndToEnd.MedianMs
	}
	if ms[0] >= ms[1] {
		t.Errorf("%g ms, and %g ms with a hundred times the work", ms[0], ms[1])
	}
	again, err := x.Time(t.Context(), small, effort)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkTiming(timing.Combine(again, again)); err != nil {
		t.Errorf("two timings combined: %v", err)
	}
}

func checkTiming(x timing.Timing) error {
	s := x.EndToEnd
	for _, v := range []float64{s.LowMs, s.MedianMs, s.HighMs} {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%g ms is not a time: %+v", v, s)
		}
	}
	const more = 1 + 1e-9 // for what rounding does to equal times
	low, high := max(s.LowMs, s.P5Ms, s.P10Ms), s.HighMs
	for _, v := range []float64{s.P90Ms, s.P95Ms} {
		if v != 0 { // 0: not told
			high = min(high, v)
		}
	}
	if low > more*s.MedianMs || s.MedianMs > more*high || s.P5Ms < 0 || s.P10Ms < 0 {
		return fmt.Errorf("the median is outside of its interval, or of the percentiles: %+v", s)
	}
	if s.Runs < 1 || x.Runs < 1 || x.Interrupted < 0 || x.Interrupted > x.Runs {
		return fmt.Errorf("%d runs, %d of them interrupted, %d that count", x.Runs, x.Interrupted, s.Runs)
	}
	if !(x.Slowdown > 0) || math.IsInf(x.Slowdown, 0) || !(x.RefMs >= 0) || !(x.BaseMs >= 0) {
		return fmt.Errorf("conditions %+v: slowdown is a factor, 1 on an undisturbed machine", x.Conditions)
	}
	return nil
}

// refusals: a context that has ended ends a measurement with its cause.
func refusals(t *testing.T, x timing.Timer) {
	cause := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err := x.Time(ctx, network(t, 8), effort)
	if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		t.Errorf("Time with a context that has ended: error %v, want its cause", err)
	}
	if _, err := x.Time(t.Context(), network(t, 8), effort); err != nil {
		t.Errorf("after a measurement that was canceled: %v", err)
	}
}

// units: the times are those of the device's calls, in their order.
func units(t *testing.T, d timing.Device, x timing.Timer) {
	u, ok := x.(timing.UnitTimer)
	if !ok {
		t.Skip("the runtime does not time units")
	}
	n := network(t, 32)
	calls, err := d.Calls(n)
	if err != nil {
		t.Fatal(err)
	}
	got, err := u.TimeUnits(t.Context(), n, effort)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkTiming(got); err != nil {
		t.Error(err)
	}
	if len(got.CallMs) != len(calls) || len(got.CallSpread) != len(calls) {
		t.Fatalf("%d times and %d errors of %d calls", len(got.CallMs), len(got.CallSpread), len(calls))
	}
	sum := 0.0
	for i, ms := range got.CallMs {
		if !(ms > 0) || math.IsInf(ms, 0) || !(got.CallSpread[i] >= 0) {
			t.Errorf("%s: %g ms with an error of %g", calls[i].Unit.Key(), ms, got.CallSpread[i])
		}
		sum += ms
	}
	if whole := got.EndToEnd.MedianMs; sum < whole/3 || sum > 3*whole {
		t.Errorf("the units take %g ms, the network %g ms", sum, whole)
	}
}

// batch: several networks at once give what each gives alone, in their order.
func batch(t *testing.T, x timing.Timer) {
	b, ok := x.(timing.BatchTimer)
	if !ok {
		t.Skip("the runtime does not time batches")
	}
	if b.Batch() < 1 {
		t.Fatalf("batches of %d", b.Batch())
	}
	ns := []*blocks.Network{network(t, 80), network(t, 8), network(t, 80)}
	got, err := b.TimeBatch(t.Context(), ns, effort)
	if err != nil || len(got) != len(ns) {
		t.Fatalf("%d timings of %d networks: %v", len(got), len(ns), err)
	}
	for i, n := range ns {
		if err := checkTiming(got[i]); err != nil {
			t.Errorf("network %d: %v", i, err)
		}
		alone, err := b.Time(t.Context(), n, effort)
		if err != nil {
			t.Fatal(err)
		}
		if r := got[i].EndToEnd.MedianMs / alone.EndToEnd.MedianMs; r < 1./4 || r > 4 {
			t.Errorf("network %d: %g ms in a batch, %g ms alone", i, got[i].EndToEnd.MedianMs, alone.EndToEnd.MedianMs)
		}
	}
}

// reference: a share of the reference's timings.
func reference(t *testing.T, x timing.Timer) {
	r, ok := x.(timing.ReferenceTimer)
	if !ok {
		t.Skip("the runtime has no reference")
	}
	if p := r.SlowPct(); !(p >= 0 && p <= 100) {
		t.Errorf("%g %% of the reference's timings were slow", p)
	}
}

// network has one inverted residual block; its work grows with the square of channels.
func network(t *testing.T, channels int) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder(fmt.Sprintf("small%d", channels), blocks.Shape{H: 16, W: 16, C: 3})
	x := blocks.ConvBNAct{Out: channels, Kernel: 3, Stride: 1, Act: blocks.ReLU6}.Build(b, b.Input())
	blocks.InvertedResidual{Out: channels, Kernel: 3, Stride: 1, Expanded: 4 * channels, Act: blocks.ReLU6}.Build(b, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}
