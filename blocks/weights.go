package blocks

import (
	"math/rand/v2"

	"nas/internal/fault"
)

// Weights are the parameter tensors of a network, node by node in the order of
// [Op.Params]. Tensors may be views into storage that several networks share.
type Weights struct {
	nodes [][][]float32
}

// EmptyWeights returns weights for n whose tensors are all nil, to be filled
// with [Weights.Set].
func EmptyWeights(n *Network) *Weights { return &Weights{make([][][]float32, len(n.Nodes))} }

// NewWeights draws weights from a seed: He fan-in for convolutions and linear
// layers, zero bias, scale 1, shift 0, moving mean 0 and variance 1. The same
// network and seed give the same weights on every machine.
func NewWeights(n *Network, seed uint64) *Weights {
	w := EmptyWeights(n)
	for i := range n.Nodes {
		ps := n.Params(i)
		if len(ps) == 0 {
			continue
		}
		ts := make([][]float32, len(ps))
		for k, p := range ps {
			ts[k] = make([]float32, p.Len())
			p.fill(ts[k], rand.NewPCG(seed, uint64(i)<<8|uint64(k)))
		}
		w.nodes[i] = ts
	}
	return w
}

func (p Param) fill(t []float32, src rand.Source) {
	switch p.Init {
	case InitOne:
		for i := range t {
			t[i] = 1
		}
	case InitHe:
		std := p.HeSD()
		r := rand.New(src)
		for i := range t {
			t[i] = float32(r.NormFloat64()) * std
		}
	}
}

// Node returns the tensors of node i, nil where it has none.
func (w *Weights) Node(i int) [][]float32 { return w.nodes[i] }

// Set makes tensors the weights of node i.
func (w *Weights) Set(i int, tensors [][]float32) { w.nodes[i] = tensors }

// Check returns an error unless every tensor of n is there in its full length.
func (w *Weights) Check(n *Network) error {
	if len(w.nodes) != len(n.Nodes) {
		return fault.Errorf("blocks: weights are for %d nodes, network %s has %d", len(w.nodes), n.Name, len(n.Nodes))
	}
	for i, nd := range n.Nodes {
		ps := n.Params(i)
		if len(w.nodes[i]) != len(ps) {
			return fault.Errorf("blocks: node %q has %d weight tensors, want %d", nd.Name, len(w.nodes[i]), len(ps))
		}
		for k, p := range ps {
			if len(w.nodes[i][k]) != p.Len() {
				return fault.Errorf("blocks: node %q: %s has %d values, want %v", nd.Name, p.Name, len(w.nodes[i][k]), p.Dims)
			}
		}
	}
	return nil
}
