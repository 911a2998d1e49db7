package onnx

import (
	"bytes"

	"nas/blocks"
)

// Graph is a graph of ONNX operators in memory, of opset 17. Readers of other formats say in it what
// their operators compute, and [Graph.Read] makes the network of it by the rules of [Read].
//
// The zero value is an empty graph.
type Graph struct{ g graph }

// Tensor types of [Graph.Raw]: the numbers of TensorProto.DataType.
const (
	ElemFloat   = elemFloat
	ElemFloat16 = elemFloat16
	ElemInt8    = elemInt8
	ElemUint8   = elemUint8
	ElemInt32   = elemInt32
	ElemInt64   = elemInt64
)

// Input declares the input.
func (b *Graph) Input(name string, dims []int) {
	b.g.input = info{name, dims}
}

// Output declares the next output.
func (b *Graph) Output(name string, dims []int) {
	b.g.outputs = append(b.g.outputs, info{name, dims})
}

// Node appends an operator and returns the name of its output, which no other value has. Inputs are names;
// "" stands for one left out.
func (b *Graph) Node(kind, name string, in []string, attrs ...blocks.ONNXAttr) string {
	return b.Nodes(kind, name, in, 1, attrs...)[0]
}

// Nodes appends an operator of several outputs.
func (b *Graph) Nodes(kind, name string, in []string, outputs int, attrs ...blocks.ONNXAttr) []string {
	b.init()
	op := operator{name: b.g.operatorNames.unique(name), kind: kind, in: in, attrs: attrs}
	for range outputs {
		op.out = append(op.out, b.g.valueNames.unique(name))
	}
	b.g.operators = append(b.g.operators, op)
	return op.out
}

// Floats appends a constant of float32.
func (b *Graph) Floats(name string, dims []int, values []float32) string {
	return b.constant(constant{name: name, dims: dims, floats: values})
}

// Ints appends a list of integers.
func (b *Graph) Ints(name string, values ...int) string {
	return b.constant(constant{name: name, dims: []int{len(values)}, ints: values})
}

// Raw appends a constant of an element type, its values in little-endian order.
func (b *Graph) Raw(name string, dims []int, elem int, values []byte) string {
	return b.constant(constant{name: name, dims: dims, bytes: values, elem: elem})
}

func (b *Graph) constant(c constant) string {
	b.init()
	return b.g.tensors[b.g.tensor(c)].name
}

func (b *Graph) init() {
	if b.g.operatorNames == nil {
		b.g.operatorNames, b.g.valueNames = taken{}, taken{b.g.input.name: true}
	}
}

// Read makes the network.
func (b *Graph) Read(name string, o ReadOptions) (*Model, error) {
	b.g.opset = defaultOpset
	var file bytes.Buffer
	if err := b.g.write(&file, name, "", nil); err != nil {
		return nil, err
	}
	return Read(file.Bytes(), o)
}
