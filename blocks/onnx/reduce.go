package onnx

import (
	"slices"

	"nas/blocks"
)

func init() {
	for name := range reductions {
		operators[name] = spec{
			attrs: "axes keepdims noop_with_empty_axes",
			in:    [2]int{1, 2},
			fold:  foldReduce,
			apply: readReduce,
		}
	}
	for _, name := range []string{"ReduceLogSum", "ReduceLogSumExp"} {
		operators[name] = spec{attrs: "axes keepdims noop_with_empty_axes", in: [2]int{1, 2}, apply: readLogReduce}
	}
}

// reduceFuncs are the reductions of package blocks.
var reduceFuncs = map[string]blocks.ReduceFunc{
	"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min", "ReduceProd": "prod",
	"ReduceL1": "l1", "ReduceL2": "l2", "ReduceSumSquare": "sum_square",
}

func readReduce(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	axes, err := c.reduced(v.rank())
	if err != nil {
		return nil, err
	}
	return one(r.reduce(v, reduceFuncs[c.op], axes, c.intAttr("keepdims", 1) != 0))
}

// readLogReduce takes the logarithm of a sum, or of a sum of exponentials.
func readLogReduce(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	axes, err := c.reduced(v.rank())
	if err != nil {
		return nil, err
	}
	keep := c.intAttr("keepdims", 1) != 0
	if c.op == "ReduceLogSumExp" {
		return r.logSumExp(v, axes, keep)
	}
	if v, err = r.reduce(v, "sum", axes, keep); err != nil {
		return nil, err
	}
	return one(r.each(&blocks.Unary{Func: "log"}, nil, v))
}

// logSumExp takes the largest exponent out, as runtimes do: exponentials of large numbers overflow.
func (r *reader) logSumExp(v *value, axes []int, keep bool) ([]*value, error) {
	most, err := r.reduce(v, "max", axes, true)
	if err != nil {
		return nil, err
	}
	d, err := r.binary("sub", v, most, 1, 1)
	if err != nil {
		return nil, err
	}
	s, err := r.each(&blocks.Unary{Func: "exp"}, nil, d[0])
	if err != nil {
		return nil, err
	}
	if s, err = r.reduce(s, "sum", axes, true); err != nil {
		return nil, err
	}
	if s, err = r.each(&blocks.Unary{Func: "log"}, nil, s); err != nil {
		return nil, err
	}
	out, err := r.binary("add", s, most, 1, 1)
	if err != nil || keep {
		return out, err
	}
	w := *out[0]
	w.axes = nil
	for k, a := range out[0].axes {
		if !slices.Contains(axes, k) {
			w.axes = append(w.axes, a)
		}
	}
	return []*value{&w}, nil
}

// reduce makes one number of all values along axes.
func (r *reader) reduce(v *value, f blocks.ReduceFunc, axes []int, keep bool) (*value, error) {
	rank := v.rank()
	if len(axes) == 0 {
		return v, nil
	}
	if slices.Contains(axes, 0) && v.axes[0].batched() {
		return nil, errBatch
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	if q := channelsFirst(p); q != nil && !r.isCHW(p) && r.isCHW(q) {
		return r.reduceLast(q, f, axes, keep)
	}
	var kept []int
	for _, k := range p.order() {
		if !slices.Contains(axes, k) && (k > 0 || !p.axes[0].batched() || len(p.axes[0]) > 1) {
			kept = append(kept, k)
		}
	}
	ones := func(list []int) []int {
		return slices.DeleteFunc(slices.Clone(list), func(k int) bool { return len(p.axes[k]) == 0 })
	}
	reduced, rest := ones(axes), ones(kept)
	var op blocks.Op = &blocks.Reduce{Func: f, C: true}
	var laid *value
	onMap := rank == 4 &&
		(slices.Equal(axes, []int{2, 3}) || len(axes) == 1 && axes[0] > 0)
	switch {
	case onMap && (r.isCHW(p) || !r.whole(p)),
		rank == 3 && slices.Equal(axes, []int{2}) && len(reduced) > 0 && r.isCHW(p):
		// The map as it lies.
		if laid, err = r.chw(p); err != nil {
			return nil, err
		}
		h, w := slices.Contains(axes, 2), slices.Contains(axes, 3)
		if rank == 3 {
			w = true
		}
		op = pixelReduction(f, h, w, slices.Contains(axes, 1))
		kept = slices.DeleteFunc([]int{2, 3, 1}, func(k int) bool { return k >= rank || slices.Contains(axes, k) })
	default:
		n := len(rest)
		if laid, err = r.lay(p, rest[:max(0, n-1)], rest[max(0, n-1):], reduced); err != nil {
			return nil, err
		}
		kept = rest
		switch f {
		case "mean":
			op = &blocks.ChannelPool{Pool: blocks.AvgPool}
		case "max":
			op = &blocks.ChannelPool{Pool: blocks.MaxPool}
		}
	}
	node, err := r.add("", op, nil, laid.node)
	if err != nil {
		return nil, err
	}
	return &value{node: node, axes: p.withoutAxes(axes, kept, keep), a: 1}, nil
}

// withoutAxes returns the view of what is left of v behind a reduction along axes: those in kept, in the
// order in which they lie, and if keep says so the others with an extent of 1.
func (v *value) withoutAxes(axes, kept []int, keep bool) []axis {
	ext := v.extents()
	b := v.batch()
	if b != nil {
		ext[0] /= b[0].N
	}
	for _, k := range axes {
		ext[k] = 1
	}
	out := dense(ext, kept)
	if b != nil {
		out[0] = append(slices.Clone(b), out[0]...)
	}
	if keep {
		return out
	}
	var left []axis
	for k, a := range out {
		if !slices.Contains(axes, k) {
			left = append(left, a)
		}
	}
	return left
}

// channelsFirst is v, if it is N x H x W x C, as N x C x H x W.
func channelsFirst(v *value) *value {
	if v.rank() != 4 {
		return nil
	}
	return &value{node: v.node, from: v.from, a: 1, axes: []axis{v.axes[0], v.axes[3], v.axes[1], v.axes[2]}}
}

// reduceLast reduces along axes of N x H x W x C; v is N x C x H x W.
func (r *reader) reduceLast(v *value, f blocks.ReduceFunc, axes []int, keep bool) (*value, error) {
	var first []int
	for _, k := range axes {
		first = append(first, []int{0, 2, 3, 1}[k])
	}
	slices.Sort(first)
	out, err := r.reduce(v, f, first, true)
	if err != nil {
		return nil, err
	}
	last := *out
	last.axes, last.done, last.laid = nil, nil, nil
	for k, from := range []int{0, 2, 3, 1} {
		if keep || !slices.Contains(axes, k) {
			last.axes = append(last.axes, out.axes[from])
		}
	}
	return &last, nil
}

// pixelReduction is the op that reduces height, width or channels of a map.
func pixelReduction(f blocks.ReduceFunc, h, w, c bool) blocks.Op {
	kind, pool := blocks.AvgPool, f == "mean" || f == "max"
	if f == "max" {
		kind = blocks.MaxPool
	}
	switch {
	case h && w && !c && pool:
		return &blocks.GlobalPool{Pool: kind}
	case h && w && !c && f == "sum":
		return &blocks.SumPixels{}
	case c && !h && !w && pool:
		return &blocks.ChannelPool{Pool: kind}
	}
	return &blocks.Reduce{Func: f, H: h, W: w, C: c}
}

// isCHW tells whether v is N x C x H x W (x 1) of a node as it lies.
func (r *reader) isCHW(v *value) bool {
	s := r.nodes[v.node].Shape
	want := dense([]int{1, s.C, s.H, s.W}, []int{0, 2, 3, 1})
	if v.from != 0 || v.rank() < 2 || v.rank() == 3 && s.W != 1 || v.rank() == 2 && !s.IsVector() {
		return false
	}
	for k := 1; k < v.rank(); k++ {
		if !slices.Equal(v.axes[k], want[k]) {
			return false
		}
	}
	return len(v.axes[0]) == len(v.batch())
}
