package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("act", true, lowerAct)
	routines["act"] = &routine{make: makeAct}
}

func lowerAct(c *compiler, i int) {
	f := c.net.Nodes[i].Op.(*blocks.Activation).Func
	if f == blocks.Identity && c.o.Tap == nil && c.t.DType != Int8 { // which may move to another grid
		c.alias(i, c.input(i, 0))
		return
	}
	s := c.start(i, "act")
	s.Unit.Act, s.reuse = f, true
	if c.o.Tap != nil {
		s.tap = int32(i)
	}
	c.emit(s, i, i)
}

// rowsRun runs a driver over rows of all images: elementwise work of any kind.
type rowsRun struct {
	rows, w, c int
	cost       int64 // of the whole, in multiply-accumulates of equal time
	f          func(m kernels.Map, sc *kernels.Scratch)
}

// byRows makes the runner of an elementwise unit.
func byRows(t *tensor, batch int, f func(m kernels.Map, sc *kernels.Scratch)) *rowsRun {
	return &rowsRun{batch * t.H, t.W, t.C, int64(batch*t.Elems()) * 16, f}
}

func (r *rowsRun) maxParts() int { return min(r.rows, maxParts(r.cost)) }

func (r *rowsRun) run(part, parts int, th *thread) {
	y0, y1 := cut(r.rows, part, parts)
	th.inSteps(y0, y1, r.cost/int64(max(r.rows, 1)), func(from, to int) {
		r.f(kernels.Map{W: r.w, C: r.c, Y0: from, Y1: to}, th.scratch)
	})
}

func makeAct(b *binding) (runner, need) {
	set, dst, src, act := b.set, b.dst, b.src[0], actOf[b.unit.Act]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.Activate(m, dst.all(), src.all(), act, sc)
	}), need{}
}
