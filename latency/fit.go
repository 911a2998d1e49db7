package latency

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"

	"nas/blocks/engine"
	"nas/internal/stat"
)

// paced tells whether what was measured was brought to the reference kernel's pace.
func (p Pace) paced() bool { return p.Slow > slowLimit && p.BaseMs > 0 }

// slowAt tells whether the machine was slow, now that the reference kernel's
// undisturbed time is known to be base.
func (p Pace) slowAt(base float64) bool {
	return p.Unsure || base > 0 && (p.paced() || p.RefMs > slowLimit*base)
}

// correction is what times measured at this pace have to be multiplied by to be those
// of an undisturbed machine as far as that is possible: 1 if it was undisturbed. Where a
// neighbour stayed for a whole visit, and for the visits after it, times at the
// reference kernel's pace are off by a twentieth; as they are, by a third.
func (p Pace) correction(base float64) float64 {
	switch {
	case base <= 0:
	case p.paced(): // by the base as it was known then
		return base / p.BaseMs
	case p.RefMs > slowLimit*base:
		return base / p.RefMs
	}
	return 1
}

// table makes the rows of the profile's table from what was measured.
func (c *calibration) table() []UnitTime {
	base := c.timer.Baseline().ReferenceMs
	// How much a unit varies from network to network, where that was seen.
	var between []float64
	for _, rs := range c.units {
		if len(rs) >= 4 {
			var ms []float64
			for _, r := range rs {
				if !r.slowAt(base) {
					ms = append(ms, r.ms)
				}
			}
			if len(ms) >= 4 {
				between = append(between, spreadOf(ms))
			}
		}
	}
	typical := 0.03
	if len(between) >= 10 {
		typical = max(0.005, stat.Median(between))
	}
	var out []UnitTime
	for u, rs := range c.units {
		var ms, sp []float64
		for _, r := range rs {
			if !r.slowAt(base) {
				ms, sp = append(ms, r.ms), append(sp, r.spread)
			}
		}
		if len(ms) == 0 { // measured in a slow moment only: better than nothing
			for _, r := range rs {
				ms, sp = append(ms, r.ms*r.correction(base)), append(sp, r.spread+0.05)
			}
		}
		row := UnitTime{Unit: u, Networks: len(ms)}
		if k, ok := c.kept[u]; ok { // counts as often as it was measured, within reason
			for range min(k.Networks, 5) {
				ms = append(ms, k.Ms)
				sp = append(sp, k.Spread)
			}
			row.Networks += k.Networks
		}
		n := len(ms)
		one := math.Hypot(typical, stat.Median(sp))
		if n >= 4 {
			one = max(spreadOf(slices.Clone(ms)), typical/2)
		}
		row.Ms = stat.Median(ms)
		row.Spread = one / math.Sqrt(float64(n))
		out = append(out, row)
	}
	for u, k := range c.kept {
		if _, ok := c.units[u]; !ok {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b UnitTime) int { return strings.Compare(a.Unit.Key(), b.Unit.Key()) })
	return out
}

// refit fits the unit models to what there is, and judges them by the held-out
// networks. search looks for hyperparameters anew.
func (c *calibration) refit(search bool) error {
	c.report("fitting")
	if search {
		c.hypers = map[string]*stat.ResidualKernel{}
	}
	p, kinds, err := c.model()
	if err != nil {
		return err
	}
	for k, m := range kinds {
		c.hypers[k] = m.Hyper
	}
	c.guesser = newPredictor(p, kinds)
	if p.Validation != nil {
		c.error = p.Validation.MAPEPct / 100
	}
	runtime.GC()
	return nil
}

// model fits a profile to what was measured.
func (c *calibration) model() (*Profile, map[string]*KindModel, error) {
	p := &Profile{Format: Format, Device: c.dev, Units: c.table()}
	kinds, err := fitKinds(p.Units, &p.Device.Target, c.hypers)
	if err != nil {
		return nil, nil, err
	}
	p.Kinds = slices.SortedFunc(maps.Values(kinds), func(a, b *KindModel) int { return cmp.Compare(a.Kind, b.Kind) })
	at := map[engine.Unit]int{}
	if b := c.opts.Base; b != nil {
		p.Shapes, p.HeldOut = slices.Clone(b.Shapes), slices.Clone(b.HeldOut)
		for i, s := range p.Shapes {
			at[s.Unit] = i
		}
	}
	base := c.timer.Baseline().ReferenceMs
	quiet := slices.DeleteFunc(slices.Clone(c.whole), func(w wholeRecord) bool { return w.t.slowAt(base) })
	if len(quiet) < max(20, len(c.whole)/2) {
		quiet = c.whole
	}
	for _, w := range quiet {
		p.addHeldOut(w.net.Name, w.calls, w.t.Whole.scaled(w.t.correction(base)), at)
	}
	if err := p.fitHeldOut(newPredictor(p, kinds)); err != nil {
		return nil, nil, err
	}
	p.Network.Between = betweenSessions
	return p, kinds, nil
}

// addHeldOut appends a network measured whole. at finds the index of a shape.
func (p *Profile) addHeldOut(name string, calls []engine.Call, s Sample, at map[engine.Unit]int) {
	count := map[engine.Unit]int{}
	for i := range calls {
		count[calls[i].Unit]++
	}
	h := WholeTime{Name: name, Measured: s}
	for i := range calls {
		u := calls[i].Unit
		if count[u] == 0 {
			continue
		}
		k, ok := at[u]
		if !ok {
			k = len(p.Shapes)
			at[u] = k
			p.Shapes = append(p.Shapes, engineUnit{u})
		}
		h.Units = append(h.Units, [2]int{k, count[u]})
		delete(count, u)
	}
	p.HeldOut = append(p.HeldOut, h)
}

// fitHeldOut fits the network model to the held-out networks, and keeps how well
// each of them is predicted from the others.
func (p *Profile) fitHeldOut(r *Predictor) error {
	hs, macs := p.sums(r)
	for i, h := range hs {
		if !(h.measured > 0) || !(h.ms > 0) {
			return fmt.Errorf("latency: network %s: %g ms is not a time", p.HeldOut[i].Name, h.measured)
		}
	}
	p.Network = fitNetwork(hs)
	left := p.Network.left
	if len(left) < 20 {
		return nil
	}
	ps := make([]pair, len(hs))
	for i := range hs {
		// The prediction that the other held-out networks would have made.
		ms := hs[i].measured * math.Exp(-left[i])
		half := p.Network.Quantile * (p.Network.Floor + hs[i].spread())
		ps[i] = pair{p.HeldOut[i].Name, ms, ms * math.Exp(-half), ms * math.Exp(half), hs[i].measured, macs[i]}
	}
	p.Validation = summarize(ps, fitLine(ps))
	return nil
}

// sums adds up the units of the held-out networks, and their MACs.
func (p *Profile) sums(r *Predictor) (hs []heldOut, macs []float64) {
	hs, macs = make([]heldOut, len(p.HeldOut)), make([]float64, len(p.HeldOut))
	for i, h := range p.HeldOut {
		hs[i].measured = h.Measured.MedianMs
		for _, u := range h.Units {
			c := r.cost(&p.Shapes[u[0]].Unit)
			macs[i] += float64(p.Shapes[u[0]].MACs()) * float64(u[1])
			for range u[1] {
				hs[i].add(c)
			}
		}
	}
	return hs, macs
}
