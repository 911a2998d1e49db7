package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

func init() {
	register(map[string]spec{
		"Where": {in: [2]int{3, 3}, fold: foldWhere},
		"Not": {
			in:   oneInput,
			fold: elementwise(nil, func(x []int64) (int64, error) { return 1 - min(1, max(x[0], -x[0])), nil }),
		},
		"And":            {in: twoInputs, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a & b }))},
		"Or":             {in: twoInputs, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a | b }))},
		"Xor":            {in: twoInputs, fold: elementwise(nil, wrap(func(a, b int64) int64 { return a ^ b }))},
		"Equal":          {in: twoInputs, fold: relation(func(a, b float64) bool { return a == b })},
		"Less":           {in: twoInputs, fold: relation(func(a, b float64) bool { return a < b })},
		"LessOrEqual":    {in: twoInputs, since: 12, fold: relation(func(a, b float64) bool { return a <= b })},
		"Greater":        {in: twoInputs, fold: relation(func(a, b float64) bool { return a > b })},
		"GreaterOrEqual": {in: twoInputs, since: 12, fold: relation(func(a, b float64) bool { return a >= b })},
		"Mod":            {attrs: "fmod", in: twoInputs, since: 10, fold: foldMod},
	})
}

// Operators on constants are computed while the model is read, by ONNX's rules:
// what exporters leave of the arithmetic on shapes, and of weights that a script
// prepared. Each result is charged to the reader's budget.

func folded(t *tensor) []*value { return []*value{{k: t}} }

// make returns a tensor of element type elem.
func (r *reader) make(elem int, dims []int) (*tensor, error) {
	n := elems(dims)
	if n < 0 || len(dims) > 16 {
		return nil, fmt.Errorf("impossible dims %v", short(dims))
	}
	if err := r.charge(8 * (n + 8)); err != nil {
		return nil, err
	}
	out := &tensor{dims: dims, elem: elem}
	if floating(elem) {
		out.f = make([]float32, n)
	} else {
		out.i = make([]int64, n)
	}
	return out, nil
}

// constants returns all inputs as tensors; those left out are nil.
func (c call) constants() ([]*tensor, error) {
	ts := make([]*tensor, len(c.in))
	for i, v := range c.in {
		if v == nil {
			continue
		}
		if v.k == nil {
			return nil, fmt.Errorf("input %d must be a constant", i)
		}
		ts[i] = v.k
	}
	return ts, nil
}

// stepsOf returns how far apart neighbours along each axis are.
func stepsOf(dims []int) []int {
	steps := make([]int, len(dims))
	n := 1
	for i := len(dims) - 1; i >= 0; i-- {
		steps[i] = n
		n *= dims[i]
	}
	return steps
}

// walk calls f for every element of a tensor of the given dims in order, with its
// offset for the given steps.
func walk(dims, steps []int, from int, f func(i, at int)) {
	n := 1
	for _, d := range dims {
		n *= d
	}
	index := make([]int, len(dims))
	at := from
	for i := range n {
		f(i, at)
		for k := len(dims) - 1; k >= 0; k-- {
			index[k]++
			at += steps[k]
			if index[k] < dims[k] {
				break
			}
			at -= dims[k] * steps[k]
			index[k] = 0
		}
	}
}

// copied returns the elements of t that lie at the given steps.
func (r *reader) copied(t *tensor, dims, steps []int, from int) ([]*value, error) {
	out, err := r.make(t.elem, dims)
	if err != nil {
		return nil, err
	}
	walk(dims, steps, from, func(i, at int) { out.set(i, t, at) })
	return folded(out), nil
}

// broadcastDims is the shape of an operator's result on tensors of these dims.
func broadcastDims(all ...[]int) ([]int, error) {
	rank := 0
	for _, d := range all {
		rank = max(rank, len(d))
	}
	out := make([]int, rank)
	for i := range out {
		out[i] = 1
		for _, d := range all {
			k := i - (rank - len(d))
			if k < 0 || d[k] == 1 {
				continue
			}
			if out[i] != 1 && out[i] != d[k] {
				return nil, fmt.Errorf("shapes %v and %v do not fit each other", short(all[0]), short(all[len(all)-1]))
			}
			out[i] = d[k]
		}
	}
	return out, nil
}

// broadcastSteps are the steps of a tensor of dims repeated to the dims to.
func broadcastSteps(dims, to []int) []int {
	own := stepsOf(dims)
	steps := make([]int, len(to))
	for i := range to {
		if k := i - (len(to) - len(dims)); k >= 0 && dims[k] != 1 {
			steps[i] = own[k]
		}
	}
	return steps
}

// elementwise folds an operator on any number of tensors of one kind, which are
// repeated to a common shape. ints may be nil where the operator is of floats only.
func elementwise(floats func(x []float64) float64, ints func(x []int64) (int64, error)) folder {
	return func(r *reader, c call) ([]*value, error) {
		ts, err := c.constants()
		if err != nil || len(ts) == 0 || slices.Contains(ts, nil) {
			return nil, errors.Join(err, errors.New("an input is missing"))
		}
		dims := make([][]int, len(ts))
		for i, t := range ts {
			dims[i] = t.dims
			if t.isFloat() != ts[0].isFloat() {
				return nil, errors.New("of floats and integers")
			}
		}
		to, err := broadcastDims(dims...)
		if err != nil {
			return nil, err
		}
		out, err := r.make(ts[0].elem, to)
		if err != nil {
			return nil, err
		}
		if out.i != nil && ints == nil {
			return nil, errors.New("of integers")
		}
		steps := make([][]int, len(ts))
		at := make([][]int, len(ts))
		for k, t := range ts {
			steps[k] = broadcastSteps(t.dims, to)
			if err := r.charge(8 * out.len()); err != nil {
				return nil, err
			}
			at[k] = make([]int, 0, out.len())
			walk(to, steps[k], 0, func(_, a int) { at[k] = append(at[k], a) })
		}
		xf, xi := make([]float64, len(ts)), make([]int64, len(ts))
		for i := range out.len() {
			for k, t := range ts {
				if out.f != nil {
					xf[k] = float64(t.f[at[k][i]])
				} else {
					xi[k] = t.i[at[k][i]]
				}
			}
			if out.f != nil {
				out.f[i] = float32(floats(xf))
			} else if out.i[i], err = ints(xi); err != nil {
				return nil, err
			} else if v := narrow(out.i[i], out.elem); v != out.i[i] && c.op == "Pow" {
				return nil, fmt.Errorf("%d, which the element type does not hold", out.i[i])
			} else {
				out.i[i] = v
			}
		}
		return folded(out), nil
	}
}

// sum, difference and so on of integers wrap as in every runtime; a quotient
// rounds towards zero.
func wrap(f func(a, b int64) int64) func(x []int64) (int64, error) {
	return func(x []int64) (int64, error) {
		acc := x[0]
		for _, v := range x[1:] {
			acc = f(acc, v)
		}
		return acc, nil
	}
}

func over(f func(a, b float64) float64) func(x []float64) float64 {
	return func(x []float64) float64 {
		acc := x[0]
		for _, v := range x[1:] {
			acc = f(acc, v)
		}
		return acc
	}
}

func quotient(x []int64) (int64, error) {
	if x[1] == 0 {
		return 0, errors.New("division by zero")
	}
	return x[0] / x[1], nil
}

func power(x []int64) (int64, error) {
	v := math.Pow(float64(x[0]), float64(x[1]))
	if math.Abs(v) > 1<<53 {
		return 0, fmt.Errorf("%d to the power of %d, which integers do not hold", x[0], x[1])
	}
	return toInt(v), nil
}

// single folds a function of one number.
func single(f func(float64) float64) folder {
	return elementwise(func(x []float64) float64 { return f(x[0]) }, func(x []int64) (int64, error) {
		return toInt(f(float64(x[0]))), nil
	})
}

// relation folds a relation of two numbers to a bool.
func relation(f func(a, b float64) bool) folder {
	as := func(x []float64) float64 {
		if f(x[0], x[1]) {
			return 1
		}
		return 0
	}
	return func(r *reader, c call) ([]*value, error) {
		vs, err := elementwise(as, func(x []int64) (int64, error) {
			return int64(as([]float64{float64(x[0]), float64(x[1])})), nil
		})(r, c)
		if err != nil {
			return nil, err
		}
		return r.cast(vs[0].k, elemBool)
	}
}

// foldMod follows fmod: 1 takes the sign of the first number, 0 of the second.
func foldMod(r *reader, c call) ([]*value, error) {
	like := c.intAttr("fmod", 0) == 0
	return elementwise(func(x []float64) float64 { return math.Mod(x[0], x[1]) }, func(x []int64) (int64, error) {
		if x[1] == 0 {
			return 0, errors.New("division by zero")
		}
		m := x[0] % x[1]
		if like && m != 0 && (m < 0) != (x[1] < 0) {
			m += x[1]
		}
		return m, nil
	})(r, c)
}

func foldWhere(r *reader, c call) ([]*value, error) {
	ts, err := c.constants()
	if err != nil || len(ts) != 3 || slices.Contains(ts, nil) || ts[0].isFloat() || ts[1].isFloat() != ts[2].isFloat() {
		return nil, errors.Join(err, errors.New("it takes a condition and two tensors of one kind"))
	}
	to, err := broadcastDims(ts[0].dims, ts[1].dims, ts[2].dims)
	if err != nil {
		return nil, err
	}
	out, err := r.make(ts[1].elem, to)
	if err != nil {
		return nil, err
	}
	cond, yes, no := broadcastSteps(ts[0].dims, to), broadcastSteps(ts[1].dims, to), broadcastSteps(ts[2].dims, to)
	if err := r.charge(24 * out.len()); err != nil {
		return nil, err
	}
	at := func(steps []int) []int {
		l := make([]int, 0, out.len())
		walk(to, steps, 0, func(_, a int) { l = append(l, a) })
		return l
	}
	ci, yi, ni := at(cond), at(yes), at(no)
	for i := range out.len() {
		if ts[0].i[ci[i]] != 0 {
			out.set(i, ts[1], yi[i])
		} else {
			out.set(i, ts[2], ni[i])
		}
	}
	return folded(out), nil
}

// cast converts a constant by ONNX's rules: towards zero for integers, not zero
// for bool.
func (r *reader) cast(t *tensor, elem int) ([]*value, error) {
	if elem == t.elem {
		return folded(t), nil
	}
	if _, ok := elemSize[elem]; !ok {
		return nil, fmt.Errorf("to element type %d", elem)
	}
	out, err := r.make(elem, t.dims)
	if err != nil {
		return nil, err
	}
	for i := range t.len() {
		switch {
		case out.f != nil && t.f != nil:
			out.f[i] = t.f[i]
			if elem == elemFloat16 {
				out.f[i] = half(toHalf(t.f[i]))
			}
		case out.f != nil:
			out.f[i] = float32(t.i[i])
		case elem == elemBool:
			if t.at(i) != 0 {
				out.i[i] = 1
			}
		case t.f != nil:
			out.i[i] = narrow(toInt(float64(t.f[i])), elem)
		default:
			out.i[i] = narrow(t.i[i], elem)
		}
	}
	return folded(out), nil
}

func foldCast(r *reader, c call) ([]*value, error) {
	ts, err := c.constants()
	if err != nil || len(ts) == 0 || ts[0] == nil {
		return nil, errors.Join(err, errors.New("it has no input"))
	}
	to := c.intAttr("to", 0)
	if c.op == "CastLike" {
		if len(ts) < 2 || ts[1] == nil {
			return nil, errors.New("it takes two inputs")
		}
		to = ts[1].elem
	}
	return r.cast(ts[0], to)
}

func plusOf(s, v float64) float64  { return s + v }
func minusOf(a, b float64) float64 { return a - b }
func timesOf(a, b float64) float64 { return a * b }
