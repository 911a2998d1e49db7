package onnx

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/structure"
	"nas/internal/fault"
)

// Model is a network read from an ONNX file.
type Model struct {
	Network  *blocks.Network
	Weights  *blocks.Weights
	Input    Tensor   // as the file declares it
	Outputs  []Tensor // in the order of the network's outputs
	Opset    int
	Producer string
	Metadata map[string]string
	// Notes say what was understood otherwise than the file has it: where reading
	// ended before an operator that chooses, element types that were converted.
	Notes []string
	// Scales are those of constants that the file holds as integers with scales, in no order.
	Scales []float32
	// Integers says that the file computes with integers of 8 bits, of another format than ONNX.
	Integers bool
}

// ReadOptions of Read. The zero value takes the file's own shapes and all outputs.
type ReadOptions struct {
	H, W    int      // extents of an input for which the file gives none; 0 means there is none to give
	Shape   []int    // all dims of the input, in the file's order, in place of the file's; nil: the file's
	Open    []int    // all dims of the input, for those that the file leaves open; nil: none
	Outputs []string // the outputs to keep; nil means all
	// ChannelsLast says that an input of four dims is N x H x W x C. Without, the operators tell.
	ChannelsLast bool
	// NoWeights leaves the weights out: Model.Weights is nil. What the network is does not
	// depend on it. The bytes of large weights are not looked at, so that a mapped file
	// takes little memory.
	NoWeights bool
	// External opens a file beside the model that holds weights;
	// nil refuses such models.
	External func(location string) (*io.SectionReader, error)
}

// FirstOpset and LastOpset bound the operator set versions of the models that [Read] takes.
const (
	FirstOpset = 7
	LastOpset  = 24
)

// Read turns an ONNX model, the bytes of the file, into a network with weights.
//
// It takes what exporters write for convolutional networks, and light hybrids of
// convolutions and attention, in opset 7 to 24: one input of floating point and
// the operators that [Operators] lists. What no output needs is not looked at.
// Constants are folded by ONNX's rules; operators that only move values change
// how a tensor is seen; arithmetic that stands for hard-swish, swish, GELU or
// Mish is recognised; arithmetic with constants becomes a batch normalisation
// with fixed statistics. Node names are those of the file. Stages and blocks are
// those that [Write] left in the file, or else what [structure.Mark] finds.
//
// An operator, an attribute or a use of them that is not understood is one error
// that names operator and node. No input makes Read panic, and the memory it
// takes in all, short-lived included, stays below 256 times the length of data
// (and of the files that External opened) plus 16 MiB.
func Read(data []byte, o ReadOptions) (*Model, error) {
	p, err := parseModel(data)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	if p.opset < FirstOpset || p.opset > LastOpset {
		return nil, fault.Errorf(
			"onnx: the model is of opset %d, this program reads %d to %d: export or convert it to one of these",
			p.opset,
			FirstOpset,
			LastOpset,
		)
	}
	names, err := outputNames(p, o.Outputs)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	m, err := readGraph(data, p, names, o, false)
	if errors.Is(err, errBatch) {
		// A fixed batch whose images meet is one large image, if no operator minds.
		if whole, again := readGraph(data, p, names, o, true); again == nil {
			return whole, nil
		}
	}
	return m, err
}

// readGraph reads with the images of a fixed batch apart, or as one.
func readGraph(data []byte, p *modelProto, names []string, o ReadOptions, together bool) (*Model, error) {
	r := &reader{
		opset:        p.opset,
		names:        map[string]bool{},
		values:       map[string]*value{},
		initializers: p.initializers,
		external:     o.External,
		files:        map[string]*io.SectionReader{},
		budget:       32*len(data) + 1<<20,
		together:     together,
		noWeights:    o.NoWeights,
	}
	m := &Model{Opset: p.opset, Producer: p.producer, Metadata: p.metadata}
	nodes, err := r.needed(p, names)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	r.putOff(nodes)
	if m.Input, err = r.input(p, nodes, o); err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	for _, n := range nodes {
		if err := r.operator(n); err != nil {
			return nil, fault.Errorf("onnx: %w", err)
		}
	}
	outs, names, err := r.outputs(m, names)
	if err != nil {
		return nil, fault.Errorf("onnx: %w", err)
	}
	r.at, r.stage, r.block = names[0], 0, 0
	if m.Network, m.Weights, m.Outputs, err = r.finish(p.name, outs); err != nil {
		return nil, fault.Errorf("onnx: output %q: %w", names[0], err)
	}
	for i := range m.Outputs {
		m.Outputs[i].Name = names[i]
	}
	m.Scales = r.scales
	if o.NoWeights {
		m.Weights = nil
	}
	if !slices.ContainsFunc(m.Network.Nodes, func(nd blocks.Node) bool { return nd.Stage > 0 }) {
		structure.Mark(m.Network)
	}
	return m, nil
}

// outputNames are the outputs asked for, or all.
func outputNames(p *modelProto, asked []string) ([]string, error) {
	var all []string
	for _, v := range p.outputs {
		all = append(all, v.name)
	}
	for _, name := range asked {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("the model has no output %q; it has %q", name, short(all))
		}
	}
	if asked != nil {
		all = asked
	}
	if len(all) == 0 {
		return nil, errors.New("the model has no output")
	}
	return all, nil
}

// input makes node 0 of the model's one input.
func (r *reader) input(p *modelProto, nodes []*nodeProto, o ReadOptions) (Tensor, error) {
	in, err := onlyInput(p, nodes)
	if err != nil {
		return Tensor{}, err
	}
	d, err := givenDims(in, o)
	if err != nil {
		return Tensor{}, err
	}
	order := map[int][]int{2: {1}, 3: {2, 1}, 4: {2, 3, 1}}[len(d)]
	if len(d) == 4 {
		if o.ChannelsLast || channelsLast(in.name, d, nodes, 4) {
			order = []int{1, 2, 3}
		}
		for i, open := range []int{o.H, o.W} {
			if k := order[i]; d[k] < 0 && open > 0 {
				d[k] = open
			}
		}
	}
	images := max(d[0], 0)
	if d[0] < 0 {
		d[0] = 1
	}
	if slices.Min(d[1:]) < 0 {
		return Tensor{}, fmt.Errorf("input %q leaves extents open: %v; they must be given, as MODEL.onnx@res=224 or "+
			"--input-shape", in.name, short(d))
	}
	if d[0] < 1 || d[0] > 1<<20 {
		return Tensor{}, fmt.Errorf("input %q has a batch of %d", in.name, d[0])
	}
	s := blocks.Shape{H: 1, W: 1, C: d[order[len(order)-1]]}
	if len(order) > 1 {
		s.H = d[order[0]]
	}
	if len(order) > 2 {
		s.W = d[order[1]]
	}
	one := slices.Clone(d)
	one[0] = 1
	axes := dense(one, order)
	switch {
	case r.together:
		images = 1
		s.H *= d[0]
		axes = dense(d, append([]int{0}, order...))
	case d[0] > 1:
		axes[0] = axis{{N: d[0], Step: batchStep}}
		r.batched = true
	}
	r.at = "input"
	node, err := r.add("", &blocks.Input{Shape: s}, nil)
	if err != nil {
		return Tensor{}, err
	}
	r.values[in.name] = &value{node: node, axes: axes, a: 1}
	return Tensor{Name: in.name, Dims: d, Batch: images, axes: axes}, nil
}

// onlyInput is the one input that the nodes need. Initializers, which old exporters list as
// inputs, are none.
func onlyInput(p *modelProto, nodes []*nodeProto) (*infoProto, error) {
	var all []*infoProto
	var names []string
	for i, v := range p.inputs {
		if _, ok := p.initializers[v.name]; !ok {
			all = append(all, &p.inputs[i])
		}
	}
	if len(all) == 0 {
		return nil, errors.New("the model has no input")
	}
	needed := slices.DeleteFunc(slices.Clone(all), func(in *infoProto) bool {
		return !slices.ContainsFunc(nodes, func(n *nodeProto) bool { return slices.Contains(n.in, in.name) })
	})
	switch len(needed) {
	case 0:
		return all[0], nil
	case 1:
		return needed[0], nil
	}
	for _, in := range needed {
		names = append(names, in.name)
	}
	return nil, fmt.Errorf("the outputs need %d inputs, %q, and this program reads models of one: "+
		"keep outputs that need one only (--output-name), or make constants of the other inputs", len(names), names)
}

// givenDims are the input's dims, those that the caller gives in place of the file's.
func givenDims(in *infoProto, o ReadOptions) ([]int, error) {
	d := slices.Clone(in.dims)
	if len(d) < 2 || len(d) > 4 || !floating(in.elem) {
		return nil, fmt.Errorf("input %q is of element type %d with dims %v, want floating point of N x C x H x W, "+
			"N x H x W x C, N x C x L or N x C", in.name, in.elem, short(d))
	}
	for i, n := range o.Open {
		if i > 0 && len(o.Open) == len(d) && d[i] < 0 && n > 0 {
			d[i] = n
		}
	}
	if o.Shape == nil {
		return d, nil
	}
	if len(o.Shape) != len(d) {
		return nil, fmt.Errorf("input %q has %d dims, %d are given", in.name, len(d), len(o.Shape))
	}
	for i, n := range o.Shape {
		if d[i] > 0 && n > 0 && d[i] != n && i != 0 {
			return nil, fmt.Errorf("input %q is %v, it cannot be %v: the file fixes dim %d",
				in.name, short(d), short(o.Shape), i)
		}
		if n > 0 {
			d[i] = n
		}
	}
	return d, nil
}

// valueByValue are operators that often stand between an input and its first layer.
var valueByValue = []string{
	"Sub", "Add", "Mul", "Div", "Cast", "Identity", "QuantizeLinear", "DequantizeLinear",
}

// channelsLast tells whether an input of four dims is N x H x W x C: what reads it
// moves the last axis to the front, or gives one channel another place. It looks
// through that many operators that compute value by value.
func channelsLast(name string, d []int, nodes []*nodeProto, through int) bool {
	last := false
	for i, n := range nodes {
		if !slices.Contains(n.in, name) {
			continue
		}
		switch {
		case n.op == "Transpose" && slices.Equal(n.attrs["perm"].ints, []int{0, 3, 1, 2}):
			last = true
		case n.op == "Reshape" && d[3] == 1 && d[1] != 1:
			last = true
		case n.op == "Conv" || n.op == "Pad" || n.op == "BatchNormalization":
			return false
		case slices.Contains(valueByValue, n.op) && len(n.out) == 1 && through > 0 && !last:
			last = channelsLast(n.out[0], d, nodes[i+1:], through-1)
		}
	}
	return last
}

// needed parses the nodes that the outputs need, in the file's order.
func (r *reader) needed(p *modelProto, outputs []string) ([]*nodeProto, error) {
	all := make([]*nodeProto, len(p.nodes))
	maker := map[string]int{}
	for i, b := range p.nodes {
		n, err := parseNode(b)
		if err != nil {
			return nil, err
		}
		n.index = i
		if n.op == "If" {
			if err := n.capture(0); err != nil {
				return nil, fmt.Errorf("operator If of %s: %w", n.label(strings.Join(n.out, " ")), err)
			}
		}
		all[i] = n
		for _, name := range n.out {
			if name != "" {
				maker[name] = i
			}
		}
	}
	use := make([]bool, len(all))
	var todo []int
	want := func(name string) {
		if i, ok := maker[name]; ok && !use[i] {
			use[i] = true
			todo = append(todo, i)
		}
	}
	for _, name := range outputs {
		want(name)
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, name := range all[i].in {
			want(name)
		}
	}
	var out []*nodeProto
	read := map[string]bool{}
	for _, name := range outputs {
		read[name] = true
	}
	for i, n := range all {
		if use[i] {
			out = append(out, n)
			for _, name := range n.in {
				read[name] = true
			}
		}
	}
	for _, n := range out {
		for i, name := range n.out { // what nothing reads need not be made
			if !read[name] {
				n.out[i] = ""
			}
		}
	}
	return out, nil
}

// label names a node in errors: one without a name by its place in the file and what it makes.
func (n *nodeProto) label(at string) string {
	if n.name == "" {
		return fmt.Sprintf("node %d, which has no name and makes %.200q", n.index, at)
	}
	return fmt.Sprintf("node %.200q", at)
}

// operator reads one node.
func (r *reader) operator(n *nodeProto) error {
	r.at = n.name
	r.stage, r.block = marks(n.doc)
	if r.at == "" {
		if k := slices.IndexFunc(n.out, func(name string) bool { return name != "" }); k >= 0 {
			r.at = n.out[k]
		}
	}
	fail := func(err error) error { return fmt.Errorf("operator %.40s of %s: %w", n.op, n.label(r.at), err) }
	if n.domain != "" && n.domain != "ai.onnx" {
		return fail(fmt.Errorf("its domain %.40q is not one that this program reads", n.domain))
	}
	c := call{nodeProto: n, in: make([]*value, len(n.in))}
	constant, cut := true, false
	for i, name := range n.in {
		if name == "" {
			continue
		}
		value := r.value
		if i == 1 && !constant && slices.Contains(weighted, n.op) {
			value = r.weight
		}
		v, err := value(name)
		if err != nil {
			return fail(err)
		}
		c.in[i] = v
		constant = constant && v.k != nil
		cut = cut || v.cut != ""
	}
	for len(c.in) > 0 && c.in[len(c.in)-1] == nil {
		c.in = c.in[:len(c.in)-1] // optional inputs that are left out
	}
	if cut || !constant && slices.Contains(cutOperators, n.op) {
		r.endBefore(c)
		return nil
	}
	o, ok := operators[n.op]
	if !ok {
		return fail(errors.New("this program does not read it (nas show --operators lists those that it reads)"))
	}
	if err := o.understood(c, r.opset); err != nil {
		return fail(err)
	}
	do := o.apply
	if constant && len(c.in) > 0 || do == nil && o.fold != nil {
		do = apply(o.fold)
	}
	if do == nil {
		return fail(errors.New("of constants only, which this program does not fold"))
	}
	r.sources = nil
	out, err := do(r, c)
	if err != nil {
		return fail(err)
	}
	for i, name := range n.out {
		if i < len(out) && name != "" {
			if v := out[i]; v.k == nil && !slices.Contains(c.in, v) {
				v.of = place{r.at, r.stage, r.block}
			}
			r.values[name] = out[i]
		}
	}
	return nil
}

// outputs returns the model's outputs, and in place of those that reading did
// not reach the activations at which it ended.
func (r *reader) outputs(m *Model, names []string) (outs []*value, kept []string, err error) {
	add := func(name string, v *value) {
		if !slices.Contains(kept, name) {
			outs, kept = append(outs, v), append(kept, name)
		}
	}
	cut := ""
	for _, name := range names {
		v, ok := r.values[name]
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("output %q: no operator makes it", name)
		case v.cut != "":
			cut = v.cut
		case v.k != nil:
			return nil, nil, fmt.Errorf("output %q is a constant", name)
		default:
			add(name, v)
		}
	}
	if cut != "" {
		m.Notes = append(
			m.Notes,
			"reading ends before operator "+cut+", which chooses among what the network computed: "+
				"what stands before it is counted, timed and run",
		)
		for _, f := range r.frontier {
			add(f.name, f.v)
		}
	}
	if len(outs) == 0 {
		return nil, nil, errors.New("no output depends on the input")
	}
	return outs, kept, nil
}
