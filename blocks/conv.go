package blocks

import (
	"fmt"
	"math"
)

// Pad is the number of zero rows and columns around the input of a sliding
// window, each side on its own.
type Pad struct {
	Top    int `json:"top,omitempty"`
	Left   int `json:"left,omitempty"`
	Bottom int `json:"bottom,omitempty"`
	Right  int `json:"right,omitempty"`
}

// PadAll returns n on each side.
func PadAll(n int) Pad { return Pad{n, n, n, n} }

// PadSame returns the padding, d*(k-1) in each direction, that keeps the extent of the map at
// stride 1. Of an odd padding (even kernel sizes) the bottom and the right have one more than
// the top and the left.
func PadSame(kh, kw, dilation int) Pad {
	v, h := dilation*(kh-1), dilation*(kw-1)
	return Pad{Top: v / 2, Left: h / 2, Bottom: v - v/2, Right: h - h/2}
}

// Conv is a two-dimensional convolution. Standard, grouped, depthwise and
// pointwise convolutions are this one op with different numbers: Groups == Cin
// is depthwise (Out = multiplier x Cin), Kernel == {1, 1} is pointwise.
//
// Output pixel (y, x), channel o of group g:
//
//	out[y,x,o] = bias[o] + sum over i, j, c of
//	    in[y*stride-pad+i*dilation, x*stride-pad+j*dilation, g*Cin/G+c] * weight[i,j,c,o]
//
// Taps outside the input are zero.
type Conv struct {
	Out      int    `json:"out"`               // output channels
	Kernel   [2]int `json:"kernel"`            // vertical, horizontal
	Stride   [2]int `json:"stride,omitzero"`   // {0, 0} means {1, 1}
	Dilation [2]int `json:"dilation,omitzero"` // {0, 0} means {1, 1}
	Pad      Pad    `json:"pad,omitzero"`      //
	Groups   int    `json:"groups,omitempty"`  // 0 means 1; must divide input and output channels
	Bias     bool   `json:"bias,omitempty"`    //
}

func init() { Register(func() Op { return new(Conv) }) }

// Kind returns "conv".
func (*Conv) Kind() string { return "conv" }

// G returns the number of groups, at least 1.
func (o *Conv) G() int { return max(o.Groups, 1) }

// Window returns kernel size, stride and dilation with the zero values resolved.
func (o *Conv) Window() (kernel, stride, dilation [2]int) {
	return o.Kernel, orOnes(o.Stride), orOnes(o.Dilation)
}

func orOnes(v [2]int) [2]int {
	for i := range v {
		if v[i] == 0 {
			v[i] = 1
		}
	}
	return v
}

// Depthwise reports whether each group has one input channel, given the number
// of input channels.
func (o *Conv) Depthwise(cin int) bool { return o.G() == cin && cin > 1 }

// Pointwise reports whether the kernel is 1 x 1.
func (o *Conv) Pointwise() bool { return o.Kernel == [2]int{1, 1} }

// slide returns the output extent of a window over n values with padding a and
// b: floor, or ceil when ceil is set and the last window still starts inside
// the input or its leading padding (the rule of PyTorch and ONNX).
func slide(n, k, stride, dilation, a, b int, ceil bool) (int, error) {
	switch {
	case k < 1 || stride < 1 || dilation < 1:
		return 0, fmt.Errorf("kernel size %d, stride %d and dilation %d must all be at least 1", k, stride, dilation)
	case a < 0 || b < 0:
		return 0, fmt.Errorf("padding %d, %d is negative", a, b)
	case k > 1<<15 || stride > 1<<15 || dilation > 1<<15 || a > 1<<20 || b > 1<<20:
		return 0, fmt.Errorf("kernel size %d, stride %d, dilation %d or padding %d, %d is unreasonably large",
			k, stride, dilation, a, b)
	}
	span := dilation*(k-1) + 1
	if span > n+a+b {
		return 0, fmt.Errorf("a window of %d does not fit into %d padded values", span, n+a+b)
	}
	rest := n + a + b - span
	out := rest/stride + 1
	if ceil && rest%stride != 0 && out*stride < n+a {
		out++
	}
	return out, nil
}

// window2 applies slide to both axes.
func window2(in Shape, kernel, stride, dilation [2]int, p Pad, ceil bool) (h, w int, err error) {
	if h, err = slide(in.H, kernel[0], stride[0], dilation[0], p.Top, p.Bottom, ceil); err != nil {
		return 0, 0, fmt.Errorf("height: %w", err)
	}
	if w, err = slide(in.W, kernel[1], stride[1], dilation[1], p.Left, p.Right, ceil); err != nil {
		return 0, 0, fmt.Errorf("width: %w", err)
	}
	return h, w, nil
}

// OutShape applies the usual window rule, rounding down.
func (o *Conv) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	g := o.G()
	if o.Groups < 0 || o.Out < 1 {
		return Shape{}, fmt.Errorf("output channels %d and groups %d must be positive", o.Out, o.Groups)
	}
	if in[0].C%g != 0 || o.Out%g != 0 {
		return Shape{}, fmt.Errorf("groups %d must divide input channels %d and output channels %d", g, in[0].C, o.Out)
	}
	k, s, d := o.Window()
	h, w, err := window2(in[0], k, s, d, o.Pad, false)
	if err != nil {
		return Shape{}, err
	}
	if float64(k[0])*float64(k[1])*float64(in[0].C/g)*float64(o.Out) > maxElems {
		return Shape{}, fmt.Errorf("weights %dx%dx%dx%d have more than 2^31 values", k[0], k[1], in[0].C/g, o.Out)
	}
	out := Shape{h, w, o.Out}
	return out, out.Check()
}

// MACs returns H' W' Cout KH KW Cin/G.
func (o *Conv) MACs(in []Shape) int64 {
	k, s, d := o.Window()
	h, w, _ := window2(in[0], k, s, d, o.Pad, false)
	return int64(h) * int64(w) * int64(o.Out) * o.fanIn(in)
}

func (o *Conv) fanIn(in []Shape) int64 {
	return int64(o.Kernel[0]) * int64(o.Kernel[1]) * int64(in[0].C/o.G())
}

// Params returns weight [KH, KW, Cin/G, Cout] and, if asked for, bias [Cout].
func (o *Conv) Params(in []Shape) []Param {
	w := Param{Name: "weight", Dims: []int{o.Kernel[0], o.Kernel[1], in[0].C / o.G(), o.Out},
		Init: InitHe, FanIn: int(o.fanIn(in))}
	if !o.Bias {
		return []Param{w}
	}
	return []Param{w, {Name: "bias", Dims: []int{o.Out}}}
}

// Eval computes the sum of the type's comment, tap by tap.
func (o *Conv) Eval(out Tensor, in []Tensor, params [][]float32) {
	x, weight := in[0], params[0]
	k, s, d := o.Window()
	g := o.G()
	cg, og := x.Shape.C/g, o.Out/g
	acc := make([]float64, o.Out)
	for y := range out.Shape.H {
		for px := range out.Shape.W {
			clear(acc)
			if o.Bias {
				for c, b := range params[1] {
					acc[c] = float64(b)
				}
			}
			for i := range k[0] {
				iy := y*s[0] - o.Pad.Top + i*d[0]
				if iy < 0 || iy >= x.Shape.H {
					continue
				}
				for j := range k[1] {
					ix := px*s[1] - o.Pad.Left + j*d[1]
					if ix < 0 || ix >= x.Shape.W {
						continue
					}
					src := x.Data[(iy*x.Shape.W+ix)*x.Shape.C:][:x.Shape.C]
					for q := range g {
						for c := range cg {
							v := float64(src[q*cg+c])
							row := weight[((i*k[1]+j)*cg+c)*o.Out+q*og:][:og]
							for n, w := range row {
								acc[q*og+n] += v * float64(w)
							}
						}
					}
				}
			}
			dst := out.Data[(y*out.Shape.W+px)*o.Out:][:o.Out]
			for c, v := range acc {
				dst[c] = float32(v)
			}
		}
	}
}

// MakeDivisible rounds channels to the nearest multiple of divisor (halves up,
// at least one divisor) and goes one multiple higher when rounding would lose
// more than 10 %. It is the rule of MobileNetV2's reference code (Sandler et
// al., CVPR 2018), used wherever a width multiplier is applied.
func MakeDivisible(channels float64, divisor int) int {
	d := float64(divisor)
	n := max(d, math.Floor(channels/d+0.5)*d)
	if n < 0.9*channels {
		n += d
	}
	return int(n)
}

// WriteONNX writes Conv with weights [Cout, Cin/G, KH, KW].
func (o *Conv) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	k, s, d := o.Window()
	cin := n.In[0].C / o.G()
	w := make([]float32, len(params[0]))
	for t := range k[0] * k[1] {
		for c := range cin {
			for m, v := range params[0][(t*cin+c)*o.Out:][:o.Out] {
				w[(m*cin+c)*k[0]*k[1]+t] = v
			}
		}
	}
	args := []ONNXValue{g.AsMap(in[0]), g.Floats("weight", []int{o.Out, cin, k[0], k[1]}, w)}
	if o.Bias {
		args = append(args, g.Floats("bias", []int{o.Out}, params[1]))
	}
	return g.Node("Conv", args, ONNXAttr{"dilations", d[:]}, ONNXAttr{"group", o.G()}, ONNXAttr{"kernel_shape", k[:]},
		onnxPads(o.Pad), ONNXAttr{"strides", s[:]})
}
