package tflite

import "nas/blocks"

// Outline returns the operators and activations of the file that [Quantize] makes of n with integers at its edges.
// Their sizes and their order are those of the file; weights, scales and zero points are none of it.
func Outline(n *blocks.Network) (*Model, error) {
	longest := 0
	for i := range n.Nodes {
		for _, p := range n.Params(i) {
			longest = max(longest, p.Len())
		}
	}
	zeros, w := make([]float32, longest), blocks.EmptyWeights(n)
	for i := range n.Nodes {
		var ts [][]float32
		for _, p := range n.Params(i) {
			ts = append(ts, zeros[:p.Len():p.Len()])
		}
		if ts != nil {
			w.Set(i, ts)
		}
	}
	m, err := Lower(n, w)
	if err != nil {
		return nil, err
	}
	for i := range m.Tensors {
		if t := &m.Tensors[i]; t.Data == nil {
			t.Type = Int8
		}
	}
	return m, nil
}
