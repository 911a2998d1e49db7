package blocks

import "math"

// FoldBatchNorm returns a network without the batch normalisations that follow
// a convolution or linear layer which nothing else reads: their moving
// statistics, scale and shift go into the layer's weights and bias,
//
//	weight' = weight * scale / sqrt(variance + epsilon)
//	bias'   = (bias - mean) * scale / sqrt(variance + epsilon) + shift
//
// computed in float64. An [Affine] goes the same way. Other batch normalisations stay. n and w are not
// changed; tensors that need no change are shared with w.
func FoldBatchNorm(n *Network, w *Weights) (*Network, *Weights) {
	consumers := n.Consumers()
	for _, i := range n.Outputs {
		consumers[i] = append(consumers[i], len(n.Nodes)) // the caller reads it, too
	}
	out := &Network{Name: n.Name}
	folded := map[int]bool{} // nodes of n whose tensors were changed or are gone
	var tensors [][][]float32
	at := make([]int, len(n.Nodes)) // where a node's output is in out
	for i, nd := range n.Nodes {
		if f := factorsOf(nd, w.Node(i)); f != nil && len(consumers[nd.Inputs[0]]) == 1 {
			j := at[nd.Inputs[0]]
			if op, ts := foldInto(out.Nodes[j].Op, tensors[j], f); op != nil {
				out.Nodes[j].Op, out.Nodes[j].Shared, tensors[j], at[i] = op, nil, ts, j
				folded[nd.Inputs[0]], folded[i] = true, true
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

// factors are what an op does to each channel: (in - mean) * scale + shift.
type factors struct {
	scale       []float64
	mean, shift []float32
}

// factorsOf returns those of a batch normalisation or an [Affine], nil of another op.
func factorsOf(nd Node, ts [][]float32) *factors {
	c := nd.Shape.C
	f := &factors{scale: make([]float64, c), mean: make([]float32, c)}
	switch o := nd.Op.(type) {
	case *BatchNorm:
		f.mean, f.shift = ts[2], ts[1]
		for i := range f.scale {
			f.scale[i] = float64(ts[0][i]) / math.Sqrt(float64(ts[3][i])+o.Eps())
		}
	case *Affine:
		var scale []float32
		scale, f.shift = o.Factors(c, ts)
		for i, v := range scale {
			f.scale[i] = float64(v)
		}
	default:
		return nil
	}
	return f
}

// foldInto returns the layer with a bias and its new weights, or nil if op is no layer.
func foldInto(op Op, ts [][]float32, by *factors) (Op, [][]float32) {
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
	channels := len(by.scale)
	weight, shifted := make([]float32, len(ts[0])), make([]float32, channels)
	for c := range channels {
		f := by.scale[c]
		b := 0.0
		if bias {
			b = float64(ts[1][c])
		}
		shifted[c] = float32((b-float64(by.mean[c]))*f + float64(by.shift[c]))
		for i := c; i < len(weight); i += channels {
			weight[i] = float32(float64(ts[0][i]) * f)
		}
	}
	return folded, [][]float32{weight, shifted}
}
