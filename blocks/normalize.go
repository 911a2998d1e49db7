package blocks

import (
	"fmt"
	"math"
)

// Normalize normalises an activation with its own mean and variance, and then
// scales and shifts each channel:
//
//	out = (in - mean) / sqrt(variance + Epsilon) * scale[c] + shift[c]
//
// With Groups = 0 mean and variance are those of the channels of one pixel:
// layer normalisation (Ba, Kiros and Hinton, 2016). Else they are those of a
// group of channels over all pixels: group normalisation (Wu and He, ECCV 2018);
// with as many groups as channels it is instance normalisation.
type Normalize struct {
	Groups  int     `json:"groups,omitempty"`
	Epsilon float64 `json:"epsilon,omitempty"` // 0 means 1e-5
}

func init() { Register(func() Op { return new(Normalize) }) }

// Kind returns "normalize".
func (*Normalize) Kind() string { return "normalize" }

// Eps returns the epsilon in force.
func (o *Normalize) Eps() float64 {
	if o.Epsilon == 0 {
		return 1e-5
	}
	return o.Epsilon
}

// OutShape returns the input's shape; Groups must divide its channels.
func (o *Normalize) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err == nil && (o.Groups < 0 || o.Groups > 0 && s.C%o.Groups != 0) {
		return Shape{}, fmt.Errorf("groups %d must divide the %d channels", o.Groups, s.C)
	}
	if err == nil && (!(o.Epsilon >= 0) || math.IsInf(o.Epsilon, 0)) {
		return Shape{}, fmt.Errorf("epsilon is %v", o.Epsilon)
	}
	return s, err
}

// MACs returns 0: by convention only convolutions and linear layers count.
func (*Normalize) MACs([]Shape) int64 { return 0 }

// Params returns scale and shift, each [C].
func (*Normalize) Params(in []Shape) []Param {
	d := []int{in[0].C}
	return []Param{{Name: "scale", Dims: d, Init: InitOne}, {Name: "shift", Dims: d}}
}

// Eval takes the variance around the mean, in a second pass.
func (o *Normalize) Eval(out Tensor, in []Tensor, params [][]float32) {
	x := in[0]
	rows, per := x.Shape.Pixels(), x.Shape.C // sets of values: rows x groups
	over := 1                                // pixels of a set
	groups := 1
	if o.Groups > 0 {
		rows, over, groups, per = 1, x.Shape.Pixels(), o.Groups, x.Shape.C/o.Groups
	}
	for r := range rows {
		for g := range groups {
			each := func(f func(i, c int)) {
				for p := range over {
					for c := g * per; c < (g+1)*per; c++ {
						f((r*over+p)*x.Shape.C+c, c)
					}
				}
			}
			n := float64(over * per)
			var sum, squares float64
			each(func(i, _ int) { sum += float64(x.Data[i]) })
			mean := sum / n
			each(func(i, _ int) { d := float64(x.Data[i]) - mean; squares += d * d })
			scale := 1 / math.Sqrt(squares/n+o.Eps())
			each(func(i, c int) {
				out.Data[i] = float32((float64(x.Data[i])-mean)*scale*float64(params[0][c]) + float64(params[1][c]))
			})
		}
	}
}

// WriteONNX writes LayerNormalization between transposes, InstanceNormalization,
// or for groups an InstanceNormalization of the groups and the channels' factors.
func (o *Normalize) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	x, s, eps := g.AsMap(in[0]), n.In[0], ONNXAttr{"epsilon", o.Eps()}
	vector := func(name string, v []float32) ONNXValue { return g.Floats(name, []int{len(v)}, v) }
	switch {
	case o.Groups == 0:
		x = g.Node("Transpose", []ONNXValue{x}, ONNXAttr{"perm", []int{0, 2, 3, 1}})
		x = g.Node(
			"LayerNormalization",
			[]ONNXValue{x, vector("scale", params[0]), vector("shift", params[1])},
			ONNXAttr{"axis", -1},
			eps,
		)
		return g.Node("Transpose", []ONNXValue{x}, ONNXAttr{"perm", []int{0, 3, 1, 2}})
	case o.Groups == s.C:
		return g.Node("InstanceNormalization", []ONNXValue{x, vector("scale", params[0]), vector("shift", params[1])}, eps)
	}
	ones, zeros := make([]float32, o.Groups), make([]float32, o.Groups)
	for i := range ones {
		ones[i] = 1
	}
	x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, o.Groups, -1)})
	x = g.Node("InstanceNormalization", []ONNXValue{x, vector("ones", ones), vector("zeros", zeros)}, eps)
	x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, s.C, s.H, s.W)})
	x = g.Node("Mul", []ONNXValue{x, g.Floats("scale", []int{s.C, 1, 1}, params[0])})
	return g.Node("Add", []ONNXValue{x, g.Floats("shift", []int{s.C, 1, 1}, params[1])})
}
