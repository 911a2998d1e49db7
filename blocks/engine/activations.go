package engine

import "nas/blocks"

// Activations returns a function that computes the activations of all nodes of a network for one image, the input's
// first. It runs on one thread, and nothing is fused.
func Activations(n *blocks.Network, w *blocks.Weights) (func(in []float32) ([][]float32, error), error) {
	all, size := *n, 0
	all.Outputs = nil
	for i, nd := range n.Nodes[1:] {
		all.Outputs = append(all.Outputs, i+1)
		size += nd.Shape.Elems()
	}
	p, err := Compile(&all, Host(1), Options{})
	if err != nil {
		return nil, err
	}
	if err := p.Bind(w); err != nil {
		return nil, err
	}
	return func(in []float32) ([][]float32, error) {
		out := make([]float32, size)
		if err := p.Run(out, in); err != nil {
			return nil, err
		}
		acts := [][]float32{in}
		for _, nd := range n.Nodes[1:] {
			k := nd.Shape.Elems()
			acts, out = append(acts, out[:k:k]), out[k:]
		}
		return acts, nil
	}, nil
}
