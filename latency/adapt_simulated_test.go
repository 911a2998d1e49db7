package latency

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nas/latency/internal/agreement"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

// measuredBy times networks on a fake device.
func measuredBy(t *testing.T, f *latencytest.Simulated, seed uint64, n int) []Measured {
	var ms []Measured
	for _, net := range latencytest.Networks(t, seed, n) {
		x, err := f.Time(context.Background(), net, timing.Effort{Runs: 5})
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, Measured{Network: net, Ms: x.EndToEnd.MedianMs})
	}
	return ms
}

// slowerDepthwise is a device on which kinds of units cost other multiples.
func slowerDepthwise(seed uint64) *latencytest.Simulated {
	f := latencytest.NewSimulated(seed, 0.01, 0.02)
	f.Scale = func(kind string) float64 {
		switch kind {
		case "dwconv", "block", "expand_dw":
			return 4
		case "conv.pointwise":
			return 2.5
		}
		return 3
	}
	return f
}

func judge(t *testing.T, p *Profile, truth []Measured) *Validation {
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	var ps []agreement.Pair
	for _, m := range truth {
		e, err := r.Predict(m.Network)
		if err != nil {
			t.Fatal(err)
		}
		ps = append(ps, agreement.Pair{
			Name: m.Network.Name, Predicted: e.LatencyMs, Low: e.LowMs, High: e.HighMs,
			Measured: m.Ms, MACs: float64(m.Network.Counts().MACs),
		})
	}
	return agreement.Summarize(ps, agreement.FitLine(ps))
}

func TestAdaptTenNetworks(t *testing.T) {
	f := slowerDepthwise(9)
	truth := measuredBy(t, f, 21, 60)
	d := f.Device()
	d.Name, d.CPU = "board", "Other"
	p, err := Adapt(simulatedProfile(t), d, measuredBy(t, f, 20, 10))
	if err != nil {
		t.Fatal(err)
	}
	v := judge(t, p, truth)
	t.Logf("ten networks: mape %.1f %% within 10 %.0f tau %.3f coverage %.0f width %.0f",
		v.MAPEPct, v.Within10, v.Kendall, v.Coverage, v.WidthPct)
	if v.Kendall < 0.95 || v.MAPEPct > 4 || v.Coverage < 75 {
		t.Errorf("%+v", v)
	}
	if p.Device.CPU != "Other" || p.Calibration.Base == "" {
		t.Errorf("provenance: %+v %+v", p.Device, p.Calibration)
	}
}

// A runtime that only tells the time of whole networks.
func TestWholeNetworksOnly(t *testing.T) {
	f := slowerDepthwise(10)
	p, err := Adapt(nil, f.Device(), measuredBy(t, f, 30, 120))
	if err != nil {
		t.Fatal(err)
	}
	v := judge(t, p, measuredBy(t, f, 31, 60))
	t.Logf("whole networks: mape %.1f %% within 10 %.0f tau %.3f coverage %.0f width %.0f; held out says mape %.1f %%",
		v.MAPEPct, v.Within10, v.Kendall, v.Coverage, v.WidthPct, p.Validation.MAPEPct)
	if v.Within10 < 95 || v.Coverage < 78 {
		t.Errorf("%+v", v)
	}
	if d := math.Abs(v.MAPEPct - p.Validation.MAPEPct); d > 2 {
		t.Errorf("the profile claims an error of %.1f %%, it is %.1f %%", p.Validation.MAPEPct, v.MAPEPct)
	}
}

// A time in another unit is left out by name, and changes nothing.
func TestAdaptStray(t *testing.T) {
	f := slowerDepthwise(9)
	good := measuredBy(t, f, 20, 10)
	want, err := Adapt(nil, f.Device(), slices.Concat(good[:4], good[5:]))
	if err != nil {
		t.Fatal(err)
	}
	for _, factor := range []float64{1000, 0.001} {
		ms := slices.Clone(good)
		ms[4].Ms *= factor
		ms[4].Where = "t.csv line 6"
		p, err := Adapt(nil, f.Device(), ms)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Warnings) != 1 || !strings.HasPrefix(p.Warnings[0], "t.csv line 6: ") {
			t.Errorf("times %g: warnings %q", factor, p.Warnings)
		}
		if !reflect.DeepEqual(p.Kinds, want.Kinds) || len(p.HeldOut) != 9 {
			t.Errorf("times %g: it moves the costs", factor)
		}
	}
}

func TestAdaptRefuses(t *testing.T) {
	if _, err := Adapt(nil, timing.Device{}, nil); err == nil {
		t.Error("no networks: no error")
	}
	ms := measuredBy(t, latencytest.NewSimulated(1, 0, 0), 1, 1)
	ms[0].Ms = math.NaN()
	if _, err := Adapt(nil, timing.Device{}, ms); err == nil {
		t.Error("a time that is none: no error")
	}
}
