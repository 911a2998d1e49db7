package latency

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/plural"
	"nas/latency/internal/costmodel"
	"nas/latency/timing"
)

// Estimate is a predicted latency.
type Estimate struct {
	LatencyMs float64 `json:"latency_ms"`
	// LowMs and HighMs hold the measured latency of 90 % of networks like those of the
	// calibration.
	LowMs    float64  `json:"low_ms"`
	HighMs   float64  `json:"high_ms"`
	Kernels  []Kernel `json:"kernels"`  // in the order of their first call
	Warnings []string `json:"warnings"` // never nil
}

// Kernel is one row of an estimate: all calls of one unit.
type Kernel struct {
	Name   string  `json:"name"`   // the routine, as in engine.Unit
	Shape  string  `json:"shape"`  // the rest of the unit's key
	Ms     float64 `json:"ms"`     // of all calls together
	Count  int     `json:"count"`  // of calls
	Source string  `json:"source"` // "table": it was timed; "model": from units of its kind; "unknown": neither
	// Stage and Block are the place of each call, in order of the calls.
	Places [][2]int    `json:"-"`
	Unit   engine.Unit `json:"-"`
}

// Predictor predicts from a profile. It is safe for concurrent use.
type Predictor struct {
	p       *Profile
	units   *costmodel.UnitModel
	network *costmodel.NetworkModel
}

// Predictor makes the profile ready to predict. If the stored models have terms or features that
// this program has not, models are fitted anew to the measurements.
func (p *Profile) Predictor() (*Predictor, error) {
	kinds, err := costmodel.RestoreKinds(p.Kinds, p.Units, &p.Device.Target)
	if err != nil {
		return nil, err
	}
	r := &Predictor{p, costmodel.NewUnitModel(p.Units, kinds, p.Device.Target), new(costmodel.NetworkModel)}
	if p.Sums != nil {
		r.units.Sum = p.Sums.Restored(p.measuredUnits(), &p.Device.Target)
	}
	*r.network = *p.Network
	hs, _ := p.observations(r.units)
	if err := r.network.Restore(hs); err != nil {
		return nil, err
	}
	return r, nil
}

// Device returns what the predictions are for.
func (r *Predictor) Device() timing.Device { return r.p.Device }

// Target returns the target that a network must be compiled for.
func (r *Predictor) Target() engine.Target { return r.p.Device.Target }

// Predict predicts the latency of a network. It fails only if the network cannot be compiled for
// the profile's target. Units unlike all that were measured give a warning and a wide interval.
func (r *Predictor) Predict(n *blocks.Network) (Estimate, error) {
	calls, err := r.p.Device.Calls(n)
	if err != nil {
		return Estimate{}, err
	}
	return r.PredictCalls(calls), nil
}

// PredictCalls is Predict for the unit calls of a network (Device.Calls).
func (r *Predictor) PredictCalls(calls []engine.Call) Estimate {
	var s costmodel.Totals
	var e Estimate
	at := make(map[engine.Unit]int, len(calls))
	far := map[string]bool{} // warnings of units
	e.Warnings = []string{}
	for i := range calls {
		u := &calls[i].Unit
		c := r.units.Cost(u)
		s.Add(c)
		k, ok := at[*u]
		if !ok {
			k = len(e.Kernels)
			at[*u] = k
			name, shape, _ := strings.Cut(u.Key(), " ")
			e.Kernels = append(e.Kernels, Kernel{Name: name, Shape: shape, Source: c.SourceName(), Unit: *u})
			if w := c.Warning(u); w != "" {
				far[w] = true
			}
		}
		e.Kernels[k].Ms += c.Ms
		e.Kernels[k].Count++
		e.Kernels[k].Places = append(e.Kernels[k].Places, [2]int{calls[i].Stage, calls[i].Block})
	}
	r.finish(&e, &s, far)
	return e
}

// finish sets the latency and the warnings of an estimate, those of the units first.
func (r *Predictor) finish(e *Estimate, s *costmodel.Totals, far map[string]bool) {
	e.Warnings = append(e.Warnings, slices.Sorted(maps.Keys(far))...)
	e.LatencyMs, e.LowMs, e.HighMs = r.network.Predict(s)
	if n := r.network.HeldOut; n < minHeldOut {
		e.Warnings = append(e.Warnings, fmt.Sprintf("the interval rests on %s only", plural.Of(n, "measured network")))
	}
	if w := r.OutsideMeasured(e.LatencyMs); w != "" {
		e.Warnings = append(e.Warnings, w)
	}
}

// minHeldOut is the number of held-out networks from which on their range of latencies counts.
const minHeldOut = 20

// OutsideMeasured returns a warning where a predicted latency, in ms, lies far from those of all networks that
// the profile has measured: the interval is no more than a guess there. It is "" elsewhere, and for a profile of
// few networks, all of whose intervals have a warning.
func (r *Predictor) OutsideMeasured(ms float64) string {
	m := r.network
	if m.HeldOut < minHeldOut || m.LowMs/2 <= ms && ms <= 2*m.HighMs {
		return ""
	}
	return fmt.Sprintf("the latency is outside of what was measured (%.3g to %.3g ms)", m.LowMs, m.HighMs)
}

// Unit predicts the time of one unit call in ms, and its standard deviation relative to it.
func (r *Predictor) Unit(u *engine.Unit) (ms, sd float64) {
	c := r.units.Cost(u)
	return c.Ms, math.Sqrt(c.Var2) / c.Ms
}

// Latency returns the latency and the interval of PredictCalls in ms. It allocates nothing once
// every unit has been asked for.
func (r *Predictor) Latency(calls []engine.Call) (ms, low, high float64) {
	var s costmodel.Totals
	for i := range calls {
		s.Add(r.units.Cost(&calls[i].Unit))
	}
	return r.network.Predict(&s)
}

// observations returns what m says of the held-out networks beside their measured times, and
// their MACs.
func (p *Profile) observations(m *costmodel.UnitModel) (hs []costmodel.Observation, macs []float64) {
	hs, macs = make([]costmodel.Observation, len(p.HeldOut)), make([]float64, len(p.HeldOut))
	for i, h := range p.HeldOut {
		hs[i].Measured = h.Measured.MedianMs
		for _, u := range h.Units {
			c := m.Cost(&p.Shapes[u[0]].Unit)
			macs[i] += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
			for range u[1] {
				hs[i].Add(c)
			}
		}
	}
	return hs, macs
}

// measuredUnits returns the units that the knots of Sums belong to: those of the table, or of the
// held-out networks if no unit was timed.
func (p *Profile) measuredUnits() []engine.Unit {
	var units []engine.Unit
	for i := range p.Units {
		units = append(units, p.Units[i].Unit)
	}
	if len(units) == 0 {
		for i := range p.Shapes {
			units = append(units, p.Shapes[i].Unit)
		}
	}
	return units
}

// Part is the latency of some of a network's unit calls, in ms, with the 90 % interval.
type Part struct {
	Ms     float64 `json:"ms"`
	LowMs  float64 `json:"low_ms"`
	HighMs float64 `json:"high_ms"`
}

// Parts divides the predicted latency of a network among groups of its unit calls: group[i] is that of call i, from 0
// to groups-1. The parts add up to the latency. Their intervals do not add up, because errors of units cancel.
func (r *Predictor) Parts(calls []engine.Call, group []int, groups int) []Part {
	total, _, _ := r.Latency(calls)
	ps, variance, sum := make([]Part, groups), make([]float64, groups), 0.0
	for i := range calls {
		c := r.units.Cost(&calls[i].Unit)
		ps[group[i]].Ms += c.Ms
		variance[group[i]] += c.Var2
		sum += c.Ms
	}
	scale := total / max(sum, 1e-9)
	for k := range ps {
		half := r.half(math.Sqrt(variance[k]) / max(ps[k].Ms, 1e-9))
		ps[k].Ms *= scale
		ps[k].LowMs, ps[k].HighMs = ps[k].Ms*math.Exp(-half), ps[k].Ms*math.Exp(half)
	}
	return ps
}

// half is half the width of the logarithm of an interval, for units of a relative standard deviation.
func (r *Predictor) half(sd float64) float64 {
	return min(r.network.Quantile*(r.network.Floor+sd)+r.network.Between, 2.3)
}

// Gain is by how much a network of calls after is predicted to be faster than one of calls before; it is negative
// where that is slower. The interval is that of the difference: what both networks have in common does not count.
func (r *Predictor) Gain(before, after []engine.Call) Part {
	a, _, _ := r.Latency(before)
	b, _, _ := r.Latency(after)
	count := map[engine.Unit]int{}
	sum := 0.0
	for i := range before {
		count[before[i].Unit]++
		sum += r.units.Cost(&before[i].Unit).Ms
	}
	for i := range after {
		count[after[i].Unit]--
	}
	variance := 0.0
	for u, n := range count {
		variance += float64(n*n) * r.units.Cost(&u).Var2 // calls of one unit have one error
	}
	gain := a - b
	half := (math.Exp(r.half(0))-1)*math.Abs(gain) + r.network.Quantile*math.Sqrt(variance)*a/max(sum, 1e-9)
	return Part{gain, gain - half, gain + half}
}
