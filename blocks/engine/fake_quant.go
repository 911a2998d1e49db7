package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("fake_quant", true, lowerFakeQuant)
	routines["fake_quant"] = &routine{make: makeFakeQuant}
}

// lowerFakeQuant leaves grids of more than 2^22 points to the reference.
func lowerFakeQuant(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.FakeQuant)
	if o.Zero-o.Low > 1<<22 || o.High-o.Zero > 1<<22 {
		c.eval(i)
		return
	}
	s := c.start(i, "fake_quant")
	s.reuse = true
	c.emit(s, i, i)
}

func makeFakeQuant(b *binding) (runner, need) {
	o := b.op.(*blocks.FakeQuant)
	set, dst, src, lo, hi := b.set, b.dst, b.src[0], float32(o.Low-o.Zero), float32(o.High-o.Zero)
	scale := every(float32(o.Scale), dst.C)
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.Grid(m, dst.all(), src.all(), scale, lo, hi, sc)
	}), need{}
}
