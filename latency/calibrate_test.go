package latency

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nas/latency/latencytest"
)

// noHurry is a budget that is not reached, however busy the machine: the networks
// end first.
const noHurry = time.Hour

// calibrateFake makes a profile of the fake device from n networks.
func calibrateFake(t *testing.T, f *latencytest.Simulated, n int, o Options) *Profile {
	t.Helper()
	if o.Budget == 0 {
		o.Budget = noHurry
	}
	p, err := Calibrate(context.Background(), f, slices.Values(latencytest.Networks(t, 1, n)), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCalibrateKnownDevice(t *testing.T) {
	if testing.Short() {
		t.Skip("fits 1500 units")
	}
	f := latencytest.NewSimulated(1, 0.01, 0.02)
	p := calibrateFake(t, f, 210, Options{})
	if len(p.Units) > defaultMaxUnits {
		t.Errorf("%d units timed, at most %d were asked for", len(p.Units), defaultMaxUnits)
	}
	if f.Opened != 0 {
		t.Errorf("%d timers left open", f.Opened)
	}
	v, err := Validate(context.Background(), p, f, latencytest.Networks(t, 2, 100), ValidateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(v.Strata)
	t.Logf("%d units, %.1f s of fitting; mape %.2f within 5 %.0f within 10 %.0f tau %.3f coverage %.0f width %.1f noise %.2f skill %.2f\n%s",
		len(p.Units), p.Calibration.FitS, v.MAPEPct, v.Within5, v.Within10, v.Kendall, v.Coverage, v.WidthPct, v.NoisePct, v.Skill, b)
	for _, k := range p.Kinds {
		t.Logf("%-15s units %4d rough %.3f leave-one-out %.3f", k.Kind, k.Units, k.ResidualRMS, k.LeaveOneOut)
	}
	if v.Within10 < 99 || v.Within5 < 92 || v.MAPEPct > 2.5 || v.Kendall < 0.97 || v.Skill < 0.7 {
		t.Errorf("mape %.2f %%, within 5 %% %.0f, within 10 %% %.0f, tau %.3f, skill %.2f", v.MAPEPct, v.Within5, v.Within10, v.Kendall, v.Skill)
	}
	if v.Coverage < 80 || v.WidthPct > 12 {
		t.Errorf("intervals hold %.0f %% and are %.1f %% wide", v.Coverage, v.WidthPct)
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
		{"newer", `{"format": 2}`, "format 2"},
		{"other", `{"a": 1}`, "not a latency profile"},
		{"cut off", "{\"format\": 1,\n\"device\": {", "line 2"},
		{"type", "{\"format\": 1,\n\"device\": 7}", "line 2"},
		{"unit", `{"format":1,"units":[{"unit":"conv 1x1","ms":1}]}`, "unit"},
		{"time", `{"format":1,"units":[{"unit":"add 8x8x16>8x8x16","ms":-1}]}`, "not a time"},
		{"empty", `{"format":1}`, "network model"},
	} {
		_, err := Read(bytes.NewReader([]byte(c.text)), "p.json")
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.want)) || !bytes.Contains([]byte(err.Error()), []byte("p.json")) {
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
