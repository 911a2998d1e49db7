package blocks

import (
	"fmt"
	"math"
)

// Affine scales and shifts by constants of a network from outside:
//
//	out = in * scale + shift
//
// A factor is a single number or has one value for each channel. Single numbers
// are attributes and count as no params.
type Affine struct {
	Scale float64 `json:"scale"` // 1 where Scales is set
	Shift float64 `json:"shift"` // 0 where Shifts is set
	// Scales and Shifts take the factor from a tensor [C].
	Scales bool `json:"scales,omitempty"`
	Shifts bool `json:"shifts,omitempty"`
}

func init() { Register(func() Op { return new(Affine) }) }

// Kind returns "affine".
func (*Affine) Kind() string { return "affine" }

// InPlace marks the op as computable within its input.
func (*Affine) InPlace() {}

// OutShape returns the input's shape.
func (o *Affine) OutShape(in []Shape) (Shape, error) {
	for _, v := range []float64{o.Scale, o.Shift} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Shape{}, fmt.Errorf("scale %v and shift %v", o.Scale, o.Shift)
		}
	}
	if o.Scales && o.Scale != 1 || o.Shifts && o.Shift != 0 {
		return Shape{}, fmt.Errorf("scale %v and shift %v besides tensors", o.Scale, o.Shift)
	}
	return unary(in)
}

// MACs returns 0: by convention only convolutions and linear layers count.
func (*Affine) MACs([]Shape) int64 { return 0 }

// Params returns the factors that are tensors: scale, shift, each [C].
func (o *Affine) Params(in []Shape) []Param {
	var ps []Param
	if o.Scales {
		ps = append(ps, Param{Name: "scale", Dims: []int{in[0].C}, Init: InitOne})
	}
	if o.Shifts {
		ps = append(ps, Param{Name: "shift", Dims: []int{in[0].C}})
	}
	return ps
}

// Factors returns scale and shift of each of c channels.
func (o *Affine) Factors(c int, params [][]float32) (scale, shift []float32) {
	one := func(each bool, v float64) []float32 {
		if each {
			t := params[0]
			params = params[1:]
			return t
		}
		t := make([]float32, c)
		for i := range t {
			t[i] = float32(v)
		}
		return t
	}
	scale = one(o.Scales, o.Scale)
	return scale, one(o.Shifts, o.Shift)
}

// Eval computes value by value.
func (o *Affine) Eval(out Tensor, in []Tensor, params [][]float32) {
	c := in[0].Shape.C
	scale, shift := o.Factors(c, params)
	for i, v := range in[0].Data {
		out.Data[i] = float32(float64(v)*float64(scale[i%c]) + float64(shift[i%c]))
	}
}

// WriteONNX writes Mul and Add, each only where it does something.
func (o *Affine) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	x := in[0]
	for _, f := range []struct {
		operator, name string
		each           bool
		number, none   float64
	}{{"Mul", "scale", o.Scales, o.Scale, 1}, {"Add", "shift", o.Shifts, o.Shift, 0}} {
		switch {
		case f.each:
			dims := []int{n.Out.C, 1, 1}
			if x.Vector {
				dims = dims[:1]
			}
			x = g.Node(f.operator, []ONNXValue{x, g.Floats(f.name, dims, params[0])})
			params = params[1:]
		case f.number != f.none:
			x = g.Node(f.operator, []ONNXValue{x, g.Floats(f.name, nil, []float32{float32(f.number)})})
		}
	}
	if x == in[0] {
		return g.Node("Identity", []ONNXValue{x})
	}
	return x
}
