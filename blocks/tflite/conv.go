package tflite

import (
	"maps"
	"math"

	"nas/blocks"
)

func init() {
	register(lowerConv)
	register(lowerLinear)
	register(lowerCondConv)
	register(lowerChannelConv)
}

// samePads returns the rows above and below that padding SAME adds; an odd number has
// one more below (TensorFlow's rule: the output has ceil(n/stride) rows).
func samePads(n, k, stride, dilation int) (before, after int) {
	out := (n + stride - 1) / stride
	total := max(0, (out-1)*stride+dilation*(k-1)+1-n)
	return total / 2, total - total/2
}

// window is a sliding window over a map.
type window struct {
	kernel, stride, dilation [2]int
	pad                      blocks.Pad
}

// isSame tells whether padding SAME reads the same rows and columns of an input of shape s,
// and gives an output of shape out.
func (w window) isSame(s, out blocks.Shape) bool {
	top, bottom := samePads(s.H, w.kernel[0], w.stride[0], w.dilation[0])
	left, right := samePads(s.W, w.kernel[1], w.stride[1], w.dilation[1])
	rows, columns := (s.H+w.stride[0]-1)/w.stride[0], (s.W+w.stride[1]-1)/w.stride[1]
	if top != w.pad.Top || left != w.pad.Left || rows != out.H || columns != out.W {
		return false
	}
	// Rows below that no window reads do not matter, and those that it reads must be padding.
	return bottom <= w.pad.Bottom && right <= w.pad.Right
}

// beyond returns how much padding the last windows of an output need below and to the right.
func (w window) beyond(s, out blocks.Shape) (bottom, right int) {
	need := func(out, k, stride, dilation, n, before int) int {
		return max(0, (out-1)*stride+dilation*(k-1)+1-n-before)
	}
	return need(out.H, w.kernel[0], w.stride[0], w.dilation[0], s.H, w.pad.Top),
		need(out.W, w.kernel[1], w.stride[1], w.dilation[1], s.W, w.pad.Left)
}

func (w window) options() Options {
	o := Options{"stride_h": float64(w.stride[0]), "stride_w": float64(w.stride[1])}
	if w.dilation != [2]int{1, 1} {
		o["dilation_h"], o["dilation_w"] = float64(w.dilation[0]), float64(w.dilation[1])
	}
	return o
}

// padded returns x with the zeros that w needs around it, and the options of the operator that slides it.
// Padding that SAME cannot say is a PAD before it.
func (g *graph) padded(w window, x value, out blocks.Shape) (value, Options) {
	o := w.options()
	if w.isSame(x.shape, out) {
		o["padding"] = Same
		return x, o
	}
	o["padding"] = Valid
	p := w.pad
	p.Bottom, p.Right = w.beyond(x.shape, out)
	if p == (blocks.Pad{}) {
		return x, o
	}
	return g.pad(x, p, 0), o
}

// pad returns x with a border of a value around it.
func (g *graph) pad(x value, p blocks.Pad, with float64) value {
	s := blocks.Shape{H: x.shape.H + p.Top + p.Bottom, W: x.shape.W + p.Left + p.Right, C: x.shape.C}
	sides := g.ints([]int{4, 2}, 0, 0, p.Top, p.Bottom, p.Left, p.Right, 0, 0)
	if with == 0 {
		return g.mapOp("PAD", []int{x.tensor, sides}, nil, s)
	}
	return g.mapOp("PADV2", []int{x.tensor, sides, g.number(with)}, nil, s)
}

// lowerConv writes CONV_2D, or DEPTHWISE_CONV_2D where each group has one input channel.
func lowerConv(g *graph, op *blocks.Conv, c call) (value, error) {
	w := window{pad: op.Pad}
	w.kernel, w.stride, w.dilation = op.Window()
	x := g.asMap(c.in[0])
	cin, groups := x.shape.C, op.G()
	x, o := g.padded(w, x, c.out)
	bias := make([]float32, op.Out)
	if op.Bias {
		bias = c.params[1]
	}
	if op.Depthwise(cin) {
		o["depth_multiplier"] = float64(op.Out / cin)
		weight := g.weight("weight", []int{1, w.kernel[0], w.kernel[1], op.Out}, c.params[0])
		in := []int{x.tensor, weight, g.weight("bias", []int{op.Out}, bias)}
		return g.mapOp("DEPTHWISE_CONV_2D", in, o, c.out), nil
	}
	each, part := cin/groups, blocks.Shape{H: c.out.H, W: c.out.W, C: op.Out / groups}
	weights := transposed(c.params[0], w.kernel[0]*w.kernel[1]*each, op.Out)
	conv := func(x value, from int) value {
		n := len(weights) / groups
		in := []int{x.tensor, g.weight("weight", []int{part.C, w.kernel[0], w.kernel[1], each}, weights[from*n:][:n]),
			g.weight("bias", []int{part.C}, bias[from*part.C:][:part.C])}
		return g.mapOp("CONV_2D", in, maps.Clone(o), part)
	}
	if groups == 1 {
		return conv(x, 0), nil
	}
	// TensorFlow Lite 2.9 has no groups.
	outs := make([]value, groups)
	for i := range outs {
		outs[i] = conv(g.channels(x, i*each, each), i)
	}
	return g.mapOp("CONCATENATION", tensorsOf(outs), Options{"axis": 3}, c.out), nil
}

// transposed returns a matrix of rows x columns as one of columns x rows.
func transposed(m []float32, rows, columns int) []float32 {
	t := make([]float32, len(m))
	for i := range rows {
		for j := range columns {
			t[j*rows+i] = m[i*columns+j]
		}
	}
	return t
}

// lowerLinear writes FULLY_CONNECTED, which reads a map in the order of H x W x C, as ours does.
func lowerLinear(g *graph, op *blocks.Linear, c call) (value, error) {
	bias := make([]float32, op.Out)
	if op.Bias {
		bias = c.params[1]
	}
	n := c.shapes[0].Elems()
	x := c.in[0]
	if !x.vector { // TensorFlow Lite Micro wants one row
		x = g.reshape(x, blocks.Shape{H: 1, W: 1, C: n}, []int{1, n})
	}
	in := []int{
		x.tensor,
		g.weight("weight", []int{op.Out, n}, transposed(c.params[0], n, op.Out)),
		g.weight("bias", []int{op.Out}, bias),
	}
	v := value{shape: c.out, vector: true}
	v.tensor = g.op("FULLY_CONNECTED", in, nil, v.dims())
	return v, nil
}

// lowerCondConv mixes the weights of the experts by FULLY_CONNECTED, and gives them to a
// convolution as its second input.
func lowerCondConv(g *graph, op *blocks.CondConv, c call) (value, error) {
	w := window{pad: op.Pad}
	w.kernel, w.stride, w.dilation = op.Window()
	x := g.asMap(c.in[0])
	cin := x.shape.C
	x, o := g.padded(w, x, c.out)
	taps, each := w.kernel[0]*w.kernel[1]*cin/op.G(), len(c.params[0])/op.Experts
	dims, name := []int{op.Out, w.kernel[0], w.kernel[1], cin / op.G()}, "CONV_2D"
	depthwise := op.G() == cin && cin > 1
	if depthwise {
		dims, name = []int{1, w.kernel[0], w.kernel[1], op.Out}, "DEPTHWISE_CONV_2D"
		o["depth_multiplier"] = float64(op.Out / cin)
	}
	experts := make([]float32, 0, len(c.params[0]))
	for e := range op.Experts {
		one := c.params[0][e*each:][:each]
		if !depthwise {
			one = transposed(one, taps, op.Out)
		}
		experts = append(experts, one...)
	}
	shares := c.in[1]
	if !shares.vector {
		shares = g.reshape(shares, shares.shape, []int{1, op.Experts})
	}
	weight := g.weight("weight", []int{each, op.Experts}, transposed(experts, op.Experts, each))
	mixed := g.op(
		"FULLY_CONNECTED",
		[]int{shares.tensor, weight, g.weight("none", []int{each}, make([]float32, each))},
		nil,
		[]int{1, each},
	)
	mixed = g.op("RESHAPE", []int{mixed, g.list(dims...)}, nil, dims)
	return g.mapOp(name, []int{x.tensor, mixed, g.weight("bias", []int{op.Out}, make([]float32, op.Out))}, o, c.out), nil
}

// lowerChannelConv writes the channels as the height of a map of one channel.
func lowerChannelConv(g *graph, op *blocks.ChannelConv, c call) (value, error) {
	s := blocks.Shape{H: c.out.C, W: 1, C: 1}
	x := g.reshape(c.in[0], s, mapDims(s))
	in := []int{
		x.tensor,
		g.weight("weight", []int{1, op.Kernel, 1, 1}, c.params[0]),
		g.weight("bias", []int{1}, []float32{0}),
	}
	x = g.mapOp("CONV_2D", in, Options{"padding": Same, "stride_h": 1, "stride_w": 1}, s)
	return g.reshape(x, c.out, mapDims(c.out)), nil
}

// lowest is the padding that never wins a maximum.
const lowest = -math.MaxFloat32
