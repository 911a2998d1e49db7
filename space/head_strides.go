package space

import (
	"fmt"
	"slices"
)

// checkHeadStrides returns the problem of a head that takes maps of certain strides if a network of the space may lack
// them.
func (s *Space) checkHeadStrides() []Problem {
	type state struct {
		total int // the strides so far, multiplied
		last  int // the last stride above 1
	}
	if s.head.kind != Features && s.head.kind != SSDLite {
		return nil
	}
	reached := map[state]bool{{1, 1}: true}
	after := func(strides []int, limit int, mayLack bool) {
		next := map[state]bool{}
		for x := range reached {
			if mayLack {
				next[x] = true
			}
			for _, n := range strides {
				if n == 1 || limit > 0 && x.total*n > limit {
					next[x] = true
				} else {
					next[state{x.total * n, n}] = true
				}
			}
		}
		reached = next
	}
	widths := s.stem.width.eff
	noStem := slices.ContainsFunc(widths, func(eff []int) bool { return slices.Contains(eff, 0) })
	after(s.spec.Stem.Stride, 0, noStem)
	var problems []Problem
	stemmed := reached
	for _, limit := range s.spec.OutputStride {
		reached = stemmed
		for i := range s.stages {
			after(s.stages[i].strides, limit, slices.Contains(s.stages[i].depths, 0))
		}
		for x := range reached {
			if want := s.head.lacks(x.total, x.last, slices.Min(s.spec.Resolution), s.spec.Input); want != "" {
				problems = append(problems,
					Problem{Key: "space.head.kind", Of: "space", Value: fmt.Sprintf("%q", s.head.kind), Want: want})
			}
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return slices.Compare([]byte(a.Want), []byte(b.Want)) })
	return problems[:min(1, len(problems))]
}

// lacks says what a network of such strides lacks for the head; "" is nothing.
func (h *headGenes) lacks(total, last, height int, input []int) string {
	low := min(height, height*input[1]/input[0])
	switch {
	case h.kind == Features && !slices.Contains(featureStrides, total):
		return fmt.Sprintf("stages whose strides, with the stem's, multiply to 8, 16 or 32, not %d", total)
	case h.kind == SSDLite && last != 2:
		return fmt.Sprintf("2 as the last stride above 1, not %d: ssdlite takes a map twice as large as the last", last)
	case h.kind == SSDLite && total < 4:
		return fmt.Sprintf("stages whose strides, with the stem's, multiply to 4 or more, not %d", total)
	case h.kind == SSDLite && total > low:
		return fmt.Sprintf("an input of at least %d pixels a side, not %d: the last map has one", 2*total, low)
	}
	return ""
}
