// Package int8loss finds where a network of 8-bit integers loses: it compares each layer, and the whole network, with
// float32, and tries the edits that would help.
//
// Layers are rounded within a network of float32, as in training that is aware of quantisation (Jacob et al., CVPR
// 2018, section 3): the weights are those that the integers stand for, and [blocks.FakeQuant] rounds the values. The
// whole network is also computed with integers.
package int8loss

import (
	"nas/blocks"
	"nas/blocks/quant"
)

// unit is a layer: the node that computes it, and the node whose value is rounded, which is the activation behind it
// where that clamps in the layer.
type unit struct{ source, value int }

// unitsOf lists the layers of a network in its order. Nodes that only move values have none.
func unitsOf(q *quant.Network) (list []unit) {
	for i := 1; i < len(q.Nodes); i++ {
		if q.Nodes[i].Grid.Scale == 0 {
			continue
		}
		switch op := q.Net.Nodes[i].Op.(type) {
		case *blocks.Concat, *blocks.Stack, *blocks.ChannelSlice, *blocks.ChannelShuffle:
			continue
		case *blocks.Pool:
			if op.Pool == blocks.MaxPool {
				continue
			}
		case *blocks.GlobalPool:
			if op.Pool == blocks.MaxPool {
				continue
			}
		case *blocks.Resize:
			if op.Mode == blocks.Nearest {
				continue
			}
		}
		list = append(list, unit{q.Source(i), i})
	}
	return list
}

// simulate returns the network in float32 with the layers in on rounded, and where the values of its nodes are. With
// input, the input is rounded, too.
func simulate(q *quant.Network, on []unit, input bool) (*blocks.Network, *blocks.Weights, []int) {
	weights, values := map[int]bool{}, map[int]bool{0: input}
	for _, u := range on {
		weights[u.source], values[u.value] = true, true
	}
	n, at := &blocks.Network{Name: q.Net.Name}, make([]int, len(q.Net.Nodes))
	var tensors [][][]float32
	for i, nd := range q.Net.Nodes {
		inputs := make([]int, len(nd.Inputs))
		for k, j := range nd.Inputs {
			inputs[k] = at[j]
		}
		nd.Inputs, nd.Shared = inputs, nil
		ts := q.Weights.Node(i)
		if l := q.Nodes[i].Layer; l != nil && weights[i] {
			ts = realsOf(l, float64(q.Nodes[q.Net.Nodes[i].Inputs[0]].Grid.Scale), len(ts) > 1)
		}
		n.Nodes, tensors = append(n.Nodes, nd), append(tensors, ts)
		at[i] = len(n.Nodes) - 1
		if values[i] {
			g := q.Nodes[i].Grid
			op := &blocks.FakeQuant{Scale: float64(g.Scale), Zero: int(g.Zero), Low: int(g.Low), High: int(g.High)}
			n.Nodes = append(n.Nodes, blocks.Node{
				Name: nd.Name + "/rounded", Op: op, Inputs: []int{at[i]}, Shape: nd.Shape,
			})
			tensors = append(tensors, nil)
			at[i]++
		}
	}
	for _, i := range q.Net.Returned() {
		n.Outputs = append(n.Outputs, at[i])
	}
	w := blocks.EmptyWeights(n)
	for i, ts := range tensors {
		if ts != nil {
			w.Set(i, ts)
		}
	}
	return n, w, at
}

// realsOf returns the weights that a layer's integers stand for, in the layout of its op: output channels last.
func realsOf(l *quant.Layer, input float64, bias bool) [][]float32 {
	n := len(l.Bias)
	each := len(l.Q) / n
	scale := func(c int) float32 { return l.Scale[min(c, len(l.Scale)-1)] }
	w, b := make([]float32, len(l.Q)), make([]float32, n)
	for i, v := range l.Q {
		w[i%each*n+i/each] = float32(v) * scale(i/each)
	}
	if !bias {
		return [][]float32{w}
	}
	for c, v := range l.Bias {
		b[c] = float32(float64(v) * input * float64(scale(c)))
	}
	return [][]float32{w, b}
}
