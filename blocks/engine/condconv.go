package engine

import "nas/blocks"

func init() {
	lower("cond_conv", true, lowerCondConv)
	routines["cond_conv"] = &routine{make: makeCondConv, geometries: convGeometries, second: sharesShape, mixed: true}
}

// lowerCondConv is lowerConv for weights that are mixed for each image. Batch
// normalisation is folded into every expert: mixing is linear.
func lowerCondConv(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.CondConv)
	g := blocks.Conv{Out: o.Out, Kernel: o.Kernel, Stride: o.Stride, Dilation: o.Dilation, Pad: o.Pad, Groups: o.Groups}
	if !reaches(&g, c.shape(i)) {
		c.eval(i)
		return
	}
	l := c.link(i, true)
	s := c.start(i, "cond_conv")
	s.Unit.window(&g)
	s.Unit.Groups, s.Unit.Act, s.Unit.Mid = g.G(), l.f, o.Experts
	s.fold[0] = l.fold()
	c.residual(&s, &l)
	c.emit(s, l.end, l.layer, l.bn, l.add, l.act)
}

func sharesShape(u *Unit) blocks.Shape { return blocks.Shape{H: 1, W: 1, C: u.Mid} }

// condRun mixes the experts' packed weights by each image's shares, then convolves
// the image. It runs on one thread.
type condRun struct {
	convRun
	shares  *tensor
	experts [][]float32 // packed
}

func makeCondConv(b *binding) (runner, need) {
	u := *b.unit
	g := u.geometry()
	r := &condRun{shares: b.src[1]}
	all := b.layers[0]
	each := weightsOf(&g)
	for e := range u.Mid {
		b.layers[0] = all
		b.layers[0].w = all.w[e*each:][:each]
		r.packedLayer = b.pack(0, g, u.Act)
		r.experts = append(r.experts, r.packedLayer.w)
	}
	r.packedLayer.w = b.slab.take(g.PackedLen())
	r.set, r.dst, r.src, r.res, r.images, r.grain = b.set, b.dst, b.src[0], b.res, u.Batch, g.N
	return r, need{Need: b.set.ConvNeed(&g)}
}

func (r *condRun) maxParts() int { return 1 }

func (r *condRun) run(_, _ int, th *thread) {
	for k := range r.images {
		share := r.shares.data[k*r.shares.pix:]
		mix(r.w, r.experts[0], share[0], true)
		for e, w := range r.experts[1:] {
			mix(r.w, w, share[e+1], false)
		}
		r.rows(k*r.g.OH, (k+1)*r.g.OH, 0, r.g.N, th)
	}
}

// mix sets sum to f*w if begin, else adds f*w to it.
func mix(sum, w []float32, f float32, begin bool) {
	w = w[:len(sum)]
	if begin {
		for i, v := range w {
			sum[i] = f * v
		}
		return
	}
	for i, v := range w {
		sum[i] += f * v
	}
}
