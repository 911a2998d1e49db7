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

// Convolution is the convolution that the mixed weights are for.
func (o *CondConv) Convolution() *Conv {
	return &Conv{Out: o.Out, Kernel: o.Kernel, Stride: o.Stride, Dilation: o.Dilation, Pad: o.Pad, Groups: o.Groups}
}

// G returns the number of groups, at least 1.
func (o *CondConv) G() int { return max(o.Groups, 1) }

// Window returns kernel size, stride and dilation with the zero values resolved.
func (o *CondConv) Window() (kernel, stride, dilation [2]int) { return o.Convolution().Window() }

// OutShape is that of the convolution.
func (o *CondConv) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 2); err != nil {
		return Shape{}, err
	}
	if o.Experts < 1 || in[1] != (Shape{1, 1, o.Experts}) {
		return Shape{}, fmt.Errorf("shares are %v, want 1x1x%d, one for each of at least one expert", in[1], o.Experts)
	}
	out, err := o.Convolution().OutShape(in[:1])
	if err == nil && float64(o.Experts)*float64(o.Convolution().fanIn(in))*float64(o.Out) > maxElems {
		return Shape{}, fmt.Errorf("weights of %d experts have more than 2^31 values", o.Experts)
	}
	return out, err
}

// MACs returns those of mixing, Experts x weights, and of one convolution.
func (o *CondConv) MACs(in []Shape) int64 {
	return int64(o.Experts)*o.Convolution().fanIn(in)*int64(o.Out) + o.Convolution().MACs(in)
}

// Params returns weight [Experts, KH, KW, Cin/G, Cout].
func (o *CondConv) Params(in []Shape) []Param {
	p := o.Convolution().Params(in[:1])[0]
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
	o.Convolution().Eval(out, in[:1], [][]float32{mixed})
}

// WriteONNX writes MatMul of shares and weights, Reshape, and Conv. A Conv has one set of
// weights, so for more than one image all experts convolve, and the shares weight what they return.
func (o *CondConv) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	x, shares := g.AsMap(in[0]), in[1]
	if !shares.Vector {
		shares = g.Node("Flatten", []ONNXValue{shares}, ONNXAttr{"axis", 1})
	}
	k, s, d := o.Window()
	cin, per, groups := n.In[0].C/o.G(), o.Out/o.G(), o.G()
	attrs := []ONNXAttr{{"dilations", d[:]}, {"group", groups}, {"kernel_shape", k[:]}, onnxPads(o.Pad), {"strides", s[:]}}
	if g.Batch() == 1 {
		w := o.outputsFirst(params[0], cin, func(e, m int) int { return e*o.Out + m })
		w2 := g.Floats("weight", []int{o.Experts, len(w) / o.Experts}, w)
		mixed := g.Node("MatMul", []ONNXValue{shares, w2})
		mixed = g.Node("Reshape", []ONNXValue{mixed, g.Ints("shape", o.Out, cin, k[0], k[1])})
		return g.Node("Conv", []ONNXValue{x, mixed}, attrs...)
	}
	w := o.outputsFirst(params[0], cin, func(e, m int) int { return (m/per*o.Experts+e)*per + m%per })
	all := g.Floats("weight", []int{o.Experts * o.Out, cin, k[0], k[1]}, w)
	x = g.Node("Conv", []ONNXValue{x, all}, attrs...)
	x = g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, groups, o.Experts, per, n.Out.Pixels())})
	shares = g.Node("Reshape", []ONNXValue{shares, g.Ints("shape", 0, 1, o.Experts, 1, 1)})
	x = g.Node("ReduceSum", []ONNXValue{g.Node("Mul", []ONNXValue{x, shares})},
		ONNXAttr{"axes", []int{2}}, ONNXAttr{"keepdims", 0})
	return g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, o.Out, n.Out.H, n.Out.W)})
}

// outputsFirst turns weights [expert, KH, KW, cin, Out] into [output, cin, KH, KW], where at
// gives the index of an expert's output.
func (o *CondConv) outputsFirst(params []float32, cin int, at func(expert, out int) int) []float32 {
	each := len(params) / o.Experts
	taps := each / (cin * o.Out)
	w := make([]float32, len(params))
	for e := range o.Experts {
		for t := range taps {
			for c := range cin {
				for m, v := range params[e*each+(t*cin+c)*o.Out:][:o.Out] {
					w[(at(e, m)*cin+c)*taps+t] = v
				}
			}
		}
	}
	return w
}
