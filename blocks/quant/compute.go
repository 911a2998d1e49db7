package quant

// Compute writes the integers of node i into values[i], from those of its inputs, of one image.
func (q *Network) Compute(i int, values [][]int32) { q.node(i, values) }
