package run

import (
	"context"
	"slices"

	"nas/latency/timing"
)

const (
	improveRounds = 7
	improveRuns   = 15 // of each network in a round
)

// time measures the networks in turn, round after round, so that a machine that
// gets slower does so for all of them.
func (m *improver) time(ctx context.Context) error {
	d := m.eval.devices[0]
	rt := timing.NewNative(d.profile.Device.Threads)
	if err := d.profile.Matches(rt); err != nil {
		m.out.Skipped = err.Error()
		return nil
	}
	sides := []*ImproveSide{&m.out.Model}
	for _, s := range []*ImproveSide{m.out.Best, m.out.Faster} {
		if s != nil {
			sides = append(sides, s)
		}
	}
	m.say("measuring %d networks on this device, in turn", len(sides))
	timer, err := rt.Open(ctx, d.profile.Calibration.Baseline)
	if err != nil {
		return err
	}
	defer func() {
		for _, w := range timer.Close() {
			m.out.Warnings = with(m.out.Warnings, "measuring: "+w)
		}
	}()
	ms := make([][]float64, len(sides))
	for round := range improveRounds {
		for i, s := range sides {
			t, err := timer.Time(ctx, s.net, timing.Effort{Runs: improveRuns})
			if err != nil {
				return err
			}
			ms[i] = append(ms[i], t.EndToEnd.MedianMs)
		}
		m.progress(Progress{Step: "measure", Done: round + 1, Total: improveRounds})
	}
	for i, s := range sides {
		ratios := make([]float64, improveRounds)
		for k := range ratios {
			ratios[k] = ms[i][k] / ms[0][k]
		}
		slices.Sort(ratios)
		slices.Sort(ms[i])
		s.MeasuredMs = ms[i][improveRounds/2]
		s.Ratio, s.RatioLow, s.RatioHigh = ratios[improveRounds/2], ratios[0], ratios[improveRounds-1]
	}
	return nil
}
