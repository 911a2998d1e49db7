package search

import "nas/space"

// geneEncoding turns genes into features of a surrogate.
type geneEncoding func(space.Genes) []float64

// geneSpace is what is needed to encode genes of [space.Space].
type geneSpace interface {
	Genes() []space.Gene
	Live(g space.Genes, dst []bool) []bool
}

// encodingOf returns the encoding of a space: its own; or for each gene of a
// [space.Space] one indicator a choice, all 0 where the gene is not live; or the
// genes as they are, which suits genes that are few and ordered.
func encodingOf(s Space) geneEncoding {
	switch s := s.(type) {
	case Encoder:
		return s.Encode
	case geneSpace:
		var at []int // of each gene's first indicator
		width := 0
		for _, g := range s.Genes() {
			at = append(at, width)
			width += len(g.Choices)
		}
		var live []bool
		return func(g space.Genes) []float64 {
			x := make([]float64, width)
			live = s.Live(g, live)
			for i, v := range g {
				if live[i] {
					x[at[i]+int(v)] = 1
				}
			}
			return x
		}
	}
	return func(g space.Genes) []float64 {
		x := make([]float64, len(g))
		for i, v := range g {
			x[i] = float64(v)
		}
		return x
	}
}
