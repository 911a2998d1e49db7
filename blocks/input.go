package blocks

// Input is the network's entry: node 0 of every network, and only node 0.
type Input struct {
	Shape Shape `json:"shape"`
}

func init() { Register(func() Op { return new(Input) }) }

// Kind returns "input".
func (*Input) Kind() string { return "input" }

// OutShape returns the declared shape.
func (o *Input) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 0); err != nil {
		return Shape{}, err
	}
	return o.Shape, o.Shape.Check()
}

// MACs returns 0.
func (*Input) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Input) Params([]Shape) []Param { return nil }

// Eval does nothing: the network's caller fills the tensor.
func (*Input) Eval(Tensor, []Tensor, [][]float32) {}
