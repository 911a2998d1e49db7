package blocks

import "fmt"

// ChannelConv slides one kernel of Kernel weights along the channels of a
// vector, zeros beyond both ends, no bias (Wang et al., ECA-Net, CVPR 2020,
// equation 7):
//
//	out[c] = sum over i of in[c + i - (Kernel-1)/2] * weight[i]
type ChannelConv struct {
	Kernel int `json:"kernel"` // odd
}

func init() { Register(func() Op { return new(ChannelConv) }) }

// Kind returns "channel_conv".
func (*ChannelConv) Kind() string { return "channel_conv" }

// OutShape returns the input's shape, which must be a vector.
func (o *ChannelConv) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	if o.Kernel < 1 || o.Kernel%2 == 0 || o.Kernel > 1<<15 || !s.IsVector() {
		return Shape{}, fmt.Errorf("kernel size %d must be odd and the input %v a vector", o.Kernel, s)
	}
	return s, nil
}

// MACs returns C x Kernel.
func (o *ChannelConv) MACs(in []Shape) int64 { return int64(in[0].C) * int64(o.Kernel) }

// Params returns weight [Kernel].
func (o *ChannelConv) Params([]Shape) []Param {
	return []Param{{Name: "weight", Dims: []int{o.Kernel}, Init: InitHe, FanIn: o.Kernel}}
}

// Eval computes the sum of the type's comment.
func (o *ChannelConv) Eval(out Tensor, in []Tensor, params [][]float32) {
	x := in[0].Data
	for c := range x {
		var sum float64
		for i, w := range params[0] {
			if k := c + i - o.Kernel/2; k >= 0 && k < len(x) {
				sum += float64(x[k]) * float64(w)
			}
		}
		out.Data[c] = float32(sum)
	}
}

// WriteONNX writes the channels as the height of a map of one channel: Transpose,
// Conv, Transpose.
func (o *ChannelConv) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, params [][]float32) ONNXValue {
	turn := ONNXAttr{"perm", []int{0, 2, 1, 3}}
	x := g.Node("Transpose", asMaps(g, in), turn)
	x = g.Node("Conv", []ONNXValue{x, g.Floats("weight", []int{1, 1, o.Kernel, 1}, params[0])},
		ONNXAttr{"kernel_shape", []int{o.Kernel, 1}}, ONNXAttr{"pads", []int{o.Kernel / 2, 0, o.Kernel / 2, 0}})
	return g.Node("Transpose", []ONNXValue{x}, turn)
}
