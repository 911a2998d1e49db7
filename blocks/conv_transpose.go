package blocks

import "fmt"

// ConvTranspose is the transpose of a convolution, also called deconvolution:
// every input pixel adds its weighted kernel to the output (Zeiler et al., CVPR
// 2010). Input pixel (y, x), channel c of group g adds
//
//	in[y,x,g*Cin/G+c] * weight[i,j,g*Cin/G+c,o]
//
// to out[y*stride-pad+i*dilation, x*stride-pad+j*dilation, g*Out/G+o], where that
// pixel exists.
type ConvTranspose struct {
	Out      int    `json:"out"`                 // output channels
	Kernel   [2]int `json:"kernel"`              // vertical, horizontal
	Stride   [2]int `json:"stride,omitzero"`     // {0, 0} means {1, 1}
	Dilation [2]int `json:"dilation,omitzero"`   // {0, 0} means {1, 1}
	Pad      Pad    `json:"pad,omitzero"`        // rows and columns cut from the result
	Extra    [2]int `json:"output_pad,omitzero"` // rows below and columns to the right that are added to it
	Groups   int    `json:"groups,omitempty"`    // 0 means 1; must divide input and output channels
	Bias     bool   `json:"bias,omitempty"`
}

func init() { Register(func() Op { return new(ConvTranspose) }) }

// Kind returns "conv_transpose".
func (*ConvTranspose) Kind() string { return "conv_transpose" }

// G returns the number of groups, at least 1.
func (o *ConvTranspose) G() int { return max(o.Groups, 1) }

func (o *ConvTranspose) window() (kernel, stride, dilation [2]int) {
	return o.Kernel, orOnes(o.Stride), orOnes(o.Dilation)
}

// OutShape returns (n-1) stride - pads + dilation (K-1) + 1 + Extra for each extent n.
func (o *ConvTranspose) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	g := o.G()
	if o.Groups < 0 || o.Out < 1 || s.C%g != 0 || o.Out%g != 0 {
		return Shape{}, fmt.Errorf("groups %d must divide input channels %d and output channels %d", g, s.C, o.Out)
	}
	k, st, d := o.window()
	out := Shape{C: o.Out}
	for axis, n := range [2]int{s.H, s.W} {
		a, b := o.Pad.Top, o.Pad.Bottom
		if axis == 1 {
			a, b = o.Pad.Left, o.Pad.Right
		}
		if k[axis] < 1 || k[axis] > 1<<15 || st[axis] < 1 || st[axis] > 1<<15 || d[axis] < 1 || d[axis] > 1<<15 ||
			min(a, b, o.Extra[axis]) < 0 || max(a, b, o.Extra[axis]) > 1<<20 {
			return Shape{}, fmt.Errorf(
				"kernel size %v, stride %v, dilation %v, padding %+v, output padding %v",
				k,
				st,
				d,
				o.Pad,
				o.Extra,
			)
		}
		m := (n-1)*st[axis] - a - b + d[axis]*(k[axis]-1) + 1 + o.Extra[axis]
		if axis == 0 {
			out.H = m
		} else {
			out.W = m
		}
	}
	if float64(k[0])*float64(k[1])*float64(s.C)*float64(o.Out/g) > maxElems {
		return Shape{}, fmt.Errorf("weights %dx%dx%dx%d have more than 2^31 values", k[0], k[1], s.C, o.Out/g)
	}
	return out, out.Check()
}

// MACs returns H W Cin KH KW Out/G, over the input's extent: cut pixels count.
func (o *ConvTranspose) MACs(in []Shape) int64 {
	return int64(in[0].Elems()) * int64(o.Kernel[0]) * int64(o.Kernel[1]) * int64(o.Out/o.G())
}

// Params returns weight [KH, KW, Cin, Out/G] and, if asked for, bias [Out]. The fan-in counts
// the taps that reach one output pixel: along each axis one tap in stride.
func (o *ConvTranspose) Params(in []Shape) []Param {
	k, st, _ := o.window()
	per := o.Out / o.G()
	taps := ((k[0] + st[0] - 1) / st[0]) * ((k[1] + st[1] - 1) / st[1])
	w := Param{Name: "weight", Dims: []int{k[0], k[1], in[0].C, per}, Init: InitHe, FanIn: taps * in[0].C / o.G()}
	if !o.Bias {
		return []Param{w}
	}
	return []Param{w, {Name: "bias", Dims: []int{o.Out}}}
}

// Eval adds kernel by kernel.
func (o *ConvTranspose) Eval(out Tensor, in []Tensor, params [][]float32) {
	x, g := in[0], o.G()
	k, st, d := o.window()
	cg, og := x.Shape.C/g, o.Out/g
	acc := make([]float64, len(out.Data))
	if o.Bias {
		for i := range acc {
			acc[i] = float64(params[1][i%o.Out])
		}
	}
	for y := range x.Shape.H {
		for px := range x.Shape.W {
			src := x.Data[(y*x.Shape.W+px)*x.Shape.C:][:x.Shape.C]
			for i := range k[0] {
				for j := range k[1] {
					oy, ox := y*st[0]-o.Pad.Top+i*d[0], px*st[1]-o.Pad.Left+j*d[1]
					if oy < 0 || oy >= out.Shape.H || ox < 0 || ox >= out.Shape.W {
						continue
					}
					dst := acc[(oy*out.Shape.W+ox)*o.Out:][:o.Out]
					for c, v := range src {
						w := params[0][((i*k[1]+j)*x.Shape.C+c)*og:][:og]
						for n, b := range w {
							dst[c/cg*og+n] += float64(v) * float64(b)
						}
					}
				}
			}
		}
	}
	for i, v := range acc {
		out.Data[i] = float32(v)
	}
}

// WriteONNX writes ConvTranspose with weights [Cin, Out/G, KH, KW].
func (o *ConvTranspose) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	k, st, d := o.window()
	cin, per := n.In[0].C, o.Out/o.G()
	w := make([]float32, len(params[0]))
	for t := range k[0] * k[1] {
		for c := range cin {
			for m, v := range params[0][(t*cin+c)*per:][:per] {
				w[(c*per+m)*k[0]*k[1]+t] = v
			}
		}
	}
	args := []ONNXValue{g.AsMap(in[0]), g.Floats("weight", []int{cin, per, k[0], k[1]}, w)}
	if o.Bias {
		args = append(args, g.Floats("bias", []int{o.Out}, params[1]))
	}
	return g.Node(
		"ConvTranspose",
		args,
		ONNXAttr{"dilations", d[:]},
		ONNXAttr{"group", o.G()},
		ONNXAttr{"kernel_shape", k[:]},
		ONNXAttr{"output_padding", o.Extra[:]},
		onnxPads(o.Pad),
		ONNXAttr{"strides", st[:]},
	)
}
