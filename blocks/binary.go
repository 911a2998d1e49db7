package blocks

import (
	"fmt"
	"math"
)

// BinaryFunc names a function of two numbers.
type BinaryFunc string

// binaryFuncs is the one place that knows the functions: Go's form and ONNX's.
var binaryFuncs = map[BinaryFunc]struct {
	f    func(a, b float64) float64
	onnx string
}{
	"add": {func(a, b float64) float64 { return a + b }, "Add"},
	"sub": {func(a, b float64) float64 { return a - b }, "Sub"},
	"mul": {func(a, b float64) float64 { return a * b }, "Mul"},
	"div": {func(a, b float64) float64 { return a / b }, "Div"},
	"min": {math.Min, "Min"},
	"max": {math.Max, "Max"},
	"pow": {math.Pow, "Pow"},
}

// Binary applies a function value by value to two activations. An extent of 1
// is repeated to the extent of the other input, as in NumPy: it is the general
// form of [Add] and [Mul], which have kernels of their own.
type Binary struct {
	Func BinaryFunc `json:"func"` // add, sub, mul, div, min, max, pow
}

func init() { Register(func() Op { return new(Binary) }) }

// Kind returns "binary".
func (*Binary) Kind() string { return "binary" }

// OutShape wants, for each extent, equal numbers or a 1.
func (o *Binary) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 2); err != nil {
		return Shape{}, err
	}
	if _, ok := binaryFuncs[o.Func]; !ok {
		return Shape{}, fmt.Errorf("no function of two numbers is called %q", o.Func)
	}
	a, b := in[0], in[1]
	out := Shape{max(a.H, b.H), max(a.W, b.W), max(a.C, b.C)}
	for _, s := range in {
		if s.H != out.H && s.H != 1 || s.W != out.W && s.W != 1 || s.C != out.C && s.C != 1 {
			return Shape{}, fmt.Errorf("%v and %v differ in an extent that is 1 in neither", a, b)
		}
	}
	return out, out.Check()
}

// MACs returns 0.
func (*Binary) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Binary) Params([]Shape) []Param { return nil }

// repeated returns the steps by which an input of shape s advances along height,
// width and channels of an output; 0 where it is repeated.
func repeated(s Shape) (y, x, c int) {
	if s.H > 1 {
		y = s.W * s.C
	}
	if s.W > 1 {
		x = s.C
	}
	if s.C > 1 {
		c = 1
	}
	return
}

// Eval applies the function value by value.
func (o *Binary) Eval(out Tensor, in []Tensor, _ [][]float32) {
	f := binaryFuncs[o.Func].f
	ay, ax, ac := repeated(in[0].Shape)
	by, bx, bc := repeated(in[1].Shape)
	i := 0
	for y := range out.Shape.H {
		for x := range out.Shape.W {
			a, b := y*ay+x*ax, y*by+x*bx
			for c := range out.Shape.C {
				out.Data[i] = float32(f(float64(in[0].Data[a+c*ac]), float64(in[1].Data[b+c*bc])))
				i++
			}
		}
	}
}

// WriteONNX writes the operator, which repeats extents of 1 by itself.
func (o *Binary) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node(binaryFuncs[o.Func].onnx, sameRank(g, in))
}
