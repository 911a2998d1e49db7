package space

import (
	"math/bits"
	"slices"
)

// geneSet is a set of positions in a genotype, 64 a word.
type geneSet []uint64

func newGeneSet(n int) geneSet { return make(geneSet, (n+63)/64) }

func (s geneSet) has(i int) bool { return s[i/64]>>(i%64)&1 == 1 }
func (s geneSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s geneSet) remove(i int)   { s[i/64] &^= 1 << (i % 64) }

// removeRange removes the positions from a up to b.
func (s geneSet) removeRange(a, b int) {
	for a < b {
		n := min(64-a%64, b-a)
		s[a/64] &^= (1<<n - 1) << (a % 64)
		a += n
	}
}

func (s geneSet) len() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// nth returns the member that k smaller members precede. There must be one.
func (s geneSet) nth(k int) int {
	for i, w := range s {
		if n := bits.OnesCount64(w); k >= n {
			k -= n
			continue
		}
		for range k {
			w &= w - 1
		}
		return 64*i + bits.TrailingZeros64(w)
	}
	panic("space: no such member of a gene set")
}

// Live sets dst[i] for every gene that g's network depends on: not for those of absent
// blocks, nor for those that the block's kind does not have. It returns dst, which it grows
// if necessary.
func (s *Space) Live(g Genes, dst []bool) []bool {
	w := s.scratch()
	defer s.free(w)
	s.liveTo(w.live, g)
	dst = slices.Grow(dst[:0], len(g))[:len(g)]
	for i := range dst {
		dst[i] = w.live.has(i)
	}
	return dst
}

// liveTo makes set the genes that g's network depends on.
func (s *Space) liveTo(set geneSet, g Genes) {
	copy(set, s.all)
	for i := range s.stages {
		st := &s.stages[i]
		n := 1 // blocks that have genes
		if !st.shared {
			n = st.depths[st.depth.of(g)]
			set.removeRange(st.starts[n], st.starts[len(st.blocks)])
		}
		if st.alike {
			continue
		}
		for b := range n {
			kind := pick{gKind: uint8(st.blocks[b][gKind].of(g))}
			k := st.kind(&kind)
			for _, a := range st.active[b] {
				if !k.has(a.gene) {
					set.remove(int(a.at))
				}
			}
		}
	}
}
