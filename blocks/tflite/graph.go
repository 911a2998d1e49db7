package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

// graph is a model under construction.
type graph struct {
	m         Model
	constants map[string]int // tensors of equal constants, which are no weights
	names     map[string]int // how often a name was asked for
	node      string         // the node at work, for the names of its weights
	nodes     map[int]int    // the node that a tensor is the value of, the last one of several
	values    []value        // of each node
	first     []int          // operator of each node, and at the end their number
}

// value is what a node computes: a tensor that is N x H x W x C, or N x C for a vector that
// is not a map.
type value struct {
	tensor int
	shape  blocks.Shape
	vector bool
}

func (v value) dims() []int {
	if v.vector {
		return []int{1, v.shape.C}
	}
	return mapDims(v.shape)
}

func mapDims(s blocks.Shape) []int { return []int{1, s.H, s.W, s.C} }

// unique returns name, with a number behind it where it is taken.
func (g *graph) unique(name string) string {
	for {
		k := g.names[name]
		g.names[name]++
		if k == 0 {
			return name
		}
		name = fmt.Sprintf("%s_%d", name, k+1)
	}
}

func (g *graph) tensor(t Tensor) int {
	g.m.Tensors = append(g.m.Tensors, t)
	return len(g.m.Tensors) - 1
}

// op appends an operator with one output of the given dims. Its output is named when
// the node is done.
func (g *graph) op(name string, in []int, o Options, dims []int) int {
	out := g.tensor(Tensor{Dims: dims, Type: Float32})
	g.m.Operators = append(g.m.Operators, Operator{Name: name, Inputs: in, Outputs: []int{out}, Options: o})
	return out
}

// mapOp appends an operator whose output is a map of shape s.
func (g *graph) mapOp(name string, in []int, o Options, s blocks.Shape) value {
	return value{tensor: g.op(name, in, o, mapDims(s)), shape: s}
}

// weight appends a tensor of the node's weights.
func (g *graph) weight(name string, dims []int, values []float32) int {
	return g.tensor(Tensor{Name: g.unique(g.node + "." + name), Dims: dims, Data: floatBytes(values)})
}

// floats returns a constant that the model holds once.
func (g *graph) floats(dims []int, values ...float32) int {
	return g.constant(Tensor{Dims: dims, Type: Float32, Data: floatBytes(values)})
}

// number returns a single number that is added or multiplied to every value.
func (g *graph) number(v float64) int { return g.floats([]int{1}, float32(v)) }

// ints returns a list of integers that the model holds once.
func (g *graph) ints(dims []int, values ...int) int {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(int32(v)))
	}
	return g.constant(Tensor{Dims: dims, Type: Int32, Data: data})
}

// list returns a list of integers.
func (g *graph) list(values ...int) int { return g.ints([]int{len(values)}, values...) }

func (g *graph) constant(t Tensor) int {
	key := fmt.Sprint(t.Type, t.Dims, string(t.Data))
	if at, ok := g.constants[key]; ok {
		return at
	}
	t.Name = g.unique("constant")
	at := g.tensor(t)
	g.constants[key] = at
	return at
}

func floatBytes(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// reshape returns v with other dims.
func (g *graph) reshape(v value, s blocks.Shape, dims []int) value {
	return value{tensor: g.op("RESHAPE", []int{v.tensor, g.list(dims...)}, nil, dims), shape: s}
}

// asMap turns N x C into N x 1 x 1 x C and leaves maps alone.
func (g *graph) asMap(v value) value {
	if !v.vector {
		return v
	}
	return g.reshape(v, v.shape, mapDims(v.shape))
}

// sameRank turns vectors into maps unless all are vectors.
func (g *graph) sameRank(in []value) ([]value, bool) {
	if !slices.ContainsFunc(in, func(v value) bool { return !v.vector }) {
		return in, true
	}
	out := make([]value, len(in))
	for i, v := range in {
		out[i] = g.asMap(v)
	}
	return out, false
}

func tensorsOf(in []value) []int {
	t := make([]int, len(in))
	for i, v := range in {
		t[i] = v.tensor
	}
	return t
}

// producer returns the operator that computes a tensor.
func (g *graph) producer(tensor int) *Operator {
	for i := range slices.Backward(g.m.Operators) {
		if g.m.Operators[i].Outputs[0] == tensor {
			return &g.m.Operators[i]
		}
	}
	return nil
}
