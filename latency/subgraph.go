package latency

import (
	"nas/blocks"
	"nas/latency/internal/costmodel"
)

// A Subgraph is a stretch of a network, cut into units and costed once. A search asks
// for the same blocks over and over: [Predictor.Sum] adds up their parts.
type Subgraph struct {
	costs    []costmodel.Cost
	warnings []string // of units
}

// Subgraph cuts and costs a stretch of a network, given as a network whose input is
// what the stretch reads.
func (r *Predictor) Subgraph(n *blocks.Network) (*Subgraph, error) {
	calls, err := r.p.Device.Calls(n)
	if err != nil {
		return nil, err
	}
	p := &Subgraph{costs: make([]costmodel.Cost, len(calls))}
	for i := range calls {
		u := &calls[i].Unit
		p.costs[i] = *r.units.Cost(u)
		if w := p.costs[i].Warning(u); w != "" {
			p.warnings = append(p.warnings, w)
		}
	}
	return p, nil
}

// Sum predicts a network that consists of parts one after the other, to the bit
// what [Predictor.Predict] says of it, but for the Kernels, which are left out. No
// unit may reach from one part into the next: see [CanSplit].
func (r *Predictor) Sum(parts ...*Subgraph) Estimate {
	var s costmodel.Totals
	e := Estimate{Warnings: []string{}}
	var far map[string]bool
	for _, p := range parts {
		for i := range p.costs {
			s.Add(&p.costs[i])
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

// FusionBoundary is how a stretch of a network begins and ends.
type FusionBoundary struct {
	opens        opening
	depthwiseEnd bool // its last convolution is depthwise
}

// opening says whether a stretch may be fused with what is in front of it.
type opening uint8

const (
	openFused     opening = iota // it may be
	openPointwise                // only behind a depthwise convolution
	openAlone                    // never
)

// FusionBoundaryOf returns how a stretch, given as a network whose input is what it reads,
// begins and ends.
func FusionBoundaryOf(n *blocks.Network) FusionBoundary {
	e := FusionBoundary{depthwiseEnd: endsDepthwise(n)}
	readers := 0
	for i := 1; i < len(n.Nodes); i++ {
		for _, j := range n.Nodes[i].Inputs {
			if j > 0 {
				continue
			}
			readers++
			switch o := n.Nodes[i].Op.(type) {
			case *blocks.ChannelSlice, *blocks.Concat:
				e.opens = openFused // whether these are calls depends on what is around them
				return e
			case *blocks.GlobalPool:
				e.opens = openAlone
			case *blocks.Conv:
				if !o.Depthwise(n.Input().C) {
					e.opens = openPointwise
				}
			}
		}
	}
	if readers > 1 {
		e.opens = openAlone
	}
	return e
}

// CanSplitBefore reports whether there is a stretch that it may be cut from, behind it.
func (e FusionBoundary) CanSplitBefore() bool { return e.opens != openFused }

// CanSplit reports whether a network may be cut between two stretches of it, so that
// next reads what before computes: whether it is certain that no op of one is fused
// with one of the other. That is so where the value between them is read twice,
// or by something that is fused with nothing in front of it: a global pooling, or a
// convolution, which must not be depthwise, nor pointwise behind a depthwise one.
func CanSplit(before, next FusionBoundary) bool {
	return next.opens == openAlone || next.opens == openPointwise && !before.depthwiseEnd
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
