package kernels

import "math"

// pairArgs is the argument of the depthwise kernels of two output rows; the
// assembly knows the offsets. The rows lie a dilation apart, so that they share
// all input rows but the stride's number of outer ones:
//
//	for y := range 2 {
//		for x := range u {
//			for c := range n {
//				acc := bias[c]
//				for ky := range kw {
//					for kx := range kw {
//						acc = fma(tab[y*s+ky][(x*s+kx)*cs+off+c], w[c/16][ky*kw+kx][c%16], acc)
//					}
//				}
//				dst[y*drow+x*ds+c] = min(max(acc, lo), hi)
//			}
//		}
//	}
//
// for left + nt + right tiles, each offStep and dstStep further. Taps in the
// padding are left out: those of the first kw/2 columns in the left tile, of the
// last kw/2 in the right one, and of the rows of tab before first and from last
// on, kw/2 of each at most.
type pairArgs struct {
	tab             **float32
	first, last     int
	cs              uintptr
	off, offStep    int // bytes
	w               *float32
	wcs             uintptr // bytes from one 16 channels' weights to the next
	bias            *float32
	dst             *float32
	ds              uintptr // bytes from output pixel to output pixel
	drow            int     // bytes from the upper output row to the lower one
	dstStep         uintptr // bytes
	left, nt, right int     // tiles; left and right 0 or 1
	n               int     // channels
	tail            *[8]int32
	clamp           int // 0: lo and hi are infinite
	lo, hi          float32

	coff, cdst, ct uintptr // copies of off, dst and nt that the assembly changes
}

// take copies from a what does not change from row to row. w begins with the
// weights of the first channel.
func (p *pairArgs) take(a *tapArgs, w []float32) {
	p.w, p.wcs, p.bias, p.ds, p.n, p.tail, p.lo, p.hi = ptrf(w, 0), a.wcs, a.bias, a.ds, a.n, a.tail, a.lo, a.hi
	p.clamp = 1
	if math.IsInf(float64(a.lo), -1) && math.IsInf(float64(a.hi), 1) {
		p.clamp = 0
	}
}

// pairs returns the kernels of two output rows for g and their widest tile, 0 if
// there are none or the padding is not what they leave out.
func (s *Set) pairs(g *Conv) (t *[5]func(*pairArgs), most int) {
	if g.KW != g.KH || g.SW != g.SH || g.KW >= len(s.pair) || g.SW >= len(s.pair[0]) || s.pairMax[g.KW][g.SW] == 0 {
		return nil, 0
	}
	t, most = &s.pair[g.KW][g.SW], s.pairMax[g.KW][g.SW]
	for q := range min(g.DW, g.OW) {
		n := ceilDiv(g.OW-q, g.DW)
		split := splitRows(n, most)
		for i := 0; i < n; {
			u := split.at(i)
			cols := (u-1)*g.SW + g.KW
			xa, xb := g.dwInside(q, i, u)
			left := xa == 0 || i == 0 && xa == g.KW/2
			right := xb == cols || i+u == n && xb == cols-g.KW/2
			if !left || !right || xa > 0 && xb < cols {
				return nil, 0
			}
			i += u
		}
	}
	return t, most
}

// dwInside returns the columns of the tile of u outputs q+i*DW, ... that lie in
// the map, without the end.
func (g *Conv) dwInside(q, i, u int) (xa, xb int) {
	return taps(q*g.SW-g.PadL+i*g.SW*g.DW, g.DW, (u-1)*g.SW+g.KW, g.W)
}

// pairInside tells whether output rows y and y+DH have no more than half a kernel
// in the padding.
func (g *Conv) pairInside(y int) bool {
	ka, kb := taps(y*g.SH-g.PadT, g.DH, g.SH+g.KH, g.H)
	return ka <= g.KH/2 && kb >= g.SH+g.KH-g.KH/2
}

// dwPair computes output rows y and y+DH.
func (g *Conv) dwPair(a *pairArgs, kern *[5]func(*pairArgs), most int, dst, src *View, y, c0 int, sc *Scratch) {
	rows := g.SH + g.KH
	top := y*g.SH - g.PadT
	a.tab = ptr(sc.ptrs, 0)
	a.first, a.last = taps(top, g.DH, rows, g.H)
	for i := a.first; i < a.last; i++ {
		sc.ptrs[i] = at(src.base(top+i*g.DH), c0)
	}
	a.cs = uintptr(g.DW*src.Pix) * 4
	out := dst.base(y)
	a.drow = (dst.index(y+g.DH) - dst.index(y)) * 4
	for q := range min(g.DW, g.OW) {
		n := ceilDiv(g.OW-q, g.DW)
		split := splitRows(n, most)
		for i := 0; i < n; {
			u := split.at(i)
			end := n // of the outputs in tiles of this width
			if big := split.nbig * (split.base + 1); i < big {
				end = big
			}
			a.left, a.right, a.nt = 0, 0, (end-i)/u
			if xa, _ := g.dwInside(q, i, u); xa > 0 {
				a.left = 1
				a.nt--
			}
			if _, xb := g.dwInside(q, end-u, u); xb < (u-1)*g.SW+g.KW {
				a.right = 1
				a.nt--
			}
			a.off = ((q+i*g.DW)*g.SW - g.PadL) * src.Pix * 4
			a.offStep = u * g.SW * g.DW * src.Pix * 4
			a.dstStep = uintptr(u*g.DW*dst.Pix) * 4
			a.dst = at(out, (q+i*g.DW)*dst.Pix+c0)
			kern[u](a)
			i = end
		}
	}
}
