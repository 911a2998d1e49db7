package latency

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/internal/costmodel"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

func TestPredictSources(t *testing.T) {
	f := latencytest.NewSimulated(3, 0.01, 0.01)
	p := simulatedProfile(t)
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	call := func(key string) []engine.Call {
		u, err := engine.ParseUnit(key)
		if err != nil {
			t.Fatal(err)
		}
		return []engine.Call{{Unit: u}}
	}
	row := p.Units[len(p.Units)/2]
	e := r.PredictCalls([]engine.Call{{Unit: row.Unit}})
	if k := e.Kernels[0]; k.Source != "table" || k.Ms != row.Ms {
		t.Errorf("a unit of the table: %+v, measured %g ms", k, row.Ms)
	}
	for _, c := range []struct{ key, source string }{
		{"conv 14x14x104>14x14x344 k1x1 s1x1 d1x1 g1 relu6", "model"},
		{"bilinear 7x7x64>14x14x64", "unknown"},
		{"conv 14x14x64>14x14x64 k5x5 s1x1 d1x1 p2x2 g4", "unknown"},
		{"eval.lrn 7x7x64>7x7x64", "unknown"},
	} {
		e := r.PredictCalls(call(c.key))
		k := e.Kernels[0]
		if k.Source != c.source || !(k.Ms > 0) || math.IsInf(k.Ms, 0) {
			t.Errorf("%s: %g ms from %s, want %s", c.key, k.Ms, k.Source, c.source)
		}
		if unknown := k.Source == "unknown"; unknown && (len(e.Warnings) == 0 || e.HighMs/e.LowMs < 1.5) {
			t.Errorf("%s: unknown, warnings %q, interval %g to %g", c.key, e.Warnings, e.LowMs, e.HighMs)
		}
	}
	// Far outside a pointwise convolution still costs about what its size says.
	far := r.PredictCalls(call("conv 256x256x512>256x256x2048 k1x1 s1x1 d1x1 g1 relu6"))
	u := far.Kernels[0].Unit
	if truth := f.TrueMs(&u); far.Kernels[0].Ms < truth/2 || far.Kernels[0].Ms > 2*truth {
		t.Errorf("far outside: %g ms, true %g", far.Kernels[0].Ms, truth)
	}
	if len(far.Warnings) == 0 {
		t.Error("far outside: no warning")
	}
}

// More work of a kind must never be predicted to take much less time.
func TestPredictGrows(t *testing.T) {
	p := simulatedProfile(t)
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for c := 16; c <= 4096; c *= 2 {
		u := engine.Unit{Name: "conv", In: blocks.Shape{H: 14, W: 14, C: 96}, Out: blocks.Shape{H: 14, W: 14, C: c},
			Kernel: [2]int{1, 1}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Groups: 1, Batch: 1}
		ms, _, _ := r.Latency([]engine.Call{{Unit: u}})
		if ms < last {
			t.Errorf("%d channels: %g ms, half of them %g", c, ms, last)
		}
		last = ms
	}
}

func TestPredictConcurrently(t *testing.T) {
	p := simulatedProfile(t)
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	nets := latencytest.Networks(t, 6, 16)
	got := make([][]float64, 4)
	var wg sync.WaitGroup
	for g := range got {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, n := range nets {
				e, err := r.Predict(n)
				if err != nil {
					t.Error(err)
				}
				got[g] = append(got[g], e.LatencyMs)
			}
		}()
	}
	wg.Wait()
	for g := range got {
		if !slices.Equal(got[g], got[0]) {
			t.Errorf("goroutine %d: %v, first %v", g, got[g], got[0])
		}
	}
}

// A network's parts must add up to what the whole is made from, call by call.
func TestPredictParts(t *testing.T) {
	p := simulatedProfile(t)
	r, _ := p.Predictor()
	for _, n := range latencytest.Networks(t, 7, 5) {
		e, err := r.Predict(n)
		if err != nil {
			t.Fatal(err)
		}
		calls, _ := p.Device.Calls(n)
		count, sum := 0, 0.0
		for _, k := range e.Kernels {
			count += k.Count
			sum += k.Ms
			if len(k.Places) != k.Count {
				t.Errorf("%s: %d places for %d calls", k.Shape, len(k.Places), k.Count)
			}
		}
		if count != len(calls) {
			t.Errorf("%d calls in the estimate, %d in the plan", count, len(calls))
		}
		if e.LatencyMs < 0.8*sum || e.LatencyMs > 1.3*sum || e.LowMs > e.LatencyMs || e.HighMs < e.LatencyMs {
			t.Errorf("sum %g, network %g in %g to %g", sum, e.LatencyMs, e.LowMs, e.HighMs)
		}
		ms, low, high := r.Latency(calls)
		if ms != e.LatencyMs || low != e.LowMs || high != e.HighMs {
			t.Errorf("Latency says %g, Predict %g", ms, e.LatencyMs)
		}
	}
}

// mixedNetwork fits a network model that has its residual: to an effect that the
// weights cannot show, of the share of depthwise units.
func mixedNetwork(tb testing.TB, r *Predictor, d timing.Device) *costmodel.NetworkModel {
	nets := latencytest.Networks(tb, 1, 140)
	hs := make([]costmodel.Observation, len(nets))
	for i, n := range nets {
		calls, err := d.Calls(n)
		if err != nil {
			tb.Fatal(err)
		}
		depthwise := 0.0
		for k := range calls {
			c := r.units.Cost(&calls[k].Unit)
			hs[i].Add(c)
			if costmodel.KindOf(&calls[k].Unit) == "dwconv" {
				depthwise += c.Ms
			}
		}
		hs[i].Measured = hs[i].Ms * math.Exp(math.Sin(30*depthwise/hs[i].Ms))
	}
	m := costmodel.FitNetwork(hs)
	if m.Process == nil {
		tb.Fatal("no residual")
	}
	return m
}

// Kernels known: all units of the networks are in the table, and the network
// model has its residual.
func BenchmarkLatency(b *testing.B) {
	f := latencytest.NewSimulated(1, 0.01, 0.01)
	p := &Profile{Format: Format, Device: f.Device(), Network: costmodel.FitNetwork(nil)}
	seen := map[engine.Unit]bool{}
	var all [][]engine.Call
	n := 0
	for _, net := range latencytest.Networks(b, 1, 140) {
		calls, err := p.Device.Calls(net)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, calls)
		n += len(calls)
		for _, c := range calls {
			if !seen[c.Unit] {
				seen[c.Unit] = true
				p.Units = append(p.Units, costmodel.UnitTime{Unit: c.Unit, Ms: 1, Spread: 0.01, Networks: 1})
			}
		}
	}
	r := &Predictor{p: p, units: costmodel.NewUnitModel(p.Units, nil, p.Device.Target)}
	r.network = mixedNetwork(b, r, p.Device)
	b.Run(fmt.Sprintf("calls=%d", n/len(all)), func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			r.Latency(all[i%len(all)])
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "predictions/s")
	})
}
