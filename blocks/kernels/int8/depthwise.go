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
	fits := (24<<10)/(len(p.buffers)*16*s.vl) - span // columns beyond the first output
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
	return Need{Ptrs: 16 * len(p.buffers) * p.cols, Pad: g.W * g.C, Bytes: l.dwBuffers() + g.OW*g.C,
		Taps: len(p.taps), Spreads: len(p.buffers) * p.cols}
}

// dwBytes is the size of the buffers of several blocks of channels together.
const dwBytes = 24 << 10

// blockBytes is the size of the buffers of a block.
func (p *dwPlan) blockBytes(vl int) int { return len(p.buffers) * p.cols * 16 * vl }

// dwBuffers is the size of all buffers. An output row lies behind them.
func (l *Layer) dwBuffers() int { return max(dwBytes, l.dw.blockBytes(l.set.vl)) }

// depthwise runs a depthwise convolution, output row by output row.
func (l *Layer) depthwise(dst, src *View, r kernels.Range, sc *Scratch) {
	g, s, p := &l.g, l.set, &l.dw
	for i, t := range p.taps {
		sc.taps[i] = (t.buffer*p.cols + t.kx*g.DW) * 16 * s.vl
	}
	sc.setPad(l.in.Zero, g.W*g.C, 1)
	sc.dw = dwArgs{taps: &sc.taps[0], nt: len(p.taps), out: &l.round, ds: dst.Pix, fromStep: g.SW * 16 * s.vl,
		fromBlock: p.blockBytes(s.vl), plain: l.plain, groups: p.groups}
	for y := r.Y0; y < r.Y1; y += p.rows {
		rows := min(p.rows, r.Y1-y)
		for from := 0; from < len(p.blocks); {
			b := p.blocks[from]
			to := from + 1 // blocks alike
			for to < len(p.blocks) && p.blocks[to].runs == b.runs && p.blocks[to].n == b.n {
				to++
			}
			n := ceilDiv(g.OW, b.runs) // outputs of a run; the last runs overlap
			for x := 0; x < n; x += p.chunk {
				l.dwChunk(dst, src, dwPart{y, rows, x, min(p.chunk, n-x), n}, from, to, r, sc)
			}
			from = to
		}
		sc.work(2 * rows * g.OW * (r.N1 - r.N0) * g.KH * g.KW)
	}
}

// dwPart is a part of some output rows from y on: outputs x to x+m of each of the runs of n outputs.
type dwPart struct{ y, rows, x, m, n int }

// start is the first of the outputs in a run, of ow in a row.
func (p *dwPart) start(run, ow int) int { return min(run*p.n, ow-p.n) + p.x }

// dwChunk computes a part for blocks from to to.
func (l *Layer) dwChunk(dst, src *View, d dwPart, from, to int, r kernels.Range, sc *Scratch) {
	s, p := l.set, &l.dw
	for from < to && p.blocks[from].c+p.blocks[from].n <= r.N0 {
		from++
	}
	for from < to && p.blocks[to-1].c >= r.N1 {
		to--
	}
	if from == to {
		return
	}
	b := p.blocks[from]
	calls := l.dwSpreads(src, d, b.runs, sc)
	most := max(1, dwBytes/p.blockBytes(s.vl))
	for ; from < to; from += most {
		nb := min(most, to-from)
		for i := range sc.spreads[:calls] {
			a := &sc.spreads[i]
			a.off, a.nb, a.toStep = p.blocks[from].c, nb, p.blockBytes(s.vl)
			s.spread[b.runs](a)
		}
		for row := range d.rows {
			l.dwSums(dst, d, row, from, from+nb, r, sc)
		}
	}
}

// dwSpreads prepares the calls that fill the buffers for a part, and returns their number. Columns that lie in the map
// for all values and runs take one call.
func (l *Layer) dwSpreads(src *View, d dwPart, runs int, sc *Scratch) (calls int) {
	g, s, p := &l.g, l.set, &l.dw
	cols := (d.m-1)*g.SW + (g.KW-1)*g.DW + 1
	first, last := d.start(0, g.OW)*g.SW-g.PadL, d.start(runs-1, g.OW)*g.SW-g.PadL
	ptrs := 0
	for bi := range p.buffers {
		buf := &p.buffers[bi]
		wide := 0
		for v := range buf.kx {
			wide = max(wide, buf.kx[v]*g.DW)
		}
		ia := min(max(0, -first), cols)
		ib := max(ia, min(cols, g.W-last-wide))
		if src.Pix != g.C && !l.dwInside(buf, d) {
			ib = ia // the row of padding has pixels of C channels
		}
		for i := 0; i < cols; calls++ {
			a := &sc.spreads[calls]
			*a = spreadArgs{tab: &sc.ptrs[ptrs], step: src.Pix, n: 1, to: &sc.buf[(bi*p.cols+i)*16*s.vl]}
			if i == ia && ib > ia {
				a.n = ib - ia
			}
			l.dwPointers(sc.ptrs[ptrs:], buf, src, d, i, runs, sc)
			ptrs += s.unit * runs
			i += a.n
		}
	}
	return calls
}

// dwRow returns the input row of value v of a buffer, which may lie in the padding, and whether it is used.
func (l *Layer) dwRow(buf *dwBuffer, v int, d *dwPart) (iy int, used bool) {
	ky := buf.ky[v]
	return d.y*l.g.SH - l.g.PadT + ky*l.g.DH, ky >= 0 && ky < l.g.KH+d.rows-1
}

// dwInside tells whether no pointer of a buffer leads to the padding because of its row.
func (l *Layer) dwInside(buf *dwBuffer, d dwPart) bool {
	for v := range l.set.unit {
		if iy, used := l.dwRow(buf, v, &d); !used && v == 0 || used && (iy < 0 || iy >= l.g.H) {
			return false
		}
	}
	return true
}

// dwPointers writes the pointers to column i of a buffer: for each value of a lane, each run.
func (l *Layer) dwPointers(tab []*byte, buf *dwBuffer, src *View, d dwPart, i, runs int, sc *Scratch) {
	g := &l.g
	for v := range l.set.unit {
		iy, used := l.dwRow(buf, v, &d)
		for run := range runs {
			ix := d.start(run, g.OW)*g.SW - g.PadL + buf.kx[v]*g.DW + i
			switch p := &tab[v*runs+run]; {
			case !used && v > 0: // whatever stands there
				*p = tab[run]
			case used && uint(iy) < uint(g.H) && uint(ix) < uint(g.W):
				*p = at(src.base(iy), ix*src.Pix)
			default:
				*p = &sc.pad[0]
			}
		}
	}
}

// dwSums computes a row of a part for blocks from to to out of the buffers.
func (l *Layer) dwSums(dst *View, d dwPart, row, from, to int, r kernels.Range, sc *Scratch) {
	p := &l.dw
	if p.blocks[from].c >= r.N0 && p.blocks[to-1].c+p.blocks[to-1].n <= r.N1 {
		l.dwStore(dst.base(d.y+row), dst.Pix, d, row, 0, from, to, sc)
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
				copy(dst.Data[dst.index(d.y+row)+px*dst.Pix+c0:][:c1-c0], own.Data[px*own.Pix+c0:])
			}
		}
	}
}

// dwStore computes a row of a part for blocks from to to, of which the buffers hold the first as block number first, and
// stores them in the row at base.
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
