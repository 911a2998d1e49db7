package importance

import (
	"cmp"
	"math/rand/v2"
	"slices"
)

// codeSet is a set of the choices of one gene. Choice 64 stands for a gene that is not there.
type codeSet [2]uint64

func (s *codeSet) add(code uint8)      { s[code/64] |= 1 << (code % 64) }
func (s *codeSet) has(code uint8) bool { return s[code/64]>>(code%64)&1 == 1 }

// forest is a regression forest over categories (Breiman, Random forests, Machine Learning 45, 2001). A split puts
// some of the choices of one gene on either side: ordered by their means, the best cut of the order is the best of
// all splits (Fisher, On grouping for maximum homogeneity, JASA 53, 1958).
type forest []tree

type tree []node

type node struct {
	gene  int32 // -1: a leaf
	left  int32 // the right side is the node behind it
	codes codeSet
	value float64
}

// The least number of rows of a leaf.
const leafRows = 3

func (f forest) predict(x []uint8) float64 {
	sum := 0.0
	for _, t := range f {
		at := &t[0]
		for at.gene >= 0 {
			next := at.left
			if !at.codes.has(x[at.gene]) {
				next++
			}
			at = &t[next]
		}
		sum += at.value
	}
	return sum / float64(len(f))
}

// grower grows the trees of a forest on rows x with values y.
type grower struct {
	x     [][]uint8
	y     []float64
	tries int // genes looked at for each split
	order []int
	r     *rand.Rand
	tree  tree
}

func growForest(x [][]uint8, y []float64, trees int, r *rand.Rand) forest {
	genes := len(x[0])
	g := &grower{x: x, y: y, tries: max(1, (genes+2)/3), order: make([]int, genes), r: r}
	for i := range g.order {
		g.order[i] = i
	}
	f := make(forest, trees)
	rows := make([]int, len(x))
	for t := range f {
		for i := range rows {
			rows[i] = r.IntN(len(x))
		}
		g.tree = tree{{}}
		g.grow(0, rows)
		f[t] = g.tree
	}
	return f
}

func (g *grower) grow(at int, rows []int) {
	sum := 0.0
	for _, i := range rows {
		sum += g.y[i]
	}
	g.tree[at] = node{gene: -1, value: sum / float64(len(rows))}
	if len(rows) < 2*leafRows {
		return
	}
	best, gene, codes := 1e-12, -1, codeSet{}
	for k := range g.tries { // the first of a random order
		j := k + g.r.IntN(len(g.order)-k)
		g.order[k], g.order[j] = g.order[j], g.order[k]
		if gain, left := g.split(rows, g.order[k]); gain > best {
			best, gene, codes = gain, g.order[k], left
		}
	}
	if gene < 0 {
		return
	}
	cut := 0
	for i, row := range rows {
		if codes.has(g.x[row][gene]) {
			rows[i], rows[cut] = rows[cut], rows[i]
			cut++
		}
	}
	left := len(g.tree)
	g.tree[at].gene, g.tree[at].left, g.tree[at].codes = int32(gene), int32(left), codes
	g.tree = append(g.tree, node{}, node{})
	g.grow(left, rows[:cut])
	g.grow(left+1, rows[cut:])
}

// tally is the rows with one choice of a gene.
type tally struct {
	code   uint8
	n, sum float64
}

// split returns the best split of rows by a gene, and by how much it lowers the sum of squares; 0 if there is none.
// Choices that no row has go with the larger side.
func (g *grower) split(rows []int, gene int) (gain float64, left codeSet) {
	var all [65]tally
	total := 0.0
	for _, i := range rows {
		t := &all[g.x[i][gene]]
		t.n++
		t.sum += g.y[i]
		total += g.y[i]
	}
	var present []tally
	var seen codeSet
	for code := range all {
		if t := all[code]; t.n > 0 {
			t.code = uint8(code)
			present = append(present, t)
			seen.add(t.code)
		}
	}
	if len(present) < 2 {
		return 0, left
	}
	slices.SortFunc(present, func(a, b tally) int { return cmp.Compare(a.sum/a.n, b.sum/b.n) })
	n, whole := 0.0, float64(len(rows))
	sum := 0.0
	var side codeSet
	larger := false
	for _, t := range present[:len(present)-1] {
		n += t.n
		sum += t.sum
		side.add(t.code)
		if n < leafRows || whole-n < leafRows {
			continue
		}
		rest := total - sum
		if s := sum*sum/n + rest*rest/(whole-n) - total*total/whole; s > gain {
			gain, left, larger = s, side, 2*n > whole
		}
	}
	if larger {
		left[0] |= ^seen[0]
		left[1] |= ^seen[1]
	}
	return gain, left
}
