package blocks

import "math"

// Softmax turns the channels of each pixel into shares that add up to 1, or with Log
// into the logarithms of these.
type Softmax struct {
	Log bool `json:"log,omitempty"`
}

func init() { Register(func() Op { return new(Softmax) }) }

// Kind returns "softmax".
func (*Softmax) Kind() string { return "softmax" }

// OutShape returns the input's shape.
func (*Softmax) OutShape(in []Shape) (Shape, error) { return unary(in) }

// MACs returns 0.
func (*Softmax) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Softmax) Params([]Shape) []Param { return nil }

// Eval subtracts each pixel's maximum first, so that no exponential overflows.
func (o *Softmax) Eval(out Tensor, in []Tensor, _ [][]float32) {
	c := in[0].Shape.C
	e := make([]float64, c)
	for p := range in[0].Shape.Pixels() {
		x := in[0].Data[p*c:][:c]
		m, sum := math.Inf(-1), 0.0
		for _, v := range x {
			m = max(m, float64(v))
		}
		for i, v := range x {
			e[i] = math.Exp(float64(v) - m)
			sum += e[i]
		}
		for i, v := range x {
			if o.Log {
				out.Data[p*c+i] = float32(float64(v) - m - math.Log(sum))
			} else {
				out.Data[p*c+i] = float32(e[i] / sum)
			}
		}
	}
}

// WriteONNX writes Softmax or LogSoftmax over the channels.
func (o *Softmax) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	if o.Log {
		return g.Node("LogSoftmax", in, ONNXAttr{"axis", 1})
	}
	return g.Node("Softmax", in, ONNXAttr{"axis", 1})
}
