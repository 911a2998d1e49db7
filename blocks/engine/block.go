package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

// Fused blocks. An inverted residual block widens its input, filters every channel
// by itself and narrows the result. Run layer by layer, it writes two wide maps to
// memory and reads them again; if they are large, that takes most of its time. Here
// only a few of their rows exist at a time. The expanding convolution writes rows
// into a ring of (T-1)*stride + dilation*(K-1) + 1, and computes each once. The
// depthwise convolution makes T rows from the ring, and the projecting one turns
// these into T rows of the output.
//
// If squeeze-and-excite follows the depthwise convolution, only the expanding and
// the depthwise layer are fused, since the gate needs all rows. Without an expanding
// layer, the depthwise and the projecting one are. The first layer may also be the
// network's stem: any dense convolution.

func init() {
	routines["block"] = &routine{make: makeBlock, geometries: func(u *Unit) [3]kernels.Conv {
		return [3]kernels.Conv{u.expandGeometry(), u.depthwiseGeometry(), u.projectGeometry()}
	}}
	routines["stem_block"] = routines["block"]
	routines["expand_dw"] = &routine{make: makeBlock, geometries: func(u *Unit) [3]kernels.Conv {
		return [3]kernels.Conv{u.expandGeometry(), u.depthwiseGeometry()}
	}}
	routines["stem_dw"] = routines["expand_dw"]
	routines["dw_project"] = &routine{make: makeBlock, geometries: func(u *Unit) [3]kernels.Conv {
		return [3]kernels.Conv{u.depthwiseGeometry(), u.projectGeometry()}
	}}
}

func (u *Unit) expandGeometry() kernels.Conv {
	g := pointwise(u.In.H, u.In.W, u.In.C, u.Mid)
	if s := &u.Stem; s.Kernel[0] > 0 {
		g.OH, g.OW = s.Out[0], s.Out[1]
		g.KH, g.KW, g.SH, g.SW, g.PadT, g.PadL = s.Kernel[0], s.Kernel[1], s.Stride[0], s.Stride[1], s.Pad[0], s.Pad[1]
	}
	return g
}

func (u *Unit) projectGeometry() kernels.Conv { return pointwise(u.Out.H, u.Out.W, u.Mid, u.Out.C) }

func (u *Unit) depthwiseGeometry() kernels.Conv {
	g := u.geometry()
	if u.Stem.Kernel[0] > 0 {
		g.H, g.W = u.Stem.Out[0], u.Stem.Out[1]
	}
	g.C, g.N, g.Groups = u.Mid, u.Mid, u.Mid
	return g
}

// pointwise is the geometry of a 1x1 convolution.
func pointwise(h, w, cin, cout int) kernels.Conv {
	return kernels.Conv{H: h, W: w, C: cin, OH: h, OW: w, N: cout, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
}

// depthwiseAt returns the link of the depthwise convolution that alone reads node i.
func (c *compiler) depthwiseAt(j int) (link, *blocks.Conv, bool) {
	if j < 0 {
		return link{}, nil, false
	}
	o, ok := c.net.Nodes[j].Op.(*blocks.Conv)
	if in := c.shape(c.input(j, 0)).C; !ok || !o.Depthwise(in) || o.Out != in {
		return link{}, nil, false
	}
	return c.link(j, false), o, true
}

// pointwiseAt returns the link of the pointwise convolution j, which may include an
// addition.
func (c *compiler) pointwiseAt(j int) (link, bool) {
	if j < 0 {
		return link{}, false
	}
	o, ok := c.net.Nodes[j].Op.(*blocks.Conv)
	if !ok || !plainPointwise(o) {
		return link{}, false
	}
	return c.link(j, true), true
}

// lowerBlock lowers the convolution i and those behind it as one call, if they form
// an inverted residual block that is faster fused. It reports whether it did.
func (c *compiler) lowerBlock(i int) bool {
	if d, o, ok := c.depthwiseAt(i); ok {
		p, ok := c.pointwiseAt(c.sole(d.end))
		if !ok || !c.large(c.shape(i)) || !reaches(o, c.shape(i)) {
			return false
		}
		s := c.start(i, "dw_project")
		s.Unit.window(o)
		s.Unit.Out, s.Unit.Mid = c.shape(p.end), o.Out
		s.Unit.DWAct, s.Unit.Act = d.f, p.f
		s.fold[0], s.fold[1] = d.fold(), p.fold()
		c.residual(&s, &p)
		c.emit(s, p.end, d.layer, d.bn, d.act, p.layer, p.bn, p.add, p.act)
		return true
	}
	first := c.net.Nodes[i].Op.(*blocks.Conv)
	stem := !plainPointwise(first)
	if stem && (first.G() != 1 || dilated(first)) || !c.large(c.shape(i)) || !c.amortised(i, first) {
		return false
	}
	e := c.link(i, false)
	d, o, ok := c.depthwiseAt(c.sole(e.end))
	if !ok || !reaches(first, c.shape(i)) || !reaches(o, c.shape(d.layer)) {
		return false
	}
	name := [2]string{"expand_dw", "block"}
	if stem {
		name = [2]string{"stem_dw", "stem_block"}
	}
	s := c.start(i, name[0])
	s.Unit.window(o)
	if stem {
		k, st, _ := first.Window()
		s.Unit.Stem = Stem{k, st, [2]int{first.Pad.Top, first.Pad.Left}, [2]int{c.shape(i).H, c.shape(i).W}}
	}
	s.Unit.Mid, s.Unit.Out = o.Out, c.shape(d.end)
	s.Unit.MidAct, s.Unit.DWAct = e.f, d.f
	s.fold[0], s.fold[1] = e.fold(), d.fold()
	p, ok := c.pointwiseAt(c.sole(d.end))
	if !ok {
		c.emit(s, d.end, e.layer, e.bn, e.act, d.layer, d.bn, d.act)
		return true
	}
	s.Unit.Name = name[1]
	s.Unit.Out, s.Unit.Act = c.shape(p.end), p.f
	s.fold[2] = p.fold()
	c.residual(&s, &p)
	c.emit(s, p.end, e.layer, e.bn, e.act, d.layer, d.bn, d.act, p.layer, p.bn, p.add, p.act)
	return true
}

func dilated(o *blocks.Conv) bool {
	_, _, d := o.Window()
	return d != [2]int{1, 1}
}

// large tells whether a map between two layers is too large to stay in the
// second-level cache beside what is made from it.
func (c *compiler) large(s blocks.Shape) bool { return 4*s.Elems() > c.t.L2/2 }

// amortised tells whether the map that the first layer makes is at least twice as
// large as the layer's weights. The weights are fetched again for every few rows,
// which does not pay for small maps of many channels.
func (c *compiler) amortised(i int, o *blocks.Conv) bool {
	return 2*o.Kernel[0]*o.Kernel[1]*c.shape(c.input(i, 0)).C <= c.shape(i).Pixels()
}

// blockRun is a fused block. Threads divide the rows of all images among them. Where
// two parts meet, both compute the expanded rows that they both need.
type blockRun struct {
	set             *kernels.Set
	expand, project *packedLayer // or nil
	dw              packedLayer
	dst, src, res   *tensor
	images          int
	step            int // output rows at a time
	ring            int // expanded rows kept
	macs            int64
}

func makeBlock(b *binding) (runner, need) {
	u := b.unit
	r := &blockRun{set: b.set, dst: b.dst, src: b.src[0], res: b.res, images: u.Batch, macs: u.MACs()}
	k := 0
	if u.Name != "dw_project" {
		l := b.pack(k, u.expandGeometry(), u.MidAct)
		r.expand = &l
		k++
	}
	g := u.depthwiseGeometry()
	r.dw = b.pack(k, g, u.DWAct)
	if u.Name != "expand_dw" && u.Name != "stem_dw" {
		l := b.pack(k+1, u.projectGeometry(), u.Act)
		r.project = &l
	}
	// Two rows, which the depthwise kernels take at once, may fill two thirds of the second-level cache. Four rows
	// would need fewer calls, but the longer ring is read more slowly: 7 % more for the first blocks of MobileNetV2.
	rowBytes := 4 * u.Mid * max(u.In.W, u.Out.W)
	r.step = 1
	if u.Out.H > 1 && rowBytes*(r.ringRows(2)+2) <= b.target.L2*2/3 {
		r.step = 2
	}
	var n need
	n.Need = b.set.ConvNeed(&r.dw.g)
	if r.expand != nil {
		r.ring = r.ringRows(r.step)
		n.Need = n.Need.Max(b.set.ConvNeed(&r.expand.g))
		n.floats += r.ringFloats()
	}
	if r.project != nil {
		n.Need = n.Need.Max(b.set.ConvNeed(&r.project.g))
		n.floats += r.step * g.OW * g.N
	}
	return r, n
}

// ringRows is the number of expanded rows from which n output rows are made.
func (r *blockRun) ringRows(n int) int {
	g := &r.dw.g
	return min(g.H, (n-1)*g.SH+(g.KH-1)*g.DH+1)
}

func (r *blockRun) ringFloats() int {
	return roundUp(r.ring*r.dw.g.W*r.dw.g.C, align)
}

func (r *blockRun) maxParts() int { return min(r.images*r.dw.g.OH, maxParts(r.macs)) }

func (r *blockRun) run(part, parts int, th *thread) {
	oh := r.dw.g.OH
	y0, y1 := cut(r.images*oh, part, parts)
	for y0 < y1 {
		k := y0 / oh
		end := min(y1, (k+1)*oh)
		r.image(k, y0-k*oh, end-k*oh, th)
		y0 = end
	}
}

// image computes output rows y0 to y1 of the k-th image.
func (r *blockRun) image(k, y0, y1 int, th *thread) {
	g := &r.dw.g
	src, dst := r.src.image(k), r.dst.image(k)
	buf := th.buf
	wide := src
	if r.expand != nil {
		n := r.ringFloats()
		wide = kernels.View{Data: buf[:n], Row: g.W * g.C, Pix: g.C, Ring: r.ring}
		buf = buf[n:]
	}
	mid := dst
	if r.project != nil {
		mid = kernels.View{Data: buf[:r.step*g.OW*g.C], Row: g.OW * g.C, Pix: g.C, Ring: r.step}
	}
	ep := kernels.Epilogue{}
	if r.project != nil {
		ep.Act = r.project.act
		if r.res != nil {
			ep.Residual = r.res.image(k)
		}
	}
	done := max(0, y0*g.SH-g.PadT)
	for y := y0; y < y1; {
		end := min(y1, (y/r.step+1)*r.step) // the rows of a step lie in mid without a break
		if r.expand != nil {
			for need := min(g.H, (end-1)*g.SH-g.PadT+(g.KH-1)*g.DH+1); done < need; {
				to := min(need, (done/r.ring+1)*r.ring)
				r.set.Conv(&r.expand.g, r.expand.w, r.expand.bias, wide, src, kernels.Epilogue{Act: r.expand.act},
					kernels.Range{Y0: done, Y1: to, N0: 0, N1: g.C}, th.scratch)
				done = to
			}
		}
		r.set.Conv(g, r.dw.w, r.dw.bias, mid, wide, kernels.Epilogue{Act: r.dw.act},
			kernels.Range{Y0: y, Y1: end, N0: 0, N1: g.C}, th.scratch)
		if r.project != nil {
			r.set.Conv(&r.project.g, r.project.w, r.project.bias, dst, mid, ep,
				kernels.Range{Y0: y, Y1: end, N0: 0, N1: r.project.g.N}, th.scratch)
		}
		y = end
	}
}
