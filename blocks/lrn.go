package blocks

import (
	"fmt"
	"math"
)

// LRN is local response normalisation over Size neighbouring channels
// (Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3.3):
//
//	out[c] = in[c] / (Bias + Alpha/Size * sum over c' of in[c']^2)^Beta
//	c - (Size-1)/2 <= c' <= c + (Size-1)/2
//
// Alpha is divided by Size, as in Caffe and ONNX; the paper's alpha is not.
type LRN struct {
	Size  int     `json:"size"` // odd: conventions differ about the middle of an even window
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
	Bias  float64 `json:"bias"`
}

func init() { Register(func() Op { return new(LRN) }) }

// Kind returns "lrn".
func (*LRN) Kind() string { return "lrn" }

// OutShape returns the input's shape. Size must be odd, Bias positive,
// Alpha and Beta not negative, so that no division by zero can occur.
func (o *LRN) OutShape(in []Shape) (Shape, error) {
	if o.Size < 1 || o.Size%2 == 0 || o.Size > 1<<20 || !(o.Bias > 0) || !(o.Alpha >= 0) || !(o.Beta >= 0) {
		return Shape{}, fmt.Errorf("size %d must be odd, bias %v positive, alpha %v and beta %v not negative",
			o.Size, o.Bias, o.Alpha, o.Beta)
	}
	return unary(in)
}

// MACs returns 0.
func (*LRN) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*LRN) Params([]Shape) []Param { return nil }

// Eval sums each window anew.
func (o *LRN) Eval(out Tensor, in []Tensor, _ [][]float32) {
	c := in[0].Shape.C
	before := o.Size / 2
	for p := range in[0].Shape.Pixels() {
		x := in[0].Data[p*c:][:c]
		for i, v := range x {
			var sum float64
			for _, u := range x[max(0, i-before):min(c, i-before+o.Size)] {
				sum += float64(u) * float64(u)
			}
			out.Data[p*c+i] = float32(float64(v) / math.Pow(o.Bias+o.Alpha/float64(o.Size)*sum, o.Beta))
		}
	}
}

// WriteONNX writes LRN.
func (o *LRN) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("LRN", asMaps(g, in), ONNXAttr{"alpha", o.Alpha}, ONNXAttr{"beta", o.Beta},
		ONNXAttr{"bias", o.Bias}, ONNXAttr{"size", o.Size})
}
