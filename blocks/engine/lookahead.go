package engine

// Layers of a single pixel (classifiers, the two of squeeze-and-excite) read each
// weight for one product: their time is that of fetching the weights. The
// convolution before them leaves the memory idle, and fetches what of these
// weights the second-level cache has room for beside its own data.

// lookAhead tells the convolutions which weights to fetch: those between their
// own, which end at end[i] in data, and the last of the single-pixel layers that
// follow before the next layer of many products. Threads each have a cache of
// their own and read other parts of the weights, so several do without.
func (p *Plan) lookAhead(runs []runner, end []int, data []float32) {
	if p.target.Threads > 1 || p.batch > 1 {
		return
	}
	for i, r := range runs {
		c, ok := r.(*convRun)
		if !ok || p.steps[i].Unit.Out.Pixels() == 1 {
			continue
		}
		last := i
		for k := i + 1; k < len(runs) && p.light(k); k++ {
			if u := &p.steps[k].Unit; u.Out.Pixels() == 1 && u.BytesWeights() > 0 {
				last = k
			}
		}
		n := min(end[last]-end[i], p.target.L2/4*3/8)
		c.next = data[end[i] : end[i]+n]
	}
}

// light tells whether step k does little beside what its memory costs.
func (p *Plan) light(k int) bool {
	u := &p.steps[k].Unit
	return u.Out.Pixels() == 1 || u.Name == "dwconv" || u.Name == "scale" || u.MACs() == 0
}
