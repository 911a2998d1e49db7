package onnx

import (
	"errors"
	"fmt"
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// Model is a network read from an ONNX file.
type Model struct {
	Network  *blocks.Network
	Weights  *blocks.Weights
	Input    string // name of the input in the file
	Output   string // and of the output
	Opset    int
	Producer string
	Metadata map[string]string
}

// ReadOptions of Read. The zero value takes the file's own shapes and first output.
type ReadOptions struct {
	H, W   int    // extent of an input for which the file gives none; 0 means there is none to give
	Output string // which output, where there are several; "" means the first
}

// Read turns an ONNX model, the bytes of the file, into a network with weights.
//
// It takes what exporters write for convolutional networks in opset 9 to 18: one input N x C x H x
// W, of static shape except for N, and operators that have a counterpart in package blocks.
// Constants are folded and shapes computed. Read recognises channel shuffles, gates, paddings as
// operators of their own, and hard-swish and swish written as arithmetic. Arithmetic with
// constants becomes a batch normalisation with fixed statistics. Nodes keep the names of the file.
//
// An operator without a counterpart, or such a use of an operator, is an error that names operator
// and node. No input makes Read panic. The memory that it allocates in total, including
// short-lived memory, stays below 256 times the length of data plus 16 MiB.
func Read(data []byte, o ReadOptions) (*Model, error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	if p.opset < 9 || p.opset > 18 {
		return nil, fault.Errorf("onnx: the model is of opset %d, this program reads 9 to 18", p.opset)
	}
	r := &reader{
		opset:        p.opset,
		names:        map[string]bool{},
		values:       map[string]*value{},
		initializers: p.initializers,
		budget:       16*len(data) + 1<<20,
	}
	input, err := r.input(p, o)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	for _, b := range p.nodes {
		if err := r.operator(b); err != nil {
			return nil, err
		}
	}
	m := &Model{Input: input, Opset: p.opset, Producer: p.producer, Metadata: p.metadata}
	for _, v := range p.outputs {
		if m.Output == "" && (o.Output == "" || o.Output == v.name) {
			m.Output = v.name
		}
	}
	if m.Output == "" {
		return nil, fault.Errorf("onnx: the model has no output %q", o.Output)
	}
	if m.Network, m.Weights, err = r.finish(p.name, m.Output); err != nil {
		return nil, fault.Errorf("onnx: output %q: %w", m.Output, err)
	}
	return m, nil
}

type reader struct {
	opset        int
	nodes        []blocks.Node
	weights      [][][]float32
	names        map[string]bool
	values       map[string]*value
	initializers map[string][]byte
	budget       int    // bytes of tensors and nodes that may still be made
	at           string // name of the operator at work
	stage, block int    // and its place
}

var errBudget = errors.New("needs far more memory than the file's size explains")

// charge takes bytes from the budget.
func (r *reader) charge(bytes int) error {
	if bytes < 0 || bytes > r.budget {
		return errBudget
	}
	r.budget -= bytes
	return nil
}

func (r *reader) input(p *modelProto, o ReadOptions) (string, error) {
	var in *infoProto
	for i, v := range p.inputs {
		if _, ok := p.initializers[v.name]; ok {
			continue // old exporters list weights as inputs
		}
		if in != nil {
			return "", fmt.Errorf("the model has inputs %q and %q, this program reads models of one", in.name, v.name)
		}
		in = &p.inputs[i]
	}
	if in == nil {
		return "", errors.New("the model has no input")
	}
	d := slices.Clone(in.dims)
	if len(d) != 4 || in.elem != elemFloat {
		return "", fmt.Errorf("input %q is of element type %d with dims %v, want float32 of N x C x H x W",
			in.name, in.elem, short(d))
	}
	for i, open := range []int{1, 0, o.H, o.W} {
		if d[i] < 0 && open > 0 {
			d[i] = open
		}
	}
	if min(d[2], d[3]) < 0 {
		return "", fmt.Errorf("input %q has no fixed height and width: %v; they must be given", in.name, d)
	}
	v, err := r.add("input", &blocks.Input{Shape: blocks.Shape{H: d[2], W: d[3], C: d[1]}}, nil)
	if err != nil {
		return "", err
	}
	v.dims[0] = max(d[0], 1)
	r.values[in.name] = v
	return in.name, nil
}

// operator reads one NodeProto.
func (r *reader) operator(b []byte) error {
	n, err := parseNode(b)
	if err != nil {
		return fault.Errorf("onnx: %w", err)
	}
	r.at = n.name
	r.stage, r.block = marks(n.doc)
	if r.at == "" && len(n.out) > 0 {
		r.at = n.out[0]
	}
	fail := func(err error) error { return fault.Errorf("onnx: operator %.40s of node %.200q: %w", n.op, r.at, err) }
	if n.domain != "" && n.domain != "ai.onnx" {
		return fail(fmt.Errorf("its domain %.40q is not one that this program reads", n.domain))
	}
	in := make([]*value, len(n.in))
	constant := true
	for i, name := range n.in {
		if name == "" {
			continue
		}
		if in[i], err = r.value(name); err != nil {
			return fail(err)
		}
		constant = constant && in[i].k != nil
	}
	apply, ok := operators[n.op]
	if fold, folds := folders[n.op]; folds && constant {
		apply, ok = fold, true
	}
	if !ok {
		return fail(errors.New("this program does not read it"))
	}
	out, err := apply(r, call{nodeProto: n, in: in})
	if err != nil {
		return fail(err)
	}
	for i, name := range n.out {
		if i < len(out) && name != "" {
			r.values[name] = out[i]
		}
	}
	return nil
}

// value finds a tensor by name. Initializers are decoded on every use, so that only the current
// ones are in memory.
func (r *reader) value(name string) (*value, error) {
	if v, ok := r.values[name]; ok {
		return v, nil
	}
	raw, ok := r.initializers[name]
	if !ok {
		return nil, fmt.Errorf("it reads %.200q, which no operator before it makes", name)
	}
	t, err := parseTensor(raw)
	if err != nil {
		return nil, fmt.Errorf("its constant %.200q %w", name, err)
	}
	if err := r.charge(t.cost); err != nil {
		return nil, err
	}
	return &value{k: t, dims: t.dims}, nil
}
