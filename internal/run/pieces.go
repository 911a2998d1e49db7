package run

import (
	"context"
	"sync"
	"sync/atomic"

	"nas/accuracy"
	"nas/blocks"
	"nas/latency"
	"nas/space"
)

// lowered is a network as the evaluator needs it.
type lowered interface {
	counts() blocks.Counts
	predict(*device) (latency.Estimate, error) // Kernels may be missing
	score(context.Context, accuracy.Estimator) (accuracy.Score, error)
}

// whole is a network of any origin.
type whole struct{ n *blocks.Network }

func (w whole) counts() blocks.Counts                       { return w.n.Counts() }
func (w whole) predict(d *device) (latency.Estimate, error) { return d.predictor.Predict(w.n) }

func (w whole) score(ctx context.Context, e accuracy.Estimator) (accuracy.Score, error) {
	return e.Estimate(ctx, w.n)
}

// inPieces is a candidate of a search: a chain of pieces, most of which occurred
// in candidates before it. What is said of it is to the bit what is said of the
// whole network.
type inPieces struct {
	arch   *space.Arch
	name   string
	pieces []*space.LoweredBlock
}

// known is what is kept of a piece.
type known struct {
	ends    latency.FusionBoundary
	stretch *accuracy.Stretch
	alone   []atomic.Pointer[latency.Subgraph] // by device, if it was asked for: of this piece alone
}

// study is [space.Lowerer.Analyze].
func (e *evaluator) study(n *blocks.Network) any {
	k := &known{latency.FusionBoundaryOf(n), accuracy.NewStretch(n), make([]atomic.Pointer[latency.Subgraph], len(e.devices))}
	if k.ends.CanSplitBefore() { // most stand alone, and n is at hand
		for i, d := range e.devices {
			if p, err := d.predictor.Subgraph(n); err == nil {
				k.alone[i].Store(p)
			}
		}
	}
	return k
}

func knownOf(p *space.LoweredBlock) *known { return p.Analysis.(*known) }

func (x inPieces) counts() blocks.Counts { return space.JoinCounts(x.pieces) }

func (x inPieces) predict(d *device) (latency.Estimate, error) {
	var room [64]*latency.Subgraph
	parts := room[:0]
	for from, to := 0, 1; from < len(x.pieces); from, to = to, to+1 {
		for to < len(x.pieces) && !latency.CanSplit(knownOf(x.pieces[to-1]).ends, knownOf(x.pieces[to]).ends) {
			to++
		}
		p, err := d.part(x.pieces[from:to])
		if err != nil {
			return latency.Estimate{}, err
		}
		parts = append(parts, p)
	}
	return d.predictor.Sum(parts...), nil
}

func (x inPieces) score(ctx context.Context, e accuracy.Estimator) (accuracy.Score, error) {
	c, ok := e.(accuracy.ChainEstimator)
	if !ok {
		n, err := x.arch.Network()
		if err != nil {
			return accuracy.Score{}, err
		}
		return e.Estimate(ctx, n)
	}
	var room [64]*accuracy.Stretch
	chain := room[:0]
	for _, p := range x.pieces {
		chain = append(chain, knownOf(p).stretch)
	}
	return c.EstimateChain(ctx, x.name, chain...)
}

// part returns the part of a network that cannot be cut.
func (d *device) part(pieces []*space.LoweredBlock) (*latency.Subgraph, error) {
	if len(pieces) > 1 {
		return d.memory.part(d.predictor, pieces)
	}
	alone := &knownOf(pieces[0]).alone[d.at]
	if p := alone.Load(); p != nil {
		return p, nil
	}
	p, err := d.predictor.Subgraph(pieces[0].Network())
	if err == nil {
		alone.Store(p)
	}
	return p, err
}

// partMemory keeps the parts of a device that consist of several pieces and were
// predicted. The zero value is ready for use, by several goroutines.
type partMemory struct {
	mu     sync.RWMutex
	parts  map[stretch]*latency.Subgraph
	before map[stretch]*latency.Subgraph
}

// stretch is a row of pieces that cannot be cut; a shorter one ends with nil.
type stretch [3]*space.LoweredBlock

// partLimit is the number of parts in a generation, of which two are kept as in
// [space.Lowerer].
const partLimit = 1 << 13

func (m *partMemory) part(r *latency.Predictor, pieces []*space.LoweredBlock) (*latency.Subgraph, error) {
	var key stretch
	if len(pieces) > len(key) { // rarely met again
		return r.Subgraph(space.Join(pieces))
	}
	copy(key[:], pieces)
	m.mu.RLock()
	p, recent := m.parts[key]
	if !recent {
		p = m.before[key]
	}
	m.mu.RUnlock()
	if recent {
		return p, nil
	}
	if p == nil {
		var err error
		if p, err = r.Subgraph(space.Join(pieces)); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.parts == nil || len(m.parts) >= partLimit {
		m.parts, m.before = map[stretch]*latency.Subgraph{}, m.parts
	}
	m.parts[key] = p
	return p, nil
}
