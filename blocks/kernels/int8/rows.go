package int8

import (
	"slices"
	"unsafe"

	"nas/blocks/kernels"
)

// Where 8-bit dot products are missing, depthwise convolutions of 3 x 3 and 5 x 5 taps are computed in float32,
// straight from the bytes of the map: all sums are integers below 2^24, which float32 holds exactly.

// rowPlan divides the outputs of a row into tiles.
type rowPlan struct {
	split
	tiles   []rowTile // with bias in bytes from that of the first class
	classes [][2]int  // first and one past the last tap of a kernel row inside the map; one pair a class of outputs
}

// rowKernels are the kernels of one size and stride, by rows and outputs.
type rowKernels struct {
	f    [3][9]func(*rowArgs)
	most int // outputs
	rows int
}

// rowKernels returns the kernels for g, or the empty entry, whose most is 0, if there are none.
func (s *Set) rowKernels(g *kernels.Conv) *rowKernels {
	if g.KH != g.KW || g.SH != g.SW || g.KW >= len(s.rows) || g.SW >= len(s.rows[0]) || g.DH > 1 || g.DW > 1 ||
		g.PadL >= g.KW || (g.OW-1)*g.SW-g.PadL >= g.W { // every output has a column in the map
		return &s.rows[0][0]
	}
	return &s.rows[g.KW][g.SW]
}

// rowPlan returns the plan for g.
func (s *Set) rowPlan(g *kernels.Conv) (p rowPlan) {
	p.split = splitPixels(g.OW, s.rowKernels(g).most)
	for x := 0; x < g.OW; {
		u := p.at(x)
		left := x*g.SW - g.PadL // column 0 of the tile
		t := rowTile{from: left, to: x, skip: max(0, -left), end: min((u-1)*g.SW+g.KW, g.W-left)}
		for i := range u {
			first := left + i*g.SW
			class := [2]int{max(0, -first), min(g.KW, g.W-first)}
			n := slices.Index(p.classes, class)
			if n < 0 {
				n = len(p.classes)
				p.classes = append(p.classes, class)
			}
			t.bias[i] = n * 4 * s.vl
		}
		p.tiles = append(p.tiles, t)
		x += u
	}
	return p
}

// rowsLen returns the bytes of the weights of kindRows and the number of biases.
func (s *Set) rowsLen(g *kernels.Conv) (w, outs int) {
	blocks := ceilDiv(g.C, s.vl)
	return blocks * g.KH * g.KW * 4 * s.vl, blocks * s.vl * len(s.rowPlan(g).classes)
}

// exact tells whether float32 holds all sums.
func (w *Weights) exact(g *kernels.Conv) bool {
	n := g.KH * g.KW
	for o := range g.N {
		most := int64(0)
		for _, q := range w.Q[o*n:][:n] {
			most += 2 * 255 * max(int64(q), -int64(q)) // of the sum, and of what the bias holds of the zero point
		}
		if w.Bias != nil {
			most += max(int64(w.Bias[o]), -int64(w.Bias[o]))
		}
		if most >= 1<<24 {
			return false
		}
	}
	return true
}

// packRows lays the weights out as [block][tap][channel], the biases as [block][class][channel].
func (l *Layer) packRows(w Weights, unit []float32) {
	g, vl, p := &l.g, l.set.vl, &l.rows
	taps := g.KH * g.KW
	to := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(l.w))), len(l.w)/4)
	bias := unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(l.bias))), len(l.bias))
	for c := range g.C {
		b, i := c/vl, c%vl
		l.scale[c] = unit[c]
		q := w.Q[c*taps:][:taps]
		for t, v := range q {
			to[(b*taps+t)*vl+i] = float32(v)
		}
		for n, class := range p.classes {
			sum := w.folded(g, c, l.in, 0)
			for t, v := range q { // columns outside of the map hold the zero point
				if kx := t % g.KW; kx < class[0] || kx >= class[1] {
					sum += int32(v) * int32(l.in.Zero)
				}
			}
			bias[(b*len(p.classes)+n)*vl+i] = float32(sum)
		}
	}
}

// rowsNeed is the working memory: rows of padding, and those that are copied where pixels do not adjoin.
func (l *Layer) rowsNeed() Need {
	g := &l.g
	return Need{Pad: g.W * g.C, Bytes: l.inputs(2) * g.W * g.C}
}

// inputs is the number of input rows that some output rows read.
func (l *Layer) inputs(rows int) int { return (rows-1)*l.g.SH + l.g.KH }

// byRows runs a depthwise convolution with the kernels of [Set.rowKernels], one or two output rows at a time.
func (l *Layer) byRows(dst, src *View, r kernels.Range, sc *Scratch) {
	g, s := &l.g, l.set
	k := s.rowKernels(g)
	sc.setPad(l.in.Zero, g.W*g.C, 1)
	a := &sc.rows
	b0 := r.N0 / s.vl
	nb := ceilDiv(r.N1, s.vl) - b0
	classes := len(l.rows.classes)
	*a = rowArgs{ds: dst.Pix, out: &l.round, plain: l.plain, nb: nb, biasStep: classes * 4 * s.vl,
		w: &l.w[b0*g.KH*g.KW*4*s.vl], bias: &l.bias[b0*classes*s.vl], scale: &l.scale[b0*s.vl]}
	if last := r.N1 % s.vl; last > 0 {
		if a.mask = uint64(last); s.masks {
			a.mask = 1<<last - 1
		}
	}
	for y := r.Y0; y < r.Y1; {
		rows := min(k.rows, r.Y1-y)
		l.rowPointers(a, src, y, rows, r.N0, sc)
		for i := range rows {
			a.dst[i] = at(dst.base(y+i), r.N0)
		}
		a.tiles, a.nt = &l.rows.tiles[0], l.rows.blocks
		if n := l.rows.nbig; n > 0 {
			a.nt = n
			k.f[rows][l.rows.base+1](a)
			a.tiles, a.nt = &l.rows.tiles[n], l.rows.blocks-n
		}
		k.f[rows][l.rows.base](a)
		sc.work(2 * rows * g.OW * (r.N1 - r.N0) * g.KH * g.KW)
		y += rows
	}
}

// rowPointers finds the input rows of some output rows. Where one lies in the padding and pixels do not adjoin, they
// are copied: a row of padding has pixels of C channels.
func (l *Layer) rowPointers(a *rowArgs, src *View, y, rows, c int, sc *Scratch) {
	g := &l.g
	n, top := l.inputs(rows), y*g.SH-g.PadT
	a.step = src.Pix
	copied := src.Pix != g.C && (top < 0 || top+n > g.H)
	for i := range n {
		switch iy := top + i; {
		case iy < 0 || iy >= g.H:
			a.src[i] = &sc.pad[c]
		case copied:
			own, from := sc.buf[i*g.W*g.C:][:g.W*g.C], src.row(iy, g.W, g.C)
			for x := range g.W {
				copy(own[x*g.C:][:g.C], from[x*src.Pix:])
			}
			a.src[i] = &own[c]
		default:
			a.src[i] = at(src.base(iy), c)
		}
	}
	if copied {
		a.step = g.C
	}
}
