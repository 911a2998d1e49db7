package kernels

// Pool is the geometry of a pooling layer over one feature map; the fields are
// those of [Conv].
type Pool struct {
	H, W, C    int
	OH, OW     int
	KH, KW     int
	SH, SW     int
	PadT, PadL int
	// CountPad makes the average divide by KH*KW everywhere
	// (count_include_pad); otherwise by the number of taps inside the map.
	CountPad bool
}

// Need is the scratch of MaxPool and AvgPool.
func (g *Pool) Need() Need { return Need{Ptrs: g.KH * g.KW, Floats: g.KH * g.KW} }

// MaxPool computes the range r of the maxima over windows. Taps in the padding
// do not take part; a window that lies in the padding altogether gives -Inf.
func (s *Set) MaxPool(g *Pool, dst, src View, r Range, sc *Scratch) {
	s.pool(g, &dst, &src, r, sc, tapMax)
}

// AvgPool computes the range r of the averages over windows. A window that lies
// in the padding altogether gives 0.
func (s *Set) AvgPool(g *Pool, dst, src View, r Range, sc *Scratch) {
	s.pool(g, &dst, &src, r, sc, tapBlend)
}

func (s *Set) pool(g *Pool, dst, src *View, r Range, sc *Scratch, op tapOp) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	src.check(max(0, r.Y0*g.SH-g.PadT), min(g.H, (r.Y1-1)*g.SH-g.PadT+g.KH), g.W, g.C)
	dst.check(r.Y0, r.Y1, g.OW, g.C)
	a := &sc.dw
	a.lo, a.hi, _ = None.clamp()
	a.setChannels(r.N1 - r.N0)
	a.tab, a.w, a.bias = ptr(sc.ptrs, 0), nil, nil
	a.offStep, a.dstStep = g.SW*src.Pix*4, uintptr(dst.Pix)*4
	for y := r.Y0; y < r.Y1; y++ {
		iy := y*g.SH - g.PadT
		ka, kb := taps(iy, 1, g.KH, g.H)
		for x := 0; x < g.OW; {
			ix := x*g.SW - g.PadL
			xa, xb := taps(ix, 1, g.KW, g.W)
			nt := 1
			if xa == 0 && xb == g.KW { // the following windows inside use the same pointers
				nt = min(g.OW-x, (g.W-g.KW-ix)/g.SW+1)
			}
			n := 0
			for ky := ka; ky < kb; ky++ {
				p := at(src.base(iy+ky), r.N0)
				for kx := xa; kx < xb; kx++ {
					sc.ptrs[n] = at(p, (ix+kx)*src.Pix)
					n++
				}
			}
			a.ny = n
			if op == tapBlend {
				count := n
				if g.CountPad {
					count = g.KH * g.KW
				}
				w := sc.buf[:g.KH*g.KW]
				for i := range w[:n] {
					w[i] = 1 / float32(count)
				}
				a.w = ptrf(w, 0)
			}
			a.dst = at(dst.base(y), x*dst.Pix+r.N0)
			a.nt, a.off = nt, 0
			s.tap[op](a)
			x += nt
		}
	}
}

// setChannels sets the number of channels that a tap kernel covers.
func (a *tapArgs) setChannels(n int) {
	a.n = n
	a.mask = 1<<uint(n%16) - 1
	a.tail = &tails[n%8]
}

// GlobalAvg writes the average of every channel of an h x w x c map into
// dst[:c]. Sums are taken in pixel order.
func (s *Set) GlobalAvg(dst []float32, src View, h, w, c int, sc *Scratch) {
	src.check(0, h, w, c)
	dst = dst[:c]
	clear(dst)
	s.sum(dst, &src, h, w, c, vecSum, nil, sc)
	scale := 1 / float32(h*w)
	for i := range dst {
		dst[i] *= scale
	}
}

// sum adds f of every pixel to dst.
func (s *Set) sum(dst []float32, src *View, h, w, c int, op vecOp, b []float32, sc *Scratch) {
	v := &sc.vec
	rows, n := h, w
	if src.flat(w, 0, h) {
		rows, n = 1, h*w
	}
	for y := range rows {
		var bp *float32
		if b != nil {
			bp = ptrf(b, 0)
		}
		v.assignRows(ptrf(dst, 0), 0, src.base(y), src.Pix, bp, 0, n, c)
		s.vec[op](v)
	}
}
