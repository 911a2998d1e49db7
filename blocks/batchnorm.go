package blocks

import "math"

// BatchNorm normalises each channel (Ioffe and Szegedy, ICML 2015):
//
//	out = (in - mean) / sqrt(variance + Epsilon) * scale + shift
//
// mean and variance are moving statistics, or those of the batch where the
// engine is told so.
type BatchNorm struct {
	Epsilon float64 `json:"epsilon,omitempty"` // 0 means 1e-5
}

func init() { Register(func() Op { return new(BatchNorm) }) }

// Kind returns "bn".
func (*BatchNorm) Kind() string { return "bn" }

// Eps returns the epsilon in force.
func (o *BatchNorm) Eps() float64 {
	if o.Epsilon == 0 {
		return 1e-5
	}
	return o.Epsilon
}

// InPlace marks the op as computable within its input.
func (*BatchNorm) InPlace() {}

// OutShape returns the input's shape.
func (*BatchNorm) OutShape(in []Shape) (Shape, error) { return unary(in) }

// MACs returns 0: by convention only convolutions and linear layers count.
func (*BatchNorm) MACs([]Shape) int64 { return 0 }

// Params returns scale and shift, and the moving mean and variance, each [C].
func (*BatchNorm) Params(in []Shape) []Param {
	d := []int{in[0].C}
	return []Param{
		{Name: "scale", Dims: d, Init: InitOne},
		{Name: "shift", Dims: d},
		{Name: "mean", Dims: d, Moving: true},
		{Name: "variance", Dims: d, Init: InitOne, Moving: true},
	}
}

// Eval uses the moving statistics.
func (o *BatchNorm) Eval(out Tensor, in []Tensor, params [][]float32) {
	scale, shift, mean, variance := params[0], params[1], params[2], params[3]
	c := in[0].Shape.C
	for i, v := range in[0].Data {
		k := i % c
		out.Data[i] = float32((float64(v)-float64(mean[k]))/math.Sqrt(float64(variance[k])+o.Eps())*float64(scale[k]) +
			float64(shift[k]))
	}
}

// unary is the shape rule of ops that keep their one input's shape.
func unary(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	return in[0], nil
}

// WriteONNX writes BatchNormalization.
func (o *BatchNorm) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	args := []ONNXValue{in[0]}
	for i, name := range []string{"scale", "shift", "mean", "variance"} {
		args = append(args, g.Floats(name, []int{n.Out.C}, params[i]))
	}
	return g.Node("BatchNormalization", args, ONNXAttr{"epsilon", o.Eps()})
}
