package blocks

import (
	"fmt"
	"math"
)

// ChannelPool reduces the channels of each pixel to one value: their mean, or
// their maximum.
type ChannelPool struct {
	Pool PoolKind `json:"pool"`
}

func init() { Register(func() Op { return new(ChannelPool) }) }

// Kind returns "channel_pool".
func (*ChannelPool) Kind() string { return "channel_pool" }

// OutShape returns H x W x 1.
func (o *ChannelPool) OutShape(in []Shape) (Shape, error) {
	s, err := unary(in)
	if err == nil && o.Pool != MaxPool && o.Pool != AvgPool {
		return Shape{}, fmt.Errorf("no pooling has number %d", int(o.Pool))
	}
	return Shape{s.H, s.W, 1}, err
}

// MACs returns 0.
func (*ChannelPool) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*ChannelPool) Params([]Shape) []Param { return nil }

// Eval reduces pixel by pixel.
func (o *ChannelPool) Eval(out Tensor, in []Tensor, _ [][]float32) {
	c := in[0].Shape.C
	for p := range out.Data {
		m, sum := math.Inf(-1), 0.0
		for _, v := range in[0].Data[p*c:][:c] {
			m, sum = max(m, float64(v)), sum+float64(v)
		}
		if o.Pool == AvgPool {
			m = sum / float64(c)
		}
		out.Data[p] = float32(m)
	}
}

// WriteONNX writes ReduceMean or ReduceMax.
func (o *ChannelPool) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node([]string{MaxPool: "ReduceMax", AvgPool: "ReduceMean"}[o.Pool], asMaps(g, in),
		ONNXAttr{"axes", []int{1}}, ONNXAttr{"keepdims", 1})
}
