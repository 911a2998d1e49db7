package calibrate

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nas/blocks"
	"nas/latency"
	"nas/latency/latencytest"
	"nas/latency/native"
)

// smallNetworks are quick to run on any machine, with any kernels.
func smallNetworks(t *testing.T, n int) []*blocks.Network {
	t.Helper()
	var nets []*blocks.Network
	for i := range n {
		b := blocks.NewBuilder("small", blocks.Shape{H: 16, W: 16, C: 8})
		x := b.Input()
		for k := range 1 + i%3 {
			x = blocks.InvertedResidual{
				Out: 8 + 8*(i%2), Kernel: 3 + 2*(k%2), Expanded: 16 * (1 + i%4), Act: blocks.ReLU6,
			}.Build(b, x)
		}
		net, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		nets = append(nets, net)
	}
	return nets
}

// What is asserted of real timings is their form, never their value.
func TestNativeEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("calibrates")
	}
	rt := native.New(1)
	nets := smallNetworks(t, 36)
	calls := 0
	o := Options{Budget: noHurry, Progress: func(Progress) { calls++ }}
	p, err := Device(t.Context(), rt, slices.Values(nets), o)
	if err != nil {
		t.Fatal(err)
	}
	if calls == 0 || len(p.Units) == 0 || len(p.HeldOut) != 12 || p.Calibration.ReferenceMs <= 0 || p.Facts.CPU == "" {
		t.Errorf("%d units, %d held out, %+v", len(p.Units), len(p.HeldOut), p.Calibration)
	}
	path := filepath.Join(t.TempDir(), "sub", "p.json")
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	q, err := latency.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Matches(rt); err != nil {
		t.Error(err)
	}
	v, err := latency.Validate(context.Background(), q, rt, nets[:6], latency.ValidateOptions{Runs: 3})
	if err != nil {
		t.Fatal(err)
	}
	if v.Networks != 6 || len(v.Points) != 6 || v.Points[0].MeasuredMs <= 0 {
		t.Errorf("%+v", v)
	}
	// More of the same device may be added, nothing of another.
	o = Options{Budget: noHurry, Base: q}
	if p, err = Device(t.Context(), rt, slices.Values(smallNetworks(t, 6)), o); err != nil {
		t.Fatal(err)
	}
	if len(p.HeldOut) != 14 || len(p.Units) < len(q.Units) {
		t.Errorf("after adding: %d held out, %d units of %d", len(p.HeldOut), len(p.Units), len(q.Units))
	}
	q.Device.Threads = 7
	_, err = Device(t.Context(), rt, slices.Values(nets), Options{Base: q})
	if err == nil || !strings.Contains(err.Error(), "threads") {
		t.Errorf("adding to a profile of another device: %v", err)
	}
	if _, err := latency.Validate(context.Background(), q, rt, nets, latency.ValidateOptions{}); err == nil {
		t.Error("validating a profile of another device: no error")
	}
}

func TestCalibrateCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	device := latencytest.NewSimulated(1, 0, 0)
	_, err := Device(ctx, device, slices.Values(smallNetworks(t, 30)), Options{Progress: func(Progress) {
		if n++; n == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	none := slices.Values([]*blocks.Network(nil))
	if _, err := Device(t.Context(), device, none, Options{}); err == nil {
		t.Error("no networks: no error")
	}
	if _, err := Device(t.Context(), device, none, Options{Budget: time.Millisecond}); err == nil {
		t.Error("no time: no error")
	}
}
