package report

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"nas/space"
)

// SharesOfGenes counts how often each choice is taken on a front, and in a sample of
// the space drawn with a fixed seed. Genes of one key, such as the kernel sizes of all
// blocks, are counted together if they have the same choices, and else by stage. Genes
// that do not affect a network are not counted in it. blind reports whether the score
// cannot see the genes of a key.
func SharesOfGenes(s *space.Space, front []space.Genes, samples int, blind func(key string) bool) []GeneShares {
	type count struct{ front, space float64 }
	genes := s.Genes()
	first := map[string][]string{} // choices of the first gene of a key
	mixed := map[string]bool{}
	for _, g := range genes {
		if first[g.Key] == nil {
			first[g.Key] = g.Choices
		}
		mixed[g.Key] = mixed[g.Key] || !slices.Equal(first[g.Key], g.Choices)
	}
	name := func(g space.Gene) string {
		if mixed[g.Key] {
			return fmt.Sprintf("%s, stage %d", g.Key, g.Stage)
		}
		return g.Key
	}
	counts := map[string]map[string]*count{}
	keys := map[string]string{}
	var names []string
	choices := map[string][]string{}
	for _, g := range genes {
		n := name(g)
		if counts[n] == nil {
			counts[n] = map[string]*count{}
			keys[n] = g.Key
			names = append(names, n)
		}
		for _, c := range g.Choices {
			if counts[n][c] == nil {
				counts[n][c] = &count{}
				choices[n] = append(choices[n], c)
			}
		}
	}
	var live []bool
	each := func(gs space.Genes, add func(*count)) {
		live = s.Live(gs, live)
		for i, g := range genes {
			if live[i] {
				add(counts[name(g)][g.Choices[gs[i]]])
			}
		}
	}
	for _, g := range front {
		each(g, func(c *count) { c.front++ })
	}
	r := rand.New(rand.NewPCG(1, 0))
	for range samples {
		each(s.Sample(r), func(c *count) { c.space++ })
	}
	out := make([]GeneShares, 0, len(names))
	for _, n := range names {
		total := count{}
		for _, c := range counts[n] {
			total.front += c.front
			total.space += c.space
		}
		g := GeneShares{Name: n, Blind: blind != nil && blind(keys[n])}
		for _, choice := range choices[n] {
			c := counts[n][choice]
			g.Choices = append(g.Choices, Share{choice, percent(c.front, total.front), percent(c.space, total.space)})
		}
		out = append(out, g)
	}
	return out
}

func percent(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * part / whole
}
