package int8

import "nas/blocks/kernels"

// Need returns the working memory of [Set.Conv] and [Set.ConvAdd] for l.
func (s *Set) Need(l *Layer) Need { return Need{Bytes: l.g.OW * l.g.N} }

// Conv computes the range r of the layer's output. src and dst are views of the whole maps: a ring must hold all rows
// that the range touches.
func (s *Set) Conv(l *Layer, dst, src View, r kernels.Range, sc *Scratch) {
	if !l.check(&dst, &src, r) {
		return
	}
	for y := r.Y0; y < r.Y1; y++ {
		l.row(dst.row(y, l.g.OW, l.g.N), dst.Pix, &src, y, r)
		sc.work(l.g.OW * (r.N1 - r.N0) * l.g.KH * l.g.KW * (l.g.C / l.g.Groups))
	}
}

// ConvAdd computes the range r of the sum of the layer's output and res, which has the shape of the output. dst may
// be res.
func (s *Set) ConvAdd(l *Layer, dst, src, res View, sum *Sum, r kernels.Range, sc *Scratch) {
	if !l.check(&dst, &src, r) {
		return
	}
	g := &l.g
	res.check(r.Y0, r.Y1, g.OW, g.N)
	m := kernels.Map{W: g.OW, C: r.N1 - r.N0}
	for y := r.Y0; y < r.Y1; y++ {
		l.row(sc.buf[:g.OW*g.N], g.N, &src, y, r)
		m.Y0, m.Y1 = y, y+1
		own := View{Data: sc.buf[:g.OW*g.N], Row: g.OW * g.N, Pix: g.N, Ring: 1}
		s.Add(m, dst.Channels(r.N0), own.Channels(r.N0), res.Channels(r.N0), sum)
		sc.work(g.OW * (r.N1 - r.N0) * g.KH * g.KW * (g.C / g.Groups))
	}
}

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

// row computes channels r.N0 to r.N1 of output row y: dst has all channels, pix bytes a pixel.
func (l *Layer) row(dst []byte, pix int, src *View, y int, r kernels.Range) {
	g := &l.g
	each, part := g.C/g.Groups, g.N/g.Groups
	ka, kb := taps(y*g.SH-g.PadT, g.DH, g.KH, g.H)
	zero := int32(l.in.Zero)
	for x := range g.OW {
		left := x*g.SW - g.PadL
		xa, xb := taps(left, g.DW, g.KW, g.W)
		for o := r.N0; o < r.N1; o++ {
			sum, first := l.zero[o], o/part*each
			for ky := ka; ky < kb; ky++ {
				in := src.Data[src.index(y*g.SH-g.PadT+ky*g.DH):]
				for kx := xa; kx < xb; kx++ {
					a := in[(left+kx*g.DW)*src.Pix+first:][:each]
					w := l.w[((o*g.KH+ky)*g.KW+kx)*each:][:each]
					for c, q := range a {
						sum += (int32(q) - zero) * int32(w[c])
					}
				}
			}
			dst[x*pix+o] = l.out.store(sum, l.unit[o])
		}
	}
}

// taps returns the taps [ka, kb) of k, d apart from position i0 on, that lie in 0..n-1.
func taps(i0, d, k, n int) (ka, kb int) {
	if i0 < 0 {
		ka = (-i0 + d - 1) / d
	}
	if i0 < n {
		kb = min(k, (n-1-i0)/d+1)
	}
	return min(ka, kb), kb
}
