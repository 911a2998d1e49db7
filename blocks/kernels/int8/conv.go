package int8

import "nas/blocks/kernels"

// Need returns the working memory of [Set.Conv] and [Set.ConvAdd] for l.
func (s *Set) Need(l *Layer) Need {
	g := &l.g
	n := Need{Sums: l.sumRows() * g.OW * g.N}
	switch l.kind {
	case kindPointwise:
		n.Ptrs = 1
		n.Bytes = l.widened(l.stripPixels(), g.C)
	case kindMerged:
		rows := (l.stripRows()-1)*g.SH + (g.KH-1)*g.DH + 1
		n.Ptrs = l.stripRows() * g.KH
		n.Bytes = rows * l.mergedWidth() * l.set.size()
	case kindTaps:
		n.Ptrs = l.stripRows() * g.OW * g.KH * g.KW
		n.Pad = g.C
		n.Bytes = l.widened(((l.stripRows()-1)*g.SH+(g.KH-1)*g.DH+1)*g.W, g.C)
	case kindDepthwise:
		return n.Max(l.dwNeed())
	case kindRows:
		return n.Max(l.rowsNeed())
	}
	return n
}

// widened is the number of bytes of a copy of pixels in 16-bit integers, if the set needs one.
func (l *Layer) widened(pixels, c int) int {
	if l.set.size() == 1 {
		return 0
	}
	return 2 * pixels * c
}

// Conv computes the range r of the layer's output. src and dst are views of the whole maps: a ring must hold all rows
// that the range touches. dst must not overlap src.
func (s *Set) Conv(l *Layer, dst, src View, r kernels.Range, sc *Scratch) {
	if !l.check(&dst, &src, r) {
		return
	}
	if l.out.Table == nil {
		l.run(&dst, &src, r, sc)
		return
	}
	m := kernels.Map{W: l.g.OW, C: r.N1 - r.N0}
	for y, step := r.Y0, l.sumRows(); y < r.Y1; y += step {
		part := kernels.Range{Y0: y, Y1: min(r.Y1, y+step), N0: r.N0, N1: r.N1}
		l.run(&dst, &src, part, sc)
		m.Y0, m.Y1 = part.Y0, part.Y1
		own := dst.Channels(r.N0)
		s.Lookup(m, own, own, l.out.Table)
	}
}

// ConvAdd computes the range r of the sum of the layer's output and res, which has the shape of the output. dst may
// be res, but must not overlap src.
func (s *Set) ConvAdd(l *Layer, dst, src, res View, sum *Sum, r kernels.Range, sc *Scratch) {
	if !l.check(&dst, &src, r) {
		return
	}
	g := &l.g
	res.check(r.Y0, r.Y1, g.OW, g.N)
	rows := l.sumRows()
	own := View{Data: sc.sums[:rows*g.OW*g.N], Row: g.OW * g.N, Pix: g.N, Ring: rows}
	m := kernels.Map{W: g.OW, C: r.N1 - r.N0}
	for y := r.Y0; y < r.Y1; y = m.Y1 {
		m.Y0, m.Y1 = y, min(r.Y1, y+rows-y%rows)
		s.Conv(l, own, src, kernels.Range{Y0: m.Y0, Y1: m.Y1, N0: r.N0, N1: r.N1}, sc)
		s.Add(m, dst.Channels(r.N0), own.Channels(r.N0), res.Channels(r.N0), sum)
	}
}

// sumRows is the number of output rows that ConvAdd, and Conv with a table, take at a time: they stay in the
// second-level cache.
func (l *Layer) sumRows() int { return min(l.g.OH, max(1, (64<<10)/(l.g.OW*l.g.N))) }

// check panics unless the views hold what the range r touches. It tells whether there is anything to do.
func (l *Layer) check(dst, src *View, r kernels.Range) bool {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return false
	}
	g := &l.g
	lo, hi := max(0, r.Y0*g.SH-g.PadT), min(g.H, (r.Y1-1)*g.SH-g.PadT+(g.KH-1)*g.DH+1)
	src.check(lo, hi, g.W, g.C)
	dst.check(r.Y0, r.Y1, g.OW, g.N)
	return true
}

// run computes the range r, without the table.
func (l *Layer) run(dst, src *View, r kernels.Range, sc *Scratch) {
	switch l.kind {
	case kindDirect:
		l.direct(dst, src, r)
		sc.work((r.Y1 - r.Y0) * l.g.OW * (r.N1 - r.N0) * l.g.KH * l.g.KW * (l.g.C / l.g.Groups))
	case kindPointwise:
		l.pointwise(dst, src, r, sc)
	case kindMerged:
		l.merged(dst, src, r, sc)
	case kindTaps:
		l.taps(dst, src, r, sc)
	case kindDepthwise:
		l.depthwise(dst, src, r, sc)
	case kindRows:
		l.byRows(dst, src, r, sc)
	}
}
