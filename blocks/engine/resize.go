package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lower("resize", true, lowerResize)
	routines["bilinear"] = &routine{make: makeResize}
	routines["bilinear_corners"] = &routine{make: makeResize}
	routines["nearest"] = &routine{make: makeResize}
}

func lowerResize(c *compiler, i int) {
	o := c.net.Nodes[i].Op.(*blocks.Resize)
	name := "bilinear"
	switch {
	case o.Mode == blocks.Nearest:
		name = "nearest"
	case o.AlignCorners:
		name = "bilinear_corners"
	}
	c.emit(c.start(i, name), i, i)
}

// resizeRun interpolates. Threads divide the rows of all images among them.
type resizeRun struct {
	set      *kernels.Set
	g        kernels.Resize
	nearest  bool
	dst, src *tensor
	images   int
}

func makeResize(b *binding) (runner, need) {
	u := b.unit
	r := &resizeRun{set: b.set, nearest: u.Name == "nearest", dst: b.dst, src: b.src[0], images: u.Batch,
		g: kernels.Resize{H: u.In.H, W: u.In.W, C: u.In.C, OH: u.Out.H, OW: u.Out.W,
			AlignCorners: u.Name == "bilinear_corners"}}
	return r, need{Need: r.g.Need()}
}

func (r *resizeRun) maxParts() int {
	return min(r.images*r.g.OH, maxParts(int64(r.images*r.dst.Elems())*16))
}

func (r *resizeRun) run(part, parts int, th *thread) {
	y0, y1 := cut(r.images*r.g.OH, part, parts)
	for y0 < y1 {
		k := y0 / r.g.OH
		end := min(y1, (k+1)*r.g.OH)
		dst, src := r.dst.image(k), r.src.image(k)
		rng := kernels.Range{Y0: y0 - k*r.g.OH, Y1: end - k*r.g.OH, N0: 0, N1: r.g.C}
		if r.nearest {
			r.set.Nearest(&r.g, dst, src, rng)
		} else {
			r.set.Bilinear(&r.g, dst, src, rng, th.scratch)
		}
		y0 = end
	}
}
