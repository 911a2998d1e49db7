package inherit

import (
	"cmp"
	"slices"

	"nas/blocks"
)

// ties are the kinds of ops whose output has the channels of their inputs, in the same order.
var ties = map[string]bool{
	"act": true, "add": true, "affine": true, "binary": true, "bn": true, "border": true, "channel_conv": true,
	"fake_quant": true, "global_pool": true, "interpolate": true, "lrn": true, "mul": true, "pool": true, "prelu": true,
	"reduce": true, "resize": true, "softmax": true, "stack": true, "sum_pixels": true, "unary": true,
}

// depthwise tells whether a node is a convolution with one group for each input channel.
func depthwise(n *blocks.Network, i int) bool {
	op, ok := n.Nodes[i].Op.(*blocks.Conv)
	return ok && op.G() > 1 && op.G() == n.Nodes[n.Nodes[i].Inputs[0]].Shape.C
}

// groups are the nodes of a network by the channels that they have in common: what an addition adds, a depthwise
// convolution keeps apart, or a gate multiplies.
type groups struct {
	net    *blocks.Network
	root   []int // of each node: the first of its group
	worth  map[int][]float64
	output int // the group of the network's output
}

// groupsOf finds the groups of a network, and what each of their channels is worth.
func groupsOf(n *blocks.Network, w *blocks.Weights) *groups {
	g := &groups{net: n, root: make([]int, len(n.Nodes))}
	for i := range n.Nodes {
		g.root[i] = i
		nd := &n.Nodes[i]
		if !ties[nd.Op.Kind()] && !(depthwise(n, i) && n.Nodes[nd.Inputs[0]].Shape.C == nd.Shape.C) {
			continue
		}
		for _, j := range nd.Inputs {
			if n.Nodes[j].Shape.C == nd.Shape.C {
				a, b := g.find(i), g.find(j)
				g.root[max(a, b)] = min(a, b)
			}
		}
	}
	for i := range n.Nodes {
		g.root[i] = g.find(i)
	}
	g.output = g.root[n.Returned()[0]]
	g.weigh(w)
	return g
}

func (g *groups) find(i int) int {
	for g.root[i] != i {
		i = g.root[i]
	}
	return i
}

// weigh finds the worth of each channel: the sum of the squares of the weights that read it, times that of the scales
// of the batch normalisations that it goes through, or, where there is none, of the weights that make it.
func (g *groups) weigh(w *blocks.Weights) {
	read, scaled, made := map[int][]float64{}, map[int][]float64{}, map[int][]float64{}
	add := func(sums map[int][]float64, node, channel int, v float32) {
		r := g.root[node]
		if sums[r] == nil {
			sums[r] = make([]float64, g.net.Nodes[r].Shape.C)
		}
		sums[r][channel] += float64(v) * float64(v)
	}
	for i := range g.net.Nodes {
		nd := &g.net.Nodes[i]
		switch op := nd.Op.(type) {
		case *blocks.BatchNorm:
			for c, v := range w.Node(i)[0] {
				add(scaled, i, c, v)
			}
		case *blocks.Conv:
			in := g.net.Nodes[nd.Inputs[0]].Shape.C
			cpg, npg, apart := in/op.G(), op.Out/op.G(), depthwise(g.net, i)
			for k, v := range w.Node(i)[0] {
				o, c := k%op.Out, k/op.Out%cpg
				add(made, i, o, v)
				if !apart {
					add(read, nd.Inputs[0], o/npg*cpg+c, v)
				}
			}
		case *blocks.Linear:
			in := g.net.Nodes[nd.Inputs[0]].Shape.C
			for k, v := range w.Node(i)[0] {
				add(made, i, k%op.Out, v)
				add(read, nd.Inputs[0], k/op.Out%in, v)
			}
		}
	}
	g.worth = map[int][]float64{}
	for r := range g.root {
		if g.root[r] != r {
			continue
		}
		worth := make([]float64, g.net.Nodes[r].Shape.C)
		own := scaled[r]
		if own == nil {
			own = made[r]
		}
		for c := range worth {
			worth[c] = 1
			if own != nil {
				worth[c] *= own[c]
			}
			if read[r] != nil {
				worth[c] *= read[r][c]
			}
		}
		g.worth[r] = worth
	}
}

// choose returns the n channels of a node's group that a child takes: all of them in their order, and -1 for each that
// the child has more; or those worth most. Of the network's output, whose channels are classes, it takes all or none.
func (g *groups) choose(node, n int) origin {
	r := g.root[node]
	worth := g.worth[r]
	o := origin{of: len(worth), from: make([]int, n)}
	for i := range o.from {
		if o.from[i] = i; i >= o.of {
			o.from[i] = -1
		}
	}
	switch {
	case n != o.of && r == g.output:
		for i := range o.from {
			o.from[i] = -1
		}
	case n < o.of:
		order := make([]int, o.of)
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(worth[b], worth[a]) })
		copy(o.from, order)
		slices.Sort(o.from)
	}
	return o
}
