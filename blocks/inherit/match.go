package inherit

import (
	"fmt"
	"strings"

	"nas/blocks"
)

// place says where a node stands in an architecture. Nodes outside of blocks, as those of a head, are told apart by
// their names alone.
type place struct {
	stage, block int
	name         string
}

func placeOf(nd *blocks.Node) place {
	if nd.Block == 0 {
		return place{name: nd.Name}
	}
	prefix := fmt.Sprintf("stage%d.block%d.", nd.Stage, nd.Block)
	return place{nd.Stage, nd.Block, strings.TrimPrefix(nd.Name, prefix)}
}

// match returns, for each node of the child, the node of the parent that stands in its place and is an op of the same
// kind, -1 where there is none; and whether the node is of a block that the parent does not have.
func match(child, parent *blocks.Network) (of []int, added []bool) {
	nodes := map[place]int{}
	blocksOf := map[int]int{} // number of blocks of a stage
	for i := range parent.Nodes {
		nd := &parent.Nodes[i]
		nodes[placeOf(nd)] = i
		blocksOf[nd.Stage] = max(blocksOf[nd.Stage], nd.Block)
	}
	of, added = make([]int, len(child.Nodes)), make([]bool, len(child.Nodes))
	for i := range child.Nodes {
		nd := &child.Nodes[i]
		p := placeOf(nd)
		if last := blocksOf[nd.Stage]; nd.Block > last {
			added[i] = true
			if p.block = last; last > 0 && !repeats(parent, nd.Stage, last) {
				p.block = -1
			}
		}
		j, ok := nodes[p]
		if of[i] = -1; ok && parent.Nodes[j].Op.Kind() == nd.Op.Kind() {
			of[i] = j
		}
	}
	return of, added
}

// repeats tells whether a block leaves the shape of its input, so that it can follow itself.
func repeats(n *blocks.Network, stage, block int) bool {
	var in, out blocks.Shape
	for i := range n.Nodes {
		if nd := &n.Nodes[i]; nd.Stage == stage && nd.Block == block {
			if in == (blocks.Shape{}) {
				in = n.Nodes[nd.Inputs[0]].Shape
			}
			out = nd.Shape
		}
	}
	return in == out
}
