package kernels

// Conv is the geometry of a convolution of one feature map: dense, grouped,
// pointwise or depthwise, any rectangular kernel, stride, dilation and padding.
// Output (y, x) reads input rows y*SH - PadT + ky*DH and columns
// x*SW - PadL + kx*DW; what lies outside the map is zero. Padding below and to
// the right follows from OH and OW. All fields must be set.
type Conv struct {
	H, W, C    int // input map
	OH, OW, N  int // output map, N channels
	KH, KW     int // kernel size
	SH, SW     int // stride
	DH, DW     int // dilation, 1: none
	PadT, PadL int
	Groups     int // divides C and N
}

// All is the whole output.
func (g *Conv) All() Range { return Range{0, g.OH, 0, g.N} }

// Depthwise tells whether every channel is filtered by itself, one output for
// each input channel.
func (g *Conv) Depthwise() bool { return g.Groups == g.C && g.N == g.C && g.C > 1 }

func (g *Conv) pointwise() bool {
	return g.KH == 1 && g.KW == 1 && g.PadT == 0 && g.PadL == 0 && g.Groups == 1 &&
		(g.OH-1)*g.SH < g.H && (g.OW-1)*g.SW < g.W
}

// rowMerged tells whether the taps of a kernel row are taken as one run of KW*C
// floats, from rows that are copied together with their padding. That pays for the
// few channels of an image, where a pointer for each tap would cost as much as the
// tap's products.
func (g *Conv) rowMerged() bool {
	return g.Groups == 1 && g.DW == 1 && g.KW > 1 && g.C < 16
}

// taps returns the kernel rows [ka, kb) of output row y that lie in the map.
func (g *Conv) taps(y int) (ka, kb int) { return taps(y*g.SH-g.PadT, g.DH, g.KH, g.H) }

func taps(i0, d, k, n int) (ka, kb int) {
	if i0 < 0 {
		ka = (-i0 + d - 1) / d
	}
	if i0 < n {
		kb = min(k, (n-1-i0)/d+1)
	}
	return min(ka, kb), kb
}

// MACs returns the multiply-accumulates of the layer, taps in the padding counted.
func (g *Conv) MACs() int64 {
	return int64(g.OH) * int64(g.OW) * int64(g.N) * int64(g.KH*g.KW*(g.C/g.Groups))
}

// ConvNeed is the scratch of Conv for g.
func (s *Set) ConvNeed(g *Conv) Need {
	switch {
	case g.Depthwise():
		return s.dwNeed(g)
	case g.pointwise():
		return Need{Ptrs: 1}
	case g.rowMerged():
		r := g.mergedRows()
		return Need{Ptrs: r * g.KH, Floats: ((r-1)*g.SH + (g.KH-1)*g.DH + 1) * g.mergedWidth()}
	}
	return Need{Ptrs: g.stripRows() * g.OW * g.KH * g.KW, Zeros: g.C}
}

// Conv computes the range r of the layer's output: dst = act(conv(src) + bias +
// residual). w and bias are packed by g.Pack and g.PackBias. src and dst are
// views of the whole maps: a ring must hold all rows that the range touches.
func (s *Set) Conv(g *Conv, w, bias []float32, dst, src View, ep Epilogue, r Range, sc *Scratch) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	_, _ = w[g.PackedLen()-1], bias[g.BiasLen()-1]
	lo, hi := max(0, r.Y0*g.SH-g.PadT), min(g.H, (r.Y1-1)*g.SH-g.PadT+(g.KH-1)*g.DH+1)
	src.check(lo, hi, g.W, g.C)
	dst.check(r.Y0, r.Y1, g.OW, g.N)
	if ep.Residual.Data != nil {
		ep.Residual.check(r.Y0, r.Y1, g.OW, g.N)
	}
	switch {
	case g.Depthwise():
		s.depthwise(g, w, bias, &dst, &src, &ep, r, sc)
	case g.pointwise():
		s.pointwise(g, w, bias, &dst, &src, &ep, r, sc)
	case g.rowMerged():
		s.convMerged(g, w, bias, &dst, &src, &ep, r, sc)
	default:
		s.convTaps(g, w, bias, &dst, &src, &ep, r, sc)
	}
}

// stripRows is the number of output rows whose pointers are built at once:
// 4096 pointers fill a first-level cache.
func (g *Conv) stripRows() int { return min(g.OH, max(1, 4096/(g.OW*g.KH*g.KW))) }

// line is a run of output pixels, to the right or downwards, that use the same taps
// of the kernel.
type line struct {
	y, x, n        int
	down           bool
	ka, kb, xa, xb int // kernel rows and columns, without the ends
}

// lines calls f for lines that together make up output rows y0 to y1. If down is
// allowed, the pixels at the left and right whose outer taps lie in the padding are
// taken column by column, without those taps.
func (g *Conv) lines(y0, y1 int, down bool, f func(l line)) {
	ya, yb := y0, y0 // rows that see all kernel rows
	for y := y0; y < y1; y++ {
		if ka, kb := g.taps(y); ka == 0 && kb == g.KH {
			if ya == yb {
				ya = y
			}
			yb = y + 1
		}
	}
	xa := min(ceilDiv(g.PadL, g.SW), g.OW) // columns that see all kernel columns
	xb := xa
	if last := g.W - 1 + g.PadL - (g.KW-1)*g.DW; last >= 0 {
		xb = max(xa, min(last/g.SW+1, g.OW))
	}
	cut := down && yb-ya >= minLine && xb-xa >= minLine
	for y := y0; y < y1; y++ {
		ka, kb := g.taps(y)
		l := line{y: y, n: g.OW, ka: ka, kb: kb, xb: g.KW}
		if cut && ya <= y && y < yb {
			l.x, l.n = xa, xb-xa
		}
		f(l)
	}
	for x := 0; cut && x < g.OW; x++ {
		if x == xa {
			x = xb - 1
			continue
		}
		ka, kb := taps(x*g.SW-g.PadL, g.DW, g.KW, g.W)
		f(line{y: ya, x: x, n: yb - ya, down: true, kb: g.KH, xa: ka, xb: kb})
	}
}

// minLine is the shortest line that is worth separating from the others.
const minLine = 6

// convTaps runs any convolution through a table of pointers, one for each pixel and
// tap. Lines are the inner loop, so that a panel's weights are fetched once a strip.
func (s *Set) convTaps(g *Conv, w, bias []float32, dst, src *View, ep *Epilogue, r Range, sc *Scratch) {
	cpg := g.C / g.Groups
	a := &sc.gemm
	a.setup(ep)
	a.k = cpg
	step := g.stripRows()
	most := s.igemm.most()
	for y0 := r.Y0; y0 < r.Y1; y0 += step {
		y1 := min(r.Y1, y0+step)
		down := dst.straight(y0, y1) && (ep.Residual.Data == nil || ep.Residual.straight(y0, y1))
		n := 0
		g.lines(y0, y1, down, func(l line) { n = g.pointers(sc, n, l, src, splitRows(l.n, most)) })
		s.panels(g, &s.igemm, a, w, bias, r, func(j, cols, n int, wp *float32, c0 int) {
			a.koff = c0
			p := 0
			g.lines(y0, y1, down, func(l line) {
				a.ks, a.runs = l.xb-l.xa, l.kb-l.ka
				if a.ks == 0 {
					a.runs = 0
				}
				if a.b = wp; a.runs > 0 {
					a.b = at(wp, (l.ka*g.KW+l.xa)*cpg*panel)
				}
				a.bskip = uintptr((g.KW-a.ks)*cpg*panel) * 4
				a.ind = ptr(sc.ptrs, p)
				split := splitRows(l.n, most)
				split.down = l.down
				s.igemm.run(a, dst, ep, l.y, l.x, j, cols, n, split)
				p += a.runs * a.ks * l.n
				sc.work(l.n * n * a.runs * a.ks * cpg)
			})
		})
		s.finish(ep, dst, y0, y1, g.OW, r.N0, r.N1, sc)
	}
}

// pointers appends to the table at n the pointers of a line: for each block of
// pixels, each tap, each pixel.
func (g *Conv) pointers(sc *Scratch, n int, l line, src *View, split rowSplit) int {
	if l.ka >= l.kb || l.xa >= l.xb {
		return n
	}
	zero := &sc.zeros[:g.C][0]
	tab := sc.ptrs
	for i := 0; i < l.n; {
		mr := split.at(i)
		for ky := l.ka; ky < l.kb; ky++ {
			if l.down {
				for kx := l.xa; kx < l.xb; kx++ {
					ix := l.x*g.SW - g.PadL + kx*g.DW
					for q := range mr {
						tab[n] = at(src.base((l.y+i+q)*g.SH-g.PadT+ky*g.DH), ix*src.Pix)
						n++
					}
				}
				continue
			}
			row := src.base(l.y*g.SH - g.PadT + ky*g.DH)
			for kx := l.xa; kx < l.xb; kx++ {
				ix := (l.x+i)*g.SW - g.PadL + kx*g.DW
				for range mr {
					if uint(ix) < uint(g.W) {
						tab[n] = at(row, ix*src.Pix)
					} else {
						tab[n] = zero
					}
					n++
					ix += g.SW
				}
			}
		}
		i += mr
	}
	return n
}

// mergedRows is the number of output rows in a strip of convMerged. Its copied rows
// stay in cache, and few of them are copied again for the next strip.
func (g *Conv) mergedRows() int { return min(g.OH, 8) }

// mergedWidth is the length in floats of a copied row.
func (g *Conv) mergedWidth() int { return ((g.OW-1)*g.SW + g.KW) * g.C }

// convMerged copies the input rows of a strip with their padding and takes the
// taps of a kernel row as one run of KW*C floats.
func (s *Set) convMerged(g *Conv, w, bias []float32, dst, src *View, ep *Epilogue, r Range, sc *Scratch) {
	a := &sc.gemm
	a.setup(ep)
	a.k = g.KW * g.C
	a.lda = uintptr(g.SW*g.C) * 4
	step, width := g.mergedRows(), g.mergedWidth()
	for y0 := r.Y0; y0 < r.Y1; y0 += step {
		y1 := min(r.Y1, y0+step)
		top := y0*g.SH - g.PadT
		for iy := max(0, top); iy < min(g.H, (y1-1)*g.SH-g.PadT+(g.KH-1)*g.DH+1); iy++ {
			g.padRow(sc.buf[(iy-top)*width:][:width], src, iy)
		}
		for y := y0; y < y1; y++ {
			ka, kb := g.taps(y)
			for ky := ka; ky < kb; ky++ {
				sc.ptrs[(y-y0)*g.KH+ky-ka] = ptrf(sc.buf, ((y-y0)*g.SH+ky*g.DH)*width)
			}
		}
		s.panels(g, &s.gemm, a, w, bias, r, func(j, cols, n int, wp *float32, _ int) {
			for y := y0; y < y1; y++ {
				ka, kb := g.taps(y)
				a.ks = kb - ka
				if a.b = wp; a.ks > 0 {
					a.b = at(wp, ka*a.k*panel)
				}
				a.ind, a.aoff = ptr(sc.ptrs, (y-y0)*g.KH), 0
				s.gemm.run(a, dst, ep, y, 0, j, cols, n, splitRows(g.OW, s.gemm.rows[cols/8]))
				sc.work(g.OW * n * a.ks * a.k)
			}
		})
		s.finish(ep, dst, y0, y1, g.OW, r.N0, r.N1, sc)
	}
}

// padRow writes input row iy into d with its padding columns.
func (g *Conv) padRow(d []float32, src *View, iy int) {
	row := src.Data[src.index(iy):]
	left := min(g.PadL*g.C, len(d)) // a row may be all padding
	if src.Pix == g.C {
		n := min(len(d)-left, g.W*g.C)
		clear(d[:left])
		copy(d[left:left+n], row)
		clear(d[left+n:])
		return
	}
	clear(d)
	for x := 0; x < g.W && left+(x+1)*g.C <= len(d); x++ {
		copy(d[left+x*g.C:][:g.C], row[x*src.Pix:])
	}
}

// pointwise runs a 1x1 convolution: rows of A lie at a constant distance.
func (s *Set) pointwise(g *Conv, w, bias []float32, dst, src *View, ep *Epilogue, r Range, sc *Scratch) {
	a := &sc.gemm
	a.setup(ep)
	a.k, a.ks = g.C, 1
	a.lda = uintptr(g.SW*src.Pix) * 4
	res := &ep.Residual
	if g.SH == 1 && g.SW == 1 && g.OW == g.W && src.flat(g.OW, r.Y0, r.Y1) && dst.flat(g.OW, r.Y0, r.Y1) &&
		(res.Data == nil || res.flat(g.OW, r.Y0, r.Y1)) {
		m := (r.Y1 - r.Y0) * g.OW
		// Strips of pixels that stay in the second-level cache while the weights
		// stream through; longer strips if the weights do not fit there themselves.
		limit := 256 << 10
		if 4*g.C*g.N > 512<<10 {
			limit = 1 << 20
		}
		parts := ceilDiv(m, max(64, limit/(4*max(g.C, g.N))))
		strip := ceilDiv(m, parts)
		if parts > 1 {
			q := s.gemm.most()
			strip = ceilDiv(strip, q) * q
		}
		ahead := s.fetch(g, w, ep.Next, m, r, strip)
		for x0 := 0; x0 < m; x0 += strip {
			n := min(strip, m-x0)
			s.pointwiseRun(g, a, w, bias, dst, src, ep, r, r.Y0, x0, n, &ahead, sc)
			s.finishRun(ep, dst, r.Y0, x0, n, r.N0, r.N1, sc)
		}
		return
	}
	for y := r.Y0; y < r.Y1; y++ {
		s.pointwiseRun(g, a, w, bias, dst, src, ep, r, y, 0, g.OW, &fetch{}, sc)
		s.finishRun(ep, dst, y, 0, g.OW, r.N0, r.N1, sc)
	}
}

// pointwiseRun computes m pixels from pixel x0 of output row y on.
func (s *Set) pointwiseRun(g *Conv, a *gemmArgs, w, bias []float32, dst, src *View, ep *Epilogue, r Range,
	y, x0, m int, ahead *fetch, sc *Scratch) {
	sc.ptrs[0] = at(src.base(y*g.SH), x0*g.SW*src.Pix)
	bs := g.C * panel
	a.bs = uintptr(bs) * 4
	for j := r.N0; j < r.N1; {
		cols := s.gemm.cols(m, g.C, r.N1-j)
		n := min(cols, r.N1-j)
		a.ind, a.aoff = ptr(sc.ptrs, 0), 0
		a.b = ptrf(w, j/panel*bs)
		a.bias = ptrf(bias, j)
		split := splitRows(m, s.gemm.rows[cols/8])
		ahead.take(a, split.blocks*g.C)
		s.gemm.run(a, dst, ep, y, x0, j, cols, n, split)
		sc.work((m + 8) * n * g.C) // with few pixels, fetching the weights counts
		j += n
	}
}

// panels calls f for each tile column of the output channels of r: the first
// channel, the tile's width, the channels in it, its weights and the first
// input channel.
func (s *Set) panels(g *Conv, t *tiles, a *gemmArgs, w, bias []float32, r Range,
	f func(j, cols, n int, w *float32, c0 int)) {
	cpg, npg := g.C/g.Groups, g.N/g.Groups
	bs := g.KH * g.KW * cpg * panel
	a.bs = uintptr(bs) * 4
	pp := ceilDiv(npg, panel)
	for q := r.N0 / npg; q < g.Groups && q*npg < r.N1; q++ {
		j0, j1 := max(r.N0-q*npg, 0), min(r.N1-q*npg, npg)
		for j := j0; j < j1; {
			cols := t.cols(g.OW, g.KH*g.KW*cpg, j1-j)
			n := min(cols, j1-j)
			p := q*pp + j/panel
			a.bias = ptrf(bias, p*panel)
			f(q*npg+j, cols, n, ptrf(w, p*bs), q*cpg)
			j += n
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func ptr(s []*float32, i int) **float32 {
	if i >= len(s) {
		return nil
	}
	return &s[i]
}

func ptrf(s []float32, i int) *float32 { return &s[i] }
