package evaluator

import (
	"context"
	"sync/atomic"

	"nas/accuracy"
	"nas/blocks"
	"nas/latency"
	"nas/space"
)

// lowered is a network as the evaluator needs it.
type lowered interface {
	counts() blocks.Counts
	predict(*Device) (latency.Estimate, error) // Kernels may be missing
	score(context.Context, accuracy.Estimator) (accuracy.Score, error)
}

// wholeNetwork is a network of any origin.
type wholeNetwork struct{ n *blocks.Network }

func (w wholeNetwork) counts() blocks.Counts                       { return w.n.Counts() }
func (w wholeNetwork) predict(d *Device) (latency.Estimate, error) { return d.Predictor.Predict(w.n) }

func (w wholeNetwork) score(ctx context.Context, e accuracy.Estimator) (accuracy.Score, error) {
	return e.Estimate(ctx, w.n)
}

// blockChain is a candidate of a search: a chain of lowered blocks. Most of them occurred in
// earlier candidates, so their counts, latencies and features are at hand. The values of a chain
// have the same bits as those of the whole network.
type blockChain struct {
	arch   *space.Arch
	name   string
	blocks []*space.Piece
}

// blockFacts are kept with each lowered block.
type blockFacts struct {
	ends     latency.Ends
	features *accuracy.Stretch
	// segments are, for each device, the block as a segment of its own; nil until somebody asked for it.
	segments []atomic.Pointer[latency.Part]
}

// study is [space.Lowerer.Study]. It prepares the segments at once where the runtime may cut the
// network before the block: most blocks are segments of their own then, and n is at hand.
func (e *Evaluator) study(n *blocks.Network) any {
	f := &blockFacts{latency.EndsOf(n), accuracy.NewStretch(n), make([]atomic.Pointer[latency.Part], len(e.Devices))}
	if f.ends.Opens() {
		for i, d := range e.Devices {
			if p, err := d.Predictor.Part(n); err == nil {
				f.segments[i].Store(p)
			}
		}
	}
	return f
}

func factsOf(p *space.Piece) *blockFacts { return p.Known.(*blockFacts) }

func (x blockChain) counts() blocks.Counts { return space.JoinCounts(x.blocks) }

// predict sums the segments of the chain: the runs of blocks that the runtime does not fuse with their neighbours.
func (x blockChain) predict(d *Device) (latency.Estimate, error) {
	var buffer [64]*latency.Part
	segments := buffer[:0]
	for from, to := 0, 1; from < len(x.blocks); from, to = to, to+1 {
		for to < len(x.blocks) && !latency.Apart(factsOf(x.blocks[to-1]).ends, factsOf(x.blocks[to]).ends) {
			to++
		}
		s, err := d.segment(x.blocks[from:to])
		if err != nil {
			return latency.Estimate{}, err
		}
		segments = append(segments, s)
	}
	return d.Predictor.Sum(segments...), nil
}

func (x blockChain) score(ctx context.Context, e accuracy.Estimator) (accuracy.Score, error) {
	c, ok := e.(accuracy.ChainEstimator)
	if !ok {
		n, err := x.arch.Network()
		if err != nil {
			return accuracy.Score{}, err
		}
		return e.Estimate(ctx, n)
	}
	var buffer [64]*accuracy.Stretch
	features := buffer[:0]
	for _, p := range x.blocks {
		features = append(features, factsOf(p).features)
	}
	return c.EstimateChain(ctx, x.name, features...)
}
