package proxy

import (
	"math"

	"nas/blocks"
)

// synFlow scores a network by the logarithm of its synaptic flow, the sum over
// weights of |w dR/dw| (Tanaka, Kunin, Yamins and Ganguli, Pruning neural
// networks without any data by iteratively conserving synaptic flow, NeurIPS
// 2020, equation 1; as a proxy: Abdelfattah et al., ICLR 2021, section 3.2).
//
// This is its arithmetic form: weights are replaced by their expected magnitude
// under He initialisation, so that all channels of a map have one value and the
// flow can be followed by hand. With an input of ones a convolution multiplies
// by fan-in x E|w| = fan-in x sqrt(2/fan-in) x sqrt(2/pi); normalisation and
// activations pass positive values on; a residual sum splits the flow in
// proportion to its inputs. Borders are ignored, and gates (multiplications)
// are taken as open.
func synFlow(n *blocks.Network) float64 {
	value := make([]float64, len(n.Nodes)) // log of the value of each element
	for i := 1; i < len(n.Nodes); i++ {
		nd := &n.Nodes[i]
		value[i] = value[nd.Inputs[0]]
		switch op := nd.Op.(type) {
		case *blocks.Add:
			value[i] = logSum(value, nd.Inputs)
		default:
			if f := fanIn(n, i, op); f > 0 {
				value[i] += 0.5*math.Log(f) + math.Log(2/math.Sqrt(math.Pi))
			}
		}
	}
	// Backwards: the share of R that flows through each node.
	out := len(n.Nodes) - 1
	share := make([]float64, len(n.Nodes))
	share[out] = 1
	layers := 0.0
	for i := out; i > 0; i-- {
		nd := &n.Nodes[i]
		switch op := nd.Op.(type) {
		case *blocks.Add:
			for _, j := range nd.Inputs {
				share[j] += share[i] * math.Exp(value[j]-value[i])
			}
		case *blocks.Concat:
			for _, j := range nd.Inputs {
				share[j] += share[i] * float64(n.Nodes[j].Shape.C) / float64(nd.Shape.C)
			}
		default:
			share[nd.Inputs[0]] += share[i]
			if fanIn(n, i, op) > 0 {
				layers += share[i]
			}
		}
	}
	return value[out] + math.Log(float64(n.Output().Elems())) + math.Log(layers)
}

// fanIn returns the inputs of one output of a layer with weights, 0 for others.
func fanIn(n *blocks.Network, i int, op blocks.Op) float64 {
	in := n.Nodes[n.Nodes[i].Inputs[0]].Shape
	switch op := op.(type) {
	case *blocks.Conv:
		return float64(op.Kernel[0] * op.Kernel[1] * (in.C / op.G()))
	case *blocks.Linear:
		return float64(in.Elems())
	}
	return 0
}

func logSum(v []float64, idx []int) float64 {
	top := math.Inf(-1)
	for _, j := range idx {
		top = math.Max(top, v[j])
	}
	s := 0.0
	for _, j := range idx {
		s += math.Exp(v[j] - top)
	}
	return top + math.Log(s)
}

func init() {
	register(Proxy{Name: "synflow", Label: "log synaptic flow", compute: closed(synFlow),
		Blind: []Trait{SE, Activation, Dilation, Resolution}})
}
