package proxy

import (
	"nas/blocks"
	"nas/blocks/engine"
)

// runRandom runs n once with random weights on the batch that input returns, and
// returns the output. It waits until the memory that the run needs is free.
func runRandom(n *blocks.Network, d *drawer, o engine.Options, input func() []float32) ([]float32, error) {
	leave, err := theRoom.enter(n, o.Batch)
	if err != nil {
		return nil, err
	}
	defer leave()
	o.NoBlockFusion = true
	p, err := engine.Compile(n, engine.Host(1), o)
	if err != nil {
		return nil, err
	}
	if err := p.Bind(d.weightsFor(n)); err != nil {
		return nil, err
	}
	out := make([]float32, p.OutLen())
	return out, p.Run(out, input())
}

// bends tells whether a function behaves differently on the two sides of zero.
func bends(f blocks.ActFunc) bool {
	return f == blocks.ReLU || f == blocks.ReLU6 || f == blocks.HSwish || f == blocks.Swish
}

// switches tells whether node i is an activation of a map that bends at zero.
func switches(n *blocks.Network, i int) bool {
	op, ok := n.Nodes[i].Op.(*blocks.Activation)
	return ok && bends(op.Func) && !n.Nodes[i].Shape.IsVector()
}

// trimmed returns n up to its last activation of a map: what comes after does not
// change the score.
func trimmed(n *blocks.Network) *blocks.Network {
	for i := len(n.Nodes) - 1; i > 0; i-- {
		if switches(n, i) {
			return &blocks.Network{Name: n.Name, Nodes: n.Nodes[:i+1]}
		}
	}
	return n
}
