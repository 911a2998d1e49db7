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
	buffers []dwBuffer
	taps    []dwTap
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
	for ky := 0; ky < g.KH; ky += u {
		left := min(u, g.KH-ky)
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
		for kx := 0; kx < g.KW; kx += step {
			p.taps = append(p.taps, dwTap{len(p.buffers), kx})
		}
		p.buffers = append(p.buffers, b)
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

// packDepthwise lays weights, bias and scales out as the blocks have their lanes: [block][tap][4 vectors].
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
				for v := range s.unit {
					from := &p.buffers[t.buffer]
					l.put((bi*len(p.taps)+ti)*4*s.vl+n, v, w.at(g, c, from.ky[v], from.kx[v]+t.kx, 0))
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
		fromBlock: p.blockBytes(s.vl)}
	for y := r.Y0; y < r.Y1; y++ {
		for from := 0; from < len(p.blocks); {
			b := p.blocks[from]
			to := from + 1 // blocks alike
			for to < len(p.blocks) && p.blocks[to].runs == b.runs && p.blocks[to].n == b.n {
				to++
			}
			n := ceilDiv(g.OW, b.runs) // outputs of a run; the last runs overlap
			for x := 0; x < n; x += p.chunk {
				l.dwChunk(dst, src, y, x, min(p.chunk, n-x), n, from, to, r, sc)
			}
			from = to
		}
		sc.work(2 * g.OW * (r.N1 - r.N0) * g.KH * g.KW)
	}
}

// dwChunk computes outputs x to x+m of the runs of n of output row y, for blocks from to to.
func (l *Layer) dwChunk(dst, src *View, y, x, m, n, from, to int, r kernels.Range, sc *Scratch) {
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
	calls := l.dwSpreads(src, y, x, m, n, b.runs, sc)
	most := max(1, dwBytes/p.blockBytes(s.vl))
	for ; from < to; from += most {
		nb := min(most, to-from)
		for i := range sc.spreads[:calls] {
			a := &sc.spreads[i]
			a.off, a.nb, a.toStep = p.blocks[from].c, nb, p.blockBytes(s.vl)
			s.spread[b.runs](a)
		}
		l.dwSums(dst, y, x, m, n, from, from+nb, r, sc)
	}
}

// runStart is the first output of a run of n, of ow outputs.
func runStart(run, n, ow int) int { return min(run*n, ow-n) }

// dwSpreads prepares the calls that fill the buffers for outputs x to x+m of runs of n, and returns their number.
// Columns that lie in the map for all values and runs, or in none, take one call.
func (l *Layer) dwSpreads(src *View, y, x, m, n, runs int, sc *Scratch) (calls int) {
	g, s, p := &l.g, l.set, &l.dw
	cols := (m-1)*g.SW + (g.KW-1)*g.DW + 1
	first := (runStart(0, n, g.OW)+x)*g.SW - g.PadL
	last := (runStart(runs-1, n, g.OW)+x)*g.SW - g.PadL
	ptrs := 0
	for bi := range p.buffers {
		buf := &p.buffers[bi]
		wide := 0
		for v := range buf.kx {
			wide = max(wide, buf.kx[v]*g.DW)
		}
		ia := min(max(0, -first), cols)
		ib := max(ia, min(cols, g.W-last-wide))
		if src.Pix != g.C && !l.dwInside(buf, y) {
			ib = ia // the row of padding has pixels of C channels
		}
		for i := 0; i < cols; calls++ {
			a := &sc.spreads[calls]
			*a = spreadArgs{tab: &sc.ptrs[ptrs], step: src.Pix, n: 1, to: &sc.buf[(bi*p.cols+i)*16*s.vl]}
			if i == ia && ib > ia {
				a.n = ib - ia
			}
			l.dwPointers(sc.ptrs[ptrs:], buf, src, y, x, i, n, runs, sc)
			ptrs += s.unit * runs
			i += a.n
		}
	}
	return calls
}

// dwInside tells whether all rows of a buffer lie in the map.
func (l *Layer) dwInside(buf *dwBuffer, y int) bool {
	for _, ky := range buf.ky {
		if iy := y*l.g.SH - l.g.PadT + max(ky, 0)*l.g.DH; ky >= 0 && (iy < 0 || iy >= l.g.H) {
			return false
		}
	}
	return true
}

// dwPointers writes the pointers to column i of a buffer: for each value of a lane, each run.
func (l *Layer) dwPointers(tab []*byte, buf *dwBuffer, src *View, y, x, i, n, runs int, sc *Scratch) {
	g := &l.g
	for v := range l.set.unit {
		iy := y*g.SH - g.PadT + max(buf.ky[v], 0)*g.DH
		inside := buf.ky[v] >= 0 && iy >= 0 && iy < g.H
		for run := range runs {
			ix := (runStart(run, n, g.OW)+x)*g.SW - g.PadL + buf.kx[v]*g.DW + i
			switch p := &tab[v*runs+run]; {
			case inside && uint(ix) < uint(g.W):
				*p = at(src.base(iy), ix*src.Pix)
			case buf.ky[v] < 0 && v > 0: // not used
				*p = tab[run]
			default:
				*p = &sc.pad[0]
			}
		}
	}
}

// dwSums computes the outputs of blocks from to to out of the buffers.
func (l *Layer) dwSums(dst *View, y, x, m, n, from, to int, r kernels.Range, sc *Scratch) {
	p := &l.dw
	if p.blocks[from].c >= r.N0 && p.blocks[to-1].c+p.blocks[to-1].n <= r.N1 {
		l.dwStore(dst.base(y), dst.Pix, x, m, n, 0, from, to, sc)
		return
	}
	for bi := from; bi < to; bi++ { // channels outside the range must not be written
		own := View{Data: sc.buf[l.dwBuffers():], Pix: l.g.C}
		l.dwStore(own.base(0), own.Pix, x, m, n, bi-from, bi, bi+1, sc)
		b := p.blocks[bi]
		c0, c1 := max(b.c, r.N0), min(b.c+b.n, r.N1)
		for run := range b.runs {
			for i := range m {
				px := runStart(run, n, l.g.OW) + x + i
				copy(dst.Data[dst.index(y)+px*dst.Pix+c0:][:c1-c0], own.Data[px*own.Pix+c0:])
			}
		}
	}
}

// dwStore computes the outputs of blocks from to to, of which the buffers hold the first as block number first, and
// stores them in the row at base.
func (l *Layer) dwStore(base *byte, pix, x, m, n, first, from, to int, sc *Scratch) {
	g, s, p, a := &l.g, l.set, &l.dw, &sc.dw
	b := p.blocks[from]
	lanes := from * 4 * s.vl
	a.w, a.bias, a.scale = &l.w[lanes*len(p.taps)*4], &l.bias[lanes], &l.scale[lanes]
	a.from, a.nb, a.channels, a.ds = &sc.buf[first*a.fromBlock], to-from, b.n, pix
	if a.mask = uint64(b.n); s.masks {
		a.mask = 1<<b.n - 1
	}
	for run := range b.runs {
		a.dst[run] = at(base, (runStart(run, n, g.OW)+x)*pix+b.c)
	}
	a.off = 0
	sp := splitPixels(m, s.dwMost)
	if sp.nbig > 0 {
		a.nblk = sp.nbig
		s.dw[b.runs][sp.base+1](a)
		d := sp.nbig * (sp.base + 1)
		a.from, a.off = at(a.from, d*a.fromStep), d*pix
	}
	a.nblk = sp.blocks - sp.nbig
	s.dw[b.runs][sp.base](a)
}
