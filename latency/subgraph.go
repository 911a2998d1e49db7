package latency

import (
	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/internal/costmodel"
)

// A Subgraph is a part of a network, one or more blocks, with the costs of its unit calls. A
// search asks for the same blocks over and over; [Predictor.Sum] adds up their subgraphs.
type Subgraph struct {
	costs        []costmodel.Cost
	warnings     []string // of each, "" for none; nil: there are none at all
	enter, leave int      // calls at its ends that only a network's input and outputs need
}

// Subgraph returns the costs of a part of a network, given as a network whose input is the value
// that the part reads.
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
			if p.warnings == nil {
				p.warnings = make([]string, len(calls))
			}
			p.warnings[i] = w
		}
		switch u.Name {
		case engine.EnterUnit:
			p.enter++
		case engine.LeaveUnit:
			p.leave++
		}
	}
	return p, nil
}

// Sum predicts a network that consists of subgraphs one after the other. The result is, to the
// bit, that of [Predictor.Predict] without Kernels, if no unit has ops of two subgraphs: see
// [CanSplit].
func (r *Predictor) Sum(subgraphs ...*Subgraph) Estimate {
	var s costmodel.Totals
	e := Estimate{Warnings: []string{}}
	var far map[string]bool
	for k, p := range subgraphs {
		from, to := p.enter, len(p.costs)-p.leave
		if k == 0 {
			from = 0
		}
		if k == len(subgraphs)-1 {
			to = len(p.costs)
		}
		for i := from; i < to; i++ {
			s.Add(&p.costs[i])
		}
		if p.warnings == nil {
			continue
		}
		for _, w := range p.warnings[from:to] {
			if w == "" {
				continue
			}
			if far == nil {
				far = map[string]bool{}
			}
			far[w] = true
		}
	}
	r.finish(&e, &s, far)
	return e
}

// FusionBoundary tells whether the ops at the beginning and at the end of a subgraph may be fused
// with those around it.
type FusionBoundary struct {
	opens        opening
	depthwiseEnd bool // its last convolution is depthwise
}

// opening tells whether a subgraph may be fused with what is before it.
type opening uint8

const (
	openFused     opening = iota // it may be
	openPointwise                // only behind a depthwise convolution
	openAlone                    // never
)

// FusionBoundaryOf returns the boundary of a subgraph, given as a network whose input is the
// value that it reads.
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

// CanSplitBefore reports whether a network can be split before the subgraph, if what is before
// it allows it: see [CanSplit].
func (e FusionBoundary) CanSplitBefore() bool { return e.opens != openFused }

// CanSplit reports whether a network can be split between two subgraphs, the second of which
// reads the result of the first: whether it is certain that no op of one is fused with an op of
// the other. That is so if the value between them is read twice, or if its reader is never
// fused with what is before it: a global pooling, or a convolution that is not depthwise, nor
// pointwise after a depthwise one.
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
