package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("conv", true, lowerConv)
	routines["conv"] = &routine{make: makeConv, geometries: convGeometries}
	routines["dwconv"] = &routine{make: makeConv, geometries: convGeometries}
}

// link is a convolution or linear layer together with the nodes behind it that the
// same call can compute. Absent nodes are -1.
type link struct {
	layer, bn, add, act int
	f                   blocks.ActFunc
	res                 int // node added
	end                 int // the node whose value the whole link makes
}

// link returns the link of layer i. With residual it may include an addition, if the
// other summand has been computed before.
func (c *compiler) link(i int, residual bool) link {
	l := link{layer: i, bn: -1, add: -1, res: -1, end: i}
	if j := c.sole(l.end); j >= 0 {
		switch c.net.Nodes[j].Op.(type) {
		case *blocks.BatchNorm:
			if !c.o.BatchStats {
				l.bn, l.end = j, j
			}
		case *blocks.Affine:
			l.bn, l.end = j, j
		}
	}
	if residual {
		if j := c.sole(l.end); j >= 0 {
			if _, ok := c.net.Nodes[j].Op.(*blocks.Add); ok && len(c.net.Nodes[j].Inputs) == 2 {
				other := c.input(j, 0)
				if other == l.end {
					other = c.input(j, 1)
				}
				if c.val[other] >= 0 {
					l.add, l.res, l.end = j, other, j
				}
			}
		}
	}
	if l.act, l.f = c.act(l.end); l.act >= 0 {
		l.end = l.act
	}
	return l
}

func (l *link) fold() fold { return fold{int32(l.layer), int32(l.bn)} }

// window fills in the geometry of a convolution.
func (u *Unit) window(o *blocks.Conv) {
	u.Kernel, u.Stride, u.Dilation = o.Window()
	u.Pad = [2]int{o.Pad.Top, o.Pad.Left}
}

// plainPointwise tells whether a convolution is a matrix product over the
// pixels of its input.
func plainPointwise(o *blocks.Conv) bool {
	_, s, _ := o.Window()
	return o.Pointwise() && s == [2]int{1, 1} && o.Pad == (blocks.Pad{}) && o.G() == 1
}

// reaches tells whether some window of a convolution goes beyond the padding above
// and to the left, which the kernels rely on. If none does, the output is the bias.
func reaches(o *blocks.Conv, out blocks.Shape) bool {
	k, s, d := o.Window()
	return (out.H-1)*s[0]+d[0]*(k[0]-1) >= o.Pad.Top && (out.W-1)*s[1]+d[1]*(k[1]-1) >= o.Pad.Left
}

func lowerConv(c *compiler, i int) {
	if !c.o.NoBlockFusion && c.lowerBlock(i) {
		return
	}
	o := c.net.Nodes[i].Op.(*blocks.Conv)
	if !reaches(o, c.shape(i)) {
		c.eval(i)
		return
	}
	l := c.link(i, true)
	s := c.start(i, "conv")
	if in := s.Unit.In.C; o.Depthwise(in) && o.Out == in {
		s.Unit.Name = "dwconv"
	}
	s.Unit.window(o)
	s.Unit.Groups, s.Unit.Act = o.G(), l.f
	s.fold[0] = l.fold()
	c.residual(&s, &l)
	c.emit(s, l.end, l.layer, l.bn, l.add, l.act)
}

// residual gives the step the map that the link adds.
func (c *compiler) residual(s *step, l *link) {
	if l.res >= 0 {
		s.Unit.Residual = true
		s.res = c.value(l.res)
	}
}

// geometry is the kernels' description of a convolution unit.
func (u *Unit) geometry() kernels.Conv {
	return kernels.Conv{H: u.In.H, W: u.In.W, C: u.In.C, OH: u.Out.H, OW: u.Out.W, N: u.Out.C,
		KH: u.Kernel[0], KW: u.Kernel[1], SH: u.Stride[0], SW: u.Stride[1], DH: u.Dilation[0], DW: u.Dilation[1],
		PadT: u.Pad[0], PadL: u.Pad[1], Groups: u.Groups}
}

func convGeometries(u *Unit) [3]kernels.Conv { return [3]kernels.Conv{u.geometry()} }

// actOf maps the network's activations to the kernels'.
var actOf = [...]kernels.Act{
	blocks.Identity: kernels.None, blocks.ReLU: kernels.ReLU, blocks.ReLU6: kernels.ReLU6, blocks.HSwish: kernels.HSwish,
	blocks.HSigmoid: kernels.HSigmoid, blocks.Swish: kernels.Swish, blocks.Sigmoid: kernels.Sigmoid,
}

// packedLayer is a geometry with its packed weights.
type packedLayer struct {
	g       kernels.Conv
	w, bias []float32
	act     kernels.Act
}

// convRun runs a convolution of any kind.
type convRun struct {
	set *kernels.Set
	packedLayer
	dst, src *tensor
	res      *tensor   // or nil
	images   int       // the images of a pointwise convolution are one tall map
	byChan   bool      // threads divide the channels among them, else the rows
	grain    int       // channels are cut at multiples of it
	next     []float32 // fetched meanwhile, see Plan.lookAhead
}

func makeConv(b *binding) (runner, need) {
	g := b.unit.geometry()
	r := &convRun{set: b.set, dst: b.dst, src: b.src[0], res: b.res, images: b.unit.Batch, grain: 16}
	if g.KH == 1 && g.KW == 1 && g.SH == 1 && g.SW == 1 && g.PadT == 0 && g.PadL == 0 && g.OH == g.H && g.OW == g.W {
		g.H, g.OH, r.images = g.H*r.images, g.OH*r.images, 1
	}
	r.packedLayer = b.pack(0, g, b.unit.Act)
	if g.Groups > 1 && !g.Depthwise() {
		r.grain = g.N / g.Groups
	}
	// Rows where they divide well and the maps outweigh the weights; otherwise
	// channels, so that each thread streams its own part of the weights.
	maps, weights := r.images*g.OH*g.OW*(g.C+g.N), g.PackedLen()
	r.byChan = g.N >= 4*r.grain && (weights > maps || r.images*g.OH < 4*b.target.Threads)
	return r, need{Need: b.set.ConvNeed(&g)}
}

// maxParts is the number of threads among which a call of macs multiply-accumulates
// is worth dividing: handing out less than about ten microseconds of work costs more
// than it saves.
func maxParts(macs int64) int {
	return int(min(1+macs/200_000, 1<<20))
}

func (r *convRun) maxParts() int {
	n := (r.images * r.g.OH)
	if r.byChan {
		n = r.g.N / r.grain
	}
	return min(n, maxParts(int64(r.images)*r.g.MACs()))
}

func (r *convRun) run(part, parts int, th *thread) {
	if r.byChan {
		n := (r.g.N + r.grain - 1) / r.grain
		n0, n1 := cut(n, part, parts)
		r.rows(0, r.images*r.g.OH, n0*r.grain, min(n1*r.grain, r.g.N), th)
		return
	}
	y0, y1 := cut(r.images*r.g.OH, part, parts)
	r.rows(y0, y1, 0, r.g.N, th)
}

// rows computes rows y0 to y1, counted over all images.
func (r *convRun) rows(y0, y1, n0, n1 int, th *thread) {
	for y0 < y1 {
		k := y0 / r.g.OH
		end := min(y1, (k+1)*r.g.OH)
		ep := kernels.Epilogue{Act: r.act, Next: r.next}
		if r.res != nil {
			ep.Residual = r.res.image(k)
		}
		r.set.Conv(&r.g, r.w, r.bias, r.dst.image(k), r.src.image(k), ep,
			kernels.Range{Y0: y0 - k*r.g.OH, Y1: end - k*r.g.OH, N0: n0, N1: n1}, th.scratch)
		y0 = end
	}
}

// cut returns the part-th of parts nearly equal ranges of n.
func cut(n, part, parts int) (from, to int) { return n * part / parts, n * (part + 1) / parts }
