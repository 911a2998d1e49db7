package space

import (
	"iter"
	"math/rand/v2"
	"slices"
)

// Sample draws a genotype: depth first, then every live gene uniformly over its
// choices. The result is canonical. Networks that several genotypes stand for
// are drawn more often than others.
func (s *Space) Sample(r *rand.Rand) Genes {
	w := s.scratch()
	defer s.free(w)
	out := make(Genes, len(s.genes))
	s.draw(w.raw, r)
	s.canonicalTo(out, w.raw)
	return out
}

// scratch is what the operators work in.
type scratch struct {
	live, other []bool
	raw         Genes
	changed     []int
}

func (s *Space) scratch() *scratch {
	if w, ok := s.spare.Get().(*scratch); ok {
		return w
	}
	n := len(s.genes)
	return &scratch{live: make([]bool, n), other: make([]bool, n), raw: make(Genes, n), changed: make([]int, 0, n)}
}

func (s *Space) free(w *scratch) { s.spare.Put(w) }

// draw gives every gene a value, live or not.
func (s *Space) draw(g Genes, r *rand.Rand) {
	for i := range g {
		g[i] = r.IntN(len(s.genes[i].Choices))
	}
}

// Live sets dst[i] for every gene that g's network reads: not those of absent
// blocks, nor those that the block's kind does not have. It returns dst, grown
// if it was too short.
func (s *Space) Live(g Genes, dst []bool) []bool {
	dst = slices.Grow(dst[:0], len(g))[:len(g)]
	for i := range dst {
		dst[i] = true
	}
	for i := range s.stages {
		st := &s.stages[i]
		depth := st.depths[st.depth.of(g)]
		for b := range st.blocks {
			list := st.active[b]
			if !st.shared && b >= depth {
				for _, a := range list {
					dst[a.at] = false
				}
				continue
			}
			kind := pick{}
			if at := st.blocks[b][gKind].at; at >= 0 {
				kind[gKind] = uint8(g[at])
			}
			genes := kindTable[st.kind(&kind)].genes | 1<<gKind
			if st.mask[b]&^genes == 0 {
				continue // all of them, as is usual
			}
			for _, a := range list {
				dst[a.at] = genes>>a.gene&1 == 1
			}
		}
	}
	return dst
}

// Mutate returns a canonical genotype near g, which must be canonical too: each live gene changes to one of
// its other values with probability 1/live genes. Genes that come to life (a
// deeper stage, another kind of block) are drawn afresh. The result differs from
// g unless the space has a single network.
func (s *Space) Mutate(g Genes, r *rand.Rand) Genes {
	const tries = 64
	n := len(s.genes)
	w := s.scratch()
	defer s.free(w)
	w.live = s.Live(g, w.live)
	live, raw := w.live, w.raw
	count := 0
	for _, l := range live {
		if l {
			count++
		}
	}
	out := make(Genes, n)
	for t := 0; t < tries && count > 0; t++ {
		changed := w.changed[:0]
		for i, l := range live {
			if !l {
				raw[i] = r.IntN(len(s.genes[i].Choices))
			} else if raw[i] = g[i]; r.IntN(count) == 0 {
				raw[i] = s.other(i, g[i], r)
				changed = append(changed, i)
			}
		}
		if len(changed) == 0 {
			k := r.IntN(count)
			for i, l := range live {
				if !l {
					continue
				}
				if k == 0 {
					raw[i] = s.other(i, g[i], r)
					changed = append(changed, i)
					break
				}
				k--
			}
		}
		w.changed = changed
		if s.canonicalNear(out, raw, g, changed); !slices.Equal(out, g) {
			return out
		}
	}
	// Nearly all genotypes around are the same network. Look further.
	for t := 0; t < tries; t++ {
		if out := s.Sample(r); !slices.Equal(out, g) {
			return out
		}
	}
	for out := range s.All() {
		if !slices.Equal(out, g) {
			return out
		}
	}
	return slices.Clone(g)
}

// other draws a value of gene i that is not v.
func (s *Space) other(i, v int, r *rand.Rand) int {
	n := r.IntN(len(s.genes[i].Choices) - 1)
	if n >= v {
		n++
	}
	return n
}

// Crossover returns a canonical child of a and b: each gene comes from either
// parent with equal chance, or from the one in which it is live.
func (s *Space) Crossover(a, b Genes, r *rand.Rand) Genes {
	w := s.scratch()
	defer s.free(w)
	w.live, w.other = s.Live(a, w.live), s.Live(b, w.other)
	la, lb, raw, out := w.live, w.other, w.raw, make(Genes, len(s.genes))
	var coins uint64
	for i := range raw {
		if i%64 == 0 {
			coins = r.Uint64()
		}
		fromA := coins&1 == 1
		coins >>= 1
		if la[i] != lb[i] {
			fromA = la[i]
		}
		if fromA {
			raw[i] = a[i]
		} else {
			raw[i] = b[i]
		}
	}
	s.canonicalTo(out, raw)
	return out
}

// All yields every canonical genotype once, in lexicographic order. Ask Size
// first: only small spaces come to an end. The yielded slice is the caller's.
func (s *Space) All() iter.Seq[Genes] {
	return func(yield func(Genes) bool) {
		n := len(s.genes)
		g, out := make(Genes, n), make(Genes, n)
		var walk func(i int) bool
		walk = func(i int) bool {
			if i == n {
				clear(out)
				if s.canonicalTo(out, g); slices.Equal(out, g) {
					return yield(slices.Clone(g))
				}
				return true
			}
			choices := len(s.genes[i].Choices)
			if !s.decided(g, i) {
				choices = 1
			}
			for v := range choices {
				g[i] = v
				if !walk(i + 1) {
					return false
				}
			}
			g[i] = 0
			return true
		}
		walk(0)
	}
}

// decided reports whether gene i is live, given the genes before it.
func (s *Space) decided(g Genes, i int) bool {
	gene := &s.genes[i]
	if gene.Stage < 1 || gene.Stage > len(s.stages) {
		return true
	}
	st := &s.stages[gene.Stage-1]
	if gene.Block > st.depths[st.depth.of(g)] {
		return false
	}
	b := max(0, gene.Block-1)
	for key, sl := range st.blocks[b] {
		if sl.at == i {
			pk := st.pick(g, b)
			return st.kind(&pk).has(blockGene(key))
		}
	}
	return true
}
