package latency

import (
	"strings"
	"testing"

	"nas/blocks"
	"nas/latency/timing"
)

func TestCheckTellsLoad(t *testing.T) {
	p, err := Load("../results/reference/smoke/profile.json")
	if err != nil {
		t.Fatal(err)
	}
	nets := make([]*blocks.Network, 4)
	ts := make([]timing.Timing, 4)
	for i := range nets {
		b := blocks.NewBuilder("n", blocks.Shape{H: 16 << i, W: 16, C: 8})
		blocks.DepthwiseSeparable{Out: 16, Kernel: 3, Stride: 1, Act: blocks.ReLU6}.Build(b, b.Input())
		if nets[i], err = b.Network(); err != nil {
			t.Fatal(err)
		}
		ts[i] = timing.Timing{EndToEnd: timing.Sample{MedianMs: 1}, Runs: 20, QuietRuns: 9, QuietShare: 1,
			Conditions: timing.Conditions{Slowdown: 1}}
	}
	for _, c := range []struct {
		name string
		set  func(t *timing.Timing)
		busy string
	}{
		{"quiet", func(*timing.Timing) {}, ""},
		{"uncertain", func(t *timing.Timing) { t.Uncertain = true }, "3 of 4 measurements were disturbed"},
		{"slow", func(t *timing.Timing) { t.Slowdown = 1.2 }, "3 of 4 measurements were disturbed"},
		{"interrupted", func(t *timing.Timing) { t.Interrupted = 12 }, "45 % of the runs interrupted"},
	} {
		changed := append([]timing.Timing(nil), ts...)
		for i := range 3 {
			c.set(&changed[i])
		}
		x, err := p.Check(nets, changed)
		if err != nil {
			t.Fatal(err)
		}
		if (x.Busy == "") != (c.busy == "") || !strings.Contains(x.Busy, c.busy) {
			t.Errorf("%s: %q, want %q", c.name, x.Busy, c.busy)
		}
		if len(x.Points) != 4 || x.Points[0].Inside() {
			t.Errorf("%s: %d points, the first inside its interval", c.name, len(x.Points))
		}
	}
}
