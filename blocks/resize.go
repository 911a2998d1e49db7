package blocks

import (
	"fmt"
	"math"
)

// ResizeMode says how a resized map is interpolated.
type ResizeMode int

const (
	Bilinear ResizeMode = iota // linear in both directions
	Nearest                    // the value of one pixel
)

var resizeNames = []string{Bilinear: "bilinear", Nearest: "nearest"}

// String returns "bilinear" or "nearest".
func (m ResizeMode) String() string { return resizeNames[m] }

// MarshalText writes the name.
func (m ResizeMode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads a name.
func (m *ResizeMode) UnmarshalText(text []byte) error {
	for i, n := range resizeNames {
		if n == string(text) {
			*m = ResizeMode(i)
			return nil
		}
	}
	return fmt.Errorf("unknown resize mode %q, want bilinear or nearest", text)
}

// Resize interpolates a map to H x W. Output position i of n reads input
// position (i+0.5)*m/n-0.5, or with AlignCorners i*(m-1)/(n-1), clamped to the
// input; nearest takes floor(i*m/n). These are the rules of ONNX Resize with
// half_pixel (align_corners) for linear, and asymmetric with floor for nearest.
type Resize struct {
	H            int        `json:"h"`
	W            int        `json:"w"`
	Mode         ResizeMode `json:"mode"`
	AlignCorners bool       `json:"align_corners,omitempty"` // bilinear only
}

func init() { Register(func() Op { return new(Resize) }) }

// Kind returns "resize".
func (*Resize) Kind() string { return "resize" }

// OutShape returns H x W x C.
func (o *Resize) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	if o.Mode != Bilinear && o.Mode != Nearest {
		return Shape{}, fmt.Errorf("no resize mode has number %d", int(o.Mode))
	}
	out := Shape{o.H, o.W, in[0].C}
	return out, out.Check()
}

// MACs returns 0.
func (*Resize) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Resize) Params([]Shape) []Param { return nil }

// Taps returns, for output position i of n over an input extent of m, the two
// input positions that are mixed and the share of the second.
func (o *Resize) Taps(i, n, m int) (lo, hi int, share float64) {
	if o.Mode == Nearest {
		lo = min(i*m/n, m-1)
		return lo, lo, 0
	}
	p := 0.0
	switch {
	case !o.AlignCorners:
		p = (float64(i)+0.5)*float64(m)/float64(n) - 0.5
	case n > 1:
		p = float64(i) * float64(m-1) / float64(n-1)
	}
	p = min(max(p, 0), float64(m-1))
	lo = int(math.Floor(p))
	return lo, min(lo+1, m-1), p - float64(lo)
}

// Eval interpolates value by value.
func (o *Resize) Eval(out Tensor, in []Tensor, _ [][]float32) {
	x := in[0]
	for y := range o.H {
		y0, y1, fy := o.Taps(y, o.H, x.Shape.H)
		for px := range o.W {
			x0, x1, fx := o.Taps(px, o.W, x.Shape.W)
			for c := range x.Shape.C {
				top := float64(x.At(y0, x0, c))*(1-fx) + float64(x.At(y0, x1, c))*fx
				bot := float64(x.At(y1, x0, c))*(1-fx) + float64(x.At(y1, x1, c))*fx
				out.Data[(y*o.W+px)*x.Shape.C+c] = float32(top*(1-fy) + bot*fy)
			}
		}
	}
}

// WriteONNX writes Resize, see resized.
func (o *Resize) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	attrs := []ONNXAttr{{"coordinate_transformation_mode", "half_pixel"}, {"mode", "linear"}}
	if o.AlignCorners {
		attrs[0].Value = "align_corners"
	}
	if o.Mode == Nearest {
		attrs = []ONNXAttr{{"coordinate_transformation_mode", "asymmetric"}, {"mode", "nearest"}, {"nearest_mode", "floor"}}
	}
	return resized(g, in[0], n.In[0], n.Out, o.Mode == Nearest, attrs...)
}
