package blocks

// PReLU is a rectifier whose negative side has a learned slope for each channel
// (He et al., ICCV 2015, equation 1): max(x, 0) + slope[c] min(x, 0).
type PReLU struct{}

func init() { Register(func() Op { return new(PReLU) }) }

// Kind returns "prelu".
func (*PReLU) Kind() string { return "prelu" }

// InPlace marks the op as computable within its input.
func (*PReLU) InPlace() {}

// OutShape returns the input's shape.
func (*PReLU) OutShape(in []Shape) (Shape, error) { return unary(in) }

// MACs returns 0.
func (*PReLU) MACs([]Shape) int64 { return 0 }

// Params returns slope [C], which starts at 0.
func (*PReLU) Params(in []Shape) []Param { return []Param{{Name: "slope", Dims: []int{in[0].C}}} }

// Eval applies the slope of each channel.
func (*PReLU) Eval(out Tensor, in []Tensor, params [][]float32) {
	c := in[0].Shape.C
	for i, v := range in[0].Data {
		out.Data[i] = max(v, 0) + params[0][i%c]*min(v, 0)
	}
}

// WriteONNX writes PRelu.
func (*PReLU) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	return g.Node("PRelu", []ONNXValue{g.AsMap(in[0]), g.Floats("slope", []int{n.In[0].C, 1, 1}, params[0])})
}
