package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// folders are the operators on constants, which exporters leave from the arithmetic on shapes.
// Each result is charged to the reader's budget.
var folders map[string]func(r *reader, c call) ([]*value, error)

func init() {
	folders = map[string]func(r *reader, c call) ([]*value, error){
		"Constant":        foldConstant,
		"ConstantOfShape": foldConstantOfShape,
		"Identity":        func(_ *reader, c call) ([]*value, error) { return first(c) },
		"Cast":            foldCast,
		"Shape":           foldShape,
		"Gather":          foldGather,
		"Slice":           foldSlice,
		"Concat":          foldConcat,
		"Reshape":         foldReshape,
		"Unsqueeze":       foldUnsqueeze,
		"Squeeze":         foldSqueeze,
		"Transpose":       foldTranspose,
		"Floor":           foldFloor,
		"Add":             arithmetic(func(a, b float64) float64 { return a + b }),
		"Sub":             arithmetic(func(a, b float64) float64 { return a - b }),
		"Mul":             arithmetic(func(a, b float64) float64 { return a * b }),
		"Div":             arithmetic(func(a, b float64) float64 { return a / b }),
	}
}

func first(c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	return c.in[:1], nil
}

func folded(t *tensor) []*value { return []*value{{k: t, dims: t.dims}} }

func (t *tensor) len() int { return max(len(t.f), len(t.i)) }

// make returns a tensor of the same kind as t.
func (r *reader) make(t *tensor, dims []int) (*tensor, error) {
	n := elems(dims)
	if n < 0 || len(dims) > 16 {
		return nil, fmt.Errorf("impossible dims %v", short(dims))
	}
	if err := r.charge(8 * (n + 8)); err != nil {
		return nil, err
	}
	out := &tensor{dims: dims}
	if t.f != nil {
		out.f = make([]float32, n)
	} else {
		out.i = make([]int64, n)
	}
	return out, nil
}

// set copies element j of u to element i.
func (t *tensor) set(i int, u *tensor, j int) {
	if t.f != nil {
		t.f[i] = u.f[j]
	} else {
		t.i[i] = u.i[j]
	}
}

func foldConstant(r *reader, c call) ([]*value, error) {
	if a, ok := c.attrs["value"]; ok && a.t != nil {
		t, err := parseTensor(a.t)
		if err != nil {
			return nil, fmt.Errorf("its value %w", err)
		}
		return folded(t), r.charge(t.cost)
	}
	if a, ok := c.attrs["value_float"]; ok {
		return folded(&tensor{f: []float32{float32(a.f)}}), nil
	}
	if a, ok := c.attrs["value_int"]; ok {
		return folded(&tensor{i: []int64{int64(a.i)}}), nil
	}
	if a, ok := c.attrs["value_ints"]; ok {
		t, err := r.make(&tensor{}, []int{len(a.ints)})
		if err != nil {
			return nil, err
		}
		for i, v := range a.ints {
			t.i[i] = int64(v)
		}
		return folded(t), nil
	}
	return nil, errors.New("it has no value of a kind that this program reads")
}

func foldConstantOfShape(r *reader, c call) ([]*value, error) {
	dims, err := c.ints(0)
	if err != nil {
		return nil, err
	}
	fill := &tensor{f: []float32{0}}
	if a, ok := c.attrs["value"]; ok && a.t != nil {
		if fill, err = parseTensor(a.t); err != nil || fill.len() != 1 {
			return nil, errors.New("its value must be one number")
		}
	}
	t, err := r.make(fill, dims)
	if err != nil {
		return nil, err
	}
	for i := range t.len() {
		t.set(i, fill, 0)
	}
	return folded(t), nil
}

func foldCast(r *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	t := c.in[0].k
	switch to := c.intAttr("to", 0); to {
	case elemFloat, elemDouble, elemFloat16:
		if t.f != nil {
			return first(c)
		}
		out, err := r.make(&tensor{f: []float32{}}, t.dims)
		if err != nil {
			return nil, err
		}
		for i, v := range t.i {
			out.f[i] = float32(v)
		}
		return folded(out), nil
	case elemInt32, elemInt64, elemBool:
		if t.f == nil {
			return first(c)
		}
		out, err := r.make(&tensor{}, t.dims)
		if err != nil {
			return nil, err
		}
		for i, v := range t.f {
			out.i[i] = toInt(float64(v))
		}
		return folded(out), nil
	default:
		return nil, fmt.Errorf("to element type %d", to)
	}
}

// toInt rounds towards zero, within what shapes can use.
func toInt(v float64) int64 {
	if !(math.Abs(v) < 1<<53) {
		return 0
	}
	return int64(v)
}

func foldShape(_ *reader, c call) ([]*value, error) {
	if c.arg(0) == nil {
		return nil, errors.New("it has no input")
	}
	d := c.in[0].dims
	clip := func(i int) int {
		if i < 0 {
			i += len(d)
		}
		return min(max(i, 0), len(d))
	}
	from, to := clip(c.intAttr("start", 0)), clip(c.intAttr("end", len(d)))
	t := &tensor{i: []int64{}}
	for _, v := range d[from:max(from, to)] {
		t.i = append(t.i, int64(v))
	}
	t.dims = []int{len(t.i)}
	return folded(t), nil
}

// rows returns the number of elements below axis 0.
func (t *tensor) rows() (rows, each int) {
	if len(t.dims) == 0 || t.dims[0] == 0 {
		return 0, 0
	}
	return t.dims[0], t.len() / t.dims[0]
}

func foldGather(r *reader, c call) ([]*value, error) {
	index, err := c.ints(1)
	if err != nil || c.arg(0) == nil {
		return nil, errors.Join(err, errNoData(c))
	}
	t := c.in[0].k
	rows, each := t.rows()
	if c.intAttr("axis", 0) != 0 {
		return nil, errors.New("of a constant along an axis other than 0")
	}
	out, err := r.make(t, append(slices.Clone(c.in[1].k.dims), t.dims[min(1, len(t.dims)):]...))
	if err != nil {
		return nil, err
	}
	for i, k := range index {
		if k < 0 {
			k += rows
		}
		if k < 0 || k >= rows {
			return nil, fmt.Errorf("element %d of %d", k, rows)
		}
		for j := range each {
			out.set(i*each+j, t, k*each+j)
		}
	}
	return folded(out), nil
}

func errNoData(c call) error {
	if c.arg(0) == nil {
		return errors.New("it has no input")
	}
	return nil
}

// sliceArgs returns starts, ends, axes and steps of Slice, attributes before
// opset 10 and inputs since.
func sliceArgs(c call) (starts, ends, axes, steps []int, err error) {
	if a, ok := c.attrs["starts"]; ok {
		starts, ends, axes = a.ints, c.attrs["ends"].ints, c.attrs["axes"].ints
	} else {
		for i, p := range []*[]int{&starts, &ends, &axes, &steps} {
			if i > 1 && c.arg(i+1) == nil {
				continue
			}
			if *p, err = c.ints(i + 1); err != nil {
				return
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
		err = errors.New("its starts, ends, axes and steps must be as many, and at least one")
	}
	return
}

func foldSlice(r *reader, c call) ([]*value, error) {
	if err := errNoData(c); err != nil {
		return nil, err
	}
	starts, ends, axes, steps, err := sliceArgs(c)
	if err != nil {
		return nil, err
	}
	t := c.in[0].k
	rows, each := t.rows()
	if len(starts) != 1 || axes[0] != 0 || steps[0] == 0 || len(t.dims) == 0 {
		return nil, errors.New("of a constant along an axis other than 0")
	}
	lo, hi := 0, rows
	if steps[0] < 0 {
		lo, hi = -1, rows-1
	}
	clip := func(i int) int {
		if i < 0 {
			i += rows
		}
		return min(max(i, lo), hi)
	}
	from, to, step := clip(starts[0]), clip(ends[0]), steps[0]
	n := 0
	if (to-from)*step > 0 {
		n = (to - from + step - step/max(step, -step)) / step
	}
	out, err := r.make(t, append([]int{n}, t.dims[1:]...))
	if err != nil {
		return nil, err
	}
	for i := range n {
		for j := range each {
			out.set(i*each+j, t, (from+i*step)*each+j)
		}
	}
	return folded(out), nil
}

func foldConcat(r *reader, c call) ([]*value, error) {
	if err := errNoData(c); err != nil {
		return nil, err
	}
	model := c.in[0].k
	n := 0
	for _, v := range c.in {
		if v == nil || len(v.k.dims) != 1 || (v.k.f == nil) != (model.f == nil) {
			return nil, errors.New("of constants that are not lists of one kind")
		}
		n += v.k.len()
	}
	out, err := r.make(model, []int{n})
	if err != nil {
		return nil, err
	}
	at := 0
	for _, v := range c.in {
		for j := range v.k.len() {
			out.set(at, v.k, j)
			at++
		}
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

// as returns the same numbers with other dims.
func (t *tensor) as(dims []int) []*value { return folded(&tensor{dims: dims, f: t.f, i: t.i}) }

func foldReshape(_ *reader, c call) ([]*value, error) {
	to, err := c.ints(1)
	if err != nil || c.arg(0) == nil {
		return nil, errors.Join(err, errNoData(c))
	}
	dims, err := resolve(c.in[0].dims, to, c.intAttr("allowzero", 0) == 1)
	if err != nil {
		return nil, fmt.Errorf("impossible reshape: %w", err)
	}
	return c.in[0].k.as(dims), nil
}

func foldUnsqueeze(_ *reader, c call) ([]*value, error) {
	if err := errNoData(c); err != nil {
		return nil, err
	}
	dims, err := unsqueezed(c, c.in[0].dims)
	if err != nil {
		return nil, err
	}
	return c.in[0].k.as(dims), nil
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
	for _, a := range axes {
		if a > len(out) {
			return nil, fmt.Errorf("axis %d", a)
		}
		out = slices.Insert(out, a, 1)
	}
	return out, nil
}

func foldSqueeze(_ *reader, c call) ([]*value, error) {
	if err := errNoData(c); err != nil {
		return nil, err
	}
	dims, err := squeezed(c, c.in[0].dims)
	if err != nil {
		return nil, err
	}
	return c.in[0].k.as(dims), nil
}

func squeezed(c call, dims []int) ([]int, error) {
	axes, err := c.axes(1, len(dims))
	if err != nil {
		return nil, err
	}
	var out []int
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

func foldTranspose(r *reader, c call) ([]*value, error) {
	if err := errNoData(c); err != nil {
		return nil, err
	}
	t := c.in[0].k
	perm := c.attrs["perm"].ints
	if len(t.dims) < 2 {
		return first(c)
	}
	if len(t.dims) != 2 || (perm != nil && !slices.Equal(perm, []int{1, 0})) {
		if slices.IsSorted(perm) && len(perm) == len(t.dims) {
			return first(c)
		}
		return nil, errors.New("of a constant that is no matrix")
	}
	out, err := r.make(t, []int{t.dims[1], t.dims[0]})
	if err != nil {
		return nil, err
	}
	for i := range t.dims[0] {
		for j := range t.dims[1] {
			out.set(j*t.dims[0]+i, t, i*t.dims[1]+j)
		}
	}
	return folded(out), nil
}

func foldFloor(r *reader, c call) ([]*value, error) {
	t, err := c.floats(0)
	if err != nil {
		return nil, err
	}
	out, err := r.make(t, t.dims)
	if err != nil {
		return nil, err
	}
	for i, v := range t.f {
		out.f[i] = float32(math.Floor(float64(v)))
	}
	return folded(out), nil
}

// arithmetic is an operator on two constants, one of which may be a single number.
func arithmetic(f func(a, b float64) float64) func(r *reader, c call) ([]*value, error) {
	return func(r *reader, c call) ([]*value, error) {
		if len(c.in) != 2 || c.in[0] == nil || c.in[1] == nil {
			return nil, errors.New("it takes two inputs")
		}
		a, b := c.in[0].k, c.in[1].k
		big := a
		if b.len() > a.len() || (b.len() == a.len() && len(b.dims) > len(a.dims)) {
			big = b
		}
		if (a.f == nil) != (b.f == nil) || (a.len() != b.len() && min(a.len(), b.len()) != 1) {
			return nil, errors.New("of constants that differ in kind or length")
		}
		out, err := r.make(big, big.dims)
		if err != nil {
			return nil, err
		}
		at := func(t *tensor, i int) float64 {
			i = min(i, t.len()-1)
			if t.f != nil {
				return float64(t.f[i])
			}
			return float64(t.i[i])
		}
		for i := range out.len() {
			v := f(at(a, i), at(b, i))
			if out.f != nil {
				out.f[i] = float32(v)
			} else {
				out.i[i] = toInt(math.Floor(v))
			}
		}
		return folded(out), nil
	}
}
