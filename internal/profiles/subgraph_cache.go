package profiles

import (
	"sync"

	"nas/latency"
	"nas/space"
)

// SubgraphCache keeps the predicted subgraphs of a device that consist of several blocks. It holds
// two generations, as [space.Lowerer] does. The zero value is ready for use, by several goroutines.
type SubgraphCache struct {
	mu       sync.RWMutex
	recent   map[subgraphKey]*latency.Subgraph
	previous map[subgraphKey]*latency.Subgraph
}

// subgraphKey is the blocks of a subgraph; those of a shorter one end with nil.
type subgraphKey [3]*space.LoweredBlock

// generationSize is the number of subgraphs in a generation.
const generationSize = 1 << 13

func (c *SubgraphCache) Of(r *latency.Predictor, blocks []*space.LoweredBlock) (*latency.Subgraph, error) {
	var key subgraphKey
	if len(blocks) > len(key) { // such a long one hardly comes back
		return r.Subgraph(space.Join(blocks))
	}
	copy(key[:], blocks)
	c.mu.RLock()
	p, recent := c.recent[key]
	if !recent {
		p = c.previous[key]
	}
	c.mu.RUnlock()
	if recent {
		return p, nil
	}
	if p == nil {
		var err error
		if p, err = r.Subgraph(space.Join(blocks)); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil || len(c.recent) >= generationSize {
		c.recent, c.previous = map[subgraphKey]*latency.Subgraph{}, c.recent
	}
	c.recent[key] = p
	return p, nil
}
