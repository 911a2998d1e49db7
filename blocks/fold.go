package blocks

import "math"

// FoldBatchNorm returns a network without the batch normalisations that follow
// a convolution or linear layer which nothing else reads: their moving
// statistics, scale and shift go into the layer's weights and bias,
//
//	weight' = weight * scale / sqrt(variance + epsilon)
//	bias'   = (bias - mean) * scale / sqrt(variance + epsilon) + shift
//
// computed in float64. Other batch normalisations stay. n and w are not
// changed; tensors that need no change are shared with w.
func FoldBatchNorm(n *Network, w *Weights) (*Network, *Weights) {
	consumers := n.Consumers()
	for _, i := range n.Outputs {
		consumers[i] = append(consumers[i], len(n.Nodes)) // the caller reads it, too
	}
	out := &Network{Name: n.Name}
	folded := map[int]bool{} // nodes of n whose tensors were changed
	var tensors [][][]float32
	at := make([]int, len(n.Nodes)) // where a node's output is in out
	for i, nd := range n.Nodes {
		if bn, ok := nd.Op.(*BatchNorm); ok && len(consumers[nd.Inputs[0]]) == 1 {
			j := at[nd.Inputs[0]]
			if op, ts := foldInto(out.Nodes[j].Op, tensors[j], bn, w.Node(i)); op != nil {
				out.Nodes[j].Op, out.Nodes[j].Shared, tensors[j], at[i] = op, nil, ts, j
				folded[nd.Inputs[0]] = true
				continue
			}
		}
		at[i] = len(out.Nodes)
		inputs := make([]int, len(nd.Inputs))
		for k, j := range nd.Inputs {
			inputs[k] = at[j]
		}
		nd.Inputs = inputs
		nd.Shared = nil
		for _, j := range n.Nodes[i].Shared {
			if folded[j] {
				j = 0
			}
			nd.Shared = append(nd.Shared, at[j])
		}
		out.Nodes = append(out.Nodes, nd)
		tensors = append(tensors, w.Node(i))
	}
	for _, i := range n.Outputs {
		out.Outputs = append(out.Outputs, at[i])
	}
	return out, &Weights{tensors}
}

// foldInto returns the layer with a bias and its new weights, or nil if op is no layer.
func foldInto(op Op, ts [][]float32, bn *BatchNorm, stats [][]float32) (Op, [][]float32) {
	var folded Op
	var bias bool
	switch o := op.(type) {
	case *Conv:
		c := *o
		bias, c.Bias = c.Bias, true
		folded = &c
	case *Linear:
		l := *o
		bias, l.Bias = l.Bias, true
		folded = &l
	default:
		return nil, nil
	}
	scale, shift, mean, variance := stats[0], stats[1], stats[2], stats[3]
	channels := len(scale)
	weight, shifted := make([]float32, len(ts[0])), make([]float32, channels)
	for c := range channels {
		f := float64(scale[c]) / math.Sqrt(float64(variance[c])+bn.Eps())
		b := 0.0
		if bias {
			b = float64(ts[1][c])
		}
		shifted[c] = float32((b-float64(mean[c]))*f + float64(shift[c]))
		for i := c; i < len(weight); i += channels {
			weight[i] = float32(float64(ts[0][i]) * f)
		}
	}
	return folded, [][]float32{weight, shifted}
}
