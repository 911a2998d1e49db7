package blocks

import "fmt"

// CondConv is a convolution whose weights are mixed for each image from those
// of Experts convolutions (Yang et al., CondConv, NeurIPS 2019, equation 1; the
// dynamic convolution of Chen et al., CVPR 2020, differs in how the shares are
// made):
//
//	weight = sum over e of share[e] * weights[e]
//
// Input 0 is the map, input 1 the shares, 1 x 1 x Experts. No bias.
type CondConv struct {
	Experts  int    `json:"experts"`
	Out      int    `json:"out"`
	Kernel   [2]int `json:"kernel"`
	Stride   [2]int `json:"stride,omitzero"`   // {0, 0} means {1, 1}
	Dilation [2]int `json:"dilation,omitzero"` // {0, 0} means {1, 1}
	Pad      Pad    `json:"pad,omitzero"`
	Groups   int    `json:"groups,omitempty"` // 0 means 1
}

func init() { Register(func() Op { return new(CondConv) }) }

// Kind returns "cond_conv".
func (*CondConv) Kind() string { return "cond_conv" }

// conv is the convolution that the mixed weights are for.
func (o *CondConv) conv() *Conv {
	return &Conv{Out: o.Out, Kernel: o.Kernel, Stride: o.Stride, Dilation: o.Dilation, Pad: o.Pad, Groups: o.Groups}
}

// G returns the number of groups, at least 1.
func (o *CondConv) G() int { return max(o.Groups, 1) }

// Window returns kernel size, stride and dilation with the zero values resolved.
func (o *CondConv) Window() (kernel, stride, dilation [2]int) { return o.conv().Window() }

// OutShape is that of the convolution.
func (o *CondConv) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 2); err != nil {
		return Shape{}, err
	}
	if o.Experts < 1 || in[1] != (Shape{1, 1, o.Experts}) {
		return Shape{}, fmt.Errorf("shares are %v, want 1x1x%d, one for each of at least one expert", in[1], o.Experts)
	}
	out, err := o.conv().OutShape(in[:1])
	if err == nil && float64(o.Experts)*float64(o.conv().fanIn(in))*float64(o.Out) > maxElems {
		return Shape{}, fmt.Errorf("weights of %d experts have more than 2^31 values", o.Experts)
	}
	return out, err
}

// MACs returns those of mixing, Experts x weights, and of one convolution.
func (o *CondConv) MACs(in []Shape) int64 {
	return int64(o.Experts)*o.conv().fanIn(in)*int64(o.Out) + o.conv().MACs(in)
}

// Params returns weight [Experts, KH, KW, Cin/G, Cout].
func (o *CondConv) Params(in []Shape) []Param {
	p := o.conv().Params(in[:1])[0]
	p.Dims = append([]int{o.Experts}, p.Dims...)
	return []Param{p}
}

// Eval mixes the weights in float64, rounds them, and convolves.
func (o *CondConv) Eval(out Tensor, in []Tensor, params [][]float32) {
	n := len(params[0]) / o.Experts
	mixed := make([]float32, n)
	for i := range mixed {
		var sum float64
		for e, share := range in[1].Data {
			sum += float64(share) * float64(params[0][e*n+i])
		}
		mixed[i] = float32(sum)
	}
	o.conv().Eval(out, in[:1], [][]float32{mixed})
}

// WriteONNX writes MatMul of shares and weights, Reshape, and Conv; for more than
// one image, the images become groups of one convolution. Where their number is
// open, all experts convolve and the shares weight what they return.
func (o *CondConv) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	x, shares := g.AsMap(in[0]), in[1]
	if g.Batch() != 1 {
		x, shares = g.Images(x), g.Images(shares)
	}
	if !shares.Vector {
		shares = g.Node("Flatten", []ONNXValue{shares}, ONNXAttr{"axis", 1})
	}
	if g.Batch() == 0 {
		return o.writeExperts(g, n, x, shares, params[0])
	}
	k, _, _ := o.Window()
	cin, b := n.In[0].C/o.G(), g.Batch()
	each, taps := len(params[0])/o.Experts, k[0]*k[1]
	w := make([]float32, len(params[0]))
	for e := range o.Experts {
		for t := range taps {
			for c := range cin {
				for m, v := range params[0][e*each+(t*cin+c)*o.Out:][:o.Out] {
					w[e*each+(m*cin+c)*taps+t] = v
				}
			}
		}
	}
	mixed := g.Node("MatMul", []ONNXValue{shares, g.Floats("weight", []int{o.Experts, each}, w)})
	mixed = g.Node("Reshape", []ONNXValue{mixed, g.Ints("shape", b*o.Out, cin, k[0], k[1])})
	if b > 1 {
		x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 1, b*n.In[0].C, n.In[0].H, n.In[0].W)})
	}
	x = g.Node("Conv", []ONNXValue{x, mixed}, o.onnxAttrs(b*o.G())...)
	if b > 1 {
		x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", b, o.Out, n.Out.H, n.Out.W)})
	}
	return x
}

// writeExperts writes the convolutions of all experts, and their mean by shares.
func (o *CondConv) writeExperts(g ONNXGraph, n ONNXNode, x, shares ONNXValue, params []float32) ONNXValue {
	k, _, _ := o.Window()
	cin, per := n.In[0].C/o.G(), o.Out/o.G()
	each, taps := len(params)/o.Experts, k[0]*k[1]
	w := make([]float32, len(params)) // by group, expert and output
	for e := range o.Experts {
		for t := range taps {
			for c := range cin {
				for m, v := range params[e*each+(t*cin+c)*o.Out:][:o.Out] {
					to := (m/per*o.Experts+e)*per + m%per
					w[(to*cin+c)*taps+t] = v
				}
			}
		}
	}
	all := g.Floats("weight", []int{o.Experts * o.Out, cin, k[0], k[1]}, w)
	x = g.Node("Conv", []ONNXValue{x, all}, o.onnxAttrs(o.G())...)
	x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, o.G(), o.Experts, per, n.Out.Pixels())})
	s := g.Node("Reshape", []ONNXValue{shares, g.Ints("shape", 0, 1, o.Experts, 1, 1)})
	x = g.Node("ReduceSum", []ONNXValue{g.Node("Mul", []ONNXValue{x, s})},
		ONNXAttr{"axes", []int{2}}, ONNXAttr{"keepdims", 0})
	return g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, o.Out, n.Out.H, n.Out.W)})
}

// onnxAttrs are the attributes of Conv.
func (o *CondConv) onnxAttrs(groups int) []ONNXAttr {
	k, s, d := o.Window()
	return []ONNXAttr{{"dilations", d[:]}, {"group", groups}, {"kernel_shape", k[:]}, onnxPads(o.Pad), {"strides", s[:]}}
}
