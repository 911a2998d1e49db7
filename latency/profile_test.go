package latency

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"nas/latency/latencytest"
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
	if p.Format != 1 || p.Device.Name != "native" || p.Device.Target.ISA != "avx512" || p.Facts.Cores != 2 ||
		len(p.Units) != 18 || len(p.HeldOut) != 35 || p.Calibration.ReferenceMs <= 0 || p.Validation == nil ||
		p.Created.Year() != 2026 {
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

func TestProfileRoundTrip(t *testing.T) {
	p := simulatedProfile(t)
	var a, b bytes.Buffer
	if err := p.Write(&a); err != nil {
		t.Fatal(err)
	}
	q, err := Read(bytes.NewReader(a.Bytes()), "profile")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Write(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("a profile read and written is not the same text")
	}
	r1, err := p.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	r2, err := q.Predictor()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range latencytest.Networks(t, 5, 10) {
		e1, err := r1.Predict(n)
		if err != nil {
			t.Fatal(err)
		}
		e2, _ := r2.Predict(n)
		if e1.LatencyMs != e2.LatencyMs || e1.HighMs != e2.HighMs {
			t.Errorf("%s: %g ms before the file, %g behind it", n.Name, e1.LatencyMs, e2.LatencyMs)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"newer", `{"format": 3}`, "format 3"},
		{"other", `{"a": 1}`, "not a latency profile"},
		{"cut off", "{\"format\": 1,\n\"device\": {", "line 2"},
		{"type", "{\"format\": 1,\n\"device\": 7}", "line 2"},
		{"unit", `{"format":1,"units":[{"unit":"conv 1x1","ms":1}]}`, "unit"},
		{"time", `{"format":1,"units":[{"unit":"add 8x8x16>8x8x16","ms":-1}]}`, "not a time"},
		{"empty", `{"format":1}`, "network model"},
	} {
		_, err := Read(bytes.NewReader([]byte(c.text)), "p.json")
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "p.json") {
			t.Errorf("%s: error %v, want one with %q and the name", c.name, err, c.want)
		}
	}
	if _, err := Read(bytes.NewReader([]byte(`{"format": 99}`)), "p"); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format gives %v", err)
	}
}

func TestBusy(t *testing.T) {
	for _, c := range []struct {
		name string
		c    Calibration
		v    *Validation
		want string
	}{
		{"quiet", Calibration{WallS: 60, InterruptPct: 1, SlowPct: 20}, &Validation{MAPEPct: 9}, ""},
		{"busy, and it does not show", Calibration{WallS: 60, InterruptPct: 80}, &Validation{MAPEPct: 2}, ""},
		{"busy", Calibration{WallS: 60, InterruptPct: 80}, &Validation{MAPEPct: 9.5}, "errs by 9.5 %"},
		{"too few networks", Calibration{WallS: 60, SlowPct: 80}, nil, "too few"},
		{"a moment's", Calibration{WallS: 3, SlowPct: 80}, nil, ""},
	} {
		p := &Profile{Calibration: c.c, Validation: c.v}
		if got := p.Busy(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// TestManyCalls: the sum of all calls has a bound, as each of them is predicted when the profile is used.
func TestManyCalls(t *testing.T) {
	p := *simulatedProfile(t) // which all tests share
	p.HeldOut = slices.Clone(p.HeldOut)
	p.HeldOut[0].Units = slices.Clone(p.HeldOut[0].Units)
	for _, calls := range []int{maxCalls, maxCalls + 1, math.MaxInt} {
		p.HeldOut[0].Units[0][1] = calls
		if err := p.check(); err == nil || !strings.Contains(err.Error(), "networks[") {
			t.Errorf("%d calls of a unit, beside others: %v", calls, err)
		}
	}
}
