package edits

import (
	"nas/blocks"
)

// graph is a network with its readers.
type graph struct {
	*blocks.Network
	readers [][]int
	widths  []width // found when they are first asked for
}

func newGraph(n *blocks.Network) *graph { return &graph{Network: n, readers: n.Consumers()} }

// conv returns the convolution of a node and the channels that it reads; nil for another op.
func (g *graph) conv(i int) (c *blocks.Conv, in int) {
	c, ok := g.Nodes[i].Op.(*blocks.Conv)
	if !ok {
		return nil, 0
	}
	return c, g.Nodes[g.Nodes[i].Inputs[0]].Shape.C
}

// convs lists the convolutions of maps.
func (g *graph) convs() (at []int) {
	for i := range g.Nodes {
		if c, _ := g.conv(i); c != nil && !g.Nodes[i].Shape.IsVector() {
			at = append(at, i)
		}
	}
	return at
}

// behind lists what follows node i and reads nothing else: its normalisation and its activation.
func (g *graph) behind(i int) (at []int) {
	for len(g.readers[i]) == 1 {
		i = g.readers[i][0]
		switch g.Nodes[i].Op.(type) {
		case *blocks.BatchNorm, *blocks.Affine, *blocks.Activation:
			at = append(at, i)
		default:
			return at
		}
	}
	return at
}
