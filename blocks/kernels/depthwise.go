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
// with cols = (u-1)*s + kw: the pointers of a row cover the tile's columns. A tap
// kernel has one pixel and ny pointers, with the products or the maximum taken
// over them (tapOp).
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

	coff, cdst, ct uintptr // room for the assembly's moving copies of off, dst and nt

}

// tapOp names a tap kernel.
type tapOp uint8

const (
	tapDW    tapOp = iota // depthwise: fma over taps, a weight for each tap and channel
	tapMax                // maximum over taps, from -Inf
	tapBlend              // fma over taps from zero, one weight a tap
	numTap
)

func (s *Set) dwNeed(g *Conv) Need {
	u := g.KH * g.KW
	if g.KW < len(s.dwMax) && g.SW < 3 {
		u = max(u, g.KH*((s.dwMax[g.KW][g.SW]-1)*g.SW+g.KW))
	}
	return Need{Ptrs: u, Zeros: g.C}
}

// depthwise computes output rows one by one. A row is cut into tiles of
// neighbouring outputs, DW apart, so that a dilated kernel shares inputs
// between outputs just as an undilated one.
func (s *Set) depthwise(g *Conv, w, bias []float32, dst, src *View, ep *Epilogue, r Range, sc *Scratch) {
	a := &sc.dw
	a.lo, a.hi, _ = ep.Act.clamp()
	residual := ep.Residual.Data != nil
	if residual {
		a.lo, a.hi, _ = None.clamp()
	}
	a.wcs = uintptr(g.KH*g.KW*panel) * 4
	a.channels(r.N1 - r.N0)
	a.bias = ptrf(bias, r.N0)
	a.ds = uintptr(dst.Pix*g.DW) * 4
	most := 0
	if g.KW < len(s.dwMax) && g.SW < 3 {
		most = s.dwMax[g.KW][g.SW]
	}
	for y := r.Y0; y < r.Y1; y++ {
		ka, kb := g.taps(y)
		a.ny = kb - ka
		if a.ny == 0 {
			ka = 0
		}
		a.w = ptrf(w, r.N0*g.KH*g.KW+ka*g.KW*panel)
		if most > 0 {
			s.dwRow(g, a, most, dst, src, y, ka, r.N0, sc)
		} else {
			s.dwTaps(g, a, dst, src, y, ka, r.N0, sc)
		}
		if residual {
			s.finishDW(g, ep, dst, y, r, sc)
		}
		s.finish(ep, dst, y, y+1, g.OW, r.N0, r.N1, sc)
	}
}

// finishDW adds the residual of output row y.
func (s *Set) finishDW(g *Conv, ep *Epilogue, dst *View, y int, r Range, sc *Scratch) {
	v := &sc.vec
	v.lo, v.hi, _ = ep.Act.clamp()
	d := at(dst.base(y), r.N0)
	v.set(d, dst.Pix, d, dst.Pix, at(ep.Residual.base(y), r.N0), ep.Residual.Pix, g.OW, r.N1-r.N0)
	s.vec[vecAdd](v)
}

// dwRow computes output row y with tile kernels.
func (s *Set) dwRow(g *Conv, a *tapArgs, most int, dst, src *View, y, ka, c0 int, sc *Scratch) {
	out := dst.base(y)
	kern := &s.dw[g.KW][g.SW]
	a.tab = ptr(sc.ptrs, 0)
	for q := 0; q < min(g.DW, g.OW); q++ {
		n := ceilDiv(g.OW-q, g.DW) // outputs q, q+DW, ...
		split := splitRows(n, most)
		for i := 0; i < n; {
			u := split.at(i)
			cols := (u-1)*g.SW + g.KW
			// The tile's input columns are ix, ix+DW, ..., cols of them.
			ix := q*g.SW - g.PadL + i*g.SW*g.DW
			inside := ix >= 0 && ix+(cols-1)*g.DW < g.W
			g.dwPointers(sc, src, y, ka, a.ny, ix, cols, c0)
			nt := 1
			a.dst = at(out, (q+i*g.DW)*dst.Pix+c0)
			if inside {
				// The following tiles of the same width that lie inside use the same pointers.
				step := u * g.SW * g.DW
				for i+nt*u+u <= n && split.at(i+nt*u) == u && ix+nt*step+(cols-1)*g.DW < g.W {
					nt++
				}
				a.offStep = step * src.Pix * 4
				a.dstStep = uintptr(u*g.DW*dst.Pix) * 4
			}
			a.nt, a.off = nt, 0
			kern[u](a)
			i += u * nt
		}
	}
}

// dwPointers fills the table with ny rows of cols pointers to channel c0 of
// input columns ix, ix+DW, ...
func (g *Conv) dwPointers(sc *Scratch, src *View, y, ka, ny, ix, cols, c0 int) {
	tab := sc.ptrs[:ny*cols]
	zero := unsafe.SliceData(sc.zeros[:g.C])
	step := g.DW * src.Pix
	for ky := range ny {
		p := at(src.base(y*g.SH-g.PadT+(ka+ky)*g.DH), c0)
		x := ix
		for c := range tab[:cols] {
			if uint(x) < uint(g.W) {
				tab[c] = at(p, ix*src.Pix+c*step)
			} else {
				tab[c] = zero
			}
			x += g.DW
		}
		tab = tab[cols:]
	}
}

// dwTaps computes output row y pixel by pixel with the tap kernel.
func (s *Set) dwTaps(g *Conv, a *tapArgs, dst, src *View, y, ka, c0 int, sc *Scratch) {
	out := dst.base(y)
	ny := a.ny
	a.ny = ny * g.KW
	a.tab = ptr(sc.ptrs, 0)
	a.offStep, a.dstStep = g.SW*src.Pix*4, uintptr(dst.Pix)*4
	for x := 0; x < g.OW; {
		ix := x*g.SW - g.PadL
		g.dwPointers(sc, src, y, ka, ny, ix, g.KW, c0)
		nt := 1
		if last := g.W - 1 - (g.KW-1)*g.DW; ix >= 0 && ix <= last {
			nt = min(g.OW-x, (last-ix)/g.SW+1)
		}
		a.dst = at(out, x*dst.Pix+c0)
		a.nt, a.off = nt, 0
		s.tap[tapDW](a)
		x += nt
	}
	a.ny = ny
}
