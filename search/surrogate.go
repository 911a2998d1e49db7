package search

import (
	"math"

	"nas/space"
)

// A Surrogate is a regression model of one objective over encoded genes. It is
// deterministic and owned by one searcher.
type Surrogate interface {
	// Fit replaces what was fitted before. x holds a row of features for each
	// value of y; there are at least two rows. The model may keep x.
	Fit(x [][]float64, y []float64) error
	// Predict returns the expected value.
	Predict(x []float64) float64
	// Deviation returns the standard deviation of Predict's error.
	Deviation(x []float64) float64
	// String names the model with its settings.
	String() string
}

// encoder turns genes into features of a surrogate.
type encoder func(space.Genes) []float64

// geneSpace is what is needed to encode genes of [space.Space].
type geneSpace interface {
	Genes() []space.Gene
	Live(g space.Genes, dst []bool) []bool
}

// newEncoder returns the encoding of a space: its own; or for each gene of a
// [space.Space] one indicator a choice, all 0 where the gene is not live; or the
// genes as they are, which suits genes that are few and ordered.
func newEncoder(s Space) encoder {
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

// standard scales values to mean 0 and deviation 1.
type standard struct{ mean, deviation float64 }

func standardise(y []float64) (standard, []float64) {
	var s standard
	for _, v := range y {
		s.mean += v
	}
	s.mean /= float64(len(y))
	for _, v := range y {
		s.deviation += (v - s.mean) * (v - s.mean)
	}
	s.deviation = math.Sqrt(s.deviation / float64(len(y)))
	if s.deviation == 0 {
		s.deviation = 1
	}
	z := make([]float64, len(y))
	for i, v := range y {
		z[i] = (v - s.mean) / s.deviation
	}
	return s, z
}

func squaredDistance(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += (v - b[i]) * (v - b[i])
	}
	return sum
}
