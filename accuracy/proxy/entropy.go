package proxy

import (
	"math"

	"nas/blocks"
)

// entropy scores a network by the differential entropy of its output under
// Gaussian weights and inputs, DeepMAD's closed form (Shen, Wang, Tan et al.,
// DeepMAD: Mathematical Architecture Design for Deep Convolutional Neural
// Network, CVPR 2023, section 3):
//
//	H = log(r^2 c) * sum over convolutions of log(c_in k^2 / groups)
//
// r x r x c being the last map. It differs from the authors' search in two ways:
// the last map alone counts, not a weighted sum over stages, and the cap on
// depth over width (their effectiveness) is left to the constraints of the
// search. Both layers of a squeeze-and-excite gate are left out: they are not
// on the path that the entropy follows. No network is run.
func entropy(n *blocks.Network) float64 {
	sum := 0.0
	var last blocks.Shape
	for i := range n.Nodes {
		c, ok := n.Nodes[i].Op.(*blocks.Conv)
		if !ok {
			continue
		}
		in := n.Nodes[n.Nodes[i].Inputs[0]].Shape
		if in.IsVector() && i > 0 {
			continue
		}
		sum += math.Log(float64(c.Kernel[0]*c.Kernel[1]) * float64(in.C/c.G()))
		last = n.Nodes[i].Shape
	}
	return math.Log(float64(max(last.Elems(), 1))) * sum
}

func init() {
	register(Proxy{Name: "entropy", Label: "DeepMAD entropy", compute: closed(entropy),
		Blind: []Trait{SE, Activation, Dilation}})
}
