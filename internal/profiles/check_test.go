package profiles

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"nas/blocks"
	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/timing"
	"nas/space"
)

// fake is a device that takes as long as a profile predicts, times what off says.
type fake struct {
	p       *latency.Predictor
	off     func(ms float64) float64
	clockNs float64
	busy    bool
	timed   int
}

func (f *fake) Device() timing.Device { return f.p.Device() }
func (f *fake) Facts() timing.Facts   { return timing.Facts{} }
func (f *fake) Close() []string       { return nil }

func (f *fake) Open(context.Context, timing.Baseline) (timing.Timer, error) { return f, nil }

func (f *fake) Baseline() timing.Baseline { return timing.Baseline{ClockNs: f.clockNs} }

func (f *fake) Time(_ context.Context, n *blocks.Network, _ timing.Effort) (timing.Timing, error) {
	e, err := f.p.Predict(n)
	f.timed++
	return timing.Timing{EndToEnd: timing.Sample{MedianMs: e.LatencyMs * f.off(e.LatencyMs)}, Runs: 20, QuietRuns: 9,
		QuietShare: 1, Conditions: timing.Conditions{Slowdown: 1, Uncertain: f.busy}}, err
}

// A cached profile is kept where it holds, follows what it can follow, and is made anew where that does not help. A
// named one is refused where its intervals fail beyond doubt. On a busy machine neither is decided.
func TestCheck(t *testing.T) {
	c, err := config.Load("../../configs/smoke.toml")
	if err != nil {
		t.Fatal(err)
	}
	sp, err := space.New(c.Space)
	if err != nil {
		t.Fatal(err)
	}
	const then = 4000. // ns of the chain
	r := rand.New(rand.NewPCG(3, 4))
	for _, x := range []struct {
		name          string
		off           func(ms float64) float64
		clockNs       float64
		program       string
		busy          bool
		keep, refuse  bool
		said          string // of the cached profile
		timed, timed2 int    // networks measured for the cached and for the named profile
	}{
		{name: "holds", off: func(float64) float64 { return 1 + 0.003*r.NormFloat64() }, clockNs: then, keep: true,
			timed: 12, timed2: 12},
		{name: "a tenth faster", off: func(float64) float64 { return 0.91 + 0.002*r.NormFloat64() }, clockNs: then,
			keep: true, refuse: true, said: "they follow 12 networks measured now", timed: 24, timed2: 12},
		{name: "half as fast", off: func(float64) float64 { return 2 }, clockNs: then, refuse: true,
			said: "clock and program are the same", timed: 12, timed2: 12},
		{name: "another clock", off: func(float64) float64 { return 1.5 }, clockNs: 1.5 * then, refuse: true,
			said: "the clock is 33 % slower", timed: 12, timed2: 12},
		{name: "another build", off: func(float64) float64 { return 1.5 }, clockNs: then, program: "v0", refuse: true,
			said: "another build of this program made it", timed: 12, timed2: 12},
		{name: "erratic", off: func(float64) float64 { return math.Exp(0.5 * r.NormFloat64()) }, clockNs: then, refuse: true,
			said: "calibrating anew", timed: 12, timed2: 12},
		{name: "busy", off: func(float64) float64 { return 1.36 }, clockNs: then, busy: true, keep: true,
			said: "too busy to check the profile", timed: 12, timed2: 12},
	} {
		load := func() (*check, *fake, *strings.Builder) {
			p, err := latency.Load("../../results/reference/smoke/profile.json")
			if err != nil {
				t.Fatal(err)
			}
			p.Calibration.Baseline = timing.Baseline{ReferenceMs: 0.2, ProbeNs: 1000, ClockNs: then}
			p.Network.Quantile /= 3 // this short calibration has wide intervals
			p.Facts.Program = buildinfo.Version()
			if x.program != "" {
				p.Facts.Program = x.program
			}
			predictor, err := p.Predictor()
			if err != nil {
				t.Fatal(err)
			}
			var said strings.Builder
			f := &fake{p: predictor, off: x.off, clockNs: x.clockNs, busy: x.busy}
			own := &ownDevice{work.Options{Say: func(s string) { said.WriteString(s + "\n") }}, c, sp}
			k, err := own.openCheck(t.Context(), f, p)
			if err != nil {
				t.Fatal(err)
			}
			return k, f, &said
		}
		k, f, said := load()
		keep, err := k.cached(t.Context())
		k.sayBusy()
		if err != nil || keep != x.keep || !strings.Contains(said.String(), x.said) || x.said == "" && said.Len() > 0 ||
			f.timed != x.timed {
			t.Errorf("%s, cached: kept %v after %d networks, said %q, %v", x.name, keep, f.timed, said, err)
		}
		k, f, _ = load()
		refuted, err := k.named(t.Context())
		if err != nil || (refuted != "") != x.refuse || f.timed != x.timed2 {
			t.Errorf("%s, named: %q after %d networks, %v", x.name, refuted, f.timed, err)
		}
	}
}
