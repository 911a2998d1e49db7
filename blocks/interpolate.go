package blocks

import (
	"fmt"
	"math"
)

// Interpolate resizes a map by any rule of ONNX's Resize operator, of which
// [Resize] has those with kernels of their own.
type Interpolate struct {
	H int `json:"h"`
	W int `json:"w"`
	// Mode is nearest, linear or cubic.
	Mode string `json:"mode"`
	// Coordinates says which input position an output position i of n reads over
	// m input positions: half_pixel (i+0.5)/s-0.5, pytorch_half_pixel the same
	// but 0 for n = 1, align_corners i(m-1)/(n-1), asymmetric i/s,
	// half_pixel_symmetric as half_pixel around the centre of s*m positions.
	Coordinates string `json:"coordinates"`
	// Rounding of nearest: round_prefer_floor, round_prefer_ceil, floor, ceil.
	Rounding string `json:"rounding,omitempty"`
	// Scale is s for height and width; 0 means output over input extent.
	Scale [2]float64 `json:"scale,omitzero"`
	// Cubic is the coefficient a of cubic interpolation (Keys, 1981, equation 4);
	// Exclude drops taps outside the input instead of repeating the border.
	Cubic   float64 `json:"cubic,omitempty"`
	Exclude bool    `json:"exclude_outside,omitempty"`
	// Antialias widens the taps of linear and cubic by 1/s where s < 1. The work of
	// a tap outside the input, which repeats the border, is bounded by Scale.
	Antialias bool `json:"antialias,omitempty"`
}

func init() { Register(func() Op { return new(Interpolate) }) }

// Kind returns "interpolate".
func (*Interpolate) Kind() string { return "interpolate" }

var roundings = map[string]func(float64) float64{
	"round_prefer_floor": func(x float64) float64 { return math.Ceil(x - 0.5) },
	"round_prefer_ceil":  func(x float64) float64 { return math.Floor(x + 0.5) },
	"floor":              math.Floor,
	"ceil":               math.Ceil,
}

// position is the input position that output position i reads.
func (o *Interpolate) position(i, n, m int, s float64) float64 {
	x := float64(i)
	switch o.Coordinates {
	case "half_pixel":
		return (x+0.5)/s - 0.5
	case "pytorch_half_pixel":
		if n == 1 {
			return 0
		}
		return (x+0.5)/s - 0.5
	case "align_corners":
		if n == 1 {
			return 0
		}
		return x * float64(m-1) / float64(n-1)
	case "half_pixel_symmetric":
		exact := s * float64(m)
		return float64(m)/2*(1-float64(n)/exact) + (x+0.5)/s - 0.5
	}
	return x / s
}

// Ambiguous tells whether nearest over an extent m takes another pixel when it is
// computed in float32, as runtimes do, each in its own order of operations.
func (o *Interpolate) Ambiguous(axis, m int) bool {
	n, s := []int{o.H, o.W}[axis], o.Scale[axis]
	round, known := roundings[o.Rounding]
	if o.Mode != "nearest" || !known { // OutShape refuses an unknown rounding
		return false
	}
	if s == 0 {
		s = float64(n) / float64(m)
	}
	inside := func(p float64) float64 { return min(max(round(p), 0), float64(m-1)) }
	for i := range n {
		if inside(o.position(i, n, m, s)) != inside(o.position32(i, n, m, s)) {
			return true
		}
	}
	return false
}

// position32 is position in float32.
func (o *Interpolate) position32(i, n, m int, s float64) float64 {
	switch o.Coordinates {
	case "half_pixel", "pytorch_half_pixel":
		if n == 1 && o.Coordinates == "pytorch_half_pixel" {
			return 0
		}
		return float64((float32(i)+0.5)/float32(s) - 0.5)
	case "align_corners":
		if n == 1 {
			return 0
		}
		return float64(float32(i) * float32(m-1) / float32(n-1))
	case "asymmetric":
		return float64(float32(i) / float32(s))
	}
	return o.position(i, n, m, s)
}

// OutShape returns H x W x C.
func (o *Interpolate) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	switch o.Coordinates {
	case "half_pixel", "pytorch_half_pixel", "align_corners", "half_pixel_symmetric", "asymmetric":
	default:
		return Shape{}, fmt.Errorf("no coordinates are called %q", o.Coordinates)
	}
	if _, ok := roundings[o.Rounding]; o.Mode == "nearest" && !ok {
		return Shape{}, fmt.Errorf("no rounding is called %q", o.Rounding)
	}
	if o.Mode != "nearest" && o.Mode != "linear" && o.Mode != "cubic" {
		return Shape{}, fmt.Errorf("no mode is called %q, want nearest, linear or cubic", o.Mode)
	}
	for _, v := range []float64{o.Scale[0], o.Scale[1]} {
		if !(v >= 0) || v > 1<<20 || v > 0 && v < 1./(1<<20) {
			return Shape{}, fmt.Errorf("scale %v", o.Scale)
		}
	}
	if math.IsNaN(o.Cubic) || math.IsInf(o.Cubic, 0) {
		return Shape{}, fmt.Errorf("cubic coefficient %v", o.Cubic)
	}
	out := Shape{o.H, o.W, s.C}
	return out, out.Check()
}

// MACs returns 0.
func (*Interpolate) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Interpolate) Params([]Shape) []Param { return nil }

// Tap is an input position along an extent, and its weight.
type Tap struct {
	At     int
	Weight float64
}

// keys is the cubic convolution kernel.
func keys(x, a float64) float64 {
	x = math.Abs(x)
	switch {
	case x <= 1:
		return ((a+2)*x-(a+3))*x*x + 1
	case x < 2:
		return ((a*x-5*a)*x+8*a)*x - 4*a
	}
	return 0
}

// taps lists what output position i of n takes from m input positions.
func (o *Interpolate) taps(i, n, m int, s float64) []Tap {
	if s == 0 {
		s = float64(n) / float64(m)
	}
	p := o.position(i, n, m, s)
	if o.Mode == "nearest" {
		return []Tap{{int(min(max(roundings[o.Rounding](p), 0), float64(m-1))), 1}}
	}
	reach, kernel := 1.0, func(x float64) float64 { return max(0, 1-math.Abs(x)) }
	if o.Mode == "cubic" {
		reach, kernel = 2, func(x float64) float64 { return keys(x, o.Cubic) }
	} else if !o.Antialias {
		p = min(max(p, 0), float64(m-1))
	}
	shrink := 1.0
	if o.Antialias {
		shrink = min(1, s)
	}
	weights := map[int]float64{}
	var order []int
	var sum float64
	for k := math.Floor(p-reach/shrink) + 1; k < p+reach/shrink; k++ {
		at := int(min(max(k, 0), float64(m-1)))
		w := kernel((k - p) * shrink)
		if w == 0 || o.Exclude && float64(at) != k {
			continue
		}
		if _, ok := weights[at]; !ok {
			order = append(order, at)
		}
		weights[at] += w
		sum += w
	}
	ts := make([]Tap, len(order))
	for i, at := range order {
		ts[i] = Tap{at, weights[at]}
		if o.Exclude || o.Antialias {
			ts[i].Weight /= sum
		}
	}
	return ts
}

// Taps lists what each row (axis 0) or column (axis 1) of the output takes from an input of
// m rows or columns.
func (o *Interpolate) Taps(axis, m int) [][]Tap {
	n := []int{o.H, o.W}[axis]
	lists := make([][]Tap, n)
	for i := range lists {
		lists[i] = o.taps(i, n, m, o.Scale[axis])
	}
	return lists
}

// Eval mixes the taps of both directions.
func (o *Interpolate) Eval(out Tensor, in []Tensor, _ [][]float32) {
	x := in[0]
	rows, cols := o.Taps(0, x.Shape.H), o.Taps(1, x.Shape.W)
	acc := make([]float64, x.Shape.C)
	for y := range o.H {
		for px := range o.W {
			clear(acc)
			for _, r := range rows[y] {
				for _, c := range cols[px] {
					w := r.Weight * c.Weight
					for k, v := range x.Data[(r.At*x.Shape.W+c.At)*x.Shape.C:][:x.Shape.C] {
						acc[k] += w * float64(v)
					}
				}
			}
			for k, v := range acc {
				out.Data[(y*o.W+px)*x.Shape.C+k] = float32(v)
			}
		}
	}
}

// WriteONNX writes Resize with scales where they are given or say the same, else with sizes.
// Antialiasing needs opset 18.
func (o *Interpolate) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	attrs := []ONNXAttr{{"coordinate_transformation_mode", o.Coordinates}, {"mode", o.Mode}}
	if o.Mode == "nearest" {
		attrs = append(attrs, ONNXAttr{"nearest_mode", o.Rounding})
	}
	if o.Mode == "cubic" {
		attrs = append(attrs, ONNXAttr{"cubic_coeff_a", o.Cubic})
	}
	if o.Exclude {
		attrs = append(attrs, ONNXAttr{"exclude_outside", 1})
	}
	if o.Antialias {
		attrs = append(attrs, ONNXAttr{"antialias", 1})
	}
	if o.Scale == [2]float64{} {
		return resized(g, in[0], n.In[0], n.Out, o.Mode == "nearest", attrs...)
	}
	scales := g.Floats("scales", []int{4}, []float32{1, 1, float32(o.Scale[0]), float32(o.Scale[1])})
	return g.Node("Resize", []ONNXValue{g.AsMap(in[0]), {}, scales}, attrs...)
}
