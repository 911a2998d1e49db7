package explain

import (
	"context"
	"iter"
	"math"
	"slices"
	"time"

	"nas/blocks"
	"nas/internal/edits"
	"nas/internal/plural"
	"nas/internal/work"
	"nas/latency"
	"nas/latency/calibrate"
	"nas/latency/timing"
)

// rounds is how often each network is measured, with the others in between.
const rounds = 9

// measure measures the first edits beside the network, in turn, so that a machine that gets slower does so for all.
func (x *Explanation) measure(ctx context.Context, o *Options) error {
	if err := o.Profile.Matches(o.Runtime); err != nil {
		return err
	}
	n := min(o.Measure, len(x.Edits))
	networks := []*blocks.Network{o.Network}
	for i := range n {
		networks = append(networks, x.Edits[i].network)
	}
	o.Sayf("measuring %s on this device, in turn", plural.Of(len(networks), "network"))
	timer, err := o.Runtime.Open(ctx, o.Profile.Calibration.Baseline)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range timer.Close() {
			x.Warnings = append(x.Warnings, "measuring: "+w)
		}
	}()
	turns := timing.NewRounds(timer, networks, timing.DefaultEffort())
	for round := range rounds {
		if err := turns.Measure(ctx, func(int, timing.Timing) {}); err != nil {
			return err
		}
		o.Report(work.Progress{Step: "measure", Done: round + 1, Total: rounds})
	}
	if k := turns.Disturbed(); k > 0 {
		x.Warnings = append(x.Warnings, "other programs disturbed "+plural.Of(k, "of the measurements"))
	}
	ts := turns.Timings()
	half := func(s *timing.Sample) float64 { return (s.HighMs - s.LowMs) / 2 }
	for i := range n {
		a, b := &ts[0].EndToEnd, &ts[i+1].EndToEnd
		gain, wide := a.MedianMs-b.MedianMs, math.Hypot(half(a), half(b))
		x.Edits[i].Measured = &latency.Part{Ms: gain, LowMs: gain - wide, HighMs: gain + wide}
	}
	return nil
}

// calibrate adds measurements of the network and its edits to the profile.
func (o *Options) calibrate(ctx context.Context, found []edits.Edit) error {
	if err := o.Profile.Matches(o.Runtime); err != nil {
		return err
	}
	networks := []*blocks.Network{o.Network}
	for _, e := range found {
		n, err := e.Apply(o.Network)
		if err != nil {
			return err
		}
		if _, err := o.Profile.Device.Calls(n); err == nil {
			networks = append(networks, n)
		}
	}
	o.Sayf("timing the kernels of the network and of %s for up to %v", plural.Of(len(networks)-1, "edit"), o.Calibrate)
	p, err := calibrate.Device(ctx, o.Runtime, inTurns(networks), calibrate.Options{
		Budget: o.Calibrate, Base: o.Profile,
		Progress: func(p calibrate.Progress) {
			o.Report(work.Progress{
				Step: "calibrate", Done: int(p.Elapsed / time.Second), Total: int(p.Budget / time.Second), Seconds: true,
			})
		},
	})
	if err != nil {
		return err
	}
	o.Profile = p
	return nil
}

// inTurns lists networks three times, each time beginning with another, because a calibration holds out every third
// and should see the kernels of all.
func inTurns(networks []*blocks.Network) iter.Seq[*blocks.Network] {
	return func(yield func(*blocks.Network) bool) {
		for turn := range 3 {
			from := turn % len(networks)
			for _, n := range slices.Concat(networks[from:], networks[:from]) {
				if !yield(n) {
					return
				}
			}
		}
	}
}
