package engine

import (
	"nas/blocks"
)

func init() {
	lowerPlain("border", false, false, nil)
	routines["border"] = &routine{make: makeBorder}
}

// borderRun pads a map, or cuts it. Threads divide the pixels of all images among them.
type borderRun struct {
	dst, src *tensor
	y, x, c  []int // source of each row, column and channel; -1: the value
	c0, c1   int   // channels between which the sources lie side by side
	value    float32
}

func makeBorder(b *binding) (runner, need) {
	o := b.op.(*blocks.Border)
	r := &borderRun{dst: b.dst, src: b.src[0], value: float32(o.Value)}
	r.y, r.x, r.c = o.Sources(b.unit.In)
	r.c0 = max(o.Front, 0)
	r.c1 = len(r.c) - max(o.Back, 0)
	return byPixels(b.dst, b.unit.Batch, 8*b.dst.C, r.pixels), need{}
}

func (r *borderRun) pixels(from, to int, _ *thread) {
	t, s := r.dst, r.src
	for p := from; p < to; p++ {
		d := t.row(p)
		y, x := r.y[p/t.W%t.H], r.x[p%t.W]
		if y < 0 || x < 0 {
			for i := range d {
				d[i] = r.value
			}
			continue
		}
		src := s.data[p/t.Pixels()*s.Elems()+(y*s.W+x)*s.C:][:s.C]
		if r.c0 < r.c1 {
			copy(d[r.c0:r.c1], src[r.c[r.c0]:])
		}
		for i := range d {
			if i == r.c0 && r.c0 < r.c1 {
				break
			}
			d[i] = r.channel(src, i)
		}
		for i := max(r.c1, r.c0); i < len(d); i++ {
			d[i] = r.channel(src, i)
		}
	}
}

func (r *borderRun) channel(src []float32, i int) float32 {
	if c := r.c[i]; c >= 0 {
		return src[c]
	}
	return r.value
}
