package int8

import (
	"nas/blocks/kernels"
)

// A depthwise convolution is made of sums over lanes. A lane holds what one channel has at as many taps as a lane has
// values: those of some rows of the kernel, or neighbours in a row where only one is left. The pixels are brought into
// this form once for each output row, into buffers in the first-level cache; each buffer then serves taps at some
// columns.

// dwPlan says how a depthwise convolution is divided into lanes and blocks of channels.
type dwPlan struct {
	rows    int // output rows that the buffers serve: 2 at stride 1, where they share all input rows but the outer ones
	buffers []dwBuffer
	taps    []dwTap
	group   int // taps of a group, 0: there are none
	groups  int // groups of neighbouring columns, which stand first among the taps
	blocks  []dwBlock
	chunk   int // most outputs of a run that are computed from one filling of the buffers
	cols    int // columns of a buffer
}

// dwBuffer says which tap each value of a lane comes from: kernel row ky, kx columns to the right. Unused values have
// ky -1.
type dwBuffer struct{ ky, kx [4]int }

// dwTap is a sum over a buffer's lanes, kx columns to the right.
type dwTap struct{ buffer, kx int }

// dwBlock is a range of channels. With few channels, vectors hold several runs of pixels, parts of the output row.
type dwBlock struct{ c, n, runs int }

// dwPlan returns the plan for g.
func (s *Set) dwPlan(g *kernels.Conv) (p dwPlan) {
	u := s.unit
	p.rows = 1
	if g.SH == 1 && g.DH == 1 {
		p.rows = 2
	}
	if g.KW < len(s.dw) && g.SW < len(s.dw[0]) && g.DW == 1 && s.dw[g.KW][g.SW].most > 0 {
		p.group = g.KW
	}
	kh := g.KH + p.rows - 1
	for ky := 0; ky < kh; ky += u {
		left := min(u, kh-ky)
		b, step := dwBuffer{}, 1 // step: neighbouring columns in a lane
		for left*2*step <= u {
			step *= 2
		}
		for i := range b.ky {
			b.ky[i], b.kx[i] = -1, 0
			if i < left*step {
				b.ky[i], b.kx[i] = ky+i%left, i/left
			}
		}
		if step == 1 && p.group > 0 {
			p.groups++
		}
		for kx := 0; kx < g.KW; kx += step {
			p.taps = append(p.taps, dwTap{len(p.buffers), kx})
		}
		p.buffers = append(p.buffers, b)
	}
	if p.groups == 0 {
		p.group = 0
	}
	most := 4 * s.vl
	for c := 0; c < g.C; {
		runs := 1
		for 2*runs <= s.vl/4 && g.C-c <= most/(2*runs) {
			runs *= 2
		}
		n := min(g.C-c, most/runs)
		p.blocks = append(p.blocks, dwBlock{c, n, runs})
		c += n
	}
	span := (g.KW-1)*g.DW + 1
	fits := dwBytes/(len(p.buffers)*16*s.vl) - span // columns beyond the first output
	p.chunk = min(g.OW, max(fits/g.SW+1, s.vl/2))
	p.cols = (p.chunk-1)*g.SW + span
	return p
}

// packDepthwise lays weights, bias and scales out as the blocks have their lanes: [output row][block][tap][4 vectors].
func (l *Layer) packDepthwise(w Weights, unit []float32) {
	g, s, p := &l.g, l.set, &l.dw
	for bi, b := range p.blocks {
		for n := range 4 * s.vl { // lanes of four vectors
			i, part, e := n/s.vl, n%s.vl/4, n%4
			c := b.c + part%(s.vl/4/b.runs)*16 + 4*i + e
			if c >= b.c+b.n {
				continue
			}
			l.bias[bi*4*s.vl+n], l.scale[bi*4*s.vl+n] = w.folded(g, c, l.in, s.shift), unit[c]
			for ti, t := range p.taps {
				for i := range p.rows * s.unit {
					row, v := i/s.unit, i%s.unit
					from := &p.buffers[t.buffer]
					at := ((row*len(p.blocks)+bi)*len(p.taps) + ti) * 4 * s.vl
					l.put(at+n, v, w.at(g, c, from.ky[v]-row, from.kx[v]+t.kx, 0))
				}
			}
		}
	}
}

// dwNeed is the working memory of a depthwise layer.
func (l *Layer) dwNeed() Need {
	p, g := &l.dw, &l.g
	return Need{Ptrs: maxTable, Pad: g.W * g.C, Bytes: l.dwBuffers() + g.OW*g.C, Taps: len(p.taps),
		Segments: len(p.buffers) * p.cols}
}

// dwBytes is the size of the buffers of several blocks of channels together. With the rows that they are filled from,
// they stay in a first-level cache.
const dwBytes = 12 << 10

// blockBytes is the size of the buffers of a block.
func (p *dwPlan) blockBytes(vl int) int { return len(p.buffers) * p.cols * 16 * vl }

// dwBuffers is the size of all buffers. An output row lies behind them.
func (l *Layer) dwBuffers() int { return max(dwBytes, l.dw.blockBytes(l.set.vl)) }

// alike returns the end of the blocks from from on that are like the first.
func (p *dwPlan) alike(from int) int {
	to := from + 1
	for to < len(p.blocks) && p.blocks[to].runs == p.blocks[from].runs && p.blocks[to].n == p.blocks[from].n {
		to++
	}
	return to
}

// depthwise runs a depthwise convolution. Its loops are, from outside: blocks alike, parts of the columns, some of the
// blocks, output rows.
func (l *Layer) depthwise(dst, src *View, r kernels.Range, sc *Scratch) {
	g, s, p := &l.g, l.set, &l.dw
	for i, t := range p.taps {
		sc.taps[i] = (t.buffer*p.cols + t.kx*g.DW) * 16 * s.vl
	}
	sc.setPad(l.in.Zero, g.W*g.C, 1)
	sc.dw = dwArgs{taps: &sc.taps[0], nt: len(p.taps), out: &l.round, ds: dst.Pix, fromStep: g.SW * 16 * s.vl,
		fromBlock: p.blockBytes(s.vl), plain: l.plain, groups: p.groups}
	some := max(1, dwBytes/p.blockBytes(s.vl))
	for first := 0; first < len(p.blocks); first = p.alike(first) {
		b := p.blocks[first]
		from, to := first, p.alike(first) // those in the range
		for from < to && p.blocks[from].c+b.n <= r.N0 {
			from++
		}
		for from < to && p.blocks[to-1].c >= r.N1 {
			to--
		}
		n := ceilDiv(g.OW, b.runs)
		for x := 0; x < n && from < to; x += p.chunk {
			d := dwPart{runs: b.runs, x: x, m: min(p.chunk, n-x), n: n}
			segments := l.dwSegments(&d, sc)
			for bi := from; bi < to; bi += some {
				l.dwRows(dst, src, d, segments, bi, min(bi+some, to), r, sc)
			}
		}
	}
}

// dwPart is a part of the columns: outputs x to x+m of each of the runs of n outputs. The last runs overlap.
type dwPart struct{ runs, x, m, n int }

// start is the first of the outputs in a run, of ow in a row.
func (d *dwPart) start(run, ow int) int { return min(run*d.n, ow-d.n) + d.x }

// maxTable is the number of pointers to a pixel: four runs of four values.
const maxTable = 16

// dwSegment is n columns of a buffer that one call fills. offset is where they begin in the input rows of the values of
// a lane, in pixels; -1 in the padding.
type dwSegment struct {
	buffer, col, n int
	padding        bool // all is padding, in every row
	offset         [maxTable]int
}

// dwSegments divides the columns of the buffers for a part. Those that lie in the map for all values and runs are one
// segment, the others one each.
func (l *Layer) dwSegments(d *dwPart, sc *Scratch) []dwSegment {
	g, s, p := &l.g, l.set, &l.dw
	cols := (d.m-1)*g.SW + (g.KW-1)*g.DW + 1
	first, last := d.start(0, g.OW)*g.SW-g.PadL, d.start(d.runs-1, g.OW)*g.SW-g.PadL
	n := 0
	for bi := range p.buffers {
		buf := &p.buffers[bi]
		wide := 0
		for v := range buf.kx {
			wide = max(wide, buf.kx[v]*g.DW)
		}
		ia := min(max(0, -first), cols)
		ib := max(ia, min(cols, g.W-last-wide))
		for i := 0; i < cols; n++ {
			seg := &sc.segments[n]
			*seg = dwSegment{buffer: bi, col: i, n: 1, padding: true}
			if i == ia && ib > ia {
				seg.n = ib - ia
			}
			for v := range s.unit {
				for run := range d.runs {
					ix := d.start(run, g.OW)*g.SW - g.PadL + buf.kx[v]*g.DW + i
					if uint(ix) >= uint(g.W) {
						ix = -1
					} else if buf.ky[v] >= 0 {
						seg.padding = false
					}
					seg.offset[v*d.runs+run] = ix
				}
			}
			i += seg.n
		}
	}
	return sc.segments[:n]
}

// dwRows computes a part of all output rows for blocks from to to.
func (l *Layer) dwRows(dst, src *View, d dwPart, segments []dwSegment, from, to int, r kernels.Range, sc *Scratch) {
	g, s, p := &l.g, l.set, &l.dw
	a := spreadArgs{tab: &sc.ptrs[0], nb: to - from, toStep: p.blockBytes(s.vl)}
	for y := r.Y0; y < r.Y1; y += p.rows {
		rows := min(p.rows, r.Y1-y)
		for i := range segments {
			seg := &segments[i]
			if seg.padding && y > r.Y0 {
				continue
			}
			a.off, a.step, a.n = p.blocks[from].c, src.Pix, seg.n
			a.to = &sc.buf[(seg.buffer*p.cols+seg.col)*16*s.vl]
			if l.dwPointers(seg, src, y, rows, d.runs, sc) || src.Pix == g.C || seg.n == 1 {
				s.spread[d.runs](&a)
				continue
			}
			for x := range seg.n { // the row of padding has pixels of C channels
				a.n, a.step, a.to = 1, 0, &sc.buf[(seg.buffer*p.cols+seg.col+x)*16*s.vl]
				s.spread[d.runs](&a)
				for j := range s.unit * d.runs {
					if q := &sc.ptrs[j]; *q != &sc.pad[0] {
						*q = at(*q, src.Pix)
					}
				}
			}
		}
		for row := range rows {
			l.dwSums(dst, d, y, row, from, to, r, sc)
		}
		sc.work(2 * rows * d.m * d.runs * (to - from) * p.blocks[from].n * g.KH * g.KW)
	}
}

// dwPointers writes the pointers to the first column of a segment: for each value of a lane, each run. It tells whether
// none leads to the padding.
func (l *Layer) dwPointers(seg *dwSegment, src *View, y, rows, runs int, sc *Scratch) (inside bool) {
	g, buf := &l.g, &l.dw.buffers[seg.buffer]
	inside = true
	for v := range l.set.unit {
		ky := buf.ky[v]
		iy := y*g.SH - g.PadT + ky*g.DH
		used := ky >= 0 && ky < g.KH+rows-1
		var base *byte
		if used && uint(iy) < uint(g.H) {
			base = src.base(iy)
		}
		for run := range runs {
			q := &sc.ptrs[v*runs+run]
			ix := seg.offset[v*runs+run]
			switch {
			case base != nil && ix >= 0:
				*q = at(base, ix*src.Pix)
			case !used && v > 0: // whatever stands there
				*q = sc.ptrs[run]
			default:
				*q, inside = &sc.pad[0], false
			}
		}
	}
	return inside
}

// dwSums computes a part of output row y+row for blocks from to to out of the buffers.
func (l *Layer) dwSums(dst *View, d dwPart, y, row, from, to int, r kernels.Range, sc *Scratch) {
	p := &l.dw
	if p.blocks[from].c >= r.N0 && p.blocks[to-1].c+p.blocks[to-1].n <= r.N1 {
		l.dwStore(dst.base(y+row), dst.Pix, d, row, 0, from, to, sc)
		return
	}
	for bi := from; bi < to; bi++ { // channels outside the range must not be written
		own := View{Data: sc.buf[l.dwBuffers():], Pix: l.g.C}
		l.dwStore(own.base(0), own.Pix, d, row, bi-from, bi, bi+1, sc)
		b := p.blocks[bi]
		c0, c1 := max(b.c, r.N0), min(b.c+b.n, r.N1)
		for run := range b.runs {
			for x := range d.m {
				px := d.start(run, l.g.OW) + x
				copy(dst.Data[dst.index(y+row)+px*dst.Pix+c0:][:c1-c0], own.Data[px*own.Pix+c0:])
			}
		}
	}
}

// dwStore computes a row of a part for blocks from to to and stores them in the row at base. The buffers hold the first
// of them as block number first.
func (l *Layer) dwStore(base *byte, pix int, d dwPart, row, first, from, to int, sc *Scratch) {
	g, s, p, a := &l.g, l.set, &l.dw, &sc.dw
	b := p.blocks[from]
	lanes := from * 4 * s.vl
	a.w = &l.w[(row*len(p.blocks)+from)*16*s.vl*len(p.taps)]
	a.bias, a.scale = &l.bias[lanes], &l.scale[lanes]
	a.from, a.nb, a.channels, a.ds, a.runs = &sc.buf[first*a.fromBlock], to-from, b.n, pix, b.runs
	if a.mask = uint64(b.n); s.masks {
		a.mask = 1<<b.n - 1
	}
	for run := range b.runs {
		a.dst[run] = at(base, d.start(run, g.OW)*pix+b.c)
	}
	a.off = 0
	kern := &s.dw[0][0]
	if p.group > 0 {
		kern = &s.dw[p.group][g.SW]
	}
	sp := splitPixels(d.m, kern.most)
	if sp.nbig > 0 {
		a.nblk = sp.nbig
		kern.f[sp.base+1](a)
		n := sp.nbig * (sp.base + 1)
		a.from, a.off = at(a.from, n*a.fromStep), n*pix
	}
	a.nblk = sp.blocks - sp.nbig
	kern.f[sp.base](a)
}
