package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lowerPlain("interpolate", true, false, func(op blocks.Op) string {
		o := op.(*blocks.Interpolate)
		if o.Antialias {
			return o.Mode + "_antialias"
		}
		return o.Mode
	})
	routines["interpolate"] = &routine{make: makeInterpolate}
}

// interpolateRun mixes the taps of both directions. Threads divide the rows of all images
// among them.
type interpolateRun struct {
	set        *kernels.Set
	dst, src   *tensor
	images     int
	rows, cols [][]blocks.Tap
	most       int // taps of a pixel
}

func makeInterpolate(b *binding) (runner, need) {
	o := b.op.(*blocks.Interpolate)
	r := &interpolateRun{set: b.set, dst: b.dst, src: b.src[0], images: b.unit.Batch,
		rows: o.Taps(0, b.unit.In.H), cols: o.Taps(1, b.unit.In.W)}
	r.most = longest(r.rows) * longest(r.cols)
	return r, need{Need: kernels.BlendNeed(r.most), floats: 2 * r.most}
}

func longest(lists [][]blocks.Tap) int {
	n := 1
	for _, l := range lists {
		n = max(n, len(l))
	}
	return n
}

func (r *interpolateRun) maxParts() int {
	return min(r.images*r.dst.H, maxParts(int64(r.images*r.dst.Elems()*4*r.most)))
}

func (r *interpolateRun) run(part, parts int, th *thread) {
	t, s := r.dst, r.src
	y0, y1 := cut(r.images*t.H, part, parts)
	weights := th.buf[:r.most]
	for y := y0; y < y1; y++ {
		src := s.image(y / t.H)
		rows := r.rows[y%t.H]
		for x, cols := range r.cols {
			d := t.row(y*t.W + x)
			if len(rows) == 1 && len(cols) == 1 && rows[0].Weight == 1 && cols[0].Weight == 1 {
				copy(d, src.Data[rows[0].At*src.Row+cols[0].At*src.Pix:])
				continue
			}
			n := 0
			at := th.scratch.Taps(len(rows) * len(cols))
			for _, a := range rows {
				for _, b := range cols {
					at[n], weights[n] = &src.Data[a.At*src.Row+b.At*src.Pix], float32(a.Weight*b.Weight)
					n++
				}
			}
			r.set.Blend(d, at, weights[:n], th.scratch)
		}
	}
}
