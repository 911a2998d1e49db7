package latency

import (
	"math"
	"testing"

	"nas/space"
)

// A profile of format 1, as it was written when that was the newest, is read by
// this program and predicts what it did then. Terms and features may come and
// go: a model that knows others is fitted anew from the measurements in the file.
func TestOldProfileIsRead(t *testing.T) {
	p, err := Load("testdata/profile_v1.json")
	if err != nil {
		t.Fatal(err)
	}
	if p.Format != 1 || p.Device.Name != "native" || p.Device.Target.ISA != "avx512" || p.Facts.Cores != 2 || len(p.Units) != 18 || len(p.HeldOut) != 35 ||
		p.Calibration.ReferenceMs <= 0 || p.Validation == nil || p.Created.Year() != 2026 {
		t.Errorf("%+v %+v %+v, %d units, %d networks", p.Device, p.Facts, p.Calibration, len(p.Units), len(p.HeldOut))
	}
	r, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	a, err := space.Parse("32x32x3 | conv_k3_s2_c8_relu6 | ds_k3_s1_c16_relu6_both | classifier_c32_relu6_n10")
	if err != nil {
		t.Fatal(err)
	}
	n, err := a.Network()
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Predict(n)
	if err != nil {
		t.Fatal(err)
	}
	const ms = 0.0071964 // what the program that wrote it said
	if math.Abs(e.LatencyMs/ms-1) > 0.1 || e.LowMs >= e.LatencyMs || e.HighMs <= e.LatencyMs {
		t.Errorf("%g ms (%g to %g), it was %g", e.LatencyMs, e.LowMs, e.HighMs, ms)
	}
}
