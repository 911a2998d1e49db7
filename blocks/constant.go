package blocks

// Constant is a learned activation that depends on no input, such as a position
// embedding: its one parameter is its output. It has one input all the same,
// whose values it ignores: every node but the first has one.
type Constant struct {
	Shape Shape `json:"shape"`
}

func init() { Register(func() Op { return new(Constant) }) }

// Kind returns "constant".
func (*Constant) Kind() string { return "constant" }

// OutShape returns the declared shape.
func (o *Constant) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	return o.Shape, o.Shape.Check()
}

// MACs returns 0.
func (*Constant) MACs([]Shape) int64 { return 0 }

// Params returns value [H, W, C], which starts at 1: a factor or a divisor of 1 keeps what
// it meets, and the same number everywhere is no harm as a summand.
func (o *Constant) Params([]Shape) []Param {
	return []Param{{Name: "value", Dims: []int{o.Shape.H, o.Shape.W, o.Shape.C}, Init: InitOne}}
}

// Eval copies the parameter.
func (*Constant) Eval(out Tensor, _ []Tensor, params [][]float32) { copy(out.Data, params[0]) }

// WriteONNX writes a constant of one image, which ONNX repeats over the batch
// wherever it is added to or multiplied with an activation; see [ONNXGraph.Images].
func (o *Constant) WriteONNX(g ONNXGraph, _ ONNXNode, _ []ONNXValue, params [][]float32) ONNXValue {
	s := o.Shape
	v := make([]float32, len(params[0]))
	for p := range s.Pixels() {
		for c := range s.C {
			v[c*s.Pixels()+p] = params[0][p*s.C+c]
		}
	}
	x := g.Floats("value", []int{1, s.C, s.H, s.W}, v)
	x.Single = true
	return x
}
