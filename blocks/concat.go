package blocks

import "fmt"

// Concat joins activations of one height and width along the channels.
type Concat struct{}

func init() { Register(func() Op { return new(Concat) }) }

// Kind returns "concat".
func (*Concat) Kind() string { return "concat" }

// OutShape adds up the channels.
func (*Concat) OutShape(in []Shape) (Shape, error) {
	if len(in) < 1 {
		return Shape{}, fmt.Errorf("takes one or more inputs, has none")
	}
	out := in[0]
	for _, s := range in[1:] {
		if s.H != out.H || s.W != out.W {
			return Shape{}, fmt.Errorf("inputs differ in height or width: %v and %v", in[0], s)
		}
		out.C += s.C
	}
	return out, out.Check()
}

// MACs returns 0.
func (*Concat) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Concat) Params([]Shape) []Param { return nil }

// Eval copies pixel by pixel.
func (*Concat) Eval(out Tensor, in []Tensor, _ [][]float32) {
	at := 0
	for p := range out.Shape.Pixels() {
		for _, t := range in {
			at += copy(out.Data[at:], t.Data[p*t.Shape.C:][:t.Shape.C])
		}
	}
}

// WriteONNX writes Concat along the channels.
func (*Concat) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("Concat", sameImages(g, sameRank(g, in)), ONNXAttr{"axis", 1})
}
