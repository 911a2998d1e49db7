package space

import (
	"math"
	"reflect"
	"slices"
)

// Nearest returns the canonical genotype of the network that is most like a. A search from an
// existing network starts there. If a is a network of the space, the genotype is that of a.
//
// The blocks of a are divided among the stages of the space, in order, so that extents and
// channels fit best. Resolution, width multiplier, depths and the genes of each block then
// take the choices nearest to what a has; ratios are compared by their logarithm. Properties
// of a that the space lacks are lost.
func (s *Space) Nearest(a Arch) Genes {
	src := newSource(a)
	best, bestCost := Genes(nil), math.Inf(1)
	for o := range s.spec.OutputStride {
		for w := range s.spec.Width {
			g := make(Genes, len(s.genes))
			s.outputStride.set(g, o)
			s.width.set(g, w)
			if cost := s.fit(g, src); cost < bestCost {
				best, bestCost = g, cost
			}
		}
	}
	return s.Canonical(best)
}

// source is the network to be approximated, as a row of blocks.
type source struct {
	arch   Arch
	blocks []Block
	cin    []int // input channels of each block
	stride []int // of each block's output against the input
	ends   []int // number of blocks up to each stage's end
	start  int   // channels that enter the first stage
	stem   int   // stride of the stem
}

func newSource(a Arch) *source {
	src := &source{arch: a, start: a.Input.C}
	total := 1
	for i := range a.Stem {
		src.start = a.Stem[i].Channels
		total *= a.Stem[i].Stride
	}
	c := src.start
	src.stem = total
	for _, st := range a.Stages {
		for _, b := range st {
			total *= b.Stride
			src.blocks = append(src.blocks, b)
			src.cin = append(src.cin, c)
			src.stride = append(src.stride, total)
			c = b.Channels
		}
		src.ends = append(src.ends, len(src.blocks))
	}
	return src
}

// channels returns the channels behind the first n blocks.
func (src *source) channels(n int) int {
	if n == 0 {
		return src.start
	}
	return src.blocks[n-1].Channels
}

// nearestChannels returns the choice with the smallest sum of distances to the blocks from a
// up to b.
func (src *source) nearestChannels(choices []int, a, b int) int {
	if a == b {
		return nearest(choices, float64(src.channels(b)))
	}
	best, bestCost := 0, math.Inf(1)
	for i, c := range choices {
		cost := 0.0
		for k := a; k < b; k++ {
			cost += logRatio(c, src.blocks[k].Channels)
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

// fit sets all genes of g but width and output stride. It returns the distance from src in
// what these two genes decide.
func (s *Space) fit(g Genes, src *source) (cost float64) {
	a, w := &src.arch, s.width.of(g)
	s.resolution.set(g, nearest(s.spec.Resolution, float64(a.Input.H)))
	if len(a.Stem) > 0 {
		b := &a.Stem[0]
		c := nearest(s.stem.width.eff[w], float64(src.start))
		s.stem.channels.set(g, c)
		cost += logRatio(s.stem.width.eff[w][c], src.start)
		s.stem.kernel.set(g, nearestKernel(kernelDomain.numbers(reflect.ValueOf(s.spec.Stem.Kernel)), b.kernelSize()))
		s.stem.stride.set(g, nearest(s.spec.Stem.Stride, float64(src.stem)))
		s.stem.activation.set(g, nearestAct(s.stem.acts, b.Activation))
	}
	if h := &a.Head; h.Kind == s.head.kind {
		c := nearest(s.head.width.eff[w], float64(h.Channels))
		s.head.channels.set(g, c)
		cost += logRatio(s.head.width.eff[w][c], h.Channels)
		s.head.hidden.set(g, nearest(s.spec.Head.Hidden, float64(h.Hidden)))
		s.head.activation.set(g, nearestAct(s.head.acts, h.Activation))
	}
	ends, c := s.deal(g, src)
	if len(src.ends) == len(s.stages) {
		if same := s.dealCost(g, src, src.ends); same <= c {
			ends, c = src.ends, same
		}
	}
	s.fitStages(g, src, ends)
	return cost + c
}

// fitStages sets the genes of the stages.
func (s *Space) fitStages(g Genes, src *source, ends []int) {
	f := s.flow(g)
	w := s.width.of(g)
	strides := s.strides(src, ends)
	at := 0
	for i := range s.stages {
		st := &s.stages[i]
		end := ends[i]
		c := src.nearestChannels(st.width.eff[w], at, end)
		st.channels.set(g, c)
		st.stride.set(g, strides[i])
		first, rest := f.next(st, strides[i], st.width.eff[w][c])
		n := end - at
		d := nearest(st.depths, float64(n))
		if st.skips {
			if d = st.depthFor(max(n, 1)); d < 0 {
				d = st.depthFor(st.deepest())
			}
		}
		st.depth.set(g, d)
		if st.shared {
			pk := st.skipPick
			if n > 0 {
				pk = st.nearestShared(src, at, n, first, rest)
			}
			st.setPick(g, 0, &pk)
			if q := (sequence{n: n}); n == 1 && st.skips && slices.Index(st.depths, 1) < 0 {
				// One block in a stage of two or more: only a skip does that.
				q.first = src.blocks[at]
				pk, d = st.findShared(q, first, rest)
				st.setPick(g, 0, &pk)
				st.depth.set(g, d)
			}
		} else {
			p := first
			for b := range st.depths[d] {
				pk := st.skipPick
				if n > 0 && (b < n || !st.skips) {
					pk = st.nearestPick(src, at+min(b, n-1), p)
				}
				st.setPick(g, b, &pk)
				p = rest
			}
		}
		at = end
	}
}
