package run

import (
	"context"
	"sync"

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
	name   string
	pieces []*space.Piece
}

func (x inPieces) counts() blocks.Counts { return space.JoinCounts(x.pieces) }

func (x inPieces) predict(d *device) (latency.Estimate, error) {
	var room [64]*latency.Part
	parts := room[:0]
	for from, to := 0, 1; from < len(x.pieces); from, to = to, to+1 {
		for to < len(x.pieces) && !latency.Apart(x.pieces[to-1].Network, x.pieces[to].Network) {
			to++
		}
		p, err := d.memory.part(d.predictor, x.pieces[from:to])
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
		return e.Estimate(ctx, space.Join(x.name, x.pieces))
	}
	var room [64]*blocks.Network
	chain := room[:0]
	for _, p := range x.pieces {
		chain = append(chain, p.Network)
	}
	return c.EstimateChain(ctx, x.name, chain...)
}

// partMemory keeps the parts of a device that were predicted. The zero value is
// ready for use, by several goroutines.
type partMemory struct {
	mu     sync.RWMutex
	parts  map[stretch]*latency.Part
	before map[stretch]*latency.Part
}

// stretch is a row of pieces that cannot be cut; a shorter one ends with nil.
type stretch [3]*space.Piece

// partLimit is the number of parts in a generation, of which two are kept as in
// [space.Lowerer].
const partLimit = 1 << 14

func (m *partMemory) part(r *latency.Predictor, pieces []*space.Piece) (*latency.Part, error) {
	var key stretch
	if len(pieces) > len(key) { // rarely met again
		return r.Part(space.Join("", pieces))
	}
	copy(key[:], pieces)
	m.mu.RLock()
	p := m.parts[key]
	if p != nil {
		m.mu.RUnlock()
		return p, nil
	}
	p = m.before[key]
	m.mu.RUnlock()
	if p == nil {
		n := pieces[0].Network
		if len(pieces) > 1 {
			n = space.Join("", pieces)
		}
		var err error
		if p, err = r.Part(n); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.parts == nil || len(m.parts) >= partLimit {
		m.parts, m.before = map[stretch]*latency.Part{}, m.parts
	}
	m.parts[key] = p
	return p, nil
}
