package tflite

import (
	"slices"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// QuantizeNetwork quantises as [Quantize] does, and returns the network for an engine of integers:
// [quant.Network.Run] gives what [Model.Run] gives.
//
// It takes every op. One without integer arithmetic is marked [quant.Node.Float]; so are a factor or a shift of its own
// for each channel that no layer could take. There, and at means whose padding a file writes as zeros and factors, a
// file computes slightly otherwise. FloatEdges has no effect: the input is always rounded, the outputs are reals.
func QuantizeNetwork(n *blocks.Network, w *blocks.Weights, o QuantizeOptions) (*quant.Network, error) {
	g, folded, fw, err := quantize(n, w, o, true)
	if err != nil {
		return nil, err
	}
	q := &quant.Network{Net: folded, Weights: fw, Nodes: make([]quant.Node, len(folded.Nodes))}
	for i, nd := range folded.Nodes {
		v := &q.Nodes[i]
		t := g.values[i].tensor
		v.Grid = g.m.Tensors[t].grid()
		if a := g.clamps(t, folded); a > 0 {
			if i < a {
				v.Grid = integer.Grid{}
			} else {
				v.Grid, _ = narrowed(v.Grid, g.producer(t).Options["activation"])
			}
		}
		ops := g.m.Operators[g.first[i]:g.first[i+1]]
		if i > 0 && !hasIntegers(folded, i) {
			v.Float = true
		} else if len(ops) > 0 && isTable(nd) {
			if v.Table, err = g.table(nd.Inputs[0], i, q.Nodes[nd.Inputs[0]].Grid); err != nil {
				return nil, fault.Errorf("tflite: node %q: %w", nd.Name, err)
			}
		}
		v.Layer = g.layer(ops)
	}
	return q, nil
}

// clamps returns the node of an activation that is the field of the operator which computes a tensor, or 0.
func (g *graph) clamps(tensor int, n *blocks.Network) int {
	if p := g.producer(tensor); p == nil || p.Options["activation"] == None {
		return 0
	}
	for i, nd := range n.Nodes {
		if a, ok := nd.Op.(*blocks.Activation); ok && g.values[i].tensor == tensor && fusedActivations[a.Func] != None {
			return i
		}
	}
	return 0
}

// table runs the operators of a node on every point of its input's grid.
func (g *graph) table(from, node int, in integer.Grid) ([]int32, error) {
	// The points are a column of pixels: a constant with a value for each channel fits them.
	c := g.values[node].shape.C
	points := int(in.High-in.Low) + 1
	m := Model{Tensors: slices.Clone(g.m.Tensors), Operators: g.m.Operators[g.first[node]:g.first[node+1]]}
	input := g.values[from].tensor
	inner := []int{input}
	for _, op := range m.Operators {
		inner = append(inner, op.Outputs...)
	}
	for _, t := range inner {
		m.Tensors[t].Dims = []int{1, points, 1, c}
	}
	e := &execution{m: &m, arithmetic: xnnpack, ints: make([][]int32, len(m.Tensors))}
	e.ints[input] = make([]int32, points*c)
	for i := range e.ints[input] {
		e.ints[input][i] = in.Low + int32(i/c)
	}
	for i := range m.Operators {
		op := &m.Operators[i]
		e.ints[op.Outputs[0]] = make([]int32, points*c)
		if err := executions[op.Name](e, op); err != nil {
			return nil, err
		}
	}
	t := make([]int32, points)
	for i := range t {
		t[i] = e.ints[g.values[node].tensor][i*c]
	}
	return t, nil
}

// layer gathers the weights of the convolutions that a node is written as, one for each group.
func (g *graph) layer(ops []Operator) (l *quant.Layer) {
	for i := range ops {
		ws := weightsOf(ops[i])
		if ws == nil {
			continue
		}
		if l == nil {
			l = &quant.Layer{}
		}
		w, b := &g.m.Tensors[ws[0]], &g.m.Tensors[ws[1]]
		q := make([]int8, len(w.Data))
		for k := range q {
			at := k
			if ops[i].Name == "DEPTHWISE_CONV_2D" { // 1 x KH x KW x N
				outs, taps := w.Dims[3], w.Dims[1]*w.Dims[2]
				at = k%taps*outs + k/taps
			}
			q[k] = int8(w.Data[at])
		}
		l.Q = append(l.Q, q...)
		for k := range b.elems() {
			l.Bias = append(l.Bias, int32(b.at(k)))
			l.Scale = append(l.Scale, w.Scale[min(k, len(w.Scale)-1)])
		}
	}
	if l != nil && slices.Max(l.Scale) == slices.Min(l.Scale) {
		l.Scale = l.Scale[:1]
	}
	return l
}
