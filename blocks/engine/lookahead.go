package engine

import "nas/blocks/kernels"

// Weights are read once a run and come from far: the third-level cache, or memory. While a
// layer reads its own, it waits. A pointwise convolution has few loads for its many products, so
// each of them prefetches the weights that follow some way behind its own, and these lie in the
// second-level cache when their turn comes. Layers of a single pixel (classifiers, the two of
// squeeze-and-excite), whose time is that of fetching their weights, gain the most.

// lookAhead tells every pointwise convolution which weights to prefetch. end[i] is where those
// of step i end in data. The plan's convolutions prefetch the weights in order, up to three
// eighths of the second-level cache beyond their own, the rest of which holds the maps. With
// several threads there is no prefetch, because each has a cache of its own and reads other weights.
func (p *Plan) lookAhead(set *kernels.Set, runs []runner, end []int, data []float32) {
	if p.target.Threads > 1 || p.batch > 1 {
		return
	}
	done := 0 // weights that are in the cache or on the way
	for i, r := range runs {
		c, ok := r.(*convRun)
		if i > 0 {
			done = max(done, end[i-1])
		}
		if !ok {
			continue
		}
		from := done
		done = max(done, min(end[i]+p.target.L2/4*3/8, end[len(end)-1], from+set.Fetches(&c.g)))
		c.next = data[from:done]
	}
}
