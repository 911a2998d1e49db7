package evaluator

import (
	"context"
	"sync/atomic"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/profiles"
	"nas/latency"
	"nas/space"
)

// lowered is a network as the evaluator needs it.
type lowered interface {
	counts() blocks.Counts
	// arena is the planned part of TensorFlow Lite Micro's arena in bytes, for integers of 8 bits.
	arena() (int, error)
	predict(*profiles.Device) (latency.Estimate, error) // Kernels may be missing
	score(context.Context, accuracy.Estimator) (accuracy.Score, error)
}

// wholeNetwork is a network of any origin.
type wholeNetwork struct{ n *blocks.Network }

func (w wholeNetwork) counts() blocks.Counts { return w.n.Counts() }
func (w wholeNetwork) predict(d *profiles.Device) (latency.Estimate, error) {
	return d.Predictor.Predict(w.n)
}

func (w wholeNetwork) arena() (int, error) {
	m, err := tflite.Outline(w.n)
	if err != nil {
		return 0, err
	}
	_, p, err := arena.BestOrder(m)
	if err != nil {
		return 0, err
	}
	return p.Bytes, nil
}

func (w wholeNetwork) score(ctx context.Context, e accuracy.Estimator) (accuracy.Score, error) {
	return e.Estimate(ctx, w.n)
}

// blockChain is a candidate of a search: a chain of lowered blocks. Most of them occurred in
// earlier candidates, so their counts, latencies and features are at hand. The values of a chain
// have the same bits as those of the whole network.
type blockChain struct {
	arch   *space.Arch
	name   string
	blocks []*space.LoweredBlock
}

// blockFacts are kept with each lowered block.
type blockFacts struct {
	boundary latency.FusionBoundary
	features *accuracy.BlockFeatures
	// subgraphs are, for each device, the block as a subgraph of its own; nil until somebody asked for it.
	subgraphs []atomic.Pointer[latency.Subgraph]
}

// analyzer is the [space.Lowerer.Analyze] of an evaluator with these devices. It prepares the subgraphs
// at once where the runtime may cut the network before the block: most blocks are subgraphs of their own
// then, and n is at hand.
func analyzer(devices []*profiles.Device) func(n *blocks.Network) any {
	return func(n *blocks.Network) any {
		f := &blockFacts{
			latency.FusionBoundaryOf(n), accuracy.NewBlockFeatures(n), make([]atomic.Pointer[latency.Subgraph], len(devices)),
		}
		if f.boundary.CanSplitBefore() {
			for i, d := range devices {
				if p, err := d.Predictor.Subgraph(n); err == nil {
					f.subgraphs[i].Store(p)
				}
			}
		}
		return f
	}
}

func factsOf(p *space.LoweredBlock) *blockFacts { return p.Analysis.(*blockFacts) }

func (x blockChain) counts() blocks.Counts { return space.JoinCounts(x.blocks) }

func (x blockChain) arena() (int, error) {
	n, err := x.arch.Network()
	if err != nil {
		return 0, err
	}
	return wholeNetwork{n}.arena()
}

// predict sums the subgraphs of the chain: the runs of blocks that the runtime does not fuse with their neighbours.
func (x blockChain) predict(d *profiles.Device) (latency.Estimate, error) {
	var buffer [64]*latency.Subgraph
	subgraphs := buffer[:0]
	for from, to := 0, 1; from < len(x.blocks); from, to = to, to+1 {
		for to < len(x.blocks) && !latency.CanSplit(factsOf(x.blocks[to-1]).boundary, factsOf(x.blocks[to]).boundary) {
			to++
		}
		s, err := subgraphOf(d, x.blocks[from:to])
		if err != nil {
			return latency.Estimate{}, err
		}
		subgraphs = append(subgraphs, s)
	}
	return d.Predictor.Sum(subgraphs...), nil
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
	var buffer [64]*accuracy.BlockFeatures
	features := buffer[:0]
	for _, p := range x.blocks {
		features = append(features, factsOf(p).features)
	}
	return c.EstimateChain(ctx, x.name, features...)
}

// subgraphOf returns the subgraph of a network that consists of these blocks, as a device runs it.
func subgraphOf(d *profiles.Device, blocks []*space.LoweredBlock) (*latency.Subgraph, error) {
	if len(blocks) > 1 {
		return d.Subgraphs.Of(d.Predictor, blocks)
	}
	alone := &factsOf(blocks[0]).subgraphs[d.Index]
	if p := alone.Load(); p != nil {
		return p, nil
	}
	p, err := d.Predictor.Subgraph(blocks[0].Network())
	if err == nil {
		alone.Store(p)
	}
	return p, err
}
