package search

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"nas/space"
)

// spread returns a sample that is as costly as its place among the initial ones says: the first is the cheapest of a
// sample, the second the dearest, and so on between them.
func (n *SurrogateNSGA2) spread(r *rand.Rand) space.Genes {
	const samples = 256
	var list []space.Genes
	var at []float64
	for range samples {
		g := n.Space.Sample(r)
		known, violation := n.settings.Known(g)
		if violation > 0 || n.genes.has(hashGenes(g)) {
			continue
		}
		v := 0.0
		for i := range n.scales {
			v += n.scales[i].of(known[n.Objectives[n.scales[i].objective].Name])
		}
		list, at = append(list, g), append(at, v)
	}
	if len(list) == 0 {
		return nil
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	place := float64(n.asked)
	if n.asked > 1 { // van der Corput's sequence
		place = 0
		for k, f := n.asked-1, 0.5; k > 0; k, f = k/2, f/2 {
			place += f * float64(k%2)
		}
	}
	return list[order[int(math.Round(place*float64(len(list)-1)))]]
}
