package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

func init() {
	register(evalPool)
	register(evalGlobalPool)
}

// evalPool keeps maxima, or means. The zeros around a mean that counts its padding are written out; it must not reach
// beyond them.
func evalPool(op *blocks.Pool, c call, dst []int32) {
	if op.Pool == blocks.MaxPool {
		c.move(dst)
		return
	}
	q, s, p := c.onGrid(0), c.shape[0], op.Pad
	if op.CountPad && p != (blocks.Pad{}) {
		q, s = padded(q, s, p, c.out.Zero)
		p = blocks.Pad{}
	}
	kernel, stride, _ := op.Window()
	integer.AveragePool(dst, q, integer.Window{H: s.H, W: s.W, C: s.C, OutH: c.to.H, OutW: c.to.W, OutC: c.to.C,
		KH: kernel[0], KW: kernel[1], StrideH: stride[0], StrideW: stride[1], DilH: 1, DilW: 1, Top: p.Top, Left: p.Left,
		Groups: 1}, c.out)
}

// padded returns a map with a border of one value.
func padded(q []int32, s blocks.Shape, p blocks.Pad, border int32) ([]int32, blocks.Shape) {
	t := blocks.Shape{H: s.H + p.Top + p.Bottom, W: s.W + p.Left + p.Right, C: s.C}
	v := make([]int32, t.Elems())
	for i := range v {
		v[i] = border
	}
	for y := range s.H {
		copy(v[((y+p.Top)*t.W+p.Left)*s.C:], q[y*s.W*s.C:][:s.W*s.C])
	}
	return v, t
}

func evalGlobalPool(op *blocks.GlobalPool, c call, dst []int32) {
	if op.Pool == blocks.MaxPool {
		c.move(dst)
		return
	}
	integer.Mean(dst, c.in[0], c.to.C, c.grid[0], c.out)
}
