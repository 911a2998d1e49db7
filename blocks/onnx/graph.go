package onnx

import (
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
)

// graph collects a GraphProto. It is the ONNXGraph that ops see.
type graph struct {
	opset  int
	native bool // HardSwish is written as an operator
	batch  int  // 0: open
	net    *blocks.Network
	at     int    // the network's node at work
	first  int    // its first operator
	doc    string // its place in the network

	operators     []operator
	tensors       []constant
	input         info
	outputs       []info
	infos         []info // of other values
	operatorNames taken
	valueNames    taken
	constants     map[string]blocks.ONNXValue // by name and value
	weights       map[weight]int              // index in tensors
	images        blocks.ONNXValue            // the number of images, where it is open and was needed
	integers      *integers                   // nil for floats
	needs         need
	err           error
}

// weight names a tensor of a node.
type weight struct {
	node int
	name string
}

// need is the operator that needs the latest opset.
type need struct {
	opset      int
	node, what string
}

// taken is a set of names.
type taken map[string]bool

// unique returns name, or name and a number if it is taken, and takes it.
func (t taken) unique(name string) string {
	u := name
	for i := 2; t[u]; i++ {
		u = name + "_" + strconv.Itoa(i)
	}
	t[u] = true
	return u
}

func (g *graph) Batch() int { return g.batch }

func (g *graph) Node(kind string, in []blocks.ONNXValue, attrs ...blocks.ONNXAttr) blocks.ONNXValue {
	if form, ok := forms[kind]; ok {
		if v, ok := form(g, in, attrs); ok {
			return v
		}
	}
	return g.append(kind, in, attrs)
}

// append appends an operator as the opset has it.
func (g *graph) append(kind string, in []blocks.ONNXValue, attrs []blocks.ONNXAttr) blocks.ONNXValue {
	if since, ok := axesInput[kind]; ok && g.opset >= since {
		k := slices.IndexFunc(attrs, func(a blocks.ONNXAttr) bool { return a.Name == "axes" })
		in = append(slices.Clone(in), g.Ints("axes", attrs[k].Value.([]int)...))
		attrs = slices.Delete(slices.Clone(attrs), k, k+1)
	}
	g.require(kind, kind)
	op := operator{kind: kind, doc: g.doc, attrs: attrs}
	for _, a := range attrs {
		g.require(kind+"."+a.Name, kind+" with "+a.Name)
	}
	single := true
	for _, v := range in {
		op.in = append(op.in, v.Name)
		single = single && (v.Single || v.Name == "")
	}
	name := g.net.Nodes[g.at].Name + "/" + kind
	op.name = g.operatorNames.unique(name)
	op.out = []string{g.valueNames.unique(name)}
	g.operators = append(g.operators, op)
	v := blocks.ONNXValue{Name: op.out[0], Vector: in[0].Vector, Single: single}
	if g.integers != nil {
		v = g.integers.after(g, kind, in, v)
	}
	return v
}

// require notes that what is written needs an opset.
func (g *graph) require(key, what string) {
	if since := operatorSince[key]; since > g.needs.opset {
		g.needs = need{since, g.net.Nodes[g.at].Name, what}
	}
}

// tensor appends a constant and returns its index.
func (g *graph) tensor(c constant) int {
	c.name = g.valueNames.unique(c.name)
	g.tensors = append(g.tensors, c)
	return len(g.tensors) - 1
}

func (g *graph) Floats(name string, dims []int, values []float32) blocks.ONNXValue {
	nd := g.net.Nodes[g.at]
	if g.integers != nil && g.integers.Nodes[g.at].Layer != nil {
		return g.integers.layer(g, name, dims, values)
	}
	c := constant{name: nd.Name + "." + name, dims: dims, floats: values}
	owner := weight{g.at, name}
	if nd.Shared != nil {
		k := slices.IndexFunc(g.net.Params(g.at), func(p blocks.Param) bool { return p.Name == name })
		if k >= 0 && nd.Shared[k] > 0 {
			owner.node = nd.Shared[k]
		}
	}
	i, ok := g.weights[owner]
	// The same values may be laid out in two ways.
	if !ok || !slices.Equal(g.tensors[i].dims, dims) || !slices.Equal(g.tensors[i].floats, values) {
		i = g.tensor(c)
		if !ok {
			g.weights[owner] = i
		}
		g.weights[weight{g.at, name}] = i
	}
	return blocks.ONNXValue{Name: g.tensors[i].name, Single: true}
}

// constant returns the constant of a name and value, given as text.
func (g *graph) constant(name, value string, c constant) blocks.ONNXValue {
	key := name + "_" + value
	v, ok := g.constants[key]
	if !ok {
		c.name = name
		if len(value) < 40 {
			c.name = key
		}
		v = blocks.ONNXValue{Name: g.tensors[g.tensor(c)].name, Single: true}
		g.constants[key] = v
	}
	return v
}

func (g *graph) Number(name string, value float64) blocks.ONNXValue {
	f := float32(value)
	return g.constant(name, strconv.FormatFloat(float64(f), 'g', -1, 32), constant{floats: []float32{f}})
}

func (g *graph) Ints(name string, values ...int) blocks.ONNXValue {
	var text []string
	for _, v := range values {
		text = append(text, strconv.Itoa(v))
	}
	return g.constant(name, strings.Join(text, "_"), constant{dims: []int{len(values)}, ints: values})
}

func (g *graph) Bytes(name string, signed bool, value int) blocks.ONNXValue {
	c, kind := constant{bytes: []byte{byte(value)}, elem: elemUint8}, "uint8_"
	if signed {
		c.elem, kind = elemInt8, "int8_"
	}
	return g.constant(name, kind+strconv.Itoa(value), c)
}

func (g *graph) AsMap(v blocks.ONNXValue) blocks.ONNXValue {
	if !v.Vector {
		return v
	}
	m := g.Node("Unsqueeze", []blocks.ONNXValue{v}, blocks.ONNXAttr{Name: "axes", Value: []int{2, 3}})
	m.Vector = false
	return m
}

func (g *graph) Images(v blocks.ONNXValue) blocks.ONNXValue {
	if !v.Single || g.batch == 1 {
		return v
	}
	ones := []int{1, 1, 1}
	if v.Vector {
		ones = ones[:1]
	}
	all := g.Node("Expand", []blocks.ONNXValue{v, g.extents(ones)})
	all.Single = false
	return all
}

func (g *graph) Sizes(x blocks.ONNXValue, s blocks.Shape) blocks.ONNXValue {
	if x.Single {
		return g.Ints("sizes", 1, s.C, s.H, s.W)
	}
	return g.extents([]int{s.C, s.H, s.W})
}

// extents returns a tensor of the number of images and more extents.
func (g *graph) extents(more []int) blocks.ONNXValue {
	if g.batch > 0 {
		return g.Ints("sizes", append([]int{g.batch}, more...)...)
	}
	if g.images.Name == "" {
		shape := g.Node("Shape", []blocks.ONNXValue{{Name: g.input.name}})
		g.images = g.Node("Slice", []blocks.ONNXValue{shape, g.Ints("from", 0), g.Ints("to", 1), g.Ints("axis", 0)})
	}
	all := []blocks.ONNXValue{g.images, g.Ints("sizes", more...)}
	return g.Node("Concat", all, blocks.ONNXAttr{Name: "axis", Value: 0})
}

// dims is the shape of a value on the ONNX side.
func (g *graph) dims(s blocks.Shape, v blocks.ONNXValue) []int {
	images := g.batch
	if v.Single {
		images = 1
	}
	if v.Vector {
		return []int{images, s.C}
	}
	return []int{images, s.C, s.H, s.W}
}

// rename gives the operator of the node at work that makes v the node's name, and its
// output that name too, or the one given. It tells whether there is such an operator.
func (g *graph) rename(v blocks.ONNXValue, output string) (blocks.ONNXValue, bool) {
	for i := len(g.operators) - 1; i >= g.first; i-- {
		op := &g.operators[i]
		if op.out[0] != v.Name {
			continue
		}
		name := g.net.Nodes[g.at].Name
		delete(g.operatorNames, op.name)
		delete(g.valueNames, v.Name)
		op.name = g.operatorNames.unique(name)
		if output == "" {
			output = g.valueNames.unique(name)
		}
		for _, other := range g.operators[g.first:] {
			for k, in := range other.in {
				if in == v.Name {
					other.in[k] = output
				}
			}
		}
		op.out[0], v.Name = output, output
		return v, true
	}
	return v, false
}
