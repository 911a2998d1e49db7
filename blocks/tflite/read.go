package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/internal/fault"
)

// Read makes the network of a .tflite file of floats or of integers of 8 bits. What the operators compute is said
// in those of ONNX, whose reader makes the network: its rules hold here, too (see [onnx.Read]). Integers are
// computed as floats that are rounded to the file's grid after each operator.
//
// An operator, an option or a type that is not understood is one error that names it.
func Read(file []byte, o onnx.ReadOptions) (*onnx.Model, error) {
	m, err := Decode(file)
	if err != nil {
		return nil, err
	}
	r := &reader{m: m, values: make([]string, len(m.Tensors)), budget: 64*len(file) + 1<<20}
	if err := r.graph(); err != nil {
		return nil, fault.Errorf("tflite: %w", err)
	}
	o.ChannelsLast = !m.channelsFirst()
	net, err := r.g.Read(m.Description, o)
	if err != nil {
		return nil, fault.Errorf("tflite: %w", err)
	}
	net.Integers = m.Quantised()
	net.Metadata = map[string]string{}
	for _, d := range m.Metadata {
		if text := string(d.Data); len(text) < 1<<16 && printable(text) {
			net.Metadata[d.Name] = text
		}
	}
	net.Notes = append(net.Notes, m.notes()...)
	return net, nil
}

// channelsFirst tells whether the input is N x C x H x W: converters of PyTorch networks turn it first.
func (m *Model) channelsFirst() bool {
	if len(m.Inputs) != 1 {
		return false
	}
	for at, i := m.Inputs[0], 0; i < len(m.Operators); i++ {
		op := &m.Operators[i]
		if !slices.Contains(op.Inputs, at) {
			continue
		}
		switch {
		case op.Name == "QUANTIZE" && len(op.Outputs) == 1:
			at = op.Outputs[0]
		case op.Name == "TRANSPOSE" && len(op.Inputs) == 2 && op.Inputs[1] >= 0:
			perm := m.Tensors[op.Inputs[1]]
			return perm.Type == Int32 && slices.Equal(perm.Data, []byte{0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0})
		default:
			return false
		}
	}
	return false
}

// printable tells whether metadata are text; those of other programs may be tables.
func printable(text string) bool {
	return !slices.ContainsFunc([]rune(text), func(c rune) bool { return c < ' ' && c != '\n' || c == '\uFFFD' })
}

// reader says a model in operators of ONNX.
type reader struct {
	m      *Model
	g      onnx.Graph
	values []string // the ONNX values of the tensors, "" before they are made
	budget int      // bytes of constants that may still be made
}

// step is an operator under translation.
type step struct {
	*reader
	op   *Operator
	name string          // of its first output
	used map[string]bool // options that were looked at
}

// translation appends the operators that compute what op does, and returns its values.
type translation func(s *step) ([]string, error)

var translations = map[string]translation{}

func (r *reader) graph() error {
	if len(r.m.Inputs) != 1 {
		return fmt.Errorf("the model has %d inputs, this program reads models of one", len(r.m.Inputs))
	}
	in := r.m.Inputs[0]
	t := &r.m.Tensors[in]
	if t.Data != nil {
		return fmt.Errorf("the input %q is a constant", t.Name)
	}
	r.g.Input(t.Name, t.Dims)
	r.values[in] = r.grid(t, t.Name)
	for i := range r.m.Operators {
		op := &r.m.Operators[i]
		if err := r.operator(op); err != nil {
			return fmt.Errorf("operator %d, %s: %w", i, op.Name, err)
		}
	}
	for _, out := range r.m.Outputs {
		v, err := r.value(out)
		if err != nil {
			return fmt.Errorf("output %q: %w", r.m.Tensors[out].Name, err)
		}
		r.g.Output(v, r.m.Tensors[out].Dims)
	}
	return nil
}

// ignoredOptions change nothing for the types that are read.
var ignoredOptions = map[string]bool{"pot_scale_int16": true, "asymmetric_quantize_inputs": true}

func (r *reader) operator(op *Operator) error {
	f := translations[op.Name]
	if f == nil {
		return fmt.Errorf("this operator is not read")
	}
	if len(op.Outputs) == 0 {
		return fmt.Errorf("has no output")
	}
	s := &step{reader: r, op: op, name: r.m.Tensors[op.Outputs[0]].Name, used: map[string]bool{}}
	outs, err := f(s)
	if err != nil {
		return err
	}
	for k := range op.Options {
		if !s.used[k] && !ignoredOptions[k] {
			return fmt.Errorf("option %s = %v is not read", k, op.Options[k])
		}
	}
	if len(outs) != len(op.Outputs) {
		return fmt.Errorf("has %d outputs, want %d", len(op.Outputs), len(outs))
	}
	for i, t := range op.Outputs {
		if r.values[t] != "" || r.m.Tensors[t].Data != nil {
			return fmt.Errorf("writes tensor %d, which has a value", t)
		}
		if r.values[t] = outs[i]; !r.m.keepsGrid(op) {
			r.values[t] = r.grid(&r.m.Tensors[t], outs[i])
		}
	}
	return nil
}

// keepsGrid tells whether an operator moves integers without a change, so that what it returns is on the grid already.
func (m *Model) keepsGrid(op *Operator) bool {
	computes := op.Name == "AVERAGE_POOL_2D" || op.Name == "RESIZE_BILINEAR" || op.Options["activation"] != None
	if !sameGrid[op.Name] || computes {
		return false
	}
	out := &m.Tensors[op.Outputs[0]]
	for _, i := range op.Inputs {
		if i < 0 || !out.onGrid() {
			return false
		}
		if in := &m.Tensors[i]; in.Data == nil && (!in.onGrid() || in.grid() != out.grid()) {
			return false
		}
	}
	return op.Name != "PADV2" // whose border may be off the grid
}

// gridElems are ONNX's numbers of the types of a grid.
var gridElems = map[Type]int{Int8: onnx.ElemInt8, UInt8: onnx.ElemUint8}

// grid rounds an activation to the integers of its tensor.
func (r *reader) grid(t *Tensor, v string) string {
	elem, ok := gridElems[t.Type]
	if !ok || len(t.Scale) != 1 {
		return v
	}
	scale := r.g.Floats(t.Name+".scale", nil, t.Scale)
	zero := r.g.Raw(t.Name+".zero", nil, elem, []byte{byte(t.Zero[0])})
	q := r.g.Node("QuantizeLinear", t.Name+".quantize", []string{v, scale, zero})
	return r.g.Node("DequantizeLinear", t.Name+".grid", []string{q, scale, zero})
}

// value returns the ONNX value of a tensor.
func (r *reader) value(i int) (string, error) {
	t := &r.m.Tensors[i]
	if r.values[i] != "" {
		return r.values[i], nil
	}
	if t.Data == nil {
		return "", fmt.Errorf("reads tensor %d, %.60q, which no operator before it makes", i, t.Name)
	}
	var err error
	r.values[i], err = r.constant(t)
	return r.values[i], err
}

// constant makes a constant; integers that have scales become floats.
func (r *reader) constant(t *Tensor) (string, error) {
	if r.budget -= 4 * len(t.Data); r.budget < 0 {
		return "", fmt.Errorf("its constants take far more memory than the file")
	}
	if len(t.Scale) > 0 {
		return r.g.Floats(t.Name, t.Dims, t.floats()), nil
	}
	elem := map[Type]int{Float32: onnx.ElemFloat, Float16: onnx.ElemFloat16, Int32: onnx.ElemInt32, UInt8: onnx.ElemUint8,
		Int64: onnx.ElemInt64, Int8: onnx.ElemInt8}[t.Type]
	return r.g.Raw(t.Name, t.Dims, elem, t.Data), nil
}

// at returns stored integer number i of a constant.
func (t *Tensor) at(i int) int64 {
	switch t.Type {
	case UInt8:
		return int64(t.Data[i])
	case Int8:
		return int64(int8(t.Data[i]))
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(t.Data[4*i:])))
	case Int64:
		return int64(binary.LittleEndian.Uint64(t.Data[8*i:]))
	}
	return 0
}

// floats returns scale * (stored - zero).
func (t *Tensor) floats() []float32 {
	n := len(t.Data) / typeBytes[t.Type]
	inner := 1 // values from one index of the axis to the next
	for _, d := range t.Dims[min(t.Axis+1, len(t.Dims)):] {
		inner *= d
	}
	v := make([]float32, n)
	for i := range v {
		k := 0
		if len(t.Scale) > 1 {
			k = i / inner % len(t.Scale)
		}
		v[i] = float32(float64(t.at(i)-t.Zero[k]) * float64(t.Scale[k]))
	}
	return v
}

// in returns the value of input k.
func (s *step) in(k int) (string, error) {
	if k >= len(s.op.Inputs) || s.op.Inputs[k] < 0 {
		return "", fmt.Errorf("input %d is missing", k)
	}
	return s.value(s.op.Inputs[k])
}

// has tells whether there is an input k.
func (s *step) has(k int) bool { return k < len(s.op.Inputs) && s.op.Inputs[k] >= 0 }

// dims returns the dims of input k; the caller has its value.
func (s *step) dims(k int) []int { return s.m.Tensors[s.op.Inputs[k]].Dims }

// outDims returns the dims of the first output.
func (s *step) outDims() []int { return s.m.Tensors[s.op.Outputs[0]].Dims }

// ints returns input k as a list of integers, which must be constant.
func (s *step) ints(k int) ([]int, error) {
	if !s.has(k) {
		return nil, fmt.Errorf("input %d is missing", k)
	}
	t := &s.m.Tensors[s.op.Inputs[k]]
	if t.Data == nil || t.Type != Int32 && t.Type != Int64 {
		return nil, fmt.Errorf("input %d, %.60q, must be constant integers", k, t.Name)
	}
	v := make([]int, len(t.Data)/typeBytes[t.Type])
	if len(v) > 64 {
		return nil, fmt.Errorf("input %d has %d numbers", k, len(v))
	}
	for i := range v {
		v[i] = int(max(math.MinInt32, min(t.at(i), math.MaxInt32)))
	}
	return v, nil
}

// float returns input k as a single number, which must be constant.
func (s *step) float(k int) (float32, error) {
	if s.has(k) {
		switch t := &s.m.Tensors[s.op.Inputs[k]]; {
		case t.Type == Float32 && len(t.Data) == 4:
			return math.Float32frombits(binary.LittleEndian.Uint32(t.Data)), nil
		case len(t.Scale) == 1 && t.Data != nil && len(t.Data) == typeBytes[t.Type]:
			return t.floats()[0], nil
		}
	}
	return 0, fmt.Errorf("input %d must be one constant number", k)
}

// option returns an option's value.
func (s *step) option(name string) float64 {
	s.used[name] = true
	if v, ok := s.op.Options[name]; ok {
		return v
	}
	for _, o := range byName[s.op.Name].options {
		if o.name == name {
			return o.missing
		}
	}
	return 0
}

// node appends an ONNX operator that has the name of the step's output.
func (s *step) node(kind string, in []string, attrs ...blocks.ONNXAttr) string {
	return s.g.Node(kind, s.name, in, attrs...)
}

// inner appends an operator within the step.
func (s *step) inner(kind string, in []string, attrs ...blocks.ONNXAttr) string {
	return s.g.Node(kind, s.name+"."+kind, in, attrs...)
}

// channelsFirst returns an N x H x W x C value as N x C x H x W; back is its inverse.
func (s *step) channelsFirst(v string) string {
	return s.inner("Transpose", []string{v}, blocks.ONNXAttr{Name: "perm", Value: []int{0, 3, 1, 2}})
}

func (s *step) back(v string) string {
	return s.inner("Transpose", []string{v}, blocks.ONNXAttr{Name: "perm", Value: []int{0, 2, 3, 1}})
}

// imageOf returns input k as N x C x H x W; it must have four dims.
func (s *step) imageOf(k int) (string, error) {
	v, err := s.in(k)
	if err != nil {
		return "", err
	}
	if d := s.dims(k); len(d) != 4 {
		return "", fmt.Errorf("of %v, want N x H x W x C", short(d))
	}
	return s.channelsFirst(v), nil
}

// activate applies the activation that is an option of the operator.
func (s *step) activate(v string) (string, error) {
	switch f := s.option("activation"); f {
	case None:
		return s.cutOff(v), nil
	case Relu:
		return s.inner("Relu", []string{v}), nil
	case Relu6:
		return s.clip(v, 0, 6), nil
	case reluN1To1:
		return s.clip(v, -1, 1), nil
	case tanh:
		return s.inner("Tanh", []string{v}), nil
	default:
		return "", fmt.Errorf("activation number %v is not read", f)
	}
}

// cutOff is the activation of a layer that the grid of its output is: old converters left ReLU and ReLU6 out where the
// grid ends with them.
func (s *step) cutOff(v string) string {
	t := &s.m.Tensors[s.op.Outputs[0]]
	if !t.onGrid() || weightsOf(*s.op) == nil {
		return v
	}
	g := t.grid()
	switch {
	case g.Zero != g.Low:
		return v
	case math.Abs(255*float64(g.Scale)-6) < 0.1:
		return s.clip(v, 0, 6)
	}
	return s.inner("Relu", []string{v})
}

func (s *step) clip(v string, low, high float32) string {
	return s.inner("Clip", []string{v, s.number(low), s.number(high)})
}

// number returns a constant without dims.
func (s *step) number(v float32) string { return s.g.Floats(s.name+".number", nil, []float32{v}) }

// one is the result of a translation of one output.
func one(v string, err error) ([]string, error) { return []string{v}, err }
