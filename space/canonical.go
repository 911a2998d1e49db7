package space

import "nas/blocks"

// Canonical returns the one genotype that stands for all genotypes of g's
// network: equal networks of one space have equal canonical genotypes. It is
// canonical itself. The rules:
//
//   - a gene that changes nothing is 0;
//   - of the choices that come to the same numbers the first one is taken: of
//     channels, expansions and squeeze-and-excite ratios equal after rounding, of
//     kinds that build the same ops (an mbconv of expansion 1 and a linear ds), and
//     of width multipliers that can give all the channels;
//   - a skip where nothing changes shape is no block: it moves to the end of its
//     stage, and the depth is the smallest one that holds the rest.
//
// Not seen is what only the whole graph shows, such as a block that could stand
// at the end of one stage or at the start of the next.
func (s *Space) Canonical(g Genes) Genes {
	out := make(Genes, len(g))
	s.canonicalTo(out, g)
	return out
}

// want is a block that genes must give at a place.
type want struct {
	block Block
	place place
}

// canonicalTo writes the canonical form of g to out, which is all zero.
func (s *Space) canonicalTo(out, g Genes) {
	s.resolution.set(out, s.resolution.of(g))
	s.outputStride.set(out, s.sameStride[s.outputStride.of(g)])

	w := s.width.of(g)
	stem, head := s.stem.channels.of(g), s.head.channels.of(g)
	mask := s.stem.width.as[w][stem] & s.head.width.as[w][head]
	for i := range s.stages {
		mask &= s.stages[i].width.as[w][s.stages[i].channels.of(g)]
	}
	w1 := firstBit(mask)
	s.width.set(out, w1)
	s.stem.channels.set(out, firstOf(s.stem.width.eff[w1], s.stem.width.eff[w][stem]))
	s.head.channels.set(out, firstOf(s.head.width.eff[w1], s.head.width.eff[w][head]))
	if s.stem.width.eff[w][stem] > 0 {
		s.stem.kernel.set(out, s.stem.kernel.of(g))
		s.stem.stride.set(out, s.stem.stride.of(g))
		s.stem.activation.set(out, s.stem.activation.of(g))
	}
	hidden := s.head.hidden.of(g)
	s.head.hidden.set(out, hidden)
	if s.head.width.eff[w][head] > 0 || s.spec.Head.Hidden[hidden] > 0 {
		s.head.activation.set(out, s.head.activation.of(g))
	}

	f := s.flow(g)
	for i := range s.stages {
		st := &s.stages[i]
		channels, stride := st.channels.of(g), st.stride.of(g)
		cout := st.width.eff[w][channels]
		st.channels.set(out, firstOf(st.width.eff[w1], cout))
		st.stride.set(out, stride)
		first, rest := f.next(st, stride, cout)
		if st.shared {
			st.canonicalShared(out, g, first, rest)
		} else {
			st.canonicalBlocks(out, g, first, rest)
		}
	}
}

// canonicalNear is canonicalTo for a g that differs from near, which is canonical,
// in the genes changed and in genes that are not live in near. Stages in which
// nothing changed keep their form as long as no channels and strides did.
func (s *Space) canonicalNear(out, g, near Genes, changed []int) {
	var inside uint64 // stages of which a gene of a block, or the depth, changed
	for _, i := range changed {
		gene := &s.genes[i]
		if k := gene.Stage - 1; k < 0 || k >= min(len(s.stages), 64) || s.stages[k].shared || gene.Block == 0 && i != s.stages[k].depth.at {
			clear(out)
			s.canonicalTo(out, g)
			return
		}
		inside |= 1 << (gene.Stage - 1)
	}
	copy(out, near)
	w := s.width.of(g)
	f := s.flow(g)
	for i := range s.stages {
		st := &s.stages[i]
		first, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		if inside>>i&1 == 0 {
			continue
		}
		for b := range st.blocks {
			st.setPick(out, b, &pick{})
		}
		st.canonicalBlocks(out, g, first, rest)
	}
}

func firstOf(list []int, v int) int {
	for i, x := range list {
		if x == v {
			return i
		}
	}
	return -1
}

// canonicalBlocks treats a stage whose blocks have genes of their own.
func (st *stage) canonicalBlocks(out, g Genes, p, rest place) {
	n := 0 // blocks that are left
	d := st.depth.of(g)
	for b := range st.depths[d] {
		pk := st.pick(g, b)
		if c, ok := st.plain(&pk, p); ok {
			st.setPick(out, n, &c)
			n++
		} else {
			t := st.template(&pk)
			if block, ok := t.build(p, &st.style); ok {
				c := st.first(&pk, &block, p)
				st.setPick(out, n, &c)
				n++
			}
		}
		p = rest
	}
	if st.skips {
		d = st.depthFor(max(n, 1))
	}
	st.depth.set(out, d)
	for ; n < st.depths[d]; n++ {
		st.setPick(out, n, &st.skipPick)
	}
}

// depthFor returns the first choice of the smallest depth of at least n, or
// -1.
func (st *stage) depthFor(n int) int {
	best := -1
	for i, d := range st.depths {
		if d >= n && (best < 0 || d < st.depths[best]) {
			best = i
		}
	}
	return best
}

// canonicalShared treats a stage whose blocks share one set of genes.
func (st *stage) canonicalShared(out, g Genes, first, rest place) {
	d := st.depth.of(g)
	seq := st.sharedBlocks(g, d, first, rest)
	c, d := st.findShared(seq, first, rest)
	st.setPick(out, 0, &c)
	st.depth.set(out, d)
}

// sequence is what a shared stage comes to: n blocks, the first one and n-1
// equal ones.
type sequence struct {
	n           int
	first, rest Block
}

func (st *stage) sharedBlocks(g Genes, depth int, first, rest place) (q sequence) {
	pk := st.pick(g, 0)
	return st.sequence(&pk, st.depths[depth], first, rest)
}

func (st *stage) sequence(pk *pick, depth int, first, rest place) (q sequence) {
	t := st.template(pk)
	var ok bool
	if q.first, ok = t.build(first, &st.style); ok {
		q.n = 1
	}
	if depth > 1 {
		if b, ok := t.build(rest, &st.style); ok {
			q.rest = b
			q.n += depth - 1
		}
	}
	return q
}

// findShared returns the first genes and the first depth that give q. There are
// some, because q came from genes.
func (st *stage) findShared(q sequence, first, rest place) (pick, int) {
	if q.n == 0 {
		return st.skipPick, st.depthFor(1)
	}
	ws := [2]want{{q.first, first}, {q.rest, rest}}
	if q.n > 1 {
		c, _ := st.find(ws[:])
		return c, firstOf(st.depths, q.n)
	}
	if d := firstOf(st.depths, 1); d >= 0 {
		c, _ := st.find(ws[:1])
		return c, d
	}
	return st.skipPick, st.depthFor(1)
}

// first returns the first genes that build b at p, which pk does.
func (st *stage) first(pk *pick, b *Block, p place) (c pick) {
	c, _ = st.find([]want{{*b, p}})
	return c
}

// findPlain says of each kind whether a block of it can be no other kind's that
// comes before, so that plain may be asked.
func (st *stage) findPlain() {
	kinds := st.values.kinds
	st.plainKind = make([]bool, len(kinds))
	for i, k := range kinds {
		ok := st.options == nil && k != skip && k != Grouped
		for _, j := range kinds[:i] {
			ok = ok && j != skip && !j.canBe(&Block{Kind: k, After: blocks.AfterDepthwise})
		}
		st.plainKind[i] = ok
	}
}

// plain is first for the block that pk gives at p, without building it. ok is
// false where that takes more: the block may be another kind's.
func (st *stage) plain(pk *pick, p place) (c pick, ok bool) {
	i := pk[gKind]
	if st.options != nil || !st.plainKind[i] {
		return c, false
	}
	// Choices of a gene differ, so a gene that has an effect keeps its value,
	// unless rounding makes it the effect of another one.
	v := &st.values
	k := v.kinds[i]
	genes := kindTable[k].genes
	inner := p.cin
	c[gKind], c[gKernel], c[gActivation] = i, pk[gKernel], pk[gActivation]
	if genes>>gExpansion&1 == 1 {
		if inner = expandedChannels(p.cin, v.expansions[pk[gExpansion]]); inner == p.cin {
			return c, false
		}
		for expandedChannels(p.cin, v.expansions[c[gExpansion]]) != inner {
			c[gExpansion]++
		}
	}
	if v.kernels[pk[gKernel]] > 1 && p.stride == 1 {
		c[gDilation] = pk[gDilation]
	}
	if k == DS {
		if v.activations[pk[gActivation]] != blocks.Identity {
			c[gAfter] = pk[gAfter]
		}
		c[gMultiplier] = pk[gMultiplier]
		inner *= v.multipliers[pk[gMultiplier]]
	}
	if genes>>gSE&1 == 1 && len(v.ses)+len(v.attentions) > 2 {
		c[gAttention], c[gSE] = st.gate(pk, p.cin, inner)
	}
	if genes>>gExperts&1 == 1 {
		c[gExperts] = pk[gExperts]
	}
	if p.stride == 1 && p.cin == p.cout {
		c[gResidual] = pk[gResidual]
	}
	return c, true
}

// gate returns the first attention, and for it the first ratio, that come to the
// gate which pk gives.
func (st *stage) gate(pk *pick, cin, inner int) (a, ratio uint8) {
	v := &st.values
	a, ratio = pk[gAttention], pk[gSE]
	if a == 0 && ratio == 0 {
		return 0, 0
	}
	gate := attention(v.attentions[a], v.ses[ratio], cin, inner, &st.style)
	for i, k := range v.attentions[:a+1] {
		for c, se := range v.ses {
			if i == int(a) && c == int(ratio) {
				break
			}
			if attention(k, se, cin, inner, &st.style) == gate {
				return uint8(i), uint8(c)
			}
		}
	}
	return a, ratio
}

// find returns the first genes, in the order of kinds and then gene by gene,
// that build every wanted block.
func (st *stage) find(ws []want) (p pick, ok bool) {
	if st.options != nil {
		for i := range st.options {
			if st.options[i].builds(ws, &st.style) {
				return pick{gKind: uint8(i)}, true
			}
		}
		return p, false
	}
kinds:
	for i, k := range st.values.kinds {
		p = pick{gKind: uint8(i)}
		if k == skip {
			if (&template{kind: skip}).builds(ws, &st.style) {
				return p, true
			}
			continue
		}
		for _, w := range ws {
			if !k.canBe(&w.block) {
				continue kinds
			}
		}
		for g := gKernel; g < blockGenes; g++ {
			if !k.has(g) || g == gAttention {
				continue
			}
			if g == gSE {
				if !st.firstGate(&p, ws) {
					continue kinds
				}
				continue
			}
			n := st.values.count(g)
			c := 0
			for c < n && !st.matches(k, g, c, ws) {
				c++
			}
			if c == n {
				continue kinds
			}
			p[g] = uint8(c)
		}
		return p, true
	}
	return p, false
}

// firstGate sets the first attention, and for it the first ratio, that give all
// wanted blocks their gate.
func (st *stage) firstGate(p *pick, ws []want) bool {
	v := &st.values
	for a, k := range v.attentions {
	ratios:
		for c, ratio := range v.ses {
			for i := range ws {
				b, cin := &ws[i].block, ws[i].place.cin
				inner := cin * max(1, b.Multiplier)
				if b.Expanded > 0 {
					inner = b.Expanded
				}
				if b.Kind == Conv {
					continue // a fused block without expansion has no gate
				}
				if attention(k, ratio, cin, inner, &st.style) != b.Attention {
					continue ratios
				}
			}
			p[gAttention], p[gSE] = uint8(a), uint8(c)
			return true
		}
	}
	return false
}

func (t *template) builds(ws []want, style *style) bool {
	for i := range ws {
		if b, ok := t.build(ws[i].place, style); !ok || b != ws[i].block {
			return false
		}
	}
	return true
}

// canBe reports whether a block of kind k can have b as its normal form, as far
// as kinds go.
func (k Kind) canBe(b *Block) bool {
	switch k {
	case MBConv:
		return b.Kind == MBConv || b.Kind == DS && b.After == blocks.AfterDepthwise && b.Multiplier == 0
	case Fused, Grouped:
		return b.Kind == k || b.Kind == Conv
	}
	return b.Kind == k
}

func (v *values) count(g blockGene) int {
	return [blockGenes]int{len(v.kinds), len(v.kernels), len(v.expansions), len(v.dilations), len(v.activations),
		len(v.afters), len(v.groups), len(v.attentions), len(v.ses), len(v.residuals), len(v.experts), len(v.multipliers)}[g]
}

// matches reports whether choice c of gene g gives all wanted blocks what it
// decides in a block of kind k. It is the inverse of template.build, gene by
// gene.
func (st *stage) matches(k Kind, g blockGene, c int, ws []want) bool {
	v := &st.values
	for i := range ws {
		b, p := &ws[i].block, ws[i].place
		ok := true
		switch g {
		case gKernel:
			ok = v.kernels[c] == b.Kernel
		case gExpansion:
			x := expandedChannels(p.cin, v.expansions[c])
			ok = x == b.Expanded || b.Expanded == 0 && x == p.cin
		case gDilation:
			ok = effectiveDilation(v.dilations[c], b.Kernel, p) == b.Dilation
		case gActivation:
			ok = v.activations[c] == b.Activation
		case gAfter:
			ok = v.afters[c] == b.After || b.Activation == blocks.Identity
		case gGroups:
			ok = v.groups[c] == b.Groups
		case gExperts:
			n, m := st.style.experts(b.Kind, v.experts[c])
			ok = n == b.Experts && m == b.PointExperts
		case gMultiplier:
			ok = v.multipliers[c] == max(1, b.Multiplier)
		case gResidual:
			r := v.residuals[c]
			ok = ((r > 0 || r < 0 && kindTable[k].residual) && p.stride == 1 && p.cin == p.cout) == b.Residual
		}
		if !ok {
			return false
		}
	}
	return true
}
