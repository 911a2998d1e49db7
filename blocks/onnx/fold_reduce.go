package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// reduction is how one number is made of many.
type reduction struct {
	start float64
	step  func(s, v float64) float64
	end   func(s float64, n int) float64
}

var reductions = map[string]reduction{
	"ReduceMean": {0, plusOf, func(s float64, n int) float64 { return s / float64(n) }},
	"ReduceSum":  {0, plusOf, nil},
	"ReduceMax":  {math.Inf(-1), math.Max, nil},
	"ReduceMin":  {math.Inf(1), math.Min, nil},
	"ReduceProd": {1, func(s, v float64) float64 { return s * v }, nil},
	"ReduceL1":   {0, func(s, v float64) float64 { return s + math.Abs(v) }, nil},
	"ReduceL2": {0, func(s, v float64) float64 { return s + v*v }, func(s float64, _ int) float64 {
		return math.Sqrt(s)
	}},
	"ReduceSumSquare": {0, func(s, v float64) float64 { return s + v*v }, nil},
}

// byElement are the reductions that change a single number: of no axes, some runtimes change each
// number and others none.
var byElement = []string{"ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum"}

// reduced returns the axes that an operator reduces, all where it names none.
func (c call) reduced(rank int) ([]int, error) {
	axes, err := c.axes(1, rank)
	if err != nil {
		return nil, err
	}
	if len(axes) == 0 && c.intAttr("noop_with_empty_axes", 0) == 0 {
		for i := range rank {
			axes = append(axes, i)
		}
	}
	if len(axes) == 0 && rank > 0 && slices.Contains(byElement, c.op) {
		return nil, errors.New("along no axes, about which runtimes differ: export it with axes")
	}
	return axes, nil
}

func foldReduce(r *reader, c call) ([]*value, error) {
	t, err := c.first()
	if err != nil {
		return nil, err
	}
	f, ok := reductions[c.op]
	if !ok {
		return nil, errors.New("of a constant")
	}
	axes, err := c.reduced(len(t.dims))
	if err != nil {
		return nil, err
	}
	keep := c.intAttr("keepdims", 1) != 0
	full, dims := slices.Clone(t.dims), []int{}
	n := 1
	for i, d := range t.dims {
		switch {
		case !slices.Contains(axes, i):
			dims = append(dims, d)
		case keep:
			dims = append(dims, 1)
			fallthrough
		default:
			full[i] = 1
			n *= d
		}
	}
	out, err := r.make(t.elem, dims)
	if err != nil {
		return nil, err
	}
	acc := make([]float64, out.len())
	for i := range acc {
		acc[i] = f.start
	}
	walk(t.dims, broadcastSteps(full, t.dims), 0, func(i, at int) { acc[at] = f.step(acc[at], t.at(i)) })
	for i, v := range acc {
		if f.end != nil {
			v = f.end(v, n)
		}
		if out.f != nil {
			out.f[i] = float32(v)
			continue
		}
		out.i[i] = toInt(v)
		if !(math.Abs(v) < 1<<53) || narrow(out.i[i], out.elem) != out.i[i] {
			return nil, fmt.Errorf("%.0f, which the element type does not hold", v)
		}
	}
	return folded(out), nil
}
