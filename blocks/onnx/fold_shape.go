package onnx

import (
	"errors"
	"fmt"
	"slices"
)

func init() {
	register(map[string]spec{
		"Shape":           {attrs: "start end", in: oneInput, fold: foldShape, apply: foldShape},
		"Size":            {in: oneInput, fold: foldSize, apply: foldSize},
		"Constant":        {attrs: "value value_float value_floats value_int value_ints", fold: foldConstant},
		"ConstantOfShape": {attrs: "value", in: oneInput, fold: foldConstantOfShape},
		"Range":           {in: [2]int{3, 3}, fold: foldRange},
	})
}

// Folding of operators that make, cut and rearrange constants.

// first returns input 0 of an operator on constants.
func (c call) first() (*tensor, error) {
	v := c.arg(0)
	if v == nil || v.k == nil {
		return nil, errors.New("input 0 must be a constant")
	}
	return v.k, nil
}

func foldConstant(r *reader, c call) ([]*value, error) {
	for _, name := range []string{"value", "value_float", "value_int", "value_floats", "value_ints"} {
		a, ok := c.attrs[name]
		if !ok {
			continue
		}
		switch name {
		case "value":
			if _, later := r.initializers[c.out[0]]; later {
				return nil, nil // see putOff
			}
			t, err := r.decode(a.t)
			if err != nil {
				return nil, fmt.Errorf("its value %w", err)
			}
			return folded(t), nil
		case "value_float":
			return folded(&tensor{f: []float32{float32(a.f)}, elem: elemFloat}), nil
		case "value_int":
			return folded(&tensor{i: []int64{int64(a.i)}, elem: elemInt64}), nil
		case "value_floats":
			t, err := r.make(elemFloat, []int{len(a.floats)})
			if err != nil {
				return nil, err
			}
			copy(t.f, a.floats)
			return folded(t), nil
		default:
			t, err := r.make(elemInt64, []int{len(a.ints)})
			if err != nil {
				return nil, err
			}
			for i, v := range a.ints {
				t.i[i] = int64(v)
			}
			return folded(t), nil
		}
	}
	return nil, errors.New("it has no value of a kind that this program reads")
}

func foldConstantOfShape(r *reader, c call) ([]*value, error) {
	dims, err := c.ints(0)
	if err != nil {
		return nil, err
	}
	fill := &tensor{f: []float32{0}, elem: elemFloat}
	if a, ok := c.attrs["value"]; ok && a.t != nil {
		if fill, err = r.decode(a.t); err != nil || fill.len() != 1 {
			return nil, errors.Join(err, errors.New("its value must be one number"))
		}
	}
	t, err := r.make(fill.elem, dims)
	if err != nil {
		return nil, err
	}
	for i := range t.len() {
		t.set(i, fill, 0)
	}
	return folded(t), nil
}

// foldShape gives the dims of any tensor.
func foldShape(_ *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	d := c.in[0].extents()
	clip := func(i int) int {
		if i < 0 {
			i += len(d)
		}
		return min(max(i, 0), len(d))
	}
	from, to := clip(c.intAttr("start", 0)), clip(c.intAttr("end", len(d)))
	t := &tensor{i: []int64{}, elem: elemInt64}
	for _, v := range d[from:max(from, to)] {
		t.i = append(t.i, int64(v))
	}
	t.dims = []int{len(t.i)}
	return folded(t), nil
}

func foldSize(_ *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	return folded(&tensor{i: []int64{int64(elems(c.in[0].extents()))}, elem: elemInt64}), nil
}

// oneAxis returns an axis counted from the front.
func oneAxis(axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("axis %d of a tensor of rank %d", axis, rank)
	}
	return (axis + rank) % max(rank, 1), nil
}

func foldGather(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	index := c.arg(1)
	if index == nil || index.k == nil || index.k.isFloat() {
		return nil, errors.New("its indices must be constant integers")
	}
	axis, err := oneAxis(c.intAttr("axis", 0), len(t.dims))
	if err != nil {
		return nil, err
	}
	outer, inner := 1, 1
	for i, d := range t.dims {
		switch {
		case i < axis:
			outer *= d
		case i > axis:
			inner *= d
		}
	}
	n, many := t.dims[axis], index.k.len()
	out, err := r.make(t.elem, slices.Concat(t.dims[:axis], index.k.dims, t.dims[axis+1:]))
	if err != nil {
		return nil, err
	}
	for o := range outer {
		for i, k := range index.k.i {
			if k < 0 {
				k += int64(n)
			}
			if k < 0 || k >= int64(n) {
				return nil, fmt.Errorf("element %d of %d", k, n)
			}
			for j := range inner {
				out.set((o*many+i)*inner+j, t, (o*n+int(k))*inner+j)
			}
		}
	}
	return folded(out), nil
}

// span is a range of an axis: n elements from first on by step.
type span struct{ axis, first, n, step int }

// spans returns what Slice takes of a tensor of dims: attributes before opset 10
// and inputs since.
func (c call) spans(dims []int) ([]span, error) {
	var starts, ends, axes, steps []int
	if a, ok := c.attrs["starts"]; ok {
		starts, ends, axes = a.ints, c.attrs["ends"].ints, c.attrs["axes"].ints
	} else {
		for i, p := range []*[]int{&starts, &ends, &axes, &steps} {
			if i > 1 && c.arg(i+1) == nil {
				continue
			}
			var err error
			if *p, err = c.ints(i + 1); err != nil {
				return nil, err
			}
		}
	}
	if axes == nil {
		for i := range starts {
			axes = append(axes, i)
		}
	}
	if steps == nil {
		for range starts {
			steps = append(steps, 1)
		}
	}
	if len(starts) == 0 || len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		return nil, errors.New("its starts, ends, axes and steps must be as many, and at least one")
	}
	var out []span
	for i := range starts {
		axis, err := oneAxis(axes[i], len(dims))
		if err != nil {
			return nil, err
		}
		n, step := dims[axis], steps[i]
		if step == 0 {
			return nil, errors.New("with step 0")
		}
		lo, hi := 0, n
		if step < 0 {
			lo, hi = -1, n-1
		}
		clip := func(k int) int {
			if k < 0 {
				k += n
			}
			return min(max(k, lo), hi)
		}
		from, to := clip(starts[i]), clip(ends[i])
		many := 0
		if step > 0 && to > from {
			many = (to - from + step - 1) / step
		}
		if step < 0 && to < from {
			many = (from - to - step - 1) / -step
		}
		out = append(out, span{axis, from, many, step})
	}
	return out, nil
}

func foldSlice(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	spans, err := c.spans(t.dims)
	if err != nil {
		return nil, err
	}
	dims, steps, from := slices.Clone(t.dims), stepsOf(t.dims), 0
	for _, s := range spans {
		from += s.first * steps[s.axis]
		dims[s.axis] = s.n
		steps[s.axis] *= s.step
	}
	return r.copied(t, dims, steps, from)
}

func foldSplit(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	axis, sizes, err := c.split(t.dims)
	if err != nil {
		return nil, err
	}
	var outs []*value
	from := 0
	for _, n := range sizes {
		dims, steps := slices.Clone(t.dims), stepsOf(t.dims)
		dims[axis] = n
		v, err := r.copied(t, dims, steps, from*steps[axis])
		if err != nil {
			return nil, err
		}
		outs = append(outs, v[0])
		from += n
	}
	return outs, nil
}

// split returns axis and sizes of a Split of a tensor of dims.
func (c call) split(dims []int) (axis int, sizes []int, err error) {
	if axis, err = oneAxis(c.intAttr("axis", 0), len(dims)); err != nil {
		return 0, nil, err
	}
	n := dims[axis]
	sizes = c.attrs["split"].ints
	if c.arg(1) != nil {
		if sizes, err = c.ints(1); err != nil {
			return 0, nil, err
		}
	}
	if sizes == nil {
		many := c.intAttr("num_outputs", len(c.out))
		if many < 1 || many > n {
			return 0, nil, fmt.Errorf("of %d elements into %d parts", n, many)
		}
		each := (n + many - 1) / many
		for at := 0; at < n; at += each {
			sizes = append(sizes, min(each, n-at))
		}
	}
	total := 0
	for _, s := range sizes {
		if s < 0 {
			return 0, nil, fmt.Errorf("into parts of %v", short(sizes))
		}
		total += s
	}
	if total != n || len(sizes) < len(c.out) {
		return 0, nil, fmt.Errorf("of %d elements into parts of %v", n, short(sizes))
	}
	return axis, sizes, nil
}

func foldConcat(r *reader, c call) ([]*value, error) {
	ts, err := c.constants()
	if err != nil || len(ts) == 0 || slices.Contains(ts, nil) {
		return nil, errors.Join(err, errors.New("an input is missing"))
	}
	axis, err := oneAxis(c.intAttr("axis", 1), len(ts[0].dims))
	if err != nil {
		return nil, err
	}
	dims := slices.Clone(ts[0].dims)
	dims[axis] = 0
	for _, t := range ts {
		if t.isFloat() != ts[0].isFloat() || len(t.dims) != len(dims) {
			return nil, errors.New("of tensors that differ in kind or rank")
		}
		for i, d := range t.dims {
			if i != axis && d != dims[i] {
				return nil, fmt.Errorf("of %v and %v", short(ts[0].dims), short(t.dims))
			}
		}
		dims[axis] += t.dims[axis]
	}
	out, err := r.make(ts[0].elem, dims)
	if err != nil {
		return nil, err
	}
	steps, from := stepsOf(dims), 0
	for _, t := range ts {
		walk(t.dims, steps, from, func(i, at int) { out.set(at, t, i) })
		from += t.dims[axis] * steps[axis]
	}
	return folded(out), nil
}

// resolve applies Reshape's rules: 0 keeps a dimension, one -1 takes the rest.
func resolve(from, to []int, keepZero bool) ([]int, error) {
	out := slices.Clone(to)
	open := -1
	for i, d := range out {
		switch {
		case d == 0 && !keepZero:
			if i >= len(from) {
				return nil, fmt.Errorf("from %v to %v", short(from), short(to))
			}
			out[i] = from[i]
		case d == -1 && open < 0:
			open = i
			out[i] = 1
		case d < 0:
			return nil, fmt.Errorf("from %v to %v", short(from), short(to))
		}
	}
	n, m := elems(from), elems(out)
	if open >= 0 && m > 0 && n >= 0 && n%m == 0 {
		out[open] = n / m
		m = n
	}
	if n < 0 || n != m {
		return nil, fmt.Errorf("from %v to %v", short(from), short(to))
	}
	return out, nil
}

// viewed folds an operator that only changes the dims, as newDims says.
func viewed(newDims func(c call, dims []int) ([]int, error)) folder {
	return func(_ *reader, c call) ([]*value, error) {
		t, err := c.first()
		if err != nil {
			return nil, err
		}
		dims, err := newDims(c, t.dims)
		if err != nil {
			return nil, err
		}
		return t.as(dims), nil
	}
}

func reshaped(c call, dims []int) ([]int, error) {
	to := c.attrs["shape"].ints // before opset 5
	if c.arg(1) != nil {
		var err error
		if to, err = c.ints(1); err != nil {
			return nil, err
		}
	}
	return resolve(dims, to, c.intAttr("allowzero", 0) == 1)
}

func flattened(c call, dims []int) ([]int, error) {
	axis := c.intAttr("axis", 1)
	if axis < 0 {
		axis += len(dims)
	}
	if axis < 0 || axis > len(dims) {
		return nil, fmt.Errorf("at axis %d of rank %d", axis, len(dims))
	}
	return []int{elems(dims[:axis]), elems(dims[axis:])}, nil
}

func unsqueezed(c call, dims []int) ([]int, error) {
	n := len(c.attrs["axes"].ints)
	if v := c.arg(1); v != nil && v.k != nil {
		n = v.k.len()
	}
	if n > 16 || len(dims) > 16 {
		return nil, errors.New("to too many dimensions")
	}
	axes, err := c.axes(1, len(dims)+n)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(dims)
	for i, a := range axes {
		if a > len(out) || i > 0 && a == axes[i-1] {
			return nil, fmt.Errorf("axes %v", short(axes))
		}
		out = slices.Insert(out, a, 1)
	}
	return out, nil
}

func squeezed(c call, dims []int) ([]int, error) {
	axes, err := c.axes(1, len(dims))
	if err != nil {
		return nil, err
	}
	out := []int{}
	for i, d := range dims {
		listed := slices.Contains(axes, i)
		if listed && d != 1 {
			return nil, fmt.Errorf("axis %d of extent %d", i, d)
		}
		if !listed && (len(axes) > 0 || d != 1) {
			out = append(out, d)
		}
	}
	return out, nil
}

// permutation returns Transpose's order for a rank; the default turns it round.
func (c call) permutation(rank int) ([]int, error) {
	perm := c.attrs["perm"].ints
	if perm == nil {
		for i := range rank {
			perm = append(perm, rank-1-i)
		}
	}
	sorted := slices.Sorted(slices.Values(perm))
	for i, p := range sorted {
		if p != i {
			return nil, fmt.Errorf("by %v", short(perm))
		}
	}
	if len(perm) != rank {
		return nil, fmt.Errorf("by %v of rank %d", short(perm), rank)
	}
	return perm, nil
}

func foldTranspose(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	perm, err := c.permutation(len(t.dims))
	if err != nil {
		return nil, err
	}
	own := stepsOf(t.dims)
	dims, steps := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		dims[i], steps[i] = t.dims[p], own[p]
	}
	return r.copied(t, dims, steps, 0)
}

func foldExpand(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	to, err := c.ints(1)
	if err != nil {
		return nil, err
	}
	dims, err := broadcastDims(t.dims, to)
	if err != nil {
		return nil, err
	}
	return r.copied(t, dims, broadcastSteps(t.dims, dims), 0)
}

func foldTile(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	times, err := c.ints(1)
	if err != nil || len(times) != len(t.dims) {
		return nil, errors.Join(err, errors.New("its repeats must be one for each axis"))
	}
	var dims, steps, out []int
	own := stepsOf(t.dims)
	for i, n := range times {
		dims, steps = append(dims, n, t.dims[i]), append(steps, 0, own[i])
		out = append(out, n*t.dims[i])
	}
	v, err := r.copied(t, dims, steps, 0)
	if err != nil {
		return nil, err
	}
	return v[0].k.as(out), nil
}

func foldRange(r *reader, c call) ([]*value, error) {
	ts, err := c.constants()
	if err != nil || len(ts) != 3 || slices.Contains(ts, nil) {
		return nil, errors.Join(err, errors.New("it takes start, limit and step"))
	}
	for _, t := range ts {
		if t.len() != 1 || t.elem != ts[0].elem {
			return nil, errors.New("start, limit and step must be single numbers of one type")
		}
	}
	start, limit, step := ts[0].at(0), ts[1].at(0), ts[2].at(0)
	n := (limit - start) / step
	if !(n < 1<<24) {
		return nil, fmt.Errorf("from %v to %v by %v", start, limit, step)
	}
	many := max(0, int(n))
	if float64(many) < n {
		many++
	}
	out, err := r.make(ts[0].elem, []int{many})
	if err != nil {
		return nil, err
	}
	for i := range many {
		v := start + float64(i)*step
		if out.f != nil {
			out.f[i] = float32(v)
		} else {
			out.i[i] = toInt(v)
		}
	}
	return folded(out), nil
}

// as returns the same numbers with other dims.
func (t *tensor) as(dims []int) []*value {
	return folded(&tensor{dims: dims, f: t.f, i: t.i, elem: t.elem})
}
