package blocks

import "fmt"

// Stack puts activations of one width and one number of channels below each
// other: rows of the first, then rows of the second. A 1x1 convolution over
// stacked vectors is one layer that serves them all.
type Stack struct{}

// SumPixels adds up all pixels of each channel: H x W x C to 1 x 1 x C.
type SumPixels struct{}

func init() {
	Register(func() Op { return new(Stack) })
	Register(func() Op { return new(SumPixels) })
}

// Kind returns "stack".
func (*Stack) Kind() string { return "stack" }

// OutShape adds up the heights.
func (*Stack) OutShape(in []Shape) (Shape, error) {
	if len(in) < 1 {
		return Shape{}, fmt.Errorf("takes one or more inputs, has none")
	}
	out := in[0]
	for _, s := range in[1:] {
		if s.W != out.W || s.C != out.C {
			return Shape{}, fmt.Errorf("inputs differ in width or channels: %v and %v", in[0], s)
		}
		out.H += s.H
	}
	return out, out.Check()
}

// MACs returns 0.
func (*Stack) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Stack) Params([]Shape) []Param { return nil }

// Eval copies one input after the other.
func (*Stack) Eval(out Tensor, in []Tensor, _ [][]float32) {
	at := 0
	for _, t := range in {
		at += copy(out.Data[at:], t.Data)
	}
}

// WriteONNX writes Concat along the height.
func (*Stack) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("Concat", sameImages(g, asMaps(g, in)), ONNXAttr{"axis", 2})
}

// Kind returns "sum_pixels".
func (*SumPixels) Kind() string { return "sum_pixels" }

// OutShape returns 1 x 1 x C.
func (*SumPixels) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	return Shape{1, 1, s.C}, err
}

// MACs returns 0.
func (*SumPixels) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*SumPixels) Params([]Shape) []Param { return nil }

// Eval adds channel by channel.
func (*SumPixels) Eval(out Tensor, in []Tensor, _ [][]float32) {
	c := in[0].Shape.C
	for k := range c {
		var sum float64
		for i := k; i < len(in[0].Data); i += c {
			sum += float64(in[0].Data[i])
		}
		out.Data[k] = float32(sum)
	}
}

// WriteONNX writes ReduceSum.
func (*SumPixels) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("ReduceSum", []ONNXValue{g.AsMap(in[0])}, ONNXAttr{"axes", []int{2, 3}}, ONNXAttr{"keepdims", 1})
}
