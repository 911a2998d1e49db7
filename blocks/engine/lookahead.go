package engine

// Layers of a single pixel (classifiers, the two of squeeze-and-excite) use each
// weight once, so that fetching the weights takes all their time. The convolution
// before them leaves the memory idle. It prefetches as many of their weights as
// the second-level cache holds beside its own data.

// lookAhead tells every convolution i which weights to prefetch: from the end of its
// own, end[i] in data, to those of the last single-pixel layer before the next layer
// of many products. With several threads there is no prefetch, because each has a
// cache of its own and reads other weights.
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

// light tells whether step k takes little time beyond that of its memory traffic.
func (p *Plan) light(k int) bool {
	u := &p.steps[k].Unit
	return u.Out.Pixels() == 1 || u.Name == "dwconv" || u.Name == "scale" || u.MACs() == 0
}
