package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

func init() {
	register(evalConv)
	register(evalLinear)
	register(evalChannelConv)
}

// layer computes a convolution of a window with the node's weights, each output channel's of n values.
func (c call) layer(dst []int32, s integer.Window, n int) {
	l := c.node.Layer
	w := integer.Weights{Q: make([]int32, len(l.Q)), Out: n, Tap: n / (s.KH * s.KW), In: 1, Scale: l.Scale, Bias: l.Bias}
	for i, v := range l.Q {
		w.Q[i] = int32(v)
	}
	integer.Conv(dst, c.in[0], s, w, c.grid[0], c.out)
}

func evalConv(op *blocks.Conv, c call, dst []int32) {
	in := c.shape[0]
	kernel, stride, dilation := op.Window()
	c.layer(dst, integer.Window{H: in.H, W: in.W, C: in.C, OutH: c.to.H, OutW: c.to.W, OutC: c.to.C,
		KH: kernel[0], KW: kernel[1], StrideH: stride[0], StrideW: stride[1], DilH: dilation[0], DilW: dilation[1],
		Top: op.Pad.Top, Left: op.Pad.Left, Groups: op.G()}, kernel[0]*kernel[1]*in.C/op.G())
}

func evalLinear(op *blocks.Linear, c call, dst []int32) {
	n := c.shape[0].Elems()
	c.layer(dst, integer.Window{H: 1, W: 1, C: n, OutH: 1, OutW: 1, OutC: op.Out, KH: 1, KW: 1, StrideH: 1, StrideW: 1,
		DilH: 1, DilW: 1, Groups: 1}, n)
}

// evalChannelConv slides over the channels as the height of a map of one channel.
func evalChannelConv(op *blocks.ChannelConv, c call, dst []int32) {
	n := c.shape[0].C
	c.layer(dst, integer.Window{H: n, W: 1, C: 1, OutH: n, OutW: 1, OutC: 1, KH: op.Kernel, KW: 1, StrideH: 1, StrideW: 1,
		DilH: 1, DilW: 1, Top: op.Kernel / 2, Groups: 1}, op.Kernel)
}
