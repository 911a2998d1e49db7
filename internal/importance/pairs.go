package importance

import (
	"cmp"
	"math"
	"slices"
)

// Which pairs of genes get coefficients of their own.
const (
	pairGenes = 60 // genes with the largest coefficients, among which pairs are looked for
	maxPairs  = 40
	pairZ     = 6 // standard deviations that a pair's sum of squares must be beyond chance
)

// genePair is two genes with a coefficient for each pair of their choices. The columns of a pair begin at offset.
type genePair struct{ a, b, offset int }

// column is the column of a row of codes; false if the network lacks one of the genes.
func (d *domain) column(p genePair, x []uint8) (int, bool) {
	a, b := int(x[p.a]), int(x[p.b])
	return p.offset + a*d.choices[p.b] + b, a < d.choices[p.a] && b < d.choices[p.b]
}

// findPairs returns the pairs of genes whose choices together explain most of rest, which is what the coefficients
// c of single genes leave (Lou and others, Accurate intelligible models with pairwise interactions, KDD 2013).
func (d *domain) findPairs(x [][]uint8, rest, c []float64) (pairs []genePair) {
	noise := 0.0
	for _, e := range rest {
		noise += e * e / float64(len(rest))
	}
	if noise == 0 {
		return nil
	}
	type scored struct {
		genePair
		z float64
	}
	var all []scored
	genes := d.largest(c)
	for i, a := range genes {
		for _, b := range genes[:i] {
			p := genePair{a: min(a, b), b: max(a, b)}
			if z := d.pairScore(p, x, rest, noise); z > pairZ {
				all = append(all, scored{p, z})
			}
		}
	}
	slices.SortStableFunc(all, func(p, q scored) int { return cmp.Compare(q.z, p.z) })
	at := d.columns
	for _, p := range all[:min(len(all), maxPairs)] {
		p.offset = at
		at += d.choices[p.a] * d.choices[p.b]
		pairs = append(pairs, p.genePair)
	}
	return pairs
}

// largest returns the genes whose coefficients differ most.
func (d *domain) largest(c []float64) []int {
	spread := make([]float64, len(d.choices))
	genes := make([]int, len(d.choices))
	for i, n := range d.choices {
		own := c[d.offset[i] : d.offset[i]+n]
		genes[i], spread[i] = i, slices.Max(own)-slices.Min(own)
	}
	slices.SortStableFunc(genes, func(a, b int) int { return cmp.Compare(spread[b], spread[a]) })
	return genes[:min(len(genes), pairGenes)]
}

// pairScore is by how many standard deviations the sum of squares between the cells of a pair exceeds that of
// noise, which has a chi-squared distribution.
func (d *domain) pairScore(p genePair, x [][]uint8, rest []float64, noise float64) float64 {
	cells := d.choices[p.a] * d.choices[p.b]
	sum, n := make([]float64, cells), make([]float64, cells)
	p.offset = 0
	for i, row := range x {
		if k, ok := d.column(p, row); ok {
			sum[k] += rest[i]
			n[k]++
		}
	}
	squares, df := 0.0, 0.0
	for k := range cells {
		if n[k] > 0 {
			squares += sum[k] * sum[k] / n[k]
			df++
		}
	}
	return (squares/noise - df) / math.Sqrt(2*max(1, df))
}
