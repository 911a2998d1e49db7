package tflite

import (
	"fmt"
	"slices"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/onnx"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// Integers makes the network of a .tflite file of 8-bit integers for an engine: [quant.Network.Run] gives what
// [Model.Run] gives, input and outputs H x W x C. The grids of unsigned integers are shifted by 128, which is another
// mean of AVERAGE_POOL_2D where it is a half. A file that is not of 8-bit integers from input to output, or has weights
// with zero points, is an error: Model.Run computes it, or the network of [Read].
func Integers(file []byte, o onnx.ReadOptions) (*quant.Network, error) {
	m, err := Decode(file)
	if err != nil {
		return nil, err
	}
	var scales []float32
	for i := range m.Tensors {
		t := &m.Tensors[i]
		if t.Data == nil || t.Type != Int8 {
			continue
		}
		scales = append(scales, t.Scale...)
		for _, z := range t.Zero {
			if z != 0 && len(t.Dims) > 1 && t.elems() > 1 && len(t.Scale) > 1 {
				return nil, fault.Errorf("tflite: weights %q have zero points", t.Name)
			}
		}
	}
	net, err := Read(file, o)
	if err != nil {
		return nil, err
	}
	q, err := quant.FromRounded(net.Network, net.Weights, scales, m.pointTable)
	if err != nil {
		return nil, fault.Errorf("tflite: %w", err)
	}
	m.windowMeans(q)
	return q, nil
}

// windowMeans gives means over whole maps that the file has as AVERAGE_POOL_2D the rounding of that operator.
func (m *Model) windowMeans(q *quant.Network) {
	whole := map[string]bool{}
	for i := range m.Operators {
		if op := &m.Operators[i]; op.Name == "AVERAGE_POOL_2D" && len(op.Outputs) == 1 {
			whole[m.Tensors[op.Outputs[0]].Name] = true
		}
	}
	for i := range q.Net.Nodes {
		nd := &q.Net.Nodes[i]
		g, ok := nd.Op.(*blocks.GlobalPool)
		if ok && g.Pool == blocks.AvgPool && whole[nd.Name] {
			in := q.Net.Nodes[nd.Inputs[0]].Shape
			nd.Op = &blocks.Pool{Pool: blocks.AvgPool, Kernel: [2]int{in.H, in.W}, Stride: [2]int{1, 1}}
		}
	}
}

// pointTable runs the operator behind which a value is rounded on every point of its input's grid.
func (m *Model) pointTable(f func(x []float32) []float32, rounding string, in, out integer.Grid) []int32 {
	for i := range m.Operators {
		op := &m.Operators[i]
		if len(op.Outputs) != 1 || m.Tensors[op.Outputs[0]].Name+".quantize" != rounding {
			continue
		}
		if t, err := m.points(op, in); err == nil {
			return t
		}
	}
	return quant.FloatTable(f, rounding, in, out)
}

// points computes an operator of one activation for every point of a grid of signed integers.
func (m *Model) points(op *Operator, in integer.Grid) ([]int32, error) {
	input, n := -1, int(in.High-in.Low)+1
	one := Model{Tensors: slices.Clone(m.Tensors)}
	for _, i := range op.Inputs {
		if i < 0 || m.Tensors[i].Data != nil {
			continue
		}
		if input >= 0 || !m.Tensors[i].onGrid() {
			return nil, fmt.Errorf("several activations")
		}
		input = i
	}
	if input < 0 || executions[op.Name] == nil || !m.Tensors[op.Outputs[0]].onGrid() {
		return nil, fmt.Errorf("no function of one integer")
	}
	// The points are a column of pixels: a constant with a value for each channel fits them.
	d := m.Tensors[input].Dims
	c := d[len(d)-1]
	for _, t := range []int{input, op.Outputs[0]} {
		one.Tensors[t].Dims = []int{1, n, 1, c}
	}
	e := &execution{
		m: &one, arithmetic: xnnpack, ints: make([][]int32, len(one.Tensors)), reals: make([][]float32, len(one.Tensors)),
	}
	shift := func(t int) int32 { // from signed integers to stored ones
		if m.Tensors[t].Type == UInt8 {
			return 128
		}
		return 0
	}
	e.ints[input], e.ints[op.Outputs[0]] = make([]int32, n*c), make([]int32, n*c)
	for i := range e.ints[input] {
		e.ints[input][i] = in.Low + int32(i/c) + shift(input)
	}
	if err := executions[op.Name](e, op); err != nil {
		return nil, err
	}
	t := make([]int32, n)
	for i := range t {
		t[i] = e.ints[op.Outputs[0]][i*c] - shift(op.Outputs[0])
	}
	return t, nil
}
