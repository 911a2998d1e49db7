package space

import (
	"slices"

	"nas/blocks"
)

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
	out := slices.Clone(g)
	s.canonicalise(out)
	return out
}

// target is a block that genes must give at a place.
type target struct {
	block Block
	site  site
}

// canonicalise brings g into canonical form.
func (s *Space) canonicalise(g Genes) {
	f, w := s.flow(g), s.width.of(g)
	s.outputStride.set(g, s.sameStride[s.outputStride.of(g)])
	stem, head := s.stem.channels.of(g), s.head.channels.of(g)
	mask := s.stem.width.as[w][stem] & s.head.width.as[w][head]
	for i := range s.stages {
		mask &= s.stages[i].width.as[w][s.stages[i].channels.of(g)]
	}
	w1 := firstBit(mask)
	s.width.set(g, w1)
	s.stem.channels.set(g, firstOf(s.stem.width.eff[w1], s.stem.width.eff[w][stem]))
	s.head.channels.set(g, firstOf(s.head.width.eff[w1], s.head.width.eff[w][head]))
	if s.stem.width.eff[w][stem] == 0 {
		s.stem.kernel.set(g, 0)
		s.stem.stride.set(g, 0)
		s.stem.activation.set(g, 0)
	}
	if s.head.width.eff[w][head] == 0 && s.spec.Head.Hidden[s.head.hidden.of(g)] == 0 {
		s.head.activation.set(g, 0)
	}
	for i := range s.stages {
		st := &s.stages[i]
		cout := st.width.eff[w][st.channels.of(g)]
		st.channels.set(g, firstOf(st.width.eff[w1], cout))
		first, rest := f.next(st, st.stride.of(g), cout)
		if st.shared {
			st.canonicalShared(g, first, rest)
		} else {
			s.canonicalBlocks(st, g, first, rest)
		}
	}
}

// canonicaliseStages is canonicalise for a g that was in canonical form until genes
// changed that touch nothing but the blocks of some stages: numbers, ascending.
func (s *Space) canonicaliseStages(g Genes, numbers []int) {
	f, w := s.flow(g), s.width.of(g)
	for i := 0; len(numbers) > 0; i++ {
		st := &s.stages[i]
		first, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		if i == numbers[0] {
			numbers = numbers[1:]
			s.canonicalBlocks(st, g, first, rest)
		}
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
func (s *Space) canonicalBlocks(st *stage, g Genes, p, rest site) {
	n := 0 // blocks that are left
	d := st.depth.of(g)
	for b := range st.depths[d] {
		pk := st.pick(g, b)
		if c := s.built.at(st, &pk, &p); c.text != "" {
			if n < b || c.first != pk {
				st.setPick(g, n, &c.first)
			}
			n++
		}
		p = rest
	}
	if st.skips {
		d = st.depthFor(max(n, 1))
		st.depth.set(g, d)
	}
	for ; n < st.depths[d]; n++ {
		st.setPick(g, n, &st.skipPick)
	}
	clear(g[st.starts[n]:st.starts[len(st.blocks)]])
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
func (st *stage) canonicalShared(g Genes, first, rest site) {
	pk := st.pick(g, 0)
	seq := st.sequence(&pk, st.depths[st.depth.of(g)], first, rest)
	c, d := st.findShared(seq, first, rest)
	st.setPick(g, 0, &c)
	st.depth.set(g, d)
}

// sequence is what a shared stage comes to: n blocks, the first one and n-1
// equal ones.
type sequence struct {
	n           int
	first, rest Block
}

func (st *stage) sequence(pk *pick, depth int, first, rest site) (q sequence) {
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
func (st *stage) findShared(q sequence, first, rest site) (pick, int) {
	if q.n == 0 {
		return st.skipPick, st.depthFor(1)
	}
	ws := [2]target{{q.first, first}, {q.rest, rest}}
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

// find returns the first genes, in the order of kinds and then gene by gene,
// that build every wanted block.
func (st *stage) find(ws []target) (p pick, ok bool) {
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
func (st *stage) firstGate(p *pick, ws []target) bool {
	v := &st.values
	for a, k := range v.attentions {
	ratios:
		for c, ratio := range v.ses {
			for i := range ws {
				b, cin := &ws[i].block, ws[i].site.cin
				inner := cin * max(1, b.Multiplier)
				if b.Expanded > 0 {
					inner = b.Expanded
				}
				if b.Kind == Conv {
					continue // a fused block without expansion has no gate
				}
				if newAttention(k, ratio, cin, inner, &st.style) != b.Attention {
					continue ratios
				}
			}
			p[gAttention], p[gSE] = uint8(a), uint8(c)
			return true
		}
	}
	return false
}

func (t *template) builds(ws []target, style *style) bool {
	for i := range ws {
		if b, ok := t.build(ws[i].site, style); !ok || b != ws[i].block {
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
func (st *stage) matches(k Kind, g blockGene, c int, ws []target) bool {
	v := &st.values
	for i := range ws {
		b, p := &ws[i].block, ws[i].site
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
