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

// view is how the dims of an ONNX tensor correspond to an activation of the network.
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

var viewNames = []string{"a map", "a flattened map", "channel groups", "swapped channel groups", "a plane",
	"a turned vector", "weights"}

// value is an ONNX tensor: a constant, or an activation of the network, possibly with pending
// operations. An operation is left pending if the next operator may absorb it.
type value struct {
	k    *tensor
	node int // index in the network
	dims []int
	view view

	// The pending operations: the tensor is a*x + b, or with gate a*min(max(x+3,0),6) + b, of the
	// node's output x, and then padded with zeros.
	a, b float64
	gate bool
	pad  blocks.Pad

	done *value // what plain made of it
}

func (v *value) isPlain() bool {
	return !v.gate && v.a == 1 && v.b == 0 && v.pad == (blocks.Pad{})
}

// vector reports whether the value is N x C.
func (v *value) vector() bool { return v.view == asMap && len(v.dims) == 2 }

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

// marks reads the stage and block that placeDoc writes. Any other text gives 0, 0.
func marks(doc string) (stage, block int) {
	if _, err := fmt.Sscanf(doc, "stage %d block %d", &stage, &block); err != nil || min(stage, block) < 0 ||
		max(stage, block) > 1<<20 {
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

// affine returns a*v + b as a pending operation.
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

// fixed is the epsilon of a batch normalisation that stands for arithmetic: its variance is 1 and
// its mean 0.
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

// plain applies the pending operations. The result is the output of a node.
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
		pad := &blocks.Conv{Out: c, Kernel: [2]int{1, 1}, Pad: v.pad, Groups: c}
		if out, err = r.add("", pad, [][]float32{ones}, out); err != nil {
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

// finish keeps the nodes that the output needs, and names the network.
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

// joinBiases adds constants that are added to a layer's output to the layer's bias, if nothing
// else reads the output.
func joinBiases(n *blocks.Network, tensors [][][]float32) (*blocks.Network, [][][]float32) {
	consumers := n.Consumers()
	out := &blocks.Network{Name: n.Name}
	at := make([]int, len(n.Nodes))
	var kept [][][]float32
	for i, nd := range n.Nodes {
		if bn, ok := nd.Op.(*blocks.BatchNorm); ok && bn.Epsilon == fixed && len(consumers[nd.Inputs[0]]) == 1 &&
			!slices.ContainsFunc(tensors[i][0], func(v float32) bool { return v != 1 }) {
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
