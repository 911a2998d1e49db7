package calibrate

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"nas/blocks"
	"nas/latency"
	"nas/latency/latencytest"
	"nas/latency/timing"
)

// noHurry is a budget that is not reached, however busy the machine: the networks
// end first.
const noHurry = time.Hour

// calibrateSimulated makes a profile of the fake device from n networks.
func calibrateSimulated(t *testing.T, f *latencytest.Simulated, n int, o Options) *latency.Profile {
	t.Helper()
	if o.Budget == 0 {
		o.Budget = noHurry
	}
	p, err := Device(context.Background(), f, slices.Values(latencytest.Networks(t, 1, n)), o)
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
	p := calibrateSimulated(t, f, 210, Options{})
	if len(p.Units) > defaultMaxUnits {
		t.Errorf("%d units timed, at most %d were asked for", len(p.Units), defaultMaxUnits)
	}
	if f.Opened != 0 {
		t.Errorf("%d timers left open", f.Opened)
	}
	v, err := latency.Validate(context.Background(), p, f, latencytest.Networks(t, 2, 100), latency.ValidateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := json.Marshal(v.Strata)
	t.Logf("%d units, %.1f s of fitting; mape %.2f within 5 %.0f within 10 %.0f tau %.3f", len(p.Units),
		p.Calibration.FitS, v.MAPEPct, v.Within5, v.Within10, v.Kendall)
	t.Logf("coverage %.0f width %.1f noise %.2f skill %.2f\n%s", v.Coverage, v.WidthPct, v.NoisePct, v.Skill, b)
	for _, k := range p.Kinds {
		t.Logf("%-15s units %4d rough %.3f leave-one-out %.3f", k.Kind, k.Units, k.ResidualRMS, k.LeaveOneOut)
	}
	if v.Within10 < 99 || v.Within5 < 92 || v.MAPEPct > 2.5 || v.Kendall < 0.97 || v.Skill < 0.7 {
		t.Errorf("mape %.2f %%, within 5 %% %.0f, within 10 %% %.0f, tau %.3f, skill %.2f",
			v.MAPEPct, v.Within5, v.Within10, v.Kendall, v.Skill)
	}
	if v.Coverage < 80 || v.WidthPct > 12 {
		t.Errorf("intervals hold %.0f %% and are %.1f %% wide", v.Coverage, v.WidthPct)
	}
}

// wholeOnly times whole networks of a fake device, one of them in another unit.
type wholeOnly struct {
	*latencytest.Simulated
	stray string // name of the network
}

// Open hides that the device times units.
func (w wholeOnly) Open(ctx context.Context, b timing.Baseline) (timing.Timer, error) {
	_, err := w.Simulated.Open(ctx, b)
	return struct{ timing.Timer }{strayTimer(w)}, err
}

type strayTimer wholeOnly

func (w strayTimer) Time(ctx context.Context, n *blocks.Network, e timing.Effort) (timing.Timing, error) {
	t, err := w.Simulated.Time(ctx, n, e)
	if n.Name == w.stray {
		t.EndToEnd = t.EndToEnd.Scaled(1000)
	}
	return t, err
}

// What was measured of a network stays with the network where another one's time is left out.
func TestEndToEndStray(t *testing.T) {
	nets := latencytest.Networks(t, 1, 12)
	rt := wholeOnly{latencytest.NewSimulated(1, 0, 0), nets[4].Name}
	p, err := Device(t.Context(), rt, slices.Values(nets), Options{Budget: noHurry})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.HeldOut) != 11 || len(p.Warnings) == 0 {
		t.Fatalf("%d networks, warnings %q; want 11 and one about %s", len(p.HeldOut), p.Warnings, nets[4].Name)
	}
	for _, h := range p.HeldOut {
		i := slices.IndexFunc(nets, func(n *blocks.Network) bool { return n.Name == h.Name })
		want, err := rt.Time(t.Context(), nets[i], timing.Effort{Runs: 1})
		if err != nil || h.Measured.MedianMs != want.EndToEnd.MedianMs || h.Measured.Runs != endToEndRuns {
			t.Errorf("%s: %g ms of %d runs, want %g of %d: %v", h.Name, h.Measured.MedianMs, h.Measured.Runs,
				want.EndToEnd.MedianMs, endToEndRuns, err)
		}
	}
}

// hot is a fake device that can be heated, or says that it is.
type hot struct {
	*latencytest.Simulated
	heats *[]time.Duration
}

func (h hot) Device() timing.Device {
	d := h.Simulated.Device()
	d.Sustained = true
	return d
}

func (h hot) Open(ctx context.Context, b timing.Baseline) (timing.Timer, error) {
	_, err := h.Simulated.Open(ctx, b)
	return h, err
}

func (h hot) Heat(_ context.Context, load time.Duration, seen func(timing.Heat)) error {
	*h.heats = append(*h.heats, load)
	seen(h.Heated())
	return nil
}

func (h hot) Heated() timing.Heat {
	return timing.Heat{LoadS: 600, Clock: []timing.ClockPoint{{S: 0, MHz: 2000}, {S: 600, MHz: 1500}}}
}

// A sustained device is put under load before it is timed, and its profile says so. No other device is, and none that
// cannot be.
func TestSustained(t *testing.T) {
	var heats []time.Duration
	var phases []string
	f := hot{latencytest.NewSimulated(1, 0.01, 0.02), &heats}
	calibrate := func(rt timing.Runtime, load time.Duration) (*latency.Profile, error) {
		return Device(t.Context(), rt, slices.Values(latencytest.Networks(t, 1, 40)), Options{
			Budget: noHurry, MaxUnits: 60, Sustained: load,
			Progress: func(p Progress) { phases = append(phases, p.Phase) },
		})
	}
	p, err := calibrate(f, 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	h, want := p.Calibration.Heat, f.Heated()
	if h == nil || h.String() != want.String() || !p.Device.Sustained {
		t.Errorf("the profile of %v knows the load %v", p.Device, h)
	}
	if len(heats) != 1 || heats[0] != 10*time.Minute || phases[0] != "heating" || !slices.Contains(phases, "measuring") {
		t.Errorf("heated for %v, phases %v", heats, phases)
	}
	for what, of := range map[string]struct {
		rt   timing.Runtime
		load time.Duration
	}{
		"a sustained device without a load": {f, 0},
		"a device of a burst under load":    {f.Simulated, time.Minute},
		"a device that cannot be heated":    {cold{f}, time.Minute},
	} {
		if _, err := calibrate(of.rt, of.load); err == nil {
			t.Errorf("%s is calibrated", what)
		}
	}
	if f.Opened != 0 {
		t.Errorf("%d timers left open", f.Opened)
	}
}

// cold says that it is sustained, and cannot be heated.
type cold struct{ hot }

func (c cold) Open(ctx context.Context, b timing.Baseline) (timing.Timer, error) {
	_, err := c.hot.Open(ctx, b)
	return struct{ timing.UnitTimer }{c.hot}, err
}
