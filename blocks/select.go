package blocks

import "fmt"

// Select makes a map of listed channels of another, in the order of the list; a
// channel may occur several times. For a range there is [ChannelSlice].
type Select struct {
	Channels []int `json:"channels"`
}

func init() { Register(func() Op { return new(Select) }) }

// Kind returns "select".
func (*Select) Kind() string { return "select" }

// OutShape returns H x W x the length of the list.
func (o *Select) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err != nil {
		return Shape{}, err
	}
	for _, c := range o.Channels {
		if c < 0 || c >= s.C {
			return Shape{}, fmt.Errorf("channel %d of %d", c, s.C)
		}
	}
	out := Shape{s.H, s.W, len(o.Channels)}
	return out, out.Check()
}

// MACs returns 0.
func (*Select) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Select) Params([]Shape) []Param { return nil }

// Eval copies pixel by pixel.
func (o *Select) Eval(out Tensor, in []Tensor, _ [][]float32) {
	for p := range out.Shape.Pixels() {
		src, dst := in[0].Data[p*in[0].Shape.C:], out.Data[p*out.Shape.C:]
		for i, c := range o.Channels {
			dst[i] = src[c]
		}
	}
}

// WriteONNX writes Gather along the channels.
func (o *Select) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node("Gather", []ONNXValue{in[0], g.Ints("channels", o.Channels...)}, ONNXAttr{"axis", 1})
}
