package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("pool", true, lowerPool)
	lower("global_pool", true, lowerGlobalPool)
	routines["maxpool"] = &routine{make: makePool}
	routines["avgpool"] = &routine{make: makePool}
	routines["avgpool_pad"] = &routine{make: makePool}
	routines["globalavg"] = &routine{make: makeGlobalPool}
	routines["globalmax"] = &routine{make: makeGlobalPool}
}

func lowerPool(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.Pool)
	in, out := c.shape(c.input(i, 0)), c.shape(i)
	k, st, d := o.Window()
	if d != [2]int{1, 1} {
		c.eval(i)
		return
	}
	name := "maxpool"
	if o.Pool == blocks.AvgPool {
		name = "avgpool"
		if o.CountPad {
			name = "avgpool_pad"
			// The kernel divides by the whole window; the last ones of a
			// rounded-up extent reach beyond the declared padding.
			if (out.H-1)*st[0]+k[0] > in.H+o.Pad.Top+o.Pad.Bottom || (out.W-1)*st[1]+k[1] > in.W+o.Pad.Left+o.Pad.Right {
				c.eval(i)
				return
			}
		}
	}
	s := c.start(i, name)
	s.Unit.Kernel, s.Unit.Stride, s.Unit.Dilation = k, st, d
	s.Unit.Pad = [2]int{o.Pad.Top, o.Pad.Left}
	c.emit(s, i, i)
}

func lowerGlobalPool(c *compiler, i int) {
	name := "globalavg"
	if c.net.Nodes[i].Op.(*blocks.GlobalPool).Pool == blocks.MaxPool {
		name = "globalmax"
	}
	c.emit(c.start(i, name), i, i)
}

// poolRun slides a window. Threads divide the rows of all images among them.
type poolRun struct {
	set      *kernels.Set
	g        kernels.Pool
	max      bool
	dst, src *tensor
	images   int
}

func makePool(b *binding) (runner, need) {
	u := b.unit
	r := &poolRun{set: b.set, max: u.Name == "maxpool", dst: b.dst, src: b.src[0], images: u.Batch,
		g: kernels.Pool{H: u.In.H, W: u.In.W, C: u.In.C, OH: u.Out.H, OW: u.Out.W, KH: u.Kernel[0], KW: u.Kernel[1],
			SH: u.Stride[0], SW: u.Stride[1], PadT: u.Pad[0], PadL: u.Pad[1], CountPad: u.Name == "avgpool_pad"}}
	return r, need{Need: r.g.Need()}
}

func (r *poolRun) maxParts() int {
	return min(r.images*r.g.OH, maxParts(int64(r.images*r.dst.Elems()*(8+r.g.KH*r.g.KW))))
}

func (r *poolRun) run(part, parts int, th *thread) {
	y0, y1 := cut(r.images*r.g.OH, part, parts)
	for y0 < y1 {
		k := y0 / r.g.OH
		end := min(y1, (k+1)*r.g.OH)
		dst, src := r.dst.image(k), r.src.image(k)
		rng := kernels.Range{Y0: y0 - k*r.g.OH, Y1: end - k*r.g.OH, N0: 0, N1: r.g.C}
		if r.max {
			r.set.MaxPool(&r.g, dst, src, rng, th.scratch)
		} else {
			r.set.AvgPool(&r.g, dst, src, rng, th.scratch)
		}
		y0 = end
	}
}

// globalRun reduces each channel. Threads divide the channels of all images among them.
type globalRun struct {
	set      *kernels.Set
	max      bool
	dst, src *tensor
	images   int
}

func makeGlobalPool(b *binding) (runner, need) {
	return &globalRun{b.set, b.unit.Name == "globalmax", b.dst, b.src[0], b.unit.Batch}, need{}
}

func (r *globalRun) panels() int { return (r.src.C + 15) / 16 }

func (r *globalRun) maxParts() int {
	return min(r.images*r.panels(), maxParts(int64(r.images*r.src.Elems())*8))
}

func (r *globalRun) run(part, parts int, th *thread) {
	p0, p1 := cut(r.images*r.panels(), part, parts)
	for p0 < p1 {
		k := p0 / r.panels()
		end := min(p1, (k+1)*r.panels())
		c0, c1 := (p0-k*r.panels())*16, min((end-k*r.panels())*16, r.src.C)
		dst := r.dst.data[k*r.dst.pix:][c0:c1]
		src := r.src.image(k).Channels(c0)
		if r.max {
			maxOver(dst, src, r.src.H*r.src.W)
		} else {
			r.set.GlobalAvg(dst, src, r.src.H, r.src.W, c1-c0, th.scratch)
		}
		p0 = end
	}
}

// maxOver takes the maximum of each channel over pixels.
func maxOver(dst []float32, src kernels.View, pixels int) {
	copy(dst, src.Data)
	for p := 1; p < pixels; p++ {
		x := src.Data[p*src.Pix:][:len(dst)]
		for i, v := range x {
			dst[i] = max(dst[i], v)
		}
	}
}
