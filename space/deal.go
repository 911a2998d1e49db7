package space

import "math"

// deal divides the blocks of src among the stages at the lowest cost, by dynamic
// programming. Stage i gets the blocks from ends[i-1] up to ends[i].
func (s *Space) deal(g Genes, src *source) (ends []int, cost float64) {
	n := len(src.blocks)
	totals := s.totals(g, nil)
	// from[i][k] is the first block of stage i if the first i+1 stages hold k blocks.
	from := make([][]int, len(s.stages))
	now := make([]float64, n+1)
	for k := range now {
		now[k] = math.Inf(1)
	}
	now[0] = 0
	for i := range s.stages {
		next := make([]float64, n+1)
		from[i] = make([]int, n+1)
		for k := range next {
			next[k] = math.Inf(1)
		}
		for a := 0; a <= n; a++ {
			if math.IsInf(now[a], 1) {
				continue
			}
			sum := 0.0
			for k := a; ; k++ {
				if c := now[a] + sum + s.depthCost(g, src, i, a, k); c < next[k] {
					next[k], from[i][k] = c, a
				}
				if k == n {
					break
				}
				sum += s.blockCost(g, src, i, k, totals[i])
			}
		}
		now = next
	}
	ends = make([]int, len(s.stages))
	for i, k := len(s.stages)-1, n; i >= 0; i-- {
		ends[i] = k
		k = from[i][k]
	}
	return ends, now[n]
}

// totals returns the stride of each stage's output relative to the input. strides are the
// choices of the stride genes; nil means the first ones.
func (s *Space) totals(g Genes, strides []int) []int {
	f := s.flow(g)
	totals := make([]int, len(s.stages))
	for i := range s.stages {
		k := 0
		if strides != nil {
			k = strides[i]
		}
		f.next(&s.stages[i], k, 0)
		totals[i] = f.total
	}
	return totals
}

// strides chooses the stride of each stage, given the blocks that it gets.
func (s *Space) strides(src *source, ends []int) []int {
	ks := make([]int, len(s.stages))
	at := 0
	for i := range ks {
		n := 1.0
		for ; at < ends[i]; at++ {
			n *= float64(src.blocks[at].Stride)
		}
		ks[i] = nearest(s.stages[i].strides, n)
	}
	return ks
}

// dealCost is the cost of a given division.
func (s *Space) dealCost(g Genes, src *source, ends []int) (cost float64) {
	totals := s.totals(g, s.strides(src, ends))
	at := 0
	for i := range s.stages {
		cost += s.depthCost(g, src, i, at, ends[i])
		for ; at < ends[i]; at++ {
			cost += s.blockCost(g, src, i, at, totals[i])
		}
	}
	return cost
}

// blockCost is the cost of block k of src in stage i.
func (s *Space) blockCost(g Genes, src *source, i, k, total int) float64 {
	eff := s.stages[i].width.eff[s.width.of(g)]
	c := src.blocks[k].Channels
	return logRatio(eff[nearest(eff, float64(c))], c) + 4*logRatio(total, src.stride[k])
}

// depthCost is the cost of the number of blocks of src, from a up to b, in stage i. A stage
// whose skips can vanish may have none.
func (s *Space) depthCost(g Genes, src *source, i, a, b int) float64 {
	st, n := &s.stages[i], b-a
	switch {
	case n == 0 && st.skips:
		eff := st.width.eff[s.width.of(g)]
		c := src.channels(a)
		return logRatio(eff[nearest(eff, float64(c))], c)
	case n == 0:
		return 4
	case st.skips && n <= st.deepest():
		return 0
	}
	return 0.5 * math.Abs(float64(n-st.depths[nearest(st.depths, float64(n))]))
}
