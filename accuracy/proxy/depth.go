package proxy

import "nas/blocks"

// countDepth scores a network by the number of its convolutions with a kernel
// size above 1, the stem's excluded. In a network of separable blocks it is the
// number of blocks.
func countDepth(n *blocks.Network) float64 {
	d := 0
	eachSpatialConv(n, func(int, *blocks.Conv) { d++ })
	return float64(d)
}

// eachSpatialConv visits the convolutions with a kernel size above 1 outside
// the stem, in order. The stem is stage 0; in a network without stage marks it
// is the first such convolution.
func eachSpatialConv(n *blocks.Network, f func(i int, c *blocks.Conv)) {
	marked := false
	for i := range n.Nodes {
		if n.Nodes[i].Stage > 0 {
			marked = true
			break
		}
	}
	first := true
	for i := range n.Nodes {
		c, ok := n.Nodes[i].Op.(*blocks.Conv)
		if !ok || c.Pointwise() {
			continue
		}
		stem := n.Nodes[i].Stage == 0
		if !marked {
			stem = first
		}
		first = false
		if !stem {
			f(i, c)
		}
	}
}

func init() {
	register(Proxy{Name: "depth", Label: "depth", compute: closed(countDepth),
		Blind: []Trait{SE, Activation, Dilation, KernelSize, Expansion, Resolution, Width}})
}
