package space

import (
	"math"

	"nas/blocks"
)

// Nearest returns the canonical genotype whose network is most like a: the
// start of a search from a network that somebody has. If a is a network of the
// space, the genotype is that network's.
//
// a's blocks are dealt out to the stages of the space in order, so that extents
// and channels fit best; then resolution, width multiplier, depths and the genes
// of each block take the choice nearest to a's, ratios by their logarithm. What
// the space does not have is lost.
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

// source is a network seen as a row of blocks.
type source struct {
	arch   Arch
	blocks []Block
	cin    []int // input channels of each block
	stride []int // of each block's output against the input
	ends   []int // number of blocks up to each stage's end
	start  int   // channels that enter the first stage
}

func newSource(a Arch) *source {
	src := &source{arch: a, start: a.Input.C}
	total := 1
	for i := range a.Stem {
		src.start = a.Stem[i].Channels
		total *= a.Stem[i].Stride
	}
	c := src.start
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

// nearestChannels returns the choice nearest to the blocks from a up to b, taken
// together.
func (src *source) nearestChannels(choices []int, a, b int) int {
	if a == b {
		return nearest(choices, float64(src.channels(b)))
	}
	best, bestCost := 0, math.Inf(1)
	for i, c := range choices {
		cost := 0.0
		for k := a; k < b; k++ {
			cost += apart(c, src.blocks[k].Channels)
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

// fit sets all genes of g but width and output stride, and returns how far the
// network is from src in what those two decide.
func (s *Space) fit(g Genes, src *source) (cost float64) {
	a, w := &src.arch, s.width.of(g)
	s.resolution.set(g, nearest(s.spec.Resolution, float64(a.Input.H)))
	if len(a.Stem) > 0 {
		b := &a.Stem[0]
		c := nearest(s.stem.width.eff[w], float64(src.start))
		s.stem.channels.set(g, c)
		cost += apart(s.stem.width.eff[w][c], src.start)
		s.stem.kernel.set(g, nearest(s.spec.Stem.Kernel, float64(b.Kernel)))
		s.stem.stride.set(g, nearest(s.spec.Stem.Stride, float64(a.strideOfStem())))
		s.stem.activation.set(g, nearestAct(s.stem.acts, b.Activation))
	}
	if h := &a.Head; h.Kind == s.head.kind {
		c := nearest(s.head.width.eff[w], float64(h.Channels))
		s.head.channels.set(g, c)
		cost += apart(s.head.width.eff[w][c], h.Channels)
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

// deal divides src's blocks among the stages: stage i gets those from ends[i-1]
// up to ends[i].
func (s *Space) deal(g Genes, src *source) (ends []int, cost float64) {
	n := len(src.blocks)
	totals := s.totals(g, nil)
	// from[i][k] is where stage i starts if the first i+1 stages hold k blocks.
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

// totals returns the stride of each stage's output against the input. strides
// are the choices of the stride genes; nil means the first ones.
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

// strides chooses each stage's stride from the blocks dealt to it.
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

// blockCost says how badly block k of src fits into stage i.
func (s *Space) blockCost(g Genes, src *source, i, k, total int) float64 {
	eff := s.stages[i].width.eff[s.width.of(g)]
	c := src.blocks[k].Channels
	return apart(eff[nearest(eff, float64(c))], c) + 4*apart(total, src.stride[k])
}

// depthCost says how badly the number of src's blocks from a up to b fits into
// stage i. No blocks are right where skips can vanish.
func (s *Space) depthCost(g Genes, src *source, i, a, b int) float64 {
	st, n := &s.stages[i], b-a
	switch {
	case n == 0 && st.skips:
		eff := st.width.eff[s.width.of(g)]
		c := src.channels(a)
		return apart(eff[nearest(eff, float64(c))], c)
	case n == 0:
		return 4
	case st.skips && n <= st.deepest():
		return 0
	}
	return 0.5 * math.Abs(float64(n-st.depths[nearest(st.depths, float64(n))]))
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
			if q := (sequence{n: n}); n == 1 && st.skips && firstOf(st.depths, 1) < 0 {
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

// nearestShared chooses the genes of a stage whose n blocks, from block k of src
// on, share them.
func (st *stage) nearestShared(src *source, k, n int, first, rest site) pick {
	ws := []target{{src.blocks[k], first}}
	if n > 1 {
		ws = append(ws, target{src.blocks[k+1], rest})
	}
	if pk, ok := st.find(ws); ok {
		return pk
	}
	if n > 1 {
		return st.nearestPick(src, k+1, rest)
	}
	return st.nearestPick(src, k, first)
}

// nearestPick chooses the genes of one block: those that give block k of src, or
// else the least different ones, kind by kind.
func (st *stage) nearestPick(src *source, k int, p site) (best pick) {
	b := src.blocks[k]
	b.Channels = p.cout
	if pk, ok := st.find([]target{{b, p}}); ok {
		return pk
	}
	bestCost := math.Inf(1)
	for i := range st.kinds() {
		pk := pick{gKind: uint8(i)}
		if st.options == nil {
			st.values.nearest(&pk, &b, src.cin[k], st.style.seFromInput)
		}
		t := st.template(&pk)
		got, ok := t.build(p, &st.style)
		if !ok {
			continue
		}
		if cost := differ(&got, &b, p.cin, src.cin[k]); cost < bestCost {
			best, bestCost = pk, cost
		}
	}
	return best
}

// nearest sets every gene but the kind by itself.
func (v *values) nearest(pk *pick, b *Block, cin int, seFromInput bool) {
	set := func(g blockGene, choice int) { pk[g] = uint8(choice) }
	set(gKernel, nearest(v.kernels, float64(b.Kernel)))
	set(gExpansion, nearest(v.expansions, ratio(b, cin)))
	set(gDilation, nearest(v.dilations, float64(b.Dilation)))
	set(gActivation, nearestAct(v.activations, b.Activation))
	for i, a := range v.afters {
		if a == b.After {
			set(gAfter, i)
		}
	}
	set(gGroups, nearest(v.groups, float64(b.Groups)))
	se := float64(b.Attention.Squeeze) / float64(cin)
	if !seFromInput {
		se /= ratio(b, cin)
	}
	set(gSE, nearest(v.ses, se))
	// Of gates without one of b's kind the last resort is the first one.
	for i, a := range v.attentions {
		if a == b.Attention.Kind || a == SE && b.Attention.Kind == NoAttention && v.ses[pk[gSE]] == 0 {
			set(gAttention, i)
			break
		}
	}
	set(gExperts, nearest(v.experts, float64(max(1, b.Experts, b.PointExperts))))
	set(gMultiplier, nearest(v.multipliers, float64(max(1, b.Multiplier))))
	for i, r := range v.residuals {
		if (r != 0) == (b.Residual || b.Kind == MBConv || b.Kind == Fused) {
			set(gResidual, i)
			break
		}
	}
}

// ratio is a block's expansion ratio.
func ratio(b *Block, cin int) float64 {
	if b.Expanded == 0 {
		return 1
	}
	return float64(b.Expanded) / float64(cin)
}

// differ is a distance of two blocks whose inputs have a and b channels. The
// weights say what a person would give up last: the kind, then the size.
func differ(x, y *Block, a, b int) float64 {
	d := math.Abs(math.Log(ratio(x, a)/ratio(y, b))) + math.Abs(math.Log(float64(x.Kernel)/float64(y.Kernel)))
	separable := func(k Kind) bool { return k == DS || k == MBConv || k == Xception }
	if separable(x.Kind) != separable(y.Kind) {
		d += 2
	}
	for _, differs := range [...]bool{x.Kind != y.Kind, x.Activation != y.Activation, x.Attention.Kind != y.Attention.Kind,
		x.After != y.After, x.Dilation != y.Dilation, x.Multiplier != y.Multiplier,
		x.Experts != y.Experts || x.PointExperts != y.PointExperts} {
		if differs {
			d += 0.25
		}
	}
	return d
}

// nearest returns the first choice nearest to v: by ratio, or by difference
// where one of them is 0.
func nearest[T int | float64](choices []T, v float64) int {
	best, bestCost := 0, math.Inf(1)
	for i, c := range choices {
		cost := math.Abs(math.Log(float64(c) / v))
		if c == 0 || v == 0 {
			cost = 100 + math.Abs(float64(c)-v) // apart from every ratio
		}
		if float64(c) == v {
			cost = 0
		}
		if cost < bestCost {
			best, bestCost = i, cost
		}
	}
	return best
}

// nearestAct returns the choice of the same function, else of the same family,
// else the first.
func nearestAct(choices []blocks.ActFunc, f blocks.ActFunc) int {
	family := func(f blocks.ActFunc) int {
		switch f {
		case blocks.ReLU, blocks.ReLU6:
			return 1
		case blocks.HSwish, blocks.Swish:
			return 2
		}
		return 3 + int(f)
	}
	best := 0
	for i, c := range choices {
		if c == f {
			return i
		}
		if family(c) == family(f) && family(choices[best]) != family(f) {
			best = i
		}
	}
	return best
}

// apart is the distance of two numbers of channels or strides.
func apart(a, b int) float64 {
	if a == b {
		return 0
	}
	return math.Abs(math.Log(float64(max(a, 1)) / float64(max(b, 1))))
}
