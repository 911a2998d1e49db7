package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

func init() {
	register(func(_ *blocks.Concat, c call, dst []int32) { c.move(dst) })
	register(func(_ *blocks.Stack, c call, dst []int32) { c.move(dst) })
	register(func(_ *blocks.ChannelSlice, c call, dst []int32) { c.move(dst) })
	register(func(_ *blocks.ChannelShuffle, c call, dst []int32) { c.move(dst) })
	register(evalResize)
}

// move computes an op that only moves or compares values: its reference on the integers themselves. Inputs of another
// grid are moved to the output's first.
func (c call) move(dst []int32) {
	out := blocks.Tensor{Shape: c.to, Data: make([]float32, len(dst))}
	var in []blocks.Tensor
	for k, q := range c.in {
		t := blocks.Tensor{Shape: c.shape[k], Data: make([]float32, len(q))}
		q = c.onGrid(k)
		for i := range q {
			t.Data[i] = float32(q[i])
		}
		in = append(in, t)
	}
	c.op.Eval(out, in, nil)
	for i, v := range out.Data {
		dst[i] = c.out.Clamp(int32(v))
	}
}

// onGrid returns the integers of input k on the output's grid.
func (c call) onGrid(k int) []int32 {
	if g := c.grid[k]; g.Scale == c.out.Scale && g.Zero == c.out.Zero {
		return c.in[k]
	}
	moved := make([]int32, len(c.in[k]))
	integer.Rescale(moved, c.in[k], c.grid[k], c.out)
	return moved
}

// evalResize mixes four pixels, or takes one.
func evalResize(op *blocks.Resize, c call, dst []int32) {
	if op.Mode == blocks.Nearest {
		c.move(dst)
		return
	}
	q, s := c.onGrid(0), c.shape[0]
	pixel := func(y, x int) []int32 { return q[(y*s.W+x)*s.C:][:s.C] }
	for y := range c.to.H {
		top, bottom, down := op.Taps(y, c.to.H, s.H)
		for x := range c.to.W {
			left, right, across := op.Taps(x, c.to.W, s.W)
			integer.Blend(dst[(y*c.to.W+x)*s.C:][:s.C], pixel(top, left), pixel(top, right), pixel(bottom, left),
				pixel(bottom, right), across, down)
		}
	}
}
