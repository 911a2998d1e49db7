package space

import (
	"iter"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// Sample returns a random genotype, in canonical form. Every gene is uniform over its
// choices, so networks that several genotypes stand for are more likely than others.
func (s *Space) Sample(r *rand.Rand) Genes {
	g := make(Genes, len(s.genes))
	for i := range g { // also if it is not live: canonicalise clears it
		g[i] = uint16(r.IntN(len(s.genes[i].Choices)))
	}
	s.canonicalise(g)
	return g
}

// scratch is memory that the operators work in.
type scratch struct {
	live, other geneSet
	changed     geneSet
	stages      []int
	text        []byte
}

func (s *Space) scratch() *scratch {
	if w, ok := s.spare.Get().(*scratch); ok {
		return w
	}
	n := len(s.genes)
	return &scratch{live: newGeneSet(n), other: newGeneSet(n), changed: newGeneSet(n)}
}

func (s *Space) free(w *scratch) { s.spare.Put(w) }

// Mutate returns a canonical genotype near g, which must be canonical too. Each of the n
// live genes changes to one of its other values with probability 1/n. Genes that become
// live, because a stage is deeper or a block of another kind, are sampled anew. The result
// differs from g unless the space has a single network.
func (s *Space) Mutate(g Genes, r *rand.Rand) Genes {
	const tries = 64
	w := s.scratch()
	defer s.free(w)
	s.liveTo(w.live, g)
	count := w.live.len()
	out := make(Genes, len(g))
	for t := 0; t < tries && count > 0; t++ {
		copy(out, g)
		if s.change(out, w, count, r); !slices.Equal(out, g) {
			return out
		}
	}
	// Nearly all genotypes near g are the same network. Look farther away.
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
	return out
}

// change changes a few of the live genes of g, w.live, of which there are count, and brings
// g into canonical form.
func (s *Space) change(g Genes, w *scratch, count int, r *rand.Rand) {
	clear(w.changed)
	for range s.changes(count, r) {
		i := w.live.nth(r.IntN(count))
		for w.changed.has(i) {
			i = w.live.nth(r.IntN(count))
		}
		w.changed.add(i)
		g[i] = s.other(i, g[i], r)
	}
	w.stages = w.stages[:0]
	whole, opened := false, -1
	for k, word := range w.changed {
		for ; word != 0; word &= word - 1 {
			p := &s.effects[64*k+bits.TrailingZeros64(word)]
			if p.opens && p.stage != opened {
				opened = p.stage
				s.stages[p.stage].enliven(s, g, w.live, r)
			}
			if !p.inside {
				whole = true
			} else if n := len(w.stages); n == 0 || w.stages[n-1] != p.stage {
				w.stages = append(w.stages, p.stage)
			}
		}
	}
	if whole {
		s.canonicalise(g)
	} else {
		s.canonicaliseStages(g, w.stages)
	}
}

// changes returns a random number of changes among n live genes: binomial with probability
// 1/n, but one instead of none. The caller chooses which genes change, all sets of that
// size being equally likely. The distribution function is inverted term by term, starting
// from unchanged[n], the probability of no change.
func (s *Space) changes(n int, r *rand.Rand) int {
	if n == 1 {
		return 1
	}
	k := 0
	u, p := r.Float64(), s.unchanged[n]
	for u >= p && k < n {
		u -= p
		p *= float64(n-k) / (float64(k+1) * float64(n-1))
		k++
	}
	return max(1, k)
}

// enliven samples those genes of the stage's blocks that were not live.
func (st *stage) enliven(s *Space, g Genes, live geneSet, r *rand.Rand) {
	n := 1
	if !st.shared {
		n = st.depths[st.depth.of(g)]
	}
	for i := st.starts[0]; i < st.starts[n]; i++ {
		if !live.has(i) {
			g[i] = uint16(r.IntN(len(s.genes[i].Choices)))
		}
	}
}

// other returns a random value of gene i that is not v.
func (s *Space) other(i int, v uint16, r *rand.Rand) uint16 {
	n := uint16(r.IntN(len(s.genes[i].Choices) - 1))
	if n >= v {
		n++
	}
	return n
}

// Crossover returns a canonical child of a and b, which must be canonical too. Each gene
// comes from either parent with equal probability; a gene that is live in one parent only
// comes from that parent.
func (s *Space) Crossover(a, b Genes, r *rand.Rand) Genes {
	w := s.scratch()
	defer s.free(w)
	s.liveTo(w.live, a)
	s.liveTo(w.other, b)
	out := make(Genes, len(a))
	copy(out, a)
	for k, inB := range w.other {
		coins := r.Uint64()
		for fromB := inB &^ (w.live[k] & coins); fromB != 0; fromB &= fromB - 1 {
			i := 64*k + bits.TrailingZeros64(fromB)
			out[i] = b[i]
		}
	}
	s.canonicalise(out)
	return out
}

// All yields every canonical genotype once, in lexicographic order. Ask Size first: it ends
// within reasonable time for small spaces only. The yielded slice is the caller's.
func (s *Space) All() iter.Seq[Genes] {
	return func(yield func(Genes) bool) {
		n := len(s.genes)
		g, out, live := make(Genes, n), make(Genes, n), newGeneSet(n)
		var walk func(i int) bool
		walk = func(i int) bool {
			if i == n {
				copy(out, g)
				if s.canonicalise(out); slices.Equal(out, g) {
					return yield(slices.Clone(g))
				}
				return true
			}
			choices := 1
			if s.liveTo(live, g); live.has(i) { // which the genes before it decide
				choices = len(s.genes[i].Choices)
			}
			for v := range choices {
				g[i] = uint16(v)
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
