package onnx

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// Opsets that are written.
const (
	firstWritten = 11
	lastWritten  = 21
	defaultOpset = 17
)

// OpenBatch as [Options.Batch] leaves the number of images open.
const OpenBatch = -1

// Options of Write. The zero value writes batch normalisation as it stands and
// a batch of one image.
type Options struct {
	// FoldBN puts batch normalisations into the layers before them.
	FoldBN bool
	// Batch is the fixed number of images; 0 means 1, OpenBatch any number.
	Batch int
	// Opset is the operator set version, 11 to 21. 0 means 17, or the first later one
	// that has all that the network needs.
	Opset int
	// NativeHardSwish writes the operator HardSwish, which opset 14 brought, in place of
	// HardSigmoid and Mul.
	NativeHardSwish bool
	// Input and Outputs are the model's tensors as the file that n was read from declares them:
	// their names and layouts are kept. Without, the names are "input", and "output" for a single
	// output, the nodes' names for several; the input is N x C x H x W, an output N x C for a
	// vector and N x C x H x W for a map.
	Input   Tensor
	Outputs []Tensor
	// Version is the producer's version; it may be empty.
	Version string
	// Metadata become the model's metadata_props, besides those that Write adds:
	// params, macs, peak_activation_bytes, and layout.
	Metadata map[string]string

	integers *quant.Network // of 8-bit integers; nil writes floats
}

// Write writes n with its weights as an ONNX model. Operators, their outputs and their weights have
// the names of n's nodes; if an op takes several operators, the last one has the node's name. The operators'
// doc_string holds stage and block. Equal constants that are no weights, and weights that nodes share,
// are written once. The same arguments give the same bytes.
//
// An op without an ONNX form, one that the opset does not have, weights that do not fit the network,
// and a model of 2 GiB or more are errors.
func Write(w io.Writer, n *blocks.Network, weights *blocks.Weights, o Options) error {
	if err := weights.Check(n); err != nil {
		return fault.Errorf("onnx: %w", err)
	}
	if err := o.check(n); err != nil {
		return err
	}
	counts := n.Counts()
	name := n.Name
	if o.FoldBN {
		n, weights = blocks.FoldBatchNorm(n, weights)
	}
	opset := o.Opset
	if opset == 0 {
		opset = defaultOpset
	}
	g := newGraph(n, weights, o, opset)
	if o.Opset == 0 && g.needs.opset > opset {
		g = newGraph(n, weights, o, g.needs.opset)
	}
	if g.err != nil {
		return g.err
	}
	if g.needs.opset > g.opset {
		return fault.Errorf("onnx: node %q: %s needs opset %d, the model is to be of opset %d: write it with --opset %d",
			g.needs.node, g.needs.what, g.needs.opset, g.opset, max(g.needs.opset, defaultOpset))
	}
	bytes := int64(4)
	if o.integers != nil {
		bytes = 1
	}
	meta := map[string]string{}
	maps.Copy(meta, o.Metadata)
	maps.Copy(meta, map[string]string{
		"params":                strconv.FormatInt(counts.Params, 10),
		"macs":                  strconv.FormatInt(counts.MACs, 10),
		"peak_activation_bytes": strconv.FormatInt(bytes*counts.PeakActivations, 10),
		"layout":                "NCHW",
	})
	return g.write(w, name, o.Version, meta)
}

func (o Options) check(n *blocks.Network) error {
	if o.Batch < OpenBatch || o.Batch > 1<<20 {
		return fault.Errorf("onnx: batch is %d, want 1 to %d, or 0 for 1", o.Batch, 1<<20)
	}
	if o.Opset != 0 && (o.Opset < firstWritten || o.Opset > lastWritten) {
		return fault.Errorf("onnx: opset is %d, want %d to %d", o.Opset, firstWritten, lastWritten)
	}
	if k := len(o.Outputs); k != 0 && k != len(n.Returned()) {
		return fault.Errorf("onnx: %d names for %d outputs", k, len(n.Returned()))
	}
	return nil
}

// newGraph makes the model's graph of a network.
func newGraph(n *blocks.Network, weights *blocks.Weights, o Options, opset int) *graph {
	g := &graph{
		opset: opset, native: o.NativeHardSwish, batch: max(o.Batch, 1), net: n,
		operatorNames: taken{}, valueNames: taken{}, constants: map[string]blocks.ONNXValue{}, weights: map[weight]int{},
	}
	if o.integers != nil {
		g.integers = &integers{o.integers, map[string]integer.Grid{}}
	}
	if o.Batch == OpenBatch {
		g.batch = 0
	}
	outputs := o.Outputs
	if outputs == nil {
		for _, i := range n.Returned() {
			outputs = append(outputs, Tensor{Name: n.Nodes[i].Name})
		}
		if len(outputs) == 1 {
			outputs[0].Name = "output"
		}
	}
	g.input.name = g.valueNames.unique(cmp.Or(o.Input.Name, "input"))
	for _, t := range outputs {
		g.outputs = append(g.outputs, info{name: g.valueNames.unique(t.Name)})
	}
	g.network(weights, o.Input, outputs)
	return g
}

// network appends all nodes. Names are assigned op by op: the operator that produces a node's
// output gets the node's name.
func (g *graph) network(weights *blocks.Weights, input Tensor, outputs []Tensor) {
	n := g.net
	values := make([]blocks.ONNXValue, len(n.Nodes))
	values[0], g.input.dims = g.fromDeclared(blocks.ONNXValue{Name: g.input.name}, n.Input(), input)
	g.input.dims[0] = g.batch
	if g.integers != nil {
		values[0] = g.integers.onGrid(g, values[0], g.integers.Nodes[0].Grid)
	}
	returned := n.Returned()
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
		g.at, g.first, g.doc = i, len(g.operators), placeDoc(nd.Stage, nd.Block)
		var v blocks.ONNXValue
		if g.integers != nil {
			v = g.integers.write(g, op, in, weights.Node(i))
		} else {
			v = op.WriteONNX(g, blocks.ONNXNode{In: n.InShapes(i), Out: nd.Shape}, in, weights.Node(i))
		}
		if k := slices.Index(returned, i); k >= 0 {
			values[i] = g.returned(v, k, outputs[k])
			if g.integers != nil {
				g.integers.grids[values[i].Name] = g.integers.Nodes[i].Grid
			}
		} else if g.integers != nil {
			values[i] = v
		} else {
			values[i] = g.named(v)
		}
	}
}

// named gives a value of the node at work the node's name.
func (g *graph) named(v blocks.ONNXValue) blocks.ONNXValue {
	v, made := g.rename(v, "")
	if made {
		g.infos = append(g.infos, info{v.Name, g.dims(g.net.Nodes[g.at].Shape, v)})
	}
	return v
}

// returned makes v, a value of the node at work, output k of the model. The result is
// what other nodes read.
func (g *graph) returned(v blocks.ONNXValue, k int, declared Tensor) blocks.ONNXValue {
	out, first := &g.outputs[k], len(g.operators)
	end, dims := g.asDeclared(g.Images(v), g.net.Nodes[g.at].Shape, declared)
	out.dims = dims
	out.dims[0] = g.batch
	if len(g.operators) == first { // v itself is the output
		if w, made := g.rename(v, out.name); made {
			return w
		}
		g.Node("Identity", []blocks.ONNXValue{end})
	}
	g.operators[len(g.operators)-1].out[0] = out.name // nothing else reads it
	return g.named(v)
}

// placeDoc is the doc_string that keeps stage and block of a node.
func placeDoc(stage, block int) string {
	if stage == 0 && block == 0 {
		return ""
	}
	return fmt.Sprintf("stage %d block %d", stage, block)
}
