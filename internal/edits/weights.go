package edits

import (
	"slices"

	"nas/blocks"
)

// Weights are those of an edited network: what a network of weights w and the edited one have in common is w's, and
// the rest is drawn from a seed. Of a smaller kernel it is the centre, of fewer channels the first ones. New channels
// are read with weights of 0, so that they change nothing until they are trained. Trained networks lose accuracy by
// an edit until they are trained again.
func Weights(n *blocks.Network, w *blocks.Weights, edited *blocks.Network, seed uint64) *blocks.Weights {
	at := map[string]int{}
	for i := range n.Nodes {
		at[n.Nodes[i].Name] = i
	}
	out := blocks.NewWeights(edited, seed)
	for i := range edited.Nodes {
		j, ok := at[edited.Nodes[i].Name]
		if !ok || n.Nodes[j].Op.Kind() != edited.Nodes[i].Op.Kind() {
			continue
		}
		to, from := edited.Params(i), n.Params(j)
		tensors := slices.Clone(out.Node(i))
		for k := range tensors {
			if k < len(from) && len(from[k].Dims) == len(to[k].Dims) {
				tensors[k] = carried(tensors[k], to[k].Dims, w.Node(j)[k], from[k].Dims)
			}
		}
		out.Set(i, tensors)
	}
	return out
}

// carried is tensor t with the values of tensor w where both have them.
func carried(t []float32, dims []int, w []float32, wDims []int) []float32 {
	if slices.Equal(dims, wDims) {
		return w
	}
	out := slices.Clone(t)
	place := make([]int, len(dims))
	for i := range out {
		for k, rest := len(dims)-1, i; k >= 0; k-- {
			place[k], rest = rest%dims[k], rest/dims[k]
		}
		src, have := 0, true
		for k, p := range place {
			if len(dims) == 4 && k < 2 { // of a kernel: from its centre
				p += (wDims[k] - dims[k]) / 2
			}
			have = have && p >= 0 && p < wDims[k]
			src = src*wDims[k] + p
		}
		switch {
		case have:
			out[i] = w[src]
		case len(dims) > 1 && place[len(dims)-2] >= wDims[len(dims)-2]:
			out[i] = 0 // a new channel is read
		}
	}
	return out
}
