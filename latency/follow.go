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

// Followed is what a later session says of a profile.
type Followed struct {
	OffPct  float64 // median of |predicted/measured - 1|
	Busy    bool    // the machine was disturbed during most of the measurements: they decide nothing
	Changed bool    // predictions follow the measurements from now on
	Text    string  // by how much the fastest and the slowest networks differ
}

// Follow holds the profile against networks measured in another session of its device, and lets its predictions
// and intervals follow them if more of them lie outside of their intervals than chance explains. ts[i] is the
// timing of networks[i]; eight or more, spread over the latencies of interest and in their order, are useful.
func (p *Profile) Follow(networks []*blocks.Network, ts []timing.Timing) (Followed, error) {
	var f Followed
	r, err := p.Predictor()
	if err != nil {
		return f, err
	}
	hs, disturbed := make([]costmodel.Observation, len(ts)), 0
	off := make([]float64, len(ts))
	for i := range ts {
		calls, err := p.Device.Calls(networks[i])
		if err != nil {
			return f, err
		}
		hs[i] = r.observe(calls, ts[i].EndToEnd.MedianMs)
		if ts[i].Uncertain || ts[i].QuietRuns > 0 && ts[i].Incomplete() {
			disturbed++
		}
		ms, _, _ := r.network.Predict(&hs[i].Totals)
		off[i] = 100 * math.Abs(ms/hs[i].Measured-1)
	}
	f.OffPct, f.Busy = stat.Median(off), 2*disturbed > len(ts)
	if f.Busy {
		return f, nil
	}
	m := *r.network // of the profile, which has no process yet
	errs, changed := m.Follow(hs)
	if !changed {
		return f, nil
	}
	f.Changed = true
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
	f.Text = say(order[:k]) + " and " + say(order[len(order)-k:])
	return f, nil
}

// observe is what the units say of a network beside its measured time.
func (r *Predictor) observe(calls []engine.Call, ms float64) costmodel.Observation {
	h := costmodel.Observation{Measured: ms}
	for i := range calls {
		h.Add(r.units.Cost(&calls[i].Unit))
	}
	return h
}
