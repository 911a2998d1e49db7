package engine

import "nas/blocks/kernels"

func init() {
	lower("linear", false, lowerLinear)
	routines["linear"] = &routine{make: makeLinear, geometries: linearGeometries}
}

func lowerLinear(c *compiler, i int) {
	l := c.link(i, true)
	s := c.start(i, "linear")
	s.Unit.Act = l.f
	s.fold[0] = l.fold()
	c.residual(&s, &l)
	c.emit(s, l.end, l.layer, l.bn, l.add, l.act)
}

func linearGeometries(u *Unit) [3]kernels.Conv {
	return [3]kernels.Conv{kernels.Linear{Batch: 1, K: u.In.Elems(), N: u.Out.C}.Conv()}
}

// makeLinear treats each image as a pixel of a 1x1 convolution. Threads divide the
// outputs among them, and with them the weights.
func makeLinear(b *binding) (runner, need) {
	g := kernels.Linear{Batch: b.unit.Batch, K: b.unit.In.Elems(), N: b.unit.Out.C}.Conv()
	r := &convRun{set: b.set, src: b.src[0], dst: b.dst, res: b.res, images: 1, grain: 16, byChan: true}
	r.packedLayer = b.pack(0, g, b.unit.Act)
	return &linearRun{*r, b.src[0]}, need{Need: b.set.ConvNeed(&g)}
}

// linearRun is a convRun whose input is seen as one row of vectors.
type linearRun struct {
	convRun
	in *tensor
}

func (r *linearRun) run(part, parts int, th *thread) {
	n0, n1 := cut((r.g.N+15)/16, part, parts)
	src := kernels.View{Data: r.in.data, Row: r.g.C * r.g.W, Pix: r.g.C}
	ep := kernels.Epilogue{Act: r.act}
	if r.res != nil {
		ep.Residual = r.res.image(0)
	}
	r.set.Conv(&r.g, r.w, r.bias, r.dst.image(0), src, ep,
		kernels.Range{Y0: 0, Y1: 1, N0: n0 * 16, N1: min(n1*16, r.g.N)}, th.scratch)
}
