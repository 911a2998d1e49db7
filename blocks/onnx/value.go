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

// value is a tensor of the file: a constant, or a view of a node's activation
// with work that is put off because the next operator may take it in.
type value struct {
	k    *tensor
	node int // index in the network
	axes []axis
	from int // first value of the node's activation

	// The tensor is a*x + b, or with gate a*min(max(x+3,0),6) + b, of the viewed
	// values x, and then padded with zeros, before and after each axis.
	a, b float64
	gate bool
	pads [][2]int // nil: none

	quant *grid  // the tensor is x on a grid of integers
	cut   string // not empty: the operator at which reading ends; there is no value

	of place // the operator that made it; zero: none yet

	done *value            // what plain made of it
	laid map[string]*value // what lay made of it
}

// isPlain tells whether nothing was put off.
func (v *value) isPlain() bool { return !v.gate && v.a == 1 && v.b == 0 && v.pads == nil }

// scaled tells whether there is arithmetic between the view and the tensor.
func (v *value) scaled() bool { return v.gate || v.a != 1 || v.b != 0 }

// add appends a node and returns its index.
func (r *reader) add(suffix string, op blocks.Op, tensors [][]float32, inputs ...int) (int, error) {
	nd := blocks.Node{Op: op, Inputs: inputs}
	shapes := make([]blocks.Shape, len(inputs))
	for i, j := range inputs {
		shapes[i] = r.nodes[j].Shape
	}
	s, err := op.OutShape(shapes)
	if err != nil {
		return 0, err
	}
	for _, t := range tensors {
		if err := r.charge(4 * len(t)); err != nil {
			return 0, err
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
	if err := r.charge(300 + len(nd.Name)); err != nil {
		return 0, err
	}
	r.names[nd.Name] = true
	nd.Stage, nd.Block = r.stage, r.block
	r.nodes = append(r.nodes, nd)
	r.weights = append(r.weights, tensors)
	r.origin = append(r.origin, r.sources)
	r.sources = nil
	return len(r.nodes) - 1, nil
}

// marks reads what placeDoc writes; any other text gives 0, 0.
func marks(doc string) (stage, block int) {
	if _, err := fmt.Sscanf(doc, "stage %d block %d", &stage, &block); err != nil || min(stage, block) < 0 ||
		max(stage, block) > 1<<20 {
		return 0, 0
	}
	return stage, block
}

// each appends an op that keeps its input's shape, computes value by value, and
// so needs no layout of its own.
func (r *reader) each(op blocks.Op, tensors [][]float32, v *value) (*value, error) {
	v, err := r.settled(v)
	if err != nil {
		return nil, err
	}
	node, err := r.add("", op, tensors, v.node)
	if err != nil {
		return nil, err
	}
	return &value{node: node, axes: v.axes, a: 1}, nil
}

// affine returns a*v + b, put off.
func (r *reader) affine(v *value, a, b float64) (*value, error) {
	if v.pads != nil {
		var err error
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	w := *v
	w.a, w.b, w.done, w.laid = a*v.a, a*v.b+b, nil, nil
	return &w, nil
}

// filled is a list of n equal numbers.
func (r *reader) filled(n int, v float64) ([]float32, error) {
	if err := r.charge(4 * n); err != nil {
		return nil, err
	}
	t := make([]float32, n)
	for i := range t {
		t[i] = float32(v)
	}
	return t, nil
}

// plain does what was put off: the result is a view of a node's output.
func (r *reader) plain(v *value) (*value, error) {
	if v.quant != nil {
		return nil, errors.New("of integers that a QuantizeLinear made: only DequantizeLinear reads them")
	}
	if v.isPlain() {
		return v, nil
	}
	if v.done != nil {
		return v.done, nil
	}
	if v.of.at != "" {
		defer func(now place) { r.place = now }(r.place)
		r.place = v.of
	}
	out := &value{node: v.node, axes: v.axes, from: v.from, a: 1}
	var err error
	if v.scaled() {
		// Before a view of few values the arithmetic is cheaper, behind a view of
		// all it costs the same: it goes behind.
		if out, err = r.settled(out); err != nil {
			return nil, err
		}
		if out, err = r.arithmetic(v, out); err != nil {
			return nil, err
		}
	}
	if v.pads != nil {
		if out, err = r.bordered(out, v.pads, "", 0); err != nil {
			return nil, err
		}
	}
	v.done = out
	return out, nil
}

// arithmetic does v's gate and factors to out.
func (r *reader) arithmetic(v, out *value) (*value, error) {
	a := v.a
	var err error
	if v.gate {
		a *= 6
		if out, err = r.each(&blocks.Activation{Func: blocks.HSigmoid}, nil, out); err != nil {
			return nil, err
		}
	}
	if a != 1 && math.Abs(a-1) < 1e-6 {
		a = 1 // 1/6 as a float32, times 6
	}
	if a == 1 && v.b == 0 {
		return out, nil
	}
	return r.each(&blocks.Affine{Scale: float64(float32(a)), Shift: float64(float32(v.b))}, nil, out)
}

// bordered pads the axes of v, each of which becomes one extent of a map.
func (r *reader) bordered(v *value, pads [][2]int, mode string, fill float64) (*value, error) {
	order := v.order()
	if len(order) > 0 && order[0] == 0 && pads[0] == [2]int{} && v.axes[0].extent() == 1 ||
		v.rank() > 0 && v.axes[0].batched() {
		order = slices.DeleteFunc(order, func(k int) bool { return k == 0 })
		if pads[0] != [2]int{} {
			return nil, errBatch
		}
	}
	var h, w, c []int
	switch {
	case v.rank() == 4 && len(order) == 3 && slices.Contains([]int{1, 3}, order[2]):
		h, w, c = order[:1], order[1:2], order[2:]
	case len(order) <= 3:
		h, w, c = asShape(order)
	default:
		// What is not padded is one extent.
		h = slices.DeleteFunc(slices.Clone(order), func(k int) bool { return pads[k] == [2]int{} })
		c = slices.DeleteFunc(order, func(k int) bool { return pads[k] != [2]int{} })
		if len(h) > 2 {
			return nil, fmt.Errorf("of %d of %d dimensions", len(h), v.rank())
		}
		h, w = h[:1], h[1:]
	}
	v, err := r.lay(v, h, w, c)
	if err != nil {
		return nil, err
	}
	op := &blocks.Border{Mode: mode, Value: fill}
	for i, l := range [][]int{h, w, c} {
		if len(l) == 0 {
			continue
		}
		p := pads[l[0]]
		switch i {
		case 0:
			op.Top, op.Bottom = p[0], p[1]
		case 1:
			op.Left, op.Right = p[0], p[1]
		case 2:
			op.Front, op.Back = p[0], p[1]
		}
	}
	node, err := r.add("", op, nil, v.node)
	if err != nil {
		return nil, err
	}
	ext := v.extents()
	for i := range ext {
		ext[i] += pads[i][0] + pads[i][1]
	}
	b := v.batch()
	if b != nil {
		ext[0] = 1
	}
	axes := dense(ext, slices.Concat(h, w, c))
	if b != nil {
		axes[0] = b
	}
	return &value{node: node, axes: axes, a: 1}, nil
}

// grid is what a QuantizeLinear rounds to: integers of an element type.
type grid struct {
	scale float64
	zero  int
	elem  int
}
