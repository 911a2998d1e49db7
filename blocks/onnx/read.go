package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
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
// It takes what exporters write for convolutional networks in opset 9 to 18: one
// input N x C x H x W, static but for N, and operators that have a counterpart
// in package blocks. Constants are folded, shapes computed; channel shuffles,
// hard-swish and swish written as arithmetic, paddings as an operator of their
// own, and gates are recognised; arithmetic with constants becomes a batch
// normalisation with fixed statistics. Node names are those of the file.
//
// An operator or a use of it that has no counterpart is one error that names
// operator and node. No input makes Read panic, and the memory it takes in all,
// short-lived included, stays below 256 times the length of data plus 16 MiB.
func Read(data []byte, o ReadOptions) (*Model, error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	if p.opset < 9 || p.opset > 18 {
		return nil, fmt.Errorf("onnx: the model is of opset %d, this program reads 9 to 18", p.opset)
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
		return nil, fmt.Errorf("onnx: %w", err)
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
		return nil, fmt.Errorf("onnx: the model has no output %q", o.Output)
	}
	if m.Network, m.Weights, err = r.finish(p.name, m.Output); err != nil {
		return nil, fmt.Errorf("onnx: output %q: %w", m.Output, err)
	}
	return m, nil
}

// view says how the dims of an ONNX tensor lie over a network's activation.
type view int

const (
	asMap     view = iota // N x C x H x W, N x C where H = W = 1
	asFlat                // N x CHW
	asGroups              // N x g x C/g x H x W
	asSwapped             // N x C/g x g x H x W
	asPlane               // N x H x W, of one channel
	asTurned              // N x 1 x C x 1, of a vector N x C x 1 x 1
	asKernels             // weights, of a vector: the mixture of experts
)

var viewNames = []string{"a map", "a flattened map", "channel groups", "swapped channel groups", "a plane", "a turned vector", "weights"}

// value is an ONNX tensor: a constant, or an activation of the network with
// work that is put off because the next operator may take it in.
type value struct {
	k    *tensor
	node int // index in the network
	dims []int
	view view

	// The tensor is a*x + b, or with gate a*min(max(x+3,0),6) + b, of the node's
	// output x, and then padded with zeros.
	a, b float64
	gate bool
	pad  blocks.Pad

	done *value // what plain made of it
}

func (v *value) isPlain() bool {
	return !v.gate && v.a == 1 && v.b == 0 && v.pad == (blocks.Pad{})
}

// vector tells whether the value is N x C.
func (v *value) vector() bool { return v.view == asMap && len(v.dims) == 2 }

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
		return "", fmt.Errorf("input %q is of element type %d with dims %v, want float32 of N x C x H x W", in.name, in.elem, short(d))
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
		return fmt.Errorf("onnx: %w", err)
	}
	r.at = n.name
	r.stage, r.block = marks(n.doc)
	if r.at == "" && len(n.out) > 0 {
		r.at = n.out[0]
	}
	fail := func(err error) error { return fmt.Errorf("onnx: operator %.40s of node %.200q: %w", n.op, r.at, err) }
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

// value finds a tensor by name. Initializers are decoded each time, so that
// only those at work are in memory.
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

// call is an operator with its inputs; missing optional inputs are nil.
type call struct {
	*nodeProto
	in []*value
}

// arg returns input i, nil if it is missing.
func (c call) arg(i int) *value {
	if i < len(c.in) {
		return c.in[i]
	}
	return nil
}

// activation returns input i, which must be one.
func (c call) activation(i int) (*value, error) {
	v := c.arg(i)
	if v == nil || v.k != nil {
		return nil, fmt.Errorf("input %d must be an activation", i)
	}
	return v, nil
}

// floats and ints return input i, which must be a constant of that kind.
func (c call) floats(i int) (*tensor, error) {
	v := c.arg(i)
	if v == nil || v.k == nil || v.k.f == nil {
		return nil, fmt.Errorf("input %d must be a constant of floats", i)
	}
	return v.k, nil
}

func (c call) ints(i int) ([]int, error) {
	v := c.arg(i)
	if v == nil || v.k == nil || v.k.f != nil || len(v.k.i) > 64 {
		return nil, fmt.Errorf("input %d must be a constant of at most 64 integers", i)
	}
	out := make([]int, len(v.k.i))
	for k, x := range v.k.i {
		out[k] = clampInt(uint64(x))
	}
	return out, nil
}

// intAttr, floatAttr, textAttr return an attribute or its default.
func (c call) intAttr(name string, missing int) int {
	if a, ok := c.attrs[name]; ok {
		return a.i
	}
	return missing
}

func (c call) floatAttr(name string, missing float64) float64 {
	if a, ok := c.attrs[name]; ok {
		return a.f
	}
	return missing
}

func (c call) textAttr(name, missing string) string {
	if a, ok := c.attrs[name]; ok {
		return a.s
	}
	return missing
}

// axes returns the axes of an operator that had them as an attribute before
// some opset and has them as input i since, counted from the front.
func (c call) axes(i, rank int) ([]int, error) {
	var axes []int
	if a, ok := c.attrs["axes"]; ok {
		axes = slices.Clone(a.ints)
	} else if c.arg(i) != nil {
		var err error
		if axes, err = c.ints(i); err != nil {
			return nil, err
		}
	}
	for k, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank {
			return nil, fmt.Errorf("axis %d of a tensor of rank %d", axes[k], rank)
		}
		axes[k] = a
	}
	slices.Sort(axes)
	return axes, nil
}

// add appends a node and returns its output as a map N x C x H x W.
func (r *reader) add(suffix string, op blocks.Op, tensors [][]float32, in ...*value) (*value, error) {
	nd := blocks.Node{Op: op}
	shapes := make([]blocks.Shape, len(in))
	batch := 1
	for i, v := range in {
		nd.Inputs = append(nd.Inputs, v.node)
		shapes[i] = r.nodes[v.node].Shape
		batch = v.dims[0]
	}
	s, err := op.OutShape(shapes)
	if err != nil {
		return nil, err
	}
	for _, t := range tensors {
		if err := r.charge(4 * len(t)); err != nil {
			return nil, err
		}
	}
	nd.Shape = s
	nd.Name = r.at
	if suffix != "" {
		nd.Name = strings.TrimPrefix(r.at+"/"+suffix, "/")
	}
	for i := 2; r.names[nd.Name]; i++ {
		nd.Name = r.at + "_" + strconv.Itoa(i) + "_" + strconv.Itoa(len(r.nodes))
	}
	if err := r.charge(200 + len(nd.Name)); err != nil {
		return nil, err
	}
	r.names[nd.Name] = true
	nd.Stage, nd.Block = r.stage, r.block
	r.nodes = append(r.nodes, nd)
	r.weights = append(r.weights, tensors)
	return &value{node: len(r.nodes) - 1, dims: []int{batch, s.C, s.H, s.W}, a: 1}, nil
}

// marks reads what placeDoc writes; any other text gives 0, 0.
func marks(doc string) (stage, block int) {
	if _, err := fmt.Sscanf(doc, "stage %d block %d", &stage, &block); err != nil || min(stage, block) < 0 || max(stage, block) > 1<<20 {
		return 0, 0
	}
	return stage, block
}

// like gives a result the dims and view of v, for operators that keep them.
func like(out, v *value, err error) (*value, error) {
	if err != nil {
		return nil, err
	}
	out.dims, out.view = v.dims, v.view
	return out, nil
}

// affine returns a*v + b, put off.
func (r *reader) affine(v *value, a, b float64) (*value, error) {
	if v.pad != (blocks.Pad{}) {
		var err error
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	w := *v
	w.a, w.b, w.done = a*v.a, a*v.b+b, nil
	return &w, nil
}

// fixed is the epsilon that marks a batch normalisation which stands for
// arithmetic: variance 1, mean 0.
const fixed = 1e-12

// scaleShift appends x*scale + shift, one number for each channel.
func (r *reader) scaleShift(v *value, scale, shift []float32) (*value, error) {
	c := r.nodes[v.node].Shape.C
	if err := r.charge(8 * c); err != nil {
		return nil, err
	}
	mean, variance := make([]float32, c), make([]float32, c)
	for i := range variance {
		variance[i] = 1
	}
	out, err := r.add("", &blocks.BatchNorm{Epsilon: fixed}, [][]float32{scale, shift, mean, variance}, v)
	return like(out, v, err)
}

// plain does what was put off: the result is the output of a node.
func (r *reader) plain(v *value) (*value, error) {
	if v.isPlain() {
		return v, nil
	}
	if v.done != nil {
		return v.done, nil
	}
	out, a, err := v, v.a, error(nil)
	unpadded := v.dims
	if v.pad != (blocks.Pad{}) {
		unpadded = slices.Clone(v.dims)
		s := r.nodes[v.node].Shape
		unpadded[2], unpadded[3] = s.H, s.W
	}
	base := &value{node: v.node, dims: unpadded, view: v.view, a: 1}
	out = base
	if v.gate {
		a *= 6
		out, err = r.add("", &blocks.Activation{Func: blocks.HSigmoid}, nil, out)
		if out, err = like(out, base, err); err != nil {
			return nil, err
		}
	}
	c := r.nodes[v.node].Shape.C
	if a != 1 && math.Abs(a-1) < 1e-6 {
		a = 1 // 1/6 as a float32, times 6
	}
	if a != 1 || v.b != 0 {
		if err := r.charge(8 * c); err != nil {
			return nil, err
		}
		scale, shift := make([]float32, c), make([]float32, c)
		for i := range scale {
			scale[i], shift[i] = float32(a), float32(v.b)
		}
		if out, err = r.scaleShift(out, scale, shift); err != nil {
			return nil, err
		}
	}
	if v.pad != (blocks.Pad{}) {
		if err := r.charge(4 * c); err != nil {
			return nil, err
		}
		ones := make([]float32, c)
		for i := range ones {
			ones[i] = 1
		}
		if out, err = r.add("", &blocks.Conv{Out: c, Kernel: [2]int{1, 1}, Pad: v.pad, Groups: c}, [][]float32{ones}, out); err != nil {
			return nil, err
		}
	}
	v.done = out
	return out, nil
}

// mapOf returns v as the output of a node, seen as N x C x H x W or N x C.
func (r *reader) mapOf(v *value) (*value, error) {
	if v.view != asMap {
		return nil, fmt.Errorf("its input is %s, want N x C x H x W", viewNames[v.view])
	}
	return r.plain(v)
}

// map0 is mapOf of input 0.
func (r *reader) map0(c call) (*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	return r.mapOf(v)
}

// finish takes the nodes that the output needs, and names the network.
func (r *reader) finish(name, output string) (*blocks.Network, *blocks.Weights, error) {
	v, err := r.value(output)
	if err != nil {
		return nil, nil, errors.New("no operator makes it")
	}
	if v.k != nil {
		return nil, nil, errors.New("it is a constant")
	}
	r.at = output
	if v.view == asPlane {
		v = &value{node: v.node, dims: v.dims, a: v.a, b: v.b, gate: v.gate, pad: v.pad}
	}
	if v, err = r.mapOf(v); err != nil {
		return nil, nil, err
	}
	if v.node == 0 {
		if v, err = r.add("identity", &blocks.Activation{}, nil, v); err != nil {
			return nil, nil, err
		}
	}
	needed := make([]bool, v.node+1)
	needed[0], needed[v.node] = true, true
	for i := v.node; i > 0; i-- {
		if needed[i] {
			for _, j := range r.nodes[i].Inputs {
				needed[j] = true
			}
		}
	}
	n := &blocks.Network{Name: name}
	at := make([]int, v.node+1)
	var tensors [][][]float32
	for i, nd := range r.nodes[:v.node+1] {
		if !needed[i] {
			continue
		}
		at[i] = len(n.Nodes)
		for k, j := range nd.Inputs {
			nd.Inputs[k] = at[j]
		}
		n.Nodes = append(n.Nodes, nd)
		tensors = append(tensors, r.weights[i])
	}
	n, tensors = joinBiases(n, tensors)
	if err := n.Infer(); err != nil {
		return nil, nil, err
	}
	w := blocks.EmptyWeights(n)
	for i, ts := range tensors {
		w.Set(i, ts)
	}
	return n, w, w.Check(n)
}

// joinBiases puts sums with constants into the bias of the layer before, where
// nothing else reads it.
func joinBiases(n *blocks.Network, tensors [][][]float32) (*blocks.Network, [][][]float32) {
	consumers := n.Consumers()
	out := &blocks.Network{Name: n.Name}
	at := make([]int, len(n.Nodes))
	var kept [][][]float32
	for i, nd := range n.Nodes {
		if bn, ok := nd.Op.(*blocks.BatchNorm); ok && bn.Epsilon == fixed && len(consumers[nd.Inputs[0]]) == 1 && !slices.ContainsFunc(tensors[i][0], func(v float32) bool { return v != 1 }) {
			j := at[nd.Inputs[0]]
			var op blocks.Op
			switch o := out.Nodes[j].Op.(type) {
			case *blocks.Linear:
				if !o.Bias {
					op = &blocks.Linear{Out: o.Out, Bias: true}
				}
			case *blocks.Conv:
				if !o.Bias {
					c := *o
					c.Bias = true
					op = &c
				}
			}
			if op != nil {
				out.Nodes[j].Op, kept[j], at[i] = op, [][]float32{kept[j][0], tensors[i][1]}, j
				continue
			}
		}
		at[i] = len(out.Nodes)
		for k, j := range nd.Inputs {
			nd.Inputs[k] = at[j]
		}
		out.Nodes = append(out.Nodes, nd)
		kept = append(kept, tensors[i])
	}
	return out, kept
}
