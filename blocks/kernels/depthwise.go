package kernels

import "unsafe"

// tapArgs is the argument of the depthwise kernels; the assembly knows the offsets.
//
// A tile kernel computes u output pixels at a time, nt times, for all channels:
//
//	for t := range nt {
//		for c := range n {
//			for x := range u {
//				acc := bias[c]
//				for ky := range ny {
//					for kx := range kw {
//						acc = fma(tab[ky*cols+x*s+kx][off+c], w[c/16][ky*kw+kx][c%16], acc)
//					}
//				}
//				dst[x][c] = min(max(acc, lo), hi)
//			}
//		}
//		off += offStep; dst += dstStep
//	}
//
// with cols = (u-1)*s + kw: the pointers of a row cover the tile's columns. The
// kernels for any kernel size take ny*kw taps and u pointers for each. A tap
// kernel (tapOp) has one output pixel and ny pointers.
type tapArgs struct {
	tab     **float32
	ny      int
	off     int // bytes added to every pointer
	offStep int // bytes
	w       *float32
	wcs     uintptr // bytes from one 16 channels' weights to the next
	bias    *float32
	dst     *float32
	ds      uintptr // bytes from output pixel to output pixel
	dstStep uintptr // bytes
	nt      int
	n       int       // channels
	mask    uint64    // avx512: lanes of the last vector, if n%16 > 0
	tail    *[8]int32 // avx2: the same, if n%8 > 0
	lo, hi  float32

	coff, cdst, ct uintptr // copies of off, dst and nt that the assembly changes

}

// tapOp names a tap kernel.
type tapOp uint8

const (
	tapMax   tapOp = iota // maximum over taps, from -Inf
	tapBlend              // fma over taps from zero, one weight a tap
	numTap
)

// dwTiles returns the kernels for g and the width of their widest tile. fixed tells
// that they are for exactly this stride and number of taps in a row.
func (s *Set) dwTiles(g *Conv) (t *[9]func(*tapArgs), most int, fixed bool) {
	if g.KW < len(s.dw) && g.SW < len(s.dw[0]) && s.dwMax[g.KW][g.SW] > 0 {
		return &s.dw[g.KW][g.SW], s.dwMax[g.KW][g.SW], true
	}
	return &s.dw[0][0], s.dwMax[0][0], false
}

func (s *Set) dwNeed(g *Conv) Need {
	_, u, fixed := s.dwTiles(g)
	n := g.KH * g.KW * u
	if fixed {
		n = g.KH * ((u-1)*g.SW + g.KW)
	}
	return Need{Ptrs: max(n, g.SH+g.KH), Zeros: g.C}
}

// depthwise computes output rows, two at once if there are kernels for that. A row
// is cut into tiles of outputs that lie DW apart, and paired with the row DH further
// down: a dilated kernel then shares inputs between outputs as one without dilation
// does.
func (s *Set) depthwise(g *Conv, w, bias []float32, dst, src *View, ep *Epilogue, r Range, sc *Scratch) {
	a := &sc.dw
	a.lo, a.hi, _ = ep.Act.clamp()
	if ep.Residual.Data != nil {
		a.lo, a.hi, _ = None.clamp()
	}
	a.wcs = uintptr(g.KH*g.KW*panel) * 4
	a.setChannels(r.N1 - r.N0)
	a.bias = ptrf(bias, r.N0)
	a.ds = uintptr(dst.Pix*g.DW) * 4
	w = w[r.N0*g.KH*g.KW:]
	kern, most := s.pairs(g)
	for y0 := r.Y0; y0 < r.Y1; y0 += 2 * g.DH {
		for y := y0; y < min(y0+g.DH, r.Y1); y++ {
			y1 := y + g.DH
			two := y1 < r.Y1
			if two && most > 0 && g.pairInside(y) {
				sc.pair.take(a, w)
				g.dwPair(&sc.pair, kern, most, dst, src, y, r.N0, sc)
			} else {
				s.dwRow(g, a, w, dst, src, y, r.N0, sc)
				if two {
					s.dwRow(g, a, w, dst, src, y1, r.N0, sc)
				}
			}
			s.finishDW(g, ep, dst, y, r, sc)
			if two {
				s.finishDW(g, ep, dst, y1, r, sc)
			}
			sc.work(2 * g.OW * (r.N1 - r.N0) * g.KH * g.KW)
		}
	}
}

// finishDW adds the residual to output row y and applies the activation.
func (s *Set) finishDW(g *Conv, ep *Epilogue, dst *View, y int, r Range, sc *Scratch) {
	if ep.Residual.Data != nil {
		v := &sc.vec
		v.lo, v.hi, _ = ep.Act.clamp()
		d := at(dst.base(y), r.N0)
		v.assign(d, dst.Pix, d, dst.Pix, at(ep.Residual.base(y), r.N0), ep.Residual.Pix, g.OW, r.N1-r.N0)
		s.vec[vecAdd](v)
	}
	s.finish(ep, dst, y, y+1, g.OW, r.N0, r.N1, sc)
}

// dwRow computes output row y.
func (s *Set) dwRow(g *Conv, a *tapArgs, w []float32, dst, src *View, y, c0 int, sc *Scratch) {
	ka, kb := g.taps(y)
	a.ny = kb - ka
	if a.ny == 0 {
		ka = 0
	}
	a.w = ptrf(w, ka*g.KW*panel)
	out := dst.base(y)
	kern, most, fixed := s.dwTiles(g)
	a.tab = ptr(sc.ptrs, 0)
	ny := a.ny
	for q := 0; q < min(g.DW, g.OW); q++ {
		n := ceilDiv(g.OW-q, g.DW) // outputs q, q+DW, ...
		split := splitRows(n, most)
		for i := 0; i < n; {
			u := split.at(i)
			cols := (u-1)*g.SW + g.KW
			// The tile's input columns are ix, ix+DW, ..., cols of them.
			ix := q*g.SW - g.PadL + i*g.SW*g.DW
			inside := ix >= 0 && ix+(cols-1)*g.DW < g.W
			if fixed {
				g.dwColumns(sc.ptrs[:ny*cols], sc, src, y, ka, ix, cols, c0)
			} else {
				a.ny = ny * g.KW
				g.dwPointers(sc.ptrs[:ny*g.KW*u], sc, src, y, ka, ix, g.KW, u, g.SW, c0)
			}
			nt := 1
			if inside {
				// The following tiles of the same width that lie inside use the same pointers.
				step := u * g.SW * g.DW
				for i+nt*u+u <= n && split.at(i+nt*u) == u && ix+nt*step+(cols-1)*g.DW < g.W {
					nt++
				}
				a.offStep = step * src.Pix * 4
				a.dstStep = uintptr(u*g.DW*dst.Pix) * 4
			}
			a.dst = at(out, (q+i*g.DW)*dst.Pix+c0)
			a.nt, a.off = nt, 0
			kern[u](a)
			i += u * nt
		}
	}
	a.ny = ny
}

// dwColumns fills the table, rows of cols pointers to channel c0 of the input
// columns ix, ix+DW, ...
func (g *Conv) dwColumns(tab []*float32, sc *Scratch, src *View, y, ka, ix, cols, c0 int) {
	zero := unsafe.SliceData(sc.zeros[:g.C])
	xa, xb := taps(ix, g.DW, cols, g.W)
	step := g.DW * src.Pix
	for ky := ka; len(tab) > 0; ky++ {
		row := src.base(y*g.SH - g.PadT + ky*g.DH)
		t := tab[:cols]
		for i := range t[:xa] {
			t[i] = zero
		}
		off := (ix+xa*g.DW)*src.Pix + c0
		for i := range t[xa:xb] {
			t[xa+i] = at(row, off)
			off += step
		}
		for i := range t[xb:] {
			t[xb+i] = zero
		}
		tab = tab[cols:]
	}
}

// dwPointers fills the table, a number of rows of cols x u pointers: number
// (kx, i) is that to channel c0 of input column ix + (kx + i*s)*DW.
func (g *Conv) dwPointers(tab []*float32, sc *Scratch, src *View, y, ka, ix, cols, u, s, c0 int) {
	zero := unsafe.SliceData(sc.zeros[:g.C])
	for ky := ka; len(tab) > 0; ky++ {
		row := at(src.base(y*g.SH-g.PadT+ky*g.DH), c0)
		for kx := range cols {
			for i := range u {
				x := ix + (kx+i*s)*g.DW
				if uint(x) < uint(g.W) {
					tab[kx*u+i] = at(row, x*src.Pix)
				} else {
					tab[kx*u+i] = zero
				}
			}
		}
		tab = tab[cols*u:]
	}
}
