package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

// A tensor of the file is a view of a node's activation: each axis is a nest of
// loops over the node's values in HWC order. Transpose, Reshape, Slice, Squeeze,
// Expand and their kin only change the view; nothing is copied until an operator
// needs a layout that the node does not have.

// axis is the loop nest of one axis, outermost first; empty for an extent of 1.
type axis []blocks.Stride

// batchStep is the step of the loop over the images of a batch, which a network
// does not see. It occurs only for a batch of two or more. The difference of two steps fits in an int.
const batchStep = math.MinInt / 2

func (a axis) extent() int {
	n := 1
	for _, l := range a {
		n *= l.N
	}
	return n
}

func (a axis) batched() bool { return len(a) > 0 && a[0].Step == batchStep }

// join drops loops of one step and joins loops that are one.
func join(a axis) axis {
	var out axis
	for _, l := range a {
		switch k := len(out) - 1; {
		case l.N == 1:
		case k >= 0 && out[k].Step == l.N*l.Step && out[k].Step != batchStep && l.Step != batchStep:
			out[k] = blocks.Stride{N: out[k].N * l.N, Step: l.Step}
		default:
			out = append(out, l)
		}
	}
	return out
}

// dense returns the axes of extents that lie in memory in the given order of
// axes, the outermost first.
func dense(extents []int, order []int) []axis {
	axes := make([]axis, len(extents))
	step := 1
	for i := len(order) - 1; i >= 0; i-- {
		k := order[i]
		if extents[k] != 1 {
			axes[k] = axis{{N: extents[k], Step: step}}
		}
		step *= extents[k]
	}
	return axes
}

// split cuts the loops of a into nests of the given extents, outermost first; it
// fails where a cut would go through a loop.
func split(a axis, extents []int) ([]axis, bool) {
	out := make([]axis, len(extents))
	rest := slices.Clone(a)
	for k, want := range extents {
		for want > 1 {
			if len(rest) == 0 {
				return nil, false
			}
			l := rest[0]
			switch {
			case want%l.N == 0:
				out[k] = append(out[k], l)
				want /= l.N
				rest = rest[1:]
			case l.N%want == 0 && l.Step != batchStep:
				inner := l.N / want
				out[k] = append(out[k], blocks.Stride{N: want, Step: l.Step * inner})
				rest[0] = blocks.Stride{N: inner, Step: l.Step}
				want = 1
			default:
				return nil, false
			}
		}
		out[k] = join(out[k])
	}
	return out, len(rest) == 0
}

// extents returns the dims of the tensor, pending padding included.
func (v *value) extents() []int {
	if v.k != nil {
		return v.k.dims
	}
	d := make([]int, len(v.axes))
	for i, a := range v.axes {
		d[i] = a.extent()
		if v.pads != nil {
			d[i] += v.pads[i][0] + v.pads[i][1]
		}
	}
	return d
}

func (v *value) rank() int {
	if v.k != nil {
		return len(v.k.dims)
	}
	return len(v.axes)
}

// whole tells whether the view has every value of the node's activation once.
func (r *reader) whole(v *value) bool {
	if v.from != 0 {
		return false
	}
	var loops []blocks.Stride
	for _, a := range v.axes {
		for _, l := range a {
			if l.Step != batchStep {
				loops = append(loops, l)
			}
		}
	}
	slices.SortFunc(loops, func(a, b blocks.Stride) int { return a.Step - b.Step })
	n := 1
	for _, l := range loops {
		if l.Step != n {
			return false
		}
		n *= l.N
	}
	return n == r.nodes[v.node].Shape.Elems()
}

// order lists the axes from the one whose values lie farthest apart to the one
// whose values lie next to each other; axes of extent 1 keep their neighbours.
func (v *value) order() []int {
	at := make([]int, len(v.axes))
	far := make([]int, len(v.axes))
	for i := range at {
		at[i] = i
		far[i] = -1
		for _, l := range v.axes[i] {
			if l.Step != batchStep {
				far[i] = max(far[i], l.Step, -l.Step)
			}
		}
		if far[i] < 0 && i > 0 {
			far[i] = far[i-1]
		}
	}
	if len(at) > 0 && v.axes[0].batched() || len(v.axes) > 0 && len(v.axes[0]) == 0 {
		far[0] = math.MaxInt / 2
	}
	slices.SortStableFunc(at, func(a, b int) int { return far[b] - far[a] })
	return at
}

var errBatch = errors.New("it mixes the images of a batch")

// nest joins the loops of axes, in their order, without that of the batch, which
// may only be the first loop of axis 0.
func (v *value) nest(axes []int) (axis, error) {
	var n axis
	for _, k := range axes {
		a := v.axes[k]
		if k == 0 && a.batched() {
			a = a[1:]
		}
		if slices.ContainsFunc(a, func(l blocks.Stride) bool { return l.Step == batchStep }) {
			return nil, errBatch
		}
		n = append(n, a...)
	}
	return join(n), nil
}

// batch returns the loop over images, nil if there is one image.
func (v *value) batch() axis {
	if len(v.axes) > 0 && v.axes[0].batched() {
		return v.axes[0][:1]
	}
	return nil
}

// oneImage wants axis 0 to be the batch and nothing else: the operator's result
// depends on the other values of one image.
func (v *value) oneImage() error {
	if len(v.axes) > 0 && len(v.axes[0]) != len(v.batch()) || v.pads != nil && v.pads[0] != [2]int{} {
		return errBatch
	}
	return nil
}

// lay returns v as the whole activation of a node whose height, width and
// channels are the given axes, each list outermost first. All axes must be
// listed; axis 0 may be left out where it is the batch or of extent 1.
func (r *reader) lay(v *value, h, w, c []int) (*value, error) {
	if v.of.at != "" {
		// What is made now belongs to the operator that asked for it.
		defer func(now place) { r.place = now }(r.place)
		r.place = v.of
	}
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprint(h, w, c)
	if done, ok := v.laid[key]; ok {
		return done, nil
	}
	var nests [3]axis
	listed := slices.Concat(h, w, c)
	for k, l := range [][]int{h, w, c} {
		if nests[k], err = v.nest(l); err != nil {
			return nil, err
		}
	}
	for k, a := range v.axes {
		if slices.Contains(listed, k) {
			continue
		}
		if len(a) > 1 || len(a) == 1 && !(k == 0 && a.batched()) {
			return nil, errBatch
		}
	}
	out, err := r.rearrange(v, nests)
	if err != nil {
		return nil, err
	}
	ext := v.extents()
	if b := v.batch(); b != nil {
		ext[0] /= b[0].N
		if !slices.Contains(listed, 0) {
			ext[0] = 1
		}
	}
	axes := dense(ext, listed)
	if b := v.batch(); b != nil {
		axes[0] = append(slices.Clone(b), axes[0]...)
	}
	res := &value{node: out, axes: axes, a: 1}
	if v.laid == nil {
		v.laid = map[string]*value{}
	}
	v.laid[key] = res
	return res, nil
}

// rearrange returns a node whose height, width and channels are loop nests over
// v's node: that node itself, where it has them, or the simplest op that makes them.
func (r *reader) rearrange(v *value, n [3]axis) (int, error) {
	for _, a := range n {
		if slices.ContainsFunc(a, func(l blocks.Stride) bool { return l.Step == batchStep }) {
			return 0, errBatch
		}
	}
	s := r.nodes[v.node].Shape
	same := func(a axis, n, step int) bool {
		return n == 1 && len(a) == 0 || len(a) == 1 && a[0] == blocks.Stride{N: n, Step: step}
	}
	pixels := same(n[0], s.H, s.W*s.C) && same(n[1], s.W, s.C)
	if pixels && same(n[2], s.C, 1) && v.from == 0 {
		return v.node, nil
	}
	if k, ok := r.nodes[v.node].Op.(*blocks.Constant); ok {
		return r.rearrangeConstant(v, k, n)
	}
	c := n[2]
	var op blocks.Op
	switch {
	case pixels && (len(c) == 0 || len(c) == 1 && c[0].Step == 1) && v.from+c.extent() <= s.C:
		op = &blocks.ChannelSlice{From: v.from, To: v.from + c.extent()}
	case pixels && v.from == 0 && len(c) == 2 && c.extent() == s.C && c[0].Step == 1 && c[1].Step == c[0].N:
		op = &blocks.ChannelShuffle{Groups: c[1].N}
	default:
		op = &blocks.Rearrange{H: n[0], W: n[1], C: c, From: v.from}
	}
	out, err := r.add("", op, nil, v.node)
	return out, err
}

// rearrangeConstant makes another constant of the same numbers.
func (r *reader) rearrangeConstant(v *value, _ *blocks.Constant, n [3]axis) (int, error) {
	s := blocks.Shape{H: n[0].extent(), W: n[1].extent(), C: n[2].extent()}
	if err := s.Check(); err != nil {
		return 0, err
	}
	if err := r.charge(4 * s.Elems()); err != nil {
		return 0, err
	}
	op := &blocks.Rearrange{H: n[0], W: n[1], C: n[2], From: v.from}
	in := r.nodes[v.node].Shape
	if _, err := op.OutShape([]blocks.Shape{in}); err != nil {
		return 0, err
	}
	data := make([]float32, s.Elems())
	op.Eval(blocks.Tensor{Shape: s, Data: data}, []blocks.Tensor{{Shape: in, Data: r.weights[v.node][0]}}, nil)
	return r.add("", &blocks.Constant{Shape: s}, [][]float32{data}, 0)
}

// settled returns v as the whole activation of a node, with its axes laid out in
// the order in which they lie already.
func (r *reader) settled(v *value) (*value, error) {
	v, err := r.plain(v)
	if err != nil || r.whole(v) {
		return v, err
	}
	h, w, c := asShape(v.order())
	return r.lay(v, h, w, c)
}

// asShape takes the last axes of an order as channels and width, the others as
// height.
func asShape(order []int) (h, w, c []int) {
	n := len(order)
	return order[:max(0, n-2)], order[max(0, n-2):max(0, n-1)], order[max(0, n-1):]
}

// chw returns v, N x C x H x W, N x C x L or N x C, as a node's activation.
func (r *reader) chw(v *value) (*value, error) {
	switch v.rank() {
	case 2:
		return r.lay(v, nil, nil, []int{1})
	case 3:
		return r.lay(v, []int{2}, nil, []int{1})
	case 4:
		return r.lay(v, []int{2}, []int{3}, []int{1})
	}
	return nil, fmt.Errorf("of rank %d, want N x C x H x W", v.rank())
}

// mapOf is the value of a new node, N x C x H x W or, for rank 3 and 2, without
// the last axes.
func (r *reader) mapOf(node, rank int, batch axis) *value {
	s := r.nodes[node].Shape
	axes := dense([]int{1, s.C, s.H, s.W}, []int{0, 2, 3, 1})
	axes[0] = slices.Clone(batch)
	return &value{node: node, axes: axes[:rank], a: 1}
}

// reshape gives v other dims of the same number of values.
func (r *reader) reshape(v *value, dims []int) (*value, error) {
	if slices.Equal(v.extents(), dims) {
		return v, nil
	}
	if len(dims) > 16 {
		return nil, fmt.Errorf("to %d dimensions", len(dims))
	}
	for range 2 {
		if v.pads == nil {
			var all axis
			for _, a := range v.axes {
				all = append(all, a...)
			}
			if axes, ok := split(join(all), dims); ok {
				w := *v
				w.axes, w.done, w.laid = axes, nil, nil
				return &w, nil
			}
		}
		// In the order of the axes every cut is possible.
		every := make([]int, v.rank())
		for i := range every {
			every[i] = i
		}
		h, w, c := asShape(every)
		var err error
		if v, err = r.lay(v, h, w, c); err != nil {
			return nil, err
		}
	}
	if v.batch() != nil {
		return nil, errBatch
	}
	return nil, fmt.Errorf("from %v to %v", short(v.extents()), short(dims))
}

// transposed permutes the axes.
func transposed(v *value, perm []int) *value {
	w := *v
	w.axes, w.done, w.laid = make([]axis, len(perm)), nil, nil
	if v.pads != nil {
		w.pads = make([][2]int, len(perm))
	}
	for i, p := range perm {
		w.axes[i] = v.axes[p]
		if v.pads != nil {
			w.pads[i] = v.pads[p]
		}
	}
	return &w
}

// cut takes n values of axis k, from the first on by step.
func (r *reader) cut(v *value, k, first, n, step int) (*value, error) {
	if first == 0 && step == 1 && n == v.extents()[k] {
		return v, nil
	}
	if n < 1 {
		return nil, errors.New("it would leave nothing")
	}
	if v.pads != nil {
		var err error
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	if k == 0 && v.axes[0].batched() {
		return nil, errBatch
	}
	if len(v.axes[k]) > 1 {
		order := v.order()
		h, w, c := asShape(order)
		var err error
		if v, err = r.lay(v, h, w, c); err != nil {
			return nil, err
		}
	}
	w := *v
	w.axes, w.done, w.laid = slices.Clone(v.axes), nil, nil
	if len(v.axes[k]) == 1 {
		l := v.axes[k][0]
		w.from += first * l.Step
		w.axes[k] = join(axis{{N: n, Step: step * l.Step}})
	}
	return &w, nil
}

// stretched repeats axes of extent 1 to dims, which may have more axes in front.
func (r *reader) stretched(v *value, dims []int) (*value, error) {
	if v.pads != nil {
		var err error
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	w := *v
	w.done, w.laid = nil, nil
	w.axes = make([]axis, len(dims))
	lead := len(dims) - v.rank()
	changed := lead != 0
	for i, d := range dims {
		var a axis
		if i >= lead {
			a = v.axes[i-lead]
		}
		switch n := a.extent(); {
		case n == d:
			w.axes[i] = a
		case n == 1:
			w.axes[i] = axis{{N: d, Step: 0}}
			changed = true
		default:
			return nil, fmt.Errorf("%v cannot be repeated to %v", short(v.extents()), short(dims))
		}
	}
	if !changed {
		return v, nil
	}
	return &w, nil
}
