package onnx

import (
	"encoding/binary"
	"io"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
)

// integers is what a graph of 8-bit integers knows besides. Every value of a node goes through QuantizeLinear and
// DequantizeLinear (QDQ), from which runtimes make operators of integers: activations unsigned, that is the grids of
// the network moved by 128, weights signed, biases of 32 bits.
type integers struct {
	*quant.Network
	grids map[string]integer.Grid // of what a DequantizeLinear returns, by name
}

// moves are operators that return values of their input. Runtimes compute them on integers where both sides have one
// grid.
var moves = map[string]bool{
	"Flatten": true, "Reshape": true, "Transpose": true, "Unsqueeze": true, "Slice": true, "Pad": true, "MaxPool": true,
	"Resize": true,
}

// WriteQuantized writes a network of 8-bit integers as an ONNX model of QuantizeLinear and DequantizeLinear around
// float operators. Input and outputs are floats. Its operators are those of [Write]; relu and relu6 are left out where
// the grid of their value cuts off at the same limits. Options.FoldBN has no effect: batch normalisation is folded.
//
// A gate of swish is on a grid of 1/256, as in .tflite files. Hard-swish and nodes with [quant.Node.Float] are computed
// in float32 between grids. So outputs may differ by single steps from those of [quant.Network.Run].
func WriteQuantized(w io.Writer, q *quant.Network, o Options) error {
	o.integers = q
	return Write(w, q.Net, q.Weights, o)
}

// after puts what an operator inside a node returns on a grid, if runtimes need one there.
func (q *integers) after(g *graph, kind string, in []blocks.ONNXValue, out blocks.ONNXValue) blocks.ONNXValue {
	nd := &q.Nodes[g.at]
	a, isAct := g.net.Nodes[g.at].Op.(*blocks.Activation)
	switch from, ok := q.grids[in[0].Name]; {
	case moves[kind] && ok:
		return q.onGrid(g, out, from)
	case kind == "Conv" && nd.Grid.Scale != 0:
		return q.onGrid(g, out, nd.Grid)
	case kind == "Sigmoid" && isAct && a.Func == blocks.Swish:
		return q.onGrid(g, out, integer.Grid{Scale: 1. / 256, Zero: -128})
	}
	return out
}

// onGrid appends QuantizeLinear and DequantizeLinear, unless v is on the grid.
func (q *integers) onGrid(g *graph, v blocks.ONNXValue, to integer.Grid) blocks.ONNXValue {
	if has, ok := q.grids[v.Name]; ok && has.Scale == to.Scale && has.Zero == to.Zero {
		return v
	}
	scale, zero := g.Number("scale", float64(to.Scale)), g.Bytes("zero", false, int(to.Zero)+128)
	v = g.append("QuantizeLinear", []blocks.ONNXValue{v, scale, zero}, nil)
	v = g.append("DequantizeLinear", []blocks.ONNXValue{v, scale, zero}, nil)
	q.grids[v.Name] = to
	return v
}

// write appends node i, and what puts its value on its grid.
func (q *integers) write(
	g *graph,
	op blocks.ONNXWriter,
	in []blocks.ONNXValue,
	params [][]float32,
) blocks.ONNXValue {
	nd, at := &q.Nodes[g.at], g.net.Nodes[g.at]
	if nd.Layer != nil {
		params = layerParams(nd.Layer, len(params) > 1)
	}
	wide := nd.Grid
	wide.Low, wide.High = -128, 127
	v := in[0]
	if clamps := q.Source(g.at) != g.at; !clamps || wide != nd.Grid {
		if clamps {
			in = []blocks.ONNXValue{q.onGrid(g, v, wide)}
		}
		v = op.WriteONNX(g, blocks.ONNXNode{In: g.net.InShapes(g.at), Out: at.Shape}, in, params)
	}
	if nd.Grid.Scale == 0 {
		return g.named(v)
	}
	if _, ok := q.grids[v.Name]; !ok {
		v = g.named(v)
	}
	return q.onGrid(g, v, nd.Grid)
}

// layerParams are the tensors of a layer as its op has them: the integers of the weights, and room for a bias.
func layerParams(l *quant.Layer, bias bool) [][]float32 {
	n := len(l.Bias)
	each := len(l.Q) / n
	w := make([]float32, len(l.Q))
	for i, v := range l.Q {
		w[i%each*n+i/each] = float32(v)
	}
	if !bias {
		return [][]float32{w}
	}
	return [][]float32{w, make([]float32, n)}
}

// layer appends the weights or the bias of a layer as integers, and DequantizeLinear.
func (q *integers) layer(g *graph, name string, dims []int, values []float32) blocks.ONNXValue {
	nd := g.net.Nodes[g.at]
	l, in := q.Nodes[g.at].Layer, q.Nodes[nd.Inputs[0]].Grid.Scale
	c := constant{name: nd.Name + "." + name, dims: dims, elem: elemInt8}
	zero := constant{name: c.name + ".zero", elem: elemInt8, bytes: make([]byte, len(l.Scale))}
	scale := constant{name: c.name + ".scale", floats: l.Scale}
	if name == "bias" {
		c.elem, zero.elem, zero.bytes = elemInt32, elemInt32, make([]byte, 4*len(l.Scale))
		for _, b := range l.Bias {
			c.bytes = binary.LittleEndian.AppendUint32(c.bytes, uint32(b))
		}
		scale.floats = nil
		for _, s := range l.Scale {
			scale.floats = append(scale.floats, in*s)
		}
	} else {
		for _, v := range values {
			c.bytes = append(c.bytes, byte(int8(v)))
		}
	}
	var attrs []blocks.ONNXAttr
	if len(l.Scale) > 1 {
		scale.dims, zero.dims = []int{len(l.Scale)}, []int{len(l.Scale)}
		attrs = []blocks.ONNXAttr{{Name: "axis", Value: 0}}
	}
	var args []blocks.ONNXValue
	for _, t := range []constant{c, scale, zero} {
		args = append(args, blocks.ONNXValue{Name: g.tensors[g.tensor(t)].name, Single: true})
	}
	return g.append("DequantizeLinear", args, attrs)
}
