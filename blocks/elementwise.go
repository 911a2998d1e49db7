package blocks

import "fmt"

// Add sums two or more activations of one shape: the residual connection.
type Add struct{}

// Mul multiplies two activations: of one shape, or the second a vector
// 1 x 1 x C (squeeze-and-excite) or a map H x W x 1 (spatial attention) that is
// repeated over the first.
type Mul struct{}

func init() {
	Register(func() Op { return new(Add) })
	Register(func() Op { return new(Mul) })
}

// Kind returns "add".
func (*Add) Kind() string { return "add" }

// OutShape wants two or more equal shapes.
func (*Add) OutShape(in []Shape) (Shape, error) {
	if len(in) < 2 {
		return Shape{}, fmt.Errorf("takes two or more inputs, has %d", len(in))
	}
	for _, s := range in[1:] {
		if s != in[0] {
			return Shape{}, fmt.Errorf("inputs differ: %v and %v", in[0], s)
		}
	}
	return in[0], nil
}

// MACs returns 0.
func (*Add) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Add) Params([]Shape) []Param { return nil }

// Eval adds value by value.
func (*Add) Eval(out Tensor, in []Tensor, _ [][]float32) {
	for i := range out.Data {
		var s float64
		for _, t := range in {
			s += float64(t.Data[i])
		}
		out.Data[i] = float32(s)
	}
}

// Kind returns "mul".
func (*Mul) Kind() string { return "mul" }

// OutShape wants equal shapes or a second input that can be repeated.
func (*Mul) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 2); err != nil {
		return Shape{}, err
	}
	a, b := in[0], in[1]
	if a == b || b == (Shape{1, 1, a.C}) || b == (Shape{a.H, a.W, 1}) {
		return a, nil
	}
	return Shape{}, fmt.Errorf("cannot multiply %v by %v: want the same shape, 1x1x%d or %dx%dx1", a, b, a.C, a.H, a.W)
}

// MACs returns 0.
func (*Mul) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Mul) Params([]Shape) []Param { return nil }

// Eval multiplies value by value, repeating the second input as needed.
func (*Mul) Eval(out Tensor, in []Tensor, _ [][]float32) {
	a, b := in[0], in[1]
	for i, v := range a.Data {
		j := i
		switch {
		case b.Shape == a.Shape:
		case b.Shape.C == a.Shape.C:
			j = i % a.Shape.C
		default:
			j = i / a.Shape.C
		}
		out.Data[i] = v * b.Data[j]
	}
}

// WriteONNX writes Add, one for each input after the first.
func (*Add) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	in = sameRank(g, in)
	sum := in[0]
	for _, v := range in[1:] {
		sum = g.Node("Add", []ONNXValue{sum, v})
	}
	return sum
}

// WriteONNX writes Mul; ONNX repeats the second input by itself.
func (*Mul) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("Mul", sameRank(g, in))
}
