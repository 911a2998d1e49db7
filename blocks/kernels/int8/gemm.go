package int8

import (
	"unsafe"

	"nas/blocks/kernels"
)

// split divides m pixels evenly into blocks of at most some number: the first nbig blocks have base+1 pixels, the
// others base.
type split struct{ base, nbig, blocks int }

func splitPixels(m, most int) split {
	n := ceilDiv(m, most)
	return split{base: m / n, nbig: m % n, blocks: n}
}

// at is the size of the block that starts at pixel x.
func (s split) at(x int) int {
	if x < s.nbig*(s.base+1) {
		return s.base + 1
	}
	return s.base
}

// cols returns the width of the tile for m pixels and n remaining columns: the widest that leaves less than a panel
// unused. A width that has a kernel for one pixel only is taken if m is 1 and all its columns are needed.
func (t *tiles) cols(m, n int) int {
	w := 0
	for j := 1; j < len(t.rows); j++ {
		if t.rows[j] == 0 || j > 1 && t.rows[j] == 1 && (m > 1 || n < panel*j) {
			continue
		}
		if w > 0 && panel*j-n >= panel {
			break
		}
		w = panel * j
	}
	return w
}

// setup sets what is the same in all calls for a layer.
func (a *gemmArgs) setup(l *Layer) {
	*a = gemmArgs{out: &l.round, plain: l.plain}
}

// run computes m pixels from c on, step bytes apart, and n channels with tiles of cols columns. a.ind, a.b and the
// channels' constants have been set.
func (t *tiles) run(a *gemmArgs, c *byte, step, cols, n int, masks bool, sp split) {
	a.c, a.ldc, a.mask = c, uintptr(step), 0
	if n < cols {
		if a.mask = uint64(n); masks {
			a.mask = 1<<n - 1
		}
	}
	f := &t.f
	if sp.nbig == 0 {
		a.nblk = sp.blocks
		f[sp.base][cols/panel](a)
		return
	}
	a.nblk = sp.nbig
	f[sp.base+1][cols/panel](a)
	d := sp.nbig * (sp.base + 1)
	if a.lda > 0 {
		a.aoff += d * int(a.lda)
	} else {
		a.ind = (**byte)(unsafe.Add(unsafe.Pointer(a.ind), d*a.ks*8))
	}
	a.c = at(c, d*step)
	a.nblk = sp.blocks - sp.nbig
	f[sp.base][cols/panel](a)
}

// panels calls f for each tile column of the output channels of r: the first channel, the tile's width, the channels in
// it and the first input channel. It sets their weights and constants.
func (l *Layer) panels(t *tiles, a *gemmArgs, m int, r kernels.Range, f func(j, cols, n, c0 int)) {
	g := &l.g
	each, part := g.C/g.Groups, g.N/g.Groups
	bs := g.KH * l.set.rowUnits(g, l.kind) * panel * 4
	if l.single {
		bs /= 2
	}
	a.bs = uintptr(bs)
	perGroup := ceilDiv(part, panel)
	for q := r.N0 / part; q < g.Groups && q*part < r.N1; q++ {
		j0, j1 := max(r.N0-q*part, 0), min(r.N1-q*part, part)
		for j := j0; j < j1; {
			cols := t.cols(m, j1-j)
			n := min(cols, j1-j)
			p := q*perGroup + j/panel
			a.b, a.bias, a.scale = &l.w[p*bs], &l.bias[p*panel], &l.scale[p*panel]
			f(q*part+j, cols, n, q*each)
			j += n
		}
	}
}

// wideBytes is the size of a strip in 16-bit integers.
const wideBytes = 64 << 10

// stripPixels is the number of pixels of a strip of a pointwise convolution: it stays in the second-level cache while
// the weights stream through; it is longer if the weights do not fit there themselves.
func (l *Layer) stripPixels() int {
	g := &l.g
	limit := 256 << 10
	if g.C*g.N > 512<<10 {
		limit = 1 << 20
	}
	n := limit / max(g.C, g.N)
	if l.set.size() == 2 { // the copy in 16-bit integers should not leave the cache before it is read
		n = min(n, wideBytes/(2*g.C))
	}
	return max(84, n) / 84 * 84
}

// pointwise runs a 1x1 convolution: rows of activations lie at a constant distance.
func (l *Layer) pointwise(dst, src *View, r kernels.Range, sc *Scratch) {
	g := &l.g
	sc.gemm.setup(l)
	rows, m := r.Y1-r.Y0, g.OW
	if g.SH == 1 && g.SW == 1 && g.OW == g.W && src.flat(g.OW, r.Y0, r.Y1) && dst.flat(g.OW, r.Y0, r.Y1) {
		rows, m = 1, rows*m
	}
	strip := l.stripPixels()
	parts := ceilDiv(m, strip)
	if even := ceilDiv(m, parts); parts > 1 {
		strip = min(strip, ceilDiv(even, 14)*14)
	}
	for y := r.Y0; y < r.Y0+rows; y++ {
		for x := 0; x < m; x += strip {
			n := min(strip, m-x)
			l.pointwiseRun(at(dst.base(y), x*dst.Pix), dst.Pix, at(src.base(y*g.SH), x*g.SW*src.Pix), g.SW*src.Pix, n, r, sc)
		}
	}
}

// pointwiseRun computes m pixels.
func (l *Layer) pointwiseRun(dst *byte, step int, src *byte, srcStep, m int, r kernels.Range, sc *Scratch) {
	g, s, a := &l.g, l.set, &sc.gemm
	a.k, a.ks, a.lda = ceilDiv(g.C, s.unit), 1, uintptr(srcStep)
	if s.size() == 2 {
		s.widen(unsafe.SliceData(sc.buf), g.C, src, srcStep, m, g.C)
		src, a.lda = unsafe.SliceData(sc.buf), uintptr(2*g.C)
	}
	sc.ptrs[0] = src
	t := &s.gemm
	if l.single {
		t = &s.single
	}
	l.panels(t, a, m, r, func(j, cols, n, _ int) {
		a.ind, a.aoff = &sc.ptrs[0], 0
		t.run(a, at(dst, j), step, cols, n, s.masks, splitPixels(m, t.rows[cols/panel]))
		sc.work((m + 8) * n * g.C) // with few pixels, fetching the weights counts
	})
}

// stripRows is the number of output rows whose pointers are built, or whose input is copied, at once.
func (l *Layer) stripRows() int {
	g := &l.g
	if l.kind == kindMerged {
		return min(g.OH, 8)
	}
	return min(g.OH, max(1, 4096/(g.OW*g.KH*g.KW)))
}

// inputRows returns the first input row that output rows y0 to y1 read, in the padding or not, and their number.
func inputRows(g *kernels.Conv, y0, y1 int) (top, n int) {
	return y0*g.SH - g.PadT, (y1-1-y0)*g.SH + (g.KH-1)*g.DH + 1
}

// mergedWidth is the number of activations in a copied row.
func (l *Layer) mergedWidth() int { return ((l.g.OW-1)*l.g.SW + l.g.KW) * l.g.C }

// merged copies the input rows of a strip with their padding and takes the taps of a kernel row as one run.
func (l *Layer) merged(dst, src *View, r kernels.Range, sc *Scratch) {
	g, s, a := &l.g, l.set, &sc.gemm
	a.setup(l)
	size := s.size()
	width := l.mergedWidth() * size
	a.k, a.ks, a.lda = s.rowUnits(g, l.kind), g.KH, uintptr(g.SW*g.C*size)
	step := l.stripRows()
	for y0 := r.Y0; y0 < r.Y1; y0 += step {
		y1 := min(r.Y1, y0+step)
		top, rows := inputRows(g, y0, y1)
		for i := range rows {
			l.padRow(sc.buf[i*width:][:width], src, top+i)
		}
		for y := y0; y < y1; y++ {
			for ky := range g.KH {
				sc.ptrs[(y-y0)*g.KH+ky] = &sc.buf[((y-y0)*g.SH+ky*g.DH)*width]
			}
		}
		l.panels(&s.gemm, a, g.OW, r, func(j, cols, n, _ int) {
			for y := y0; y < y1; y++ {
				a.ind, a.aoff = &sc.ptrs[(y-y0)*g.KH], 0
				s.gemm.run(a, at(dst.base(y), j), dst.Pix, cols, n, s.masks, splitPixels(g.OW, s.gemm.rows[cols/panel]))
				sc.work(g.OW * n * g.KH * g.KW * g.C)
			}
		})
	}
}

// padRow writes input row iy into d with its padding columns, or a row of padding. In 16-bit integers it may overwrite
// some bytes behind d.
func (l *Layer) padRow(d []byte, src *View, iy int) {
	g, size := &l.g, l.set.size()
	if iy < 0 || iy >= g.H {
		fillPadding(d, l.in.Zero, size)
		return
	}
	left := min(g.PadL*g.C*size, len(d))
	n := min(len(d)-left, g.W*g.C*size) // bytes of the row
	fillPadding(d[:left], l.in.Zero, size)
	switch row := src.row(iy, g.W, g.C); {
	case n == 0:
	case size == 2:
		l.set.widen(&d[left], g.C, &row[0], src.Pix, n/(2*g.C), g.C)
	case src.Pix == g.C:
		copy(d[left:left+n], row)
	default:
		for x := range n / g.C {
			copy(d[left+x*g.C:][:g.C], row[x*src.Pix:])
		}
	}
	fillPadding(d[left+n:], l.in.Zero, size)
}

// fillPadding fills d with a zero point, in bytes or in 16-bit integers.
func fillPadding(d []byte, zero uint8, size int) {
	for i := range d {
		d[i] = zero
		if size == 2 && i&1 == 1 {
			d[i] = 0
		}
	}
}

// taps runs any convolution through a table of pointers, one for each pixel and tap; those in the padding point to a
// pixel of padding.
func (l *Layer) taps(dst, src *View, r kernels.Range, sc *Scratch) {
	g, s, a := &l.g, l.set, &sc.gemm
	a.setup(l)
	each, size := g.C/g.Groups, s.size()
	a.k, a.ks = ceilDiv(each, s.unit), g.KH*g.KW
	sc.setPad(l.in.Zero, g.C, size)
	step, most := l.stripRows(), s.igemm.rows[1]
	sp := splitPixels(g.OW, most)
	for y0 := r.Y0; y0 < r.Y1; y0 += step {
		y1 := min(r.Y1, y0+step)
		in := src
		top, rows := inputRows(g, y0, y1)
		if size == 2 {
			in = &View{Data: sc.buf, Row: 2 * g.W * g.C, Pix: 2 * g.C}
			for i := max(0, -top); i < rows && top+i < g.H; i++ {
				s.widen(at(in.base(i), 0), g.C, src.base(top+i), src.Pix, g.W, g.C)
			}
		} else {
			top = 0
		}
		n := 0
		for y := y0; y < y1; y++ {
			n = l.pointers(sc, n, in, y, top, sp)
		}
		l.panels(&s.igemm, a, g.OW, r, func(j, cols, n, c0 int) {
			a.koff = c0 * size
			for y := y0; y < y1; y++ {
				a.ind = &sc.ptrs[(y-y0)*g.OW*a.ks]
				s.igemm.run(a, at(dst.base(y), j), dst.Pix, cols, n, s.masks, sp)
				sc.work(g.OW * n * g.KH * g.KW * each)
			}
		})
	}
}

// pointers appends to the table at n the pointers of output row y: for each block of pixels, each tap, each pixel. Row
// top of the map is row 0 of in.
func (l *Layer) pointers(sc *Scratch, n int, in *View, y, top int, sp split) int {
	g := &l.g
	pad := &sc.pad[0]
	for x := 0; x < g.OW; {
		mr := sp.at(x)
		for ky := range g.KH {
			iy := y*g.SH - g.PadT + ky*g.DH
			inside := iy >= 0 && iy < g.H
			row := pad
			if inside {
				row = in.base(iy - top)
			}
			for kx := range g.KW {
				ix := x*g.SW - g.PadL + kx*g.DW
				for range mr {
					if p := pad; inside && uint(ix) < uint(g.W) {
						p = at(row, ix*in.Pix)
						sc.ptrs[n] = p
					} else {
						sc.ptrs[n] = p
					}
					n++
					ix += g.SW
				}
			}
		}
		x += mr
	}
	return n
}
