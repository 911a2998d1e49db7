package latency

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"nas/blocks/zoo"
	"nas/latency/devices"
	"nas/latency/internal/costmodel"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

// predicted is what a profile says of a network of the zoo.
func predicted(t *testing.T, p *Profile, spec string) Estimate {
	t.Helper()
	n, err := zoo.Get(spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Predict(n)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func loaded(t *testing.T, name string) *Profile {
	t.Helper()
	p, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPhoneProfiles holds two profiles against a network that was measured (mean of TFLite's benchmark, 29.3 and 18.1
// ms): what is written and read predicts the same.
func TestPhoneProfiles(t *testing.T) {
	for name, want := range map[string]float64{"pixel4": 29.3, "pixel4-int8": 18.1} {
		p := loaded(t, name)
		e := predicted(t, p, "mnasnet_b1")
		if e.LatencyMs < 0.93*want || e.LatencyMs > 1.07*want || e.LowMs > want || e.HighMs < want {
			t.Errorf("%s: %.2f ms, %.2f to %.2f, measured %.1f", name, e.LatencyMs, e.LowMs, e.HighMs, want)
		}
		if len(e.Warnings) > 0 {
			t.Errorf("%s: a network that was measured has warnings %q", name, e.Warnings)
		}
		var buf bytes.Buffer
		if err := p.Write(&buf); err != nil {
			t.Fatal(err)
		}
		q, err := Read(&buf, name)
		if err != nil {
			t.Fatal(err)
		}
		if f := predicted(t, q, "mobilenet_v2"); f.LatencyMs != predicted(t, p, "mobilenet_v2").LatencyMs {
			t.Errorf("%s predicts otherwise after it was read", name)
		}
		if p.Device.Name != name || !strings.Contains(p.Calibration.Source, "MIT") || p.Extensible() {
			t.Errorf("%s: device %v, source %q", name, p.Device, p.Calibration.Source)
		}
	}
}

func TestPhonesWarnOfWhatTheyDoNotKnow(t *testing.T) {
	p := loaded(t, "s10")
	for spec, want := range map[string]string{
		"deeplabv3_mobilenet_v2": "bilinear: no unit of this kind was measured",
		"fast_scnn":              "conv.pointwise: its width is outside of what was measured",
	} {
		e := predicted(t, p, spec)
		if !strings.Contains(strings.Join(e.Warnings, "\n"), want) {
			t.Errorf("%s: warnings %q, want %q", spec, e.Warnings, want)
		}
		if v := predicted(t, p, "mobilenet_v2"); (e.HighMs-e.LowMs)/e.LatencyMs <= (v.HighMs-v.LowMs)/v.LatencyMs {
			t.Errorf("%s: its interval, %.1f to %.1f ms, is no wider than that of a network at home", spec, e.LowMs, e.HighMs)
		}
	}
}

// TestPhoneAsBase adapts a phone's profile to a device that takes twice as long.
func TestPhoneAsBase(t *testing.T) {
	base := loaded(t, "pixel4-int8")
	var ms []Measured
	for _, n := range latencytest.Networks(t, 12, 1) {
		r, err := base.Predictor()
		if err != nil {
			t.Fatal(err)
		}
		e, err := r.Predict(n)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, Measured{Network: n, Ms: 2 * e.LatencyMs})
	}
	p, err := Adapt(base, timing.Device{Name: "other", DType: "int8", Threads: 1}, ms)
	if err != nil {
		t.Fatal(err)
	}
	if p.Device.Cut != timing.CutTFLite || p.Kinds[0].Runtime != costmodel.XNNPACKInt8Dot {
		t.Errorf("the profile cuts as %q and has the terms of %q", p.Device.Cut, p.Kinds[0].Runtime)
	}
	a, b := predicted(t, base, "mobilenet_v2"), predicted(t, p, "mobilenet_v2")
	if r := b.LatencyMs / a.LatencyMs; r < 1.85 || r > 2.15 {
		t.Errorf("MobileNetV2 takes %.2f times as long, want 2", r)
	}
}

func TestUnknownRuntimeIsRefused(t *testing.T) {
	p := loaded(t, "pixel4")
	for _, k := range p.Kinds {
		k.Runtime = "unheard of"
	}
	if _, err := p.Predictor(); err == nil || !strings.Contains(err.Error(), `runtime "unheard of"`) {
		t.Errorf("error %v, want one that names the runtime", err)
	}
}

func TestShippedListsWhatLoads(t *testing.T) {
	list, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 14 {
		t.Errorf("%d profiles are shipped", len(list))
	}
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	if want := devices.Profiles(); !slices.Equal(names, slices.Sorted(slices.Values(want))) {
		t.Errorf("listed are %q, named %q", names, want)
	}
	for i, s := range list {
		if i%4 > 0 && i < len(list)-2 {
			continue // loading all takes seconds
		}
		p := loaded(t, s.Name)
		if p.Device.String() != s.Device.String() || p.Device.DType != s.Device.DType {
			t.Errorf("%s: listed as %v, is %v", s.Name, s.Device, p.Device)
		}
		if v := p.Validation; v != nil && (v.MAPEPct > s.LeftOutErrorPct+1e-9 || v.MAPEPct < s.LeftOutErrorPct-1e-9) {
			t.Errorf("%s: error %g %% in the list, %g %% in the profile", s.Name, s.LeftOutErrorPct, v.MAPEPct)
		}
	}
}
