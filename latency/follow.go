package latency

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/stat"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Follow lets the profile's predictions and intervals follow networks measured in another session of its device, if
// more of them lie outside of their intervals than chance explains. ts[i] is the timing of networks[i]; eight or more,
// in the order of their latencies and spread over those of interest, are useful. It returns by how much the fastest and
// the slowest networks differ, "" if nothing was changed.
func (p *Profile) Follow(networks []*blocks.Network, ts []timing.Timing) (string, error) {
	r, err := p.Predictor()
	if err != nil {
		return "", err
	}
	hs := make([]costmodel.Observation, len(ts))
	for i := range ts {
		calls, err := p.Device.Calls(networks[i])
		if err != nil {
			return "", err
		}
		hs[i] = r.observe(calls, ts[i].EndToEnd.MedianMs)
	}
	m := *r.network // of the profile, which has no process yet
	errs, changed := m.Follow(hs)
	if !changed {
		return "", nil
	}
	own := *p.Network
	own.Drift, own.Between = m.Drift, m.Between
	p.Network = &own
	order := make([]int, len(hs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(hs[i].Measured, hs[j].Measured) })
	say := func(part []int) string {
		var e, at []float64
		for _, i := range part {
			e, at = append(e, 100*(math.Exp(-errs[i])-1)), append(at, hs[i].Measured)
		}
		return fmt.Sprintf("%+.0f %% at %.2g ms", stat.Median(e), stat.Median(at))
	}
	k := max(1, len(order)/4)
	return say(order[:k]) + " and " + say(order[len(order)-k:]), nil
}

// observe is what the units say of a network beside its measured time.
func (r *Predictor) observe(calls []engine.Call, ms float64) costmodel.Observation {
	h := costmodel.Observation{Measured: ms}
	for i := range calls {
		h.Add(r.units.Cost(&calls[i].Unit))
	}
	return h
}
