package onnx

import (
	"errors"
	"fmt"
	"slices"

	"nas/blocks"
)

// Operators that join, cut or rearrange.

func readConcat(r *reader, c call) ([]*value, error) {
	var in []*value
	for i := range c.in {
		v, err := c.activation(i)
		if err != nil {
			return nil, err
		}
		if v, err = r.mapOf(v); err != nil {
			return nil, err
		}
		if len(in) > 0 && len(v.dims) != len(in[0].dims) {
			return nil, errors.New("of tensors of different rank")
		}
		in = append(in, v)
	}
	if len(in) == 0 {
		return nil, errors.New("of nothing")
	}
	axis, rank := c.intAttr("axis", 1), len(in[0].dims)
	if axis < 0 {
		axis += rank
	}
	switch {
	case axis == 1:
		out, err := r.add("", &blocks.Concat{}, nil, in...)
		if err == nil && rank == 2 {
			out.dims = out.dims[:2]
		}
		return one(out, err)
	case axis == 2 && rank == 4:
		return one(r.add("", &blocks.Stack{}, nil, in...))
	}
	return nil, fmt.Errorf("along axis %d", axis)
}

// cut returns channels from to to, as a map or a vector.
func (r *reader) cut(v *value, suffix string, from, to int) (*value, error) {
	out, err := r.add(suffix, &blocks.ChannelSlice{From: from, To: to}, nil, v)
	if err == nil {
		out.dims = out.dims[:len(v.dims)]
	}
	return out, err
}

func readSplit(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	axis := c.intAttr("axis", 0)
	if axis < 0 {
		axis += len(v.dims)
	}
	if axis != 1 {
		return nil, fmt.Errorf("along axis %d", axis)
	}
	sizes := c.attrs["split"].ints
	if c.arg(1) != nil {
		if sizes, err = c.ints(1); err != nil {
			return nil, err
		}
	}
	if sizes == nil {
		n := len(c.out)
		each := (v.dims[1] + max(n, 1) - 1) / max(n, 1)
		for at := 0; len(sizes) < n; at += each {
			sizes = append(sizes, min(each, v.dims[1]-at))
		}
	}
	total := 0
	for _, s := range sizes {
		total += s
	}
	if total != v.dims[1] {
		return nil, fmt.Errorf("of %d channels into %v", v.dims[1], short(sizes))
	}
	var outs []*value
	at := 0
	for i, s := range sizes {
		o, err := r.cut(v, fmt.Sprint(i), at, at+s)
		if err != nil {
			return nil, err
		}
		at += s
		outs = append(outs, o)
	}
	return outs, nil
}

func readSlice(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	starts, ends, axes, steps, err := sliceArgs(c)
	if err != nil {
		return nil, err
	}
	from, to := 0, v.dims[1]
	for i, axis := range axes {
		if axis < 0 {
			axis += len(v.dims)
		}
		if axis < 0 || axis >= len(v.dims) || steps[i] != 1 {
			return nil, fmt.Errorf("along axis %d with step %d", axes[i], steps[i])
		}
		d := v.dims[axis]
		clip := func(k int) int {
			if k < 0 {
				k += d
			}
			return min(max(k, 0), d)
		}
		a, b := clip(starts[i]), clip(ends[i])
		switch {
		case axis == 1:
			from, to = a, b
		case a != 0 || b != d:
			return nil, fmt.Errorf("from %d to %d along axis %d: only channels are cut", a, b, axis)
		}
	}
	if from == 0 && to == v.dims[1] {
		return []*value{v}, nil
	}
	return one(r.cut(v, "", from, to))
}

func readGather(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	index, err := c.ints(1)
	if err != nil {
		return nil, err
	}
	axis := c.intAttr("axis", 0)
	if axis < 0 {
		axis += len(v.dims)
	}
	if axis != 1 || len(index) != 1 || len(v.dims) != 4 {
		return nil, fmt.Errorf("of %d elements along axis %d of %v: only one channel of a map is read",
			len(index), axis, short(v.dims))
	}
	k := index[0]
	if k < 0 {
		k += v.dims[1]
	}
	out, err := r.cut(v, "", k, k+1)
	if err == nil && len(c.in[1].k.dims) == 0 {
		out.dims, out.view = []int{v.dims[0], v.dims[2], v.dims[3]}, asPlane
	}
	return one(out, err)
}

func readTranspose(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	perm := c.attrs["perm"].ints
	if len(perm) != len(v.dims) {
		return nil, fmt.Errorf("by %v of rank %d", short(perm), len(v.dims))
	}
	if slices.IsSorted(perm) {
		return []*value{v}, nil
	}
	vector := len(v.dims) == 4 && r.nodes[v.node].Shape.IsVector() && slices.Equal(perm, []int{0, 2, 1, 3})
	w := value{node: v.node, a: v.a, b: v.b, gate: v.gate, dims: slices.Clone(v.dims)}
	switch {
	case v.view == asGroups && slices.Equal(perm, []int{0, 2, 1, 3, 4}):
		w.view = asSwapped
		w.dims[1], w.dims[2] = v.dims[2], v.dims[1]
	case vector && v.view == asMap && v.pad == (blocks.Pad{}):
		w.view = asTurned
		w.dims[1], w.dims[2] = v.dims[2], v.dims[1]
	case vector && v.view == asTurned:
		w.view = asMap
		w.dims[1], w.dims[2] = v.dims[2], v.dims[1]
	default:
		return nil, fmt.Errorf("of %s by %v", viewNames[v.view], short(perm))
	}
	return []*value{&w}, nil
}

// reshape gives v other dims if some operator can read the result as a view.
func (r *reader) reshape(v *value, dims []int) (*value, error) {
	if slices.Equal(v.dims, dims) {
		return v, nil
	}
	if v.pad != (blocks.Pad{}) {
		var err error
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	s := r.nodes[v.node].Shape
	w := *v
	w.dims, w.done = dims, nil
	n := v.dims[0]
	whole := []int{n, s.C, s.H, s.W}
	switch {
	case v.view == asSwapped && slices.Equal(dims, whole):
		p, err := r.plain(v)
		if err != nil {
			return nil, err
		}
		return r.add("", &blocks.ChannelShuffle{Groups: v.dims[2]}, nil, p)
	case v.view != asMap && v.view != asFlat && v.view != asGroups && v.view != asPlane:
	case slices.Equal(dims, whole), s.IsVector() && slices.Equal(dims, whole[:2]):
		w.view = asMap
		return &w, nil
	case len(dims) == 2 && dims[0] == n:
		w.view = asFlat
		return &w, nil
	case len(dims) == 5 && dims[0] == n && dims[1]*dims[2] == s.C && slices.Equal(dims[3:], whole[2:]):
		w.view = asGroups
		return &w, nil
	case len(dims) == 4 && n == 1 && v.isPlain() && s.IsVector():
		if l, ok := r.nodes[v.node].Op.(*blocks.Linear); ok && !l.Bias &&
			r.nodes[r.nodes[v.node].Inputs[0]].Shape.IsVector() && slices.Min(dims) > 0 {
			w.view = asKernels
			return &w, nil
		}
	}
	return nil, fmt.Errorf("from %s %v to %v", viewNames[v.view], short(v.dims), short(dims))
}

func readReshape(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	to, err := c.ints(1)
	if err != nil {
		return nil, err
	}
	dims, err := resolve(v.dims, to, c.intAttr("allowzero", 0) == 1)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(v, dims))
}

func readFlatten(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if axis := c.intAttr("axis", 1); axis != 1 && axis != 1-len(v.dims) {
		return nil, fmt.Errorf("at axis %d", axis)
	}
	dims, err := resolve(v.dims, []int{v.dims[0], -1}, false)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(v, dims))
}

func readSqueeze(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	dims, err := squeezed(c, v.dims)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(v, dims))
}

func readUnsqueeze(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	dims, err := unsqueezed(c, v.dims)
	if err != nil {
		return nil, err
	}
	return one(r.reshape(v, dims))
}
