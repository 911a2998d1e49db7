package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("softmax", false, func(c *compiler, i int) {
		s := c.start(i, "softmax")
		s.strid, s.reuse = false, true
		if c.net.Nodes[i].Op.(*blocks.Softmax).Log {
			s.Unit.Name, s.reuse = "log_softmax", false
		}
		c.emit(s, i, i)
	})
	routines["softmax"] = &routine{make: makeSoftmax}
	routines["log_softmax"] = &routine{make: makeSoftmax}
}

func makeSoftmax(b *binding) (runner, need) {
	f, dst, src := b.set.Softmax, b.dst, b.src[0]
	if b.unit.Name == "log_softmax" {
		f = b.set.LogSoftmax
	}
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		from, to := m.Y0*m.W*m.C, m.Y1*m.W*m.C
		f(dst.data[from:to], src.data[from:to], m.C, sc)
	}), need{}
}
