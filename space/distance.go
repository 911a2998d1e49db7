package space

import (
	"math"
	"slices"
)

// nearestShared chooses the genes of a stage whose n blocks share them. The blocks are
// those of src from number k on.
func (st *stage) nearestShared(src *source, k, n int, first, rest site) pick {
	targets := []target{{src.blocks[k], first}}
	if n > 1 {
		targets = append(targets, target{src.blocks[k+1], rest})
	}
	if pk, ok := st.find(targets); ok {
		return pk
	}
	if n > 1 {
		return st.nearestPick(src, k+1, rest)
	}
	return st.nearestPick(src, k, first)
}

// nearestPick chooses the genes of one block: those that give block k of src, else of
// each kind the nearest genes, and of these the least different block.
func (st *stage) nearestPick(src *source, k int, s site) (best pick) {
	b := src.blocks[k]
	b.Channels = s.cout
	if pk, ok := st.findOne(&b, &s); ok {
		return pk
	}
	bestCost := math.Inf(1)
	for i := range st.kinds() {
		pk := pick{gKind: uint8(i)}
		if st.options == nil {
			for g := gKernel; g < blockGenes; g++ {
				pk[g] = uint8(st.nearestChoice(g, &b, src.cin[k]))
			}
		}
		t := st.template(&pk)
		got, ok := t.build(s, &st.style)
		if !ok {
			continue
		}
		if cost := distance(&got, &b, s.cin, src.cin[k]); cost < bestCost {
			best, bestCost = pk, cost
		}
	}
	return best
}

// nearestChoice returns the choice of gene g that is nearest to what b has.
func (st *stage) nearestChoice(g blockGene, b *Block, cin int) int {
	row := &geneTable[g]
	switch {
	case row.nearest != nil:
		return row.nearest(&st.values, b, cin, &st.style)
	case row.words != nil:
		return max(0, slices.Index(st.values[g], row.of(b, cin, &st.style)))
	}
	return nearest(st.values[g], row.of(b, cin, &st.style))
}

// distance is a distance of two blocks with a and b input channels. The weights say what
// a person would give up last: the kind, then the size.
func distance(x, y *Block, a, b int) float64 {
	d := math.Abs(math.Log(expansionOf(x, a, nil)/expansionOf(y, b, nil))) +
		kernelRatio(x.kernelSize(), y.kernelSize())
	if kindTable[x.Kind].separable != kindTable[y.Kind].separable {
		d += 2
	}
	for g := range geneTable {
		if row := &geneTable[g]; row.distant && !row.agree(x, y) {
			d += 0.25
		}
	}
	return d
}

// agree reports whether two blocks agree in what the gene decides.
func (r *geneRow) agree(x, y *Block) bool {
	if r.same != nil {
		return r.same(x, y)
	}
	return r.of(x, 1, nil) == r.of(y, 1, nil)
}
