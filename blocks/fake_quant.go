package blocks

import (
	"fmt"
	"math"
)

// FakeQuant rounds each value to a grid of integers and back (Jacob et al., CVPR
// 2018, equation 12): what a QuantizeLinear with its DequantizeLinear does.
//
//	out = (clamp(round(in/Scale) + Zero, Low, High) - Zero) * Scale
//
// Halves are rounded to even.
type FakeQuant struct {
	Scale float64 `json:"scale"` // positive
	Zero  int     `json:"zero,omitempty"`
	Low   int     `json:"low"`  // -128, 0 ...
	High  int     `json:"high"` // 127, 255 ...
}

func init() { Register(func() Op { return new(FakeQuant) }) }

// Kind returns "fake_quant".
func (*FakeQuant) Kind() string { return "fake_quant" }

// InPlace marks the op as computable within its input.
func (*FakeQuant) InPlace() {}

// OutShape returns the input's shape.
func (o *FakeQuant) OutShape(in []Shape) (Shape, error) {
	if !(o.Scale > 0) || math.IsInf(o.Scale, 1) || o.Low >= o.High || o.Zero < o.Low || o.Zero > o.High {
		return Shape{}, fmt.Errorf("scale %v, zero %d, range %d to %d", o.Scale, o.Zero, o.Low, o.High)
	}
	return unary(in)
}

// MACs returns 0.
func (*FakeQuant) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*FakeQuant) Params([]Shape) []Param { return nil }

// Eval divides and rounds in float32, as runtimes do.
func (o *FakeQuant) Eval(out Tensor, in []Tensor, _ [][]float32) {
	s, z := float32(o.Scale), float64(o.Zero)
	for i, v := range in[0].Data {
		q := math.RoundToEven(float64(v/s)) + z
		out.Data[i] = float32(min(max(q, float64(o.Low)), float64(o.High))-z) * s
	}
}

// WriteONNX writes QuantizeLinear and DequantizeLinear for the range of a type of 8
// bits, and else what they compute.
func (o *FakeQuant) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	scale := g.Number("scale", o.Scale)
	if r := [2]int{o.Low, o.High}; r != [2]int{-128, 127} && r != [2]int{0, 255} {
		x := g.Node("Round", []ONNXValue{g.Node("Div", []ONNXValue{in[0], scale})})
		x = g.Node("Clip", []ONNXValue{x, g.Number("min", float64(o.Low-o.Zero)), g.Number("max", float64(o.High-o.Zero))})
		return g.Node("Mul", []ONNXValue{x, scale})
	}
	zero := g.Bytes("zero", o.Low < 0, o.Zero)
	return g.Node(
		"DequantizeLinear",
		[]ONNXValue{g.Node("QuantizeLinear", []ONNXValue{in[0], scale, zero}), scale, zero},
	)
}
