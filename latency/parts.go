package latency

import "nas/blocks"

// A Part is a stretch of a network, cut into units and costed once. A search asks
// for the same blocks over and over: [Predictor.Sum] adds up their parts.
type Part struct {
	costs    []cost
	warnings []string // of units
}

// Part cuts and costs a stretch of a network, given as a network whose input is
// what the stretch reads.
func (r *Predictor) Part(n *blocks.Network) (*Part, error) {
	calls, err := cut(n, r.p.Device)
	if err != nil {
		return nil, err
	}
	p := &Part{costs: make([]cost, len(calls))}
	for i := range calls {
		u := &calls[i].Unit
		p.costs[i] = r.cost(u)
		if w := p.costs[i].warning(u); w != "" {
			p.warnings = append(p.warnings, w)
		}
	}
	return p, nil
}

// Sum predicts a network that consists of parts one after the other, to the bit
// what [Predictor.Predict] says of it, but for the Kernels, which are left out. No
// unit may reach from one part into the next: see [Apart].
func (r *Predictor) Sum(parts ...*Part) Estimate {
	var s sums
	e := Estimate{Warnings: []string{}}
	var far map[string]bool
	for _, p := range parts {
		for i := range p.costs {
			s.add(&p.costs[i])
		}
		for _, w := range p.warnings {
			if far == nil {
				far = map[string]bool{}
			}
			far[w] = true
		}
	}
	r.finish(&e, &s, far)
	return e
}

// Apart reports whether a network may be cut between two stretches of it, so that
// next reads what before computes: whether it is certain that no op of one is fused
// with one of the other. That is so where the value between them is read twice,
// or by something that is fused with nothing in front of it: a global pooling, or a
// convolution, which must not be depthwise, nor pointwise behind a depthwise one.
func Apart(before, next *blocks.Network) bool {
	readers, alone := 0, false
	for i := 1; i < len(next.Nodes); i++ {
		for _, j := range next.Nodes[i].Inputs {
			if j > 0 {
				continue
			}
			readers++
			switch o := next.Nodes[i].Op.(type) {
			case *blocks.ChannelSlice, *blocks.Concat:
				return false // whether these are calls depends on what is around them
			case *blocks.GlobalPool:
				alone = true
			case *blocks.Conv:
				alone = !o.Depthwise(next.Input().C) && !endsDepthwise(before)
			}
		}
	}
	return readers > 1 || readers == 1 && alone
}

// endsDepthwise reports whether the last convolution of n is depthwise.
func endsDepthwise(n *blocks.Network) bool {
	for i := len(n.Nodes) - 1; i > 0; i-- {
		if o, ok := n.Nodes[i].Op.(*blocks.Conv); ok {
			return o.Depthwise(n.Nodes[n.Nodes[i].Inputs[0]].Shape.C)
		}
	}
	return false
}
