package onnx

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"nas/blocks"
	"nas/internal/fault"
)

// writtenOpset is the operator set version of the models that Write makes.
const writtenOpset = 17

// Options of Write. The zero value writes batch normalisation as it stands and
// a batch of one image.
type Options struct {
	// FoldBN puts batch normalisations into the layers before them.
	FoldBN bool
	// Batch is the fixed number of images; 0 means 1.
	Batch int
	// Metadata become the model's metadata_props, besides those that Write adds:
	// params, macs, peak_activation_bytes, and layout.
	Metadata map[string]string
}

// Write writes n with its weights as an ONNX model of opset 17. The input is called "input" and is
// N x C x H x W. The output is called "output"; it is N x C for a vector and N x C x H x W for a
// map. Several outputs have the names of their nodes. A shared tensor is one initializer.
// Operators, their outputs and their weights have the names of n's nodes; if an op takes several
// operators, the last one has the node's name. The operators' doc_string holds stage and block.
// The same arguments give the same bytes.
//
// An op without an ONNX form, weights that do not fit the network, and a model of 2 GiB or more
// are errors.
func Write(w io.Writer, n *blocks.Network, weights *blocks.Weights, o Options) error {
	if err := weights.Check(n); err != nil {
		return fault.Errorf("onnx: %w", err)
	}
	if o.Batch < 0 || o.Batch > 1<<20 {
		return fault.Errorf("onnx: batch is %d, want 1 to %d, or 0 for 1", o.Batch, 1<<20)
	}
	counts := n.Counts()
	if o.FoldBN {
		n, weights = blocks.FoldBatchNorm(n, weights)
	}
	g := &graph{batch: max(o.Batch, 1), taken: map[string]bool{"output": true}}
	g.network(n, weights)
	if g.err != nil {
		return g.err
	}
	meta := map[string]string{
		"params":                strconv.FormatInt(counts.Params, 10),
		"macs":                  strconv.FormatInt(counts.MACs, 10),
		"peak_activation_bytes": strconv.FormatInt(4*counts.PeakActivations, 10),
		"layout":                "NCHW",
	}
	maps.Copy(meta, o.Metadata)
	return g.write(w, n.Name, meta)
}

// operator is a NodeProto.
type operator struct {
	name, kind string
	doc        string
	in, out    []string
	attrs      []blocks.ONNXAttr
}

// constant is a TensorProto: floats, ints, or single bytes of an element type.
type constant struct {
	name   string
	local  string // the name within its node
	dims   []int
	floats []float32
	ints   []int
	bytes  []byte
	elem   int // of bytes
}

// info is a ValueInfoProto of floats.
type info struct {
	name string
	dims []int
}

// graph collects a GraphProto. It is the ONNXGraph that ops see.
type graph struct {
	batch     int
	opset     int    // 0 means writtenOpset
	node      string // name of the network's node at work
	doc       string // its place in the network
	first     int    // its first operator
	operators []operator
	constants []constant
	input     info
	values    []info // between input and outputs
	outputs   []info
	taken     map[string]bool
	err       error
}

// unique returns name, or name and a number if it is taken, and takes it.
func (g *graph) unique(name string) string {
	u := name
	for i := 2; g.taken[u]; i++ {
		u = name + "_" + strconv.Itoa(i)
	}
	g.taken[u] = true
	return u
}

func (g *graph) Batch() int { return g.batch }

func (g *graph) Node(kind string, in []blocks.ONNXValue, attrs ...blocks.ONNXAttr) blocks.ONNXValue {
	op := operator{kind: kind, doc: g.doc, attrs: attrs}
	for _, v := range in {
		op.in = append(op.in, v.Name)
	}
	op.name = g.unique(g.node + "/" + kind)
	op.out = []string{op.name}
	g.operators = append(g.operators, op)
	return blocks.ONNXValue{Name: op.name, Vector: in[0].Vector}
}

func (g *graph) Floats(name string, dims []int, values []float32) blocks.ONNXValue {
	c := constant{name: g.unique(g.node + "." + name), local: name, dims: dims, floats: values}
	g.constants = append(g.constants, c)
	return blocks.ONNXValue{Name: c.name}
}

func (g *graph) Ints(name string, values ...int) blocks.ONNXValue {
	c := constant{name: g.unique(g.node + "." + name), dims: []int{len(values)}, ints: values}
	g.constants = append(g.constants, c)
	return blocks.ONNXValue{Name: c.name}
}

func (g *graph) Bytes(name string, signed bool, value int) blocks.ONNXValue {
	c := constant{name: g.unique(g.node + "." + name), bytes: []byte{byte(value)}, elem: elemUint8}
	if signed {
		c.elem = elemInt8
	}
	g.constants = append(g.constants, c)
	return blocks.ONNXValue{Name: c.name}
}

func (g *graph) AsMap(v blocks.ONNXValue) blocks.ONNXValue {
	if !v.Vector {
		return v
	}
	m := g.Node("Unsqueeze", []blocks.ONNXValue{v, g.Ints("axes", 2, 3)})
	m.Vector = false
	return m
}

// dims is the shape of a value on the ONNX side.
func (g *graph) dims(s blocks.Shape, vector bool) []int {
	if vector {
		return []int{g.batch, s.C}
	}
	return []int{g.batch, s.C, s.H, s.W}
}

// network appends all nodes. Names are assigned op by op: the operator that produces a node's
// output gets the node's name.
func (g *graph) network(n *blocks.Network, weights *blocks.Weights) {
	values := make([]blocks.ONNXValue, len(n.Nodes))
	constants := make([][]constant, len(n.Nodes)) // of each node
	values[0] = blocks.ONNXValue{Name: g.unique("input")}
	g.input = info{"input", g.dims(n.Input(), false)}
	outputs := n.Returned()
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		op, ok := nd.Op.(blocks.ONNXWriter)
		if !ok {
			g.err = fault.Errorf("onnx: node %q: op %q has no ONNX form", nd.Name, nd.Op.Kind())
			return
		}
		in := make([]blocks.ONNXValue, len(nd.Inputs))
		for k, j := range nd.Inputs {
			in[k] = values[j]
		}
		g.node, g.first, g.doc = nd.Name, len(g.operators), placeDoc(nd.Stage, nd.Block)
		first := len(g.constants)
		v := op.WriteONNX(g, blocks.ONNXNode{In: n.InShapes(i), Out: nd.Shape}, in, weights.Node(i))
		values[i] = g.rename(v, nd.Name)
		g.share(first, nd.Shared, constants)
		constants[i] = g.constants[first:]
		if !slices.Contains(outputs, i) {
			g.values = append(g.values, info{values[i].Name, g.dims(nd.Shape, v.Vector)})
		}
	}
	for _, i := range outputs {
		g.output(n, i, values[i], len(outputs) == 1)
	}
}

// share drops the constants from first on, of the node at work, that are those of a node in shared.
func (g *graph) share(first int, shared []int, constants [][]constant) {
	for _, j := range shared {
		for _, owner := range constants[j] {
			k := slices.IndexFunc(g.constants[first:], func(c constant) bool {
				return c.local == owner.local && c.floats != nil &&
					slices.Equal(c.dims, owner.dims) && slices.Equal(c.floats, owner.floats)
			})
			if k < 0 {
				continue
			}
			for _, op := range g.operators[g.first:] {
				for at, name := range op.in {
					if name == g.constants[first+k].name {
						op.in[at] = owner.name
					}
				}
			}
			g.constants = slices.Delete(g.constants, first+k, first+k+1)
		}
	}
}

// output makes v, the value of node i, an output: N x C if it is a vector. The only one is called
// "output".
func (g *graph) output(n *blocks.Network, i int, v blocks.ONNXValue, only bool) {
	nd := n.Nodes[i]
	k := len(g.operators) - 1
	unread := i == len(n.Nodes)-1 && k >= 0 && g.operators[k].out[0] == v.Name
	g.node, g.first, g.doc = v.Name, len(g.operators), placeDoc(nd.Stage, nd.Block)
	if only {
		g.node = "output"
	}
	if nd.Shape.IsVector() && !v.Vector {
		v = g.Node("Flatten", []blocks.ONNXValue{v}, blocks.ONNXAttr{Name: "axis", Value: 1})
		v.Vector = true
	} else if only && !unread {
		v = g.Node("Identity", []blocks.ONNXValue{v})
	}
	if only { // nothing reads what the last operator makes; the operator keeps the node's name
		v.Name = "output"
		g.operators[len(g.operators)-1].out[0] = v.Name
	}
	g.outputs = append(g.outputs, info{v.Name, g.dims(nd.Shape, v.Vector)})
}

// placeDoc is the doc_string that keeps stage and block of a node.
func placeDoc(stage, block int) string {
	if stage == 0 && block == 0 {
		return ""
	}
	return fmt.Sprintf("stage %d block %d", stage, block)
}

// rename gives a value of the current node the node's name.
func (g *graph) rename(v blocks.ONNXValue, name string) blocks.ONNXValue {
	for i := len(g.operators) - 1; i >= g.first; i-- {
		op := &g.operators[i]
		if op.out[0] != v.Name {
			continue
		}
		delete(g.taken, op.name)
		op.name = g.unique(name)
		op.out[0] = op.name
		v.Name = op.name
		break
	}
	return v
}

// write writes the model. Lengths are computed first, so that constants can be written straight
// from the weights and the model is never in memory as a whole.
func (g *graph) write(w io.Writer, name string, meta map[string]string) error {
	var nodes message
	for _, op := range g.operators {
		nodes = nodes.sub(graphNode, op.message())
	}
	nodes = nodes.text(graphName, name)
	heads := make([]message, len(g.constants))
	size := len(nodes)
	for i, c := range g.constants {
		var raw int
		heads[i], raw = c.message()
		n := len(heads[i]) + raw
		tag := protowire.AppendTag(nil, graphInitializer, protowire.BytesType)
		heads[i] = append(protowire.AppendVarint(tag, uint64(n)), heads[i]...)
		size += len(heads[i]) + raw
	}
	var tail message
	tail = tail.sub(graphInput, g.input.message())
	for _, f := range g.values {
		tail = tail.sub(graphValueInfo, f.message())
	}
	for _, f := range g.outputs {
		tail = tail.sub(graphOutput, f.message())
	}
	size += len(tail)

	model := message(nil).int(modelIRVersion, 8).text(modelProducer, "nas")
	model = protowire.AppendVarint(protowire.AppendTag(model, modelGraph, protowire.BytesType), uint64(size))
	opset := message(nil).text(opsetDomain, "").int(opsetVersion, cmp.Or(g.opset, writtenOpset))
	end := message(nil).sub(modelOpsetImport, opset)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		end = end.sub(modelMetadata, message(nil).text(entryKey, k).text(entryValue, meta[k]))
	}
	if total := len(model) + size + len(end); total > maxMessage {
		return fault.Errorf("onnx: %s would take %d bytes, and an ONNX file ends at 2 GiB", name, total)
	}

	b := bufio.NewWriterSize(w, 1<<16)
	b.Write(model)
	b.Write(nodes)
	for i, c := range g.constants {
		b.Write(heads[i])
		var word [8]byte
		for _, v := range c.floats {
			binary.LittleEndian.PutUint32(word[:], math.Float32bits(v))
			b.Write(word[:4])
		}
		for _, v := range c.ints {
			binary.LittleEndian.PutUint64(word[:], uint64(v))
			b.Write(word[:])
		}
		b.Write(c.bytes)
	}
	b.Write(tail)
	b.Write(end)
	if err := b.Flush(); err != nil {
		return fault.Errorf("onnx: writing %s: %w", name, err)
	}
	return nil
}

func (op operator) message() (m message) {
	for _, in := range op.in {
		m = m.text(nodeInput, in)
	}
	for _, out := range op.out {
		m = m.text(nodeOutput, out)
	}
	m = m.text(nodeName, op.name).text(nodeOpType, op.kind)
	if op.doc != "" {
		m = m.text(nodeDoc, op.doc)
	}
	for _, a := range op.attrs {
		s := message(nil).text(attrName, a.Name)
		switch v := a.Value.(type) {
		case int:
			s = s.int(attrInt, v).int(attrType, attrTypeInt)
		case float64:
			s = protowire.AppendFixed32(protowire.AppendTag(s, attrFloat, protowire.Fixed32Type), math.Float32bits(float32(v)))
			s = s.int(attrType, attrTypeFloat)
		case string:
			s = s.text(attrString, v).int(attrType, attrTypeString)
		case []int:
			for _, x := range v {
				s = s.int(attrInts, x)
			}
			s = s.int(attrType, attrTypeInts)
		default:
			panic(fmt.Sprintf("onnx: attribute %s of %s has a value of type %T", a.Name, op.kind, v))
		}
		m = m.sub(nodeAttribute, s)
	}
	return m
}

// message returns the tensor up to its raw data, and the data's length.
func (c constant) message() (m message, raw int) {
	for _, d := range c.dims {
		m = m.int(tensorDims, d)
	}
	elem := elemFloat
	raw = 4 * len(c.floats)
	if c.ints != nil {
		elem, raw = elemInt64, 8*len(c.ints)
	}
	if c.bytes != nil {
		elem, raw = c.elem, len(c.bytes)
	}
	m = m.int(tensorType, elem).text(tensorName, c.name)
	return protowire.AppendVarint(protowire.AppendTag(m, tensorRaw, protowire.BytesType), uint64(raw)), raw
}

func (f info) message() message {
	var shape message
	for _, d := range f.dims {
		shape = shape.sub(shapeDim, message(nil).int(dimValue, d))
	}
	t := message(nil).int(tensorTypeElem, elemFloat).sub(tensorTypeShape, shape)
	return message(nil).text(infoName, f.name).sub(infoType, message(nil).sub(typeTensor, t))
}
