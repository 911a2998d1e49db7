package proxy

import (
	"context"

	"nas/blocks"
	"nas/blocks/engine"
)

// runRandom runs n once, on one thread, with the random weights of a seed on the batch
// that input makes of standard normal values, and returns the output. It waits until
// the memory that the run needs is free.
func runRandom(
	ctx context.Context, n *blocks.Network, seed uint64, o engine.Options,
	input func(normal func(n int) []float32) []float32,
) ([]float32, error) {
	release, err := limiter().reserve(ctx, n, o.Batch)
	if err != nil {
		return nil, err
	}
	defer release()
	o.NoBlockFusion = true
	p, err := engine.Compile(n, engine.Host(1), o)
	if err != nil {
		return nil, err
	}
	pool := poolOf(seed)
	if err := p.Bind(pool.weightsFor(n)); err != nil {
		return nil, err
	}
	out := make([]float32, p.OutLen())
	return out, p.Run(out, input(pool.input))
}

// runnable returns n for a smaller input, and without what comes after its last
// activation of a map: that does not change the score.
func runnable(n *blocks.Network, fraction float64) (*blocks.Network, error) {
	small, err := shrunk(n, fraction)
	if err != nil {
		return nil, err
	}
	for i := len(small.Nodes) - 1; i > 0; i-- {
		if switches(small, i) {
			return &blocks.Network{Name: small.Name, Nodes: small.Nodes[:i+1]}, nil
		}
	}
	return small, nil
}

// switches tells whether node i is an activation of a map that bends at zero.
func switches(n *blocks.Network, i int) bool {
	op, ok := n.Nodes[i].Op.(*blocks.Activation)
	return ok && bends(op.Func) && !n.Nodes[i].Shape.IsVector()
}

// bends tells whether a function behaves differently on the two sides of zero.
func bends(f blocks.ActFunc) bool {
	return f == blocks.ReLU || f == blocks.ReLU6 || f == blocks.HSwish || f == blocks.Swish
}
