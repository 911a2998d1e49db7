package evaluator

import (
	"sync"

	"nas/latency"
	"nas/space"
)

// segment returns the segment of a network that consists of these blocks.
func (d *Device) segment(blocks []*space.Piece) (*latency.Part, error) {
	if len(blocks) > 1 {
		return d.segments.segment(d.Predictor, blocks)
	}
	alone := &factsOf(blocks[0]).segments[d.index]
	if p := alone.Load(); p != nil {
		return p, nil
	}
	p, err := d.Predictor.Part(blocks[0].Network())
	if err == nil {
		alone.Store(p)
	}
	return p, err
}

// segmentCache keeps the predicted segments of a device that consist of several blocks. It holds
// two generations, as [space.Lowerer] does. The zero value is ready for use, by several goroutines.
type segmentCache struct {
	mu       sync.RWMutex
	recent   map[segmentKey]*latency.Part
	previous map[segmentKey]*latency.Part
}

// segmentKey is the blocks of a segment; those of a shorter one end with nil.
type segmentKey [3]*space.Piece

// generationSize is the number of segments in a generation.
const generationSize = 1 << 13

func (c *segmentCache) segment(r *latency.Predictor, blocks []*space.Piece) (*latency.Part, error) {
	var key segmentKey
	if len(blocks) > len(key) { // such a long one hardly comes back
		return r.Part(space.Join(blocks))
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
		if p, err = r.Part(space.Join(blocks)); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil || len(c.recent) >= generationSize {
		c.recent, c.previous = map[segmentKey]*latency.Part{}, c.recent
	}
	c.recent[key] = p
	return p, nil
}
