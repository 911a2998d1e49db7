package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("softmax", false, func(c *compiler, i int) {
		if c.net.Nodes[i].Op.(*blocks.Softmax).Log {
			c.eval(i)
			return
		}
		s := c.start(i, "softmax")
		s.strid, s.reuse = false, true
		c.emit(s, i, i)
	})
	routines["softmax"] = &routine{make: makeSoftmax}
}

func makeSoftmax(b *binding) (runner, need) {
	set, dst, src := b.set, b.dst, b.src[0]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		from, to := m.Y0*m.W*m.C, m.Y1*m.W*m.C
		set.Softmax(dst.data[from:to], src.data[from:to], m.C, sc)
	}), need{}
}
