package latency

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"nas/blocks/engine"
	"nas/internal/fault"
	"nas/internal/stat"
	"nas/latency/internal/agreement"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Fit fits the models of a profile to its measurements: one of each kind of unit to Units,
// and the network model to HeldOut. It sets Kinds, Network and Validation. hypers gives
// the hyperparameters of kinds; those that it has not are searched, which takes longest.
func (p *Profile) Fit(hypers map[string]*stat.ResidualKernel) (*Predictor, error) {
	kinds, err := costmodel.FitKinds(p.Units, &p.Device.Target, hypers)
	if err != nil {
		return nil, err
	}
	p.setKinds(kinds)
	m := costmodel.NewUnitModel(p.Units, kinds, p.Device.Target)
	if err := p.fitHeldOut(m); err != nil {
		return nil, err
	}
	return &Predictor{p, m, p.Network}, nil
}

// setKinds stores models in the order of their names.
func (p *Profile) setKinds(kinds map[string]*costmodel.KindModel) {
	p.Kinds = slices.SortedFunc(maps.Values(kinds), func(a, b *KindModel) int { return cmp.Compare(a.Kind, b.Kind) })
}

// AddHeldOut appends a network that was measured end to end. calls are those of Device.Calls.
func (p *Profile) AddHeldOut(name string, calls []engine.Call, s timing.Sample) {
	at := make(map[engine.Unit]int, len(p.Shapes))
	for i := range p.Shapes {
		at[p.Shapes[i].Unit] = i
	}
	count := map[engine.Unit]int{}
	for i := range calls {
		count[calls[i].Unit]++
	}
	h := NetworkTime{Name: name, Measured: s}
	for i := range calls {
		u := calls[i].Unit
		if count[u] == 0 {
			continue
		}
		k, ok := at[u]
		if !ok {
			k = len(p.Shapes)
			at[u] = k
			p.Shapes = append(p.Shapes, costmodel.Unit{Unit: u})
		}
		h.Units = append(h.Units, [2]int{k, count[u]})
		delete(count, u)
	}
	p.HeldOut = append(p.HeldOut, h)
}

// fitHeldOut fits the network model to the held-out networks, and keeps how well
// each of them is predicted from the others.
func (p *Profile) fitHeldOut(m *costmodel.UnitModel) error {
	hs, macs := p.observations(m)
	for i, h := range hs {
		if !(h.Measured > 0) || !(h.Ms > 0) {
			return fault.Errorf("latency: network %s: %g ms is not a time", p.HeldOut[i].Name, h.Measured)
		}
	}
	p.Network = costmodel.FitNetwork(hs)
	left := p.Network.LOOResiduals
	if len(left) < 20 {
		return nil
	}
	ps := make([]agreement.Pair, len(hs))
	for i := range hs {
		// The prediction that the other held-out networks would have made.
		ms := hs[i].Measured * math.Exp(-left[i])
		half := p.Network.Quantile * (p.Network.Floor + hs[i].RelativeSD())
		ps[i] = agreement.Pair{
			Name: p.HeldOut[i].Name, Predicted: ms, Low: ms * math.Exp(-half), High: ms * math.Exp(half),
			Measured: hs[i].Measured, MACs: macs[i],
		}
	}
	p.Validation = agreement.Summarize(ps, agreement.FitLine(ps))
	return nil
}
