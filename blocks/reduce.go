package blocks

import (
	"fmt"
	"math"
)

// ReduceFunc names a way to make one number of many.
type ReduceFunc string

// reduceFuncs is the one place that knows them: start, step for the next value,
// end with the number of values.
var reduceFuncs = map[ReduceFunc]struct {
	start float64
	step  func(s, v float64) float64
	end   func(s float64, n int) float64
	onnx  string
}{
	"mean": {
		0,
		func(s, v float64) float64 { return s + v },
		func(s float64, n int) float64 { return s / float64(n) },
		"ReduceMean",
	},
	"sum":  {0, func(s, v float64) float64 { return s + v }, nil, "ReduceSum"},
	"max":  {math.Inf(-1), math.Max, nil, "ReduceMax"},
	"min":  {math.Inf(1), math.Min, nil, "ReduceMin"},
	"prod": {1, func(s, v float64) float64 { return s * v }, nil, "ReduceProd"},
	"l1":   {0, func(s, v float64) float64 { return s + math.Abs(v) }, nil, "ReduceL1"},
	"l2": {0, func(s, v float64) float64 { return s + v*v }, func(s float64, _ int) float64 { return math.Sqrt(s) },
		"ReduceL2"},
	"sum_square": {0, func(s, v float64) float64 { return s + v*v }, nil, "ReduceSumSquare"},
}

// Reduce makes one number of all values along some extents, which become 1.
// Means and maxima over pixels or channels have kernels of their own
// ([GlobalPool], [ChannelPool], [SumPixels]).
type Reduce struct {
	Func ReduceFunc `json:"func"` // mean, sum, max, min, prod, l1, l2, sum_square
	H    bool       `json:"h,omitempty"`
	W    bool       `json:"w,omitempty"`
	C    bool       `json:"c,omitempty"`
}

func init() { Register(func() Op { return new(Reduce) }) }

// Kind returns "reduce".
func (*Reduce) Kind() string { return "reduce" }

// OutShape sets the reduced extents to 1.
func (o *Reduce) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	if _, ok := reduceFuncs[o.Func]; !ok {
		return Shape{}, fmt.Errorf("no reduction is called %q", o.Func)
	}
	for _, r := range []struct {
		on bool
		n  *int
	}{{o.H, &s.H}, {o.W, &s.W}, {o.C, &s.C}} {
		if r.on {
			*r.n = 1
		}
	}
	return s, nil
}

// MACs returns 0.
func (*Reduce) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Reduce) Params([]Shape) []Param { return nil }

// Eval visits the input once.
func (o *Reduce) Eval(out Tensor, in []Tensor, _ [][]float32) {
	f, s := reduceFuncs[o.Func], in[0].Shape
	acc := make([]float64, len(out.Data))
	for i := range acc {
		acc[i] = f.start
	}
	dy, dx, dc := repeated(out.Shape)
	i := 0
	for y := range s.H {
		for x := range s.W {
			for c := range s.C {
				a := &acc[y*dy+x*dx+c*dc]
				*a = f.step(*a, float64(in[0].Data[i]))
				i++
			}
		}
	}
	for i, v := range acc {
		if f.end != nil {
			v = f.end(v, len(in[0].Data)/len(out.Data))
		}
		out.Data[i] = float32(v)
	}
}

// WriteONNX writes the operator of the reduction.
func (o *Reduce) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	var axes []int
	for axis, on := range []bool{false, o.C, o.H, o.W} {
		if on {
			axes = append(axes, axis)
		}
	}
	x := g.AsMap(in[0])
	if len(axes) == 0 {
		return x
	}
	return g.Node(reduceFuncs[o.Func].onnx, []ONNXValue{x}, ONNXAttr{"axes", axes}, ONNXAttr{"keepdims", 1})
}
