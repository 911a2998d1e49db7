package blocks

import "fmt"

// ChannelShuffle deals the channels of Groups equal groups out in turn, so that
// the next grouped convolution sees all of them (Zhang et al., ShuffleNet, CVPR
// 2018, figure 1): channels viewed as Groups x C/Groups are transposed.
//
//	out[j*Groups+i] = in[i*C/Groups+j]
type ChannelShuffle struct {
	Groups int `json:"groups"`
}

func init() { Register(func() Op { return new(ChannelShuffle) }) }

// Kind returns "shuffle".
func (*ChannelShuffle) Kind() string { return "shuffle" }

// OutShape returns the input's shape; Groups must divide its channels.
func (o *ChannelShuffle) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err == nil && (o.Groups < 1 || s.C%o.Groups != 0) {
		return Shape{}, fmt.Errorf("groups %d must divide the %d channels", o.Groups, s.C)
	}
	return s, err
}

// MACs returns 0.
func (*ChannelShuffle) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*ChannelShuffle) Params([]Shape) []Param { return nil }

// Eval moves channel by channel.
func (o *ChannelShuffle) Eval(out Tensor, in []Tensor, _ [][]float32) {
	c := in[0].Shape.C
	each := c / o.Groups
	for p := 0; p < len(in[0].Data); p += c {
		for i := range o.Groups {
			for j := range each {
				out.Data[p+j*o.Groups+i] = in[0].Data[p+i*each+j]
			}
		}
	}
}

// WriteONNX writes Reshape, Transpose, Reshape.
func (o *ChannelShuffle) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	s := n.Out
	x := g.Node("Reshape", []ONNXValue{g.AsMap(in[0]), g.Ints("shape", 0, o.Groups, s.C/o.Groups, s.H, s.W)})
	x = g.Node("Transpose", []ONNXValue{x}, ONNXAttr{"perm", []int{0, 2, 1, 3, 4}})
	return g.Node("Reshape", []ONNXValue{x, g.Ints("shape", 0, s.C, s.H, s.W)})
}
