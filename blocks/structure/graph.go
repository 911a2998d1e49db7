package structure

import "nas/blocks"

// graph is a network with its backbone in front: first the nodes that the last of the
// smallest maps needs, then all others, each in the network's order.
type graph struct {
	net      *blocks.Network
	order    []int // nodes
	at       []int // place in order of each node
	backbone int   // number of its nodes
}

func newGraph(n *blocks.Network) *graph {
	apex := 0
	for i, nd := range n.Nodes {
		if p := nd.Shape.Pixels(); !constant(&nd) && p > 1 && p <= n.Nodes[apex].Shape.Pixels() {
			apex = i
		}
	}
	needed := make([]bool, len(n.Nodes))
	needed[0], needed[apex] = true, true
	for i := apex; i >= 0; i-- {
		if needed[i] {
			for _, j := range n.Nodes[i].Inputs {
				needed[j] = true
			}
		}
	}
	g := &graph{net: n, at: make([]int, len(n.Nodes))}
	for _, part := range []bool{true, false} {
		for i := range n.Nodes {
			if needed[i] == part {
				g.at[i] = len(g.order)
				g.order = append(g.order, i)
			}
		}
		if part {
			g.backbone = len(g.order)
		}
	}
	return g
}

// constant reports whether a node makes the same of every input.
func constant(nd *blocks.Node) bool {
	_, ok := nd.Op.(*blocks.Constant)
	return ok
}

// node returns the node at a place in the order.
func (g *graph) node(i int) *blocks.Node { return &g.net.Nodes[g.order[i]] }

// passed lists the places of the nodes through which every path to the last node leads.
// Constants start no path, and what reads the backbone before its end, such as
// the low level features of a segmentation head, goes another way.
func (g *graph) passed() (places []int) {
	last := make([]int, len(g.order)) // place of the last reader
	for i := range g.order {
		if constant(g.node(i)) {
			continue
		}
		for _, j := range g.node(i).Inputs {
			if k := g.at[j]; i < g.backbone || k >= g.backbone-1 {
				last[k] = i
			}
		}
	}
	reach := last[0] // last reader of all places before i
	for i := 1; i < len(g.order); i++ {
		if constant(g.node(i)) {
			continue
		}
		if reach <= i {
			places = append(places, i)
		}
		reach = max(reach, last[i])
	}
	return places
}

// mark sets stage and block of the places from up to but not including to.
func (g *graph) mark(from, to, stage, block int) {
	for i := from; i < to; i++ {
		g.node(i).Stage, g.node(i).Block = stage, block
	}
}
