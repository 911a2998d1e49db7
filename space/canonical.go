package space

import (
	"math/bits"
	"slices"
	"sync"
)

// Canonical returns the genotype that represents all genotypes of g's network. The rules:
//
//   - a gene without effect is 0;
//   - of choices that result in the same numbers the first one is taken. Such choices are
//     channels, expansions and squeeze-and-excite ratios that are equal after rounding,
//     kinds that build the same ops (an mbconv of expansion 1 and a linear ds), and width
//     multipliers that can give all the channels;
//   - a skip where nothing changes shape is no block: it moves to the end of its stage, and
//     the depth is the smallest one that holds the other blocks.
//
// Equal networks have equal canonical genotypes, with one exception: equality that only the
// whole graph shows. A block could stand at the end of one stage or at the start of the
// next.
func (s *Space) Canonical(g Genes) Genes {
	out := slices.Clone(g)
	s.canonicalise(out)
	return out
}

// target is a block that genes must build at a site.
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
	w1 := bits.TrailingZeros64(mask)
	s.width.set(g, w1)
	s.stem.channels.set(g, slices.Index(s.stem.width.eff[w1], s.stem.width.eff[w][stem]))
	s.head.channels.set(g, slices.Index(s.head.width.eff[w1], s.head.width.eff[w][head]))
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
		st.channels.set(g, slices.Index(st.width.eff[w1], cout))
		first, rest := f.next(st, st.stride.of(g), cout)
		if st.shared {
			st.canonicalShared(g, first, rest)
		} else {
			s.canonicalBlocks(st, g, first, rest)
		}
	}
}

// canonicaliseStages is canonicalise for a g that was canonical until some genes changed
// which affect nothing but the blocks of the stages with these numbers, from 0, ascending.
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

// depthFor returns the first choice of the smallest depth that is at least n, or -1.
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

// sequence is what a stage with shared genes becomes: n blocks, the first one and n-1 equal
// ones.
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

// findShared returns the first genes and the first depth that give q. There are some,
// because q was built from genes.
func (st *stage) findShared(q sequence, first, rest site) (pick, int) {
	if q.n == 0 {
		return st.skipPick, st.depthFor(1)
	}
	ts := spareTargets.Get().(*[2]target)
	defer spareTargets.Put(ts)
	ts[0], ts[1] = target{q.first, first}, target{q.rest, rest}
	if q.n > 1 {
		c, _ := st.find(ts[:])
		return c, slices.Index(st.depths, q.n)
	}
	if d := slices.Index(st.depths, 1); d >= 0 {
		c, _ := st.find(ts[:1])
		return c, d
	}
	return st.skipPick, st.depthFor(1)
}

// spareTargets keeps targets for find. They would escape to the heap on each call, because the
// functions of geneTable read them.
var spareTargets = sync.Pool{New: func() any { return new([2]target) }}

// findOne is find for one target.
func (st *stage) findOne(b *Block, s *site) (pick, bool) {
	ts := spareTargets.Get().(*[2]target)
	defer spareTargets.Put(ts)
	ts[0] = target{*b, *s}
	return st.find(ts[:1])
}

// find returns the first choices, ordered by kind and then gene by gene, that build every
// target.
func (st *stage) find(targets []target) (p pick, ok bool) {
	if st.options != nil {
		for i := range st.options {
			if st.options[i].builds(targets, &st.style) {
				return pick{gKind: uint8(i)}, true
			}
		}
		return p, false
	}
	for i, v := range st.values[gKind] {
		p = pick{gKind: uint8(i)}
		if k := Kind(v); k == skip {
			ok = (&template{gKind: v}).builds(targets, &st.style)
		} else {
			ok = st.findGenes(k, &p, targets)
		}
		if ok {
			return p, true
		}
	}
	return p, false
}

// findGenes sets, for a block of kind k, the first choices that build every target.
func (st *stage) findGenes(k Kind, p *pick, targets []target) bool {
	for i := range targets {
		if !k.canBe(&targets[i].block) {
			return false
		}
	}
	for g := gKernel; g < blockGenes; g++ {
		switch {
		case !k.has(g) || g == gSE: // which is found with gAttention
		case g == gAttention:
			if !st.findAttention(p, targets) {
				return false
			}
		default:
			c := slices.IndexFunc(st.values[g], func(v float64) bool { return st.gives(k, g, v, targets) })
			if c < 0 {
				return false
			}
			p[g] = uint8(c)
		}
	}
	return true
}

func (t *template) builds(targets []target, style *style) bool {
	for i := range targets {
		if b, ok := t.build(targets[i].site, style); !ok || b != targets[i].block {
			return false
		}
	}
	return true
}

// gives reports whether value v of gene g, in a block of kind k, results in what every target
// has.
func (st *stage) gives(k Kind, g blockGene, v float64, targets []target) bool {
	row := &geneTable[g]
	for i := range targets {
		b, s := &targets[i].block, targets[i].site
		switch {
		case row.gives != nil && !row.gives(v, k, b, s, &st.style):
			return false
		case row.gives == nil && row.of(b, s.cin, &st.style) != v:
			return false
		}
	}
	return true
}

// findAttention sets the first choice of attention for which some ratio gives all
// targets their gate, and the first such ratio.
func (st *stage) findAttention(p *pick, targets []target) bool {
	for a, kind := range st.values[gAttention] {
	ratios:
		for c, ratio := range st.values[gSE] {
			for i := range targets {
				b, cin := &targets[i].block, targets[i].site.cin
				if b.Kind == Conv {
					continue // a fused block without expansion has no gate
				}
				if newAttention(AttentionKind(kind), ratio, cin, b.gatedChannels(cin), &st.style) != b.Attention {
					continue ratios
				}
			}
			p[gAttention], p[gSE] = uint8(a), uint8(c)
			return true
		}
	}
	return false
}
