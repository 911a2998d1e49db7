package improve

import (
	"context"
	"slices"

	"nas/internal/plural"
	"nas/internal/stat"
	"nas/internal/work"
	"nas/latency/native"
	"nas/latency/timing"
)

const (
	rounds       = 7
	runsPerRound = 15 // of each network
)

// measure times the networks in turn, round after round, so that a machine that gets slower does so for
// all of them.
func (c *comparison) measure(ctx context.Context) error {
	p := c.Devices[0].Profile
	rt := native.Of(p.Device)
	if err := p.Matches(rt); err != nil {
		c.out.Skipped = err.Error()
		return nil
	}
	sides := []*Side{&c.out.Model}
	for _, s := range []*Side{c.out.Best, c.out.Faster} {
		if s != nil {
			sides = append(sides, s)
		}
	}
	c.Sayf("measuring %s on this device, in turn", plural.Of(len(sides), "network"))
	timer, err := rt.Open(ctx, p.Calibration.Baseline)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range timer.Close() {
			c.out.warn("measuring: " + w)
		}
	}()
	ms := make([][]float64, len(sides))
	for round := range rounds {
		for i, s := range sides {
			t, err := timer.Time(ctx, s.network, timing.Effort{Runs: runsPerRound})
			if err != nil {
				return err
			}
			ms[i] = append(ms[i], t.EndToEnd.MedianMs)
		}
		c.Report(work.Progress{Step: "measure", Done: round + 1, Total: rounds})
	}
	for i, s := range sides {
		s.setMeasured(ms[i], ms[0])
	}
	return nil
}

// setMeasured takes the latencies of all rounds, and those of the model in the same rounds.
func (s *Side) setMeasured(ms, model []float64) {
	ratios := make([]float64, len(ms))
	for k := range ratios {
		ratios[k] = ms[k] / model[k]
	}
	s.MeasuredMs, s.Ratio = stat.Median(slices.Clone(ms)), stat.Median(ratios)
	s.RatioLow, s.RatioHigh = slices.Min(ratios), slices.Max(ratios)
}
