package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// i8Rows is the layout of rowArgs, i8RowTile that of rowTile.
var (
	i8Rows = &layout{"rowArgs", append(
		words("step", "ds", "tiles", "nt", "w", "bias", "biasStep", "scale", "out", "plain", "mask", "nb",
			"ct", "ctile", "cw", "cbias", "cscale", "coff", "cb"),
		field{"src", 152}, field{"dst", 208})}
	i8RowTile = &layout{"rowTile", append(words("from", "to", "skip", "end"), field{"bias", 32})}
)

const rowTileSize = 96

// rows emits the depthwise kernels of 3 x 3 and 5 x 5 taps that need no preparation: they turn bytes into real
// numbers as they read them. All products and sums are integers below 2^24, so that float32 holds them exactly.
func (g *i8) rows() {
	for _, k := range []int{3, 5} {
		for s := 1; s <= 2; s++ {
			for rows := 1; rows <= 2; rows++ {
				if rows == 2 && k == 5 && s == 2 {
					continue // too few registers for seven rows, and only three of them are shared
				}
				for u := 1; u <= g.rowsMost(); u++ {
					t := &i8RowKernel{i8: g, k: k, s: s, rows: rows, u: u}
					t.emit()
				}
			}
		}
	}
}

// rowsMost is the most outputs of a row in a tile: those of two rows leave registers for the rest.
func (g *i8) rowsMost() int {
	if g.wide() {
		return 8
	}
	return 5
}

// i8RowKernel is the kernel of tiles of rows x u outputs of k x k taps, s apart; see rowArgs.
type i8RowKernel struct {
	*i8
	k, s, rows, u int

	args, tile, step, at, w Register
	p                       []Register // input rows
	held                    []VecVirtual
	acc                     [][]VecVirtual
}

func (t *i8RowKernel) emit() {
	g, S := t.i8, i8Rows
	name := fmt.Sprintf("rows%ds%d%s_%dx%d", t.k, t.s, g.goName, t.rows, t.u)
	g.i8Text(name, "rowArgs", fmt.Sprintf("// for each tile { for y := range %d { for x := range %d { "+
		"for c := range channels {\n//\tdst[y][to+x][c] = "+
		"store(bias[c] + sum over ky, kx < %d of src[y*%d+ky][from+x*%d+kx][c]*w[ky][kx][c])\n"+
		"// }}}}\n", t.rows, t.u, t.k, t.s, t.s),
		fmt.Sprintf("fam: famRows, mr: %d, runs: %d, kw: %d, sw: %d, rows: %s", t.u, t.rows, t.k, t.s, name))
	t.args, t.tile, t.step = g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), t.args)
	g.copyFields(S, t.args, "nt", "ct", "tiles", "ctile")
	g.MOVQ(S.at(t.args, "step"), t.step)
	g.Label("tile")
	g.MOVQ(S.at(t.args, "ctile"), t.tile)
	from := g.GP64()
	g.MOVQ(i8RowTile.at(t.tile, "from"), from)
	g.IMULQ(t.step, from)
	t.p = make([]Register, (t.rows-1)*t.s+t.k)
	for i := range t.p {
		t.p[i] = g.GP64()
		m := S.at(t.args, "src")
		m.Disp += 8 * i
		g.MOVQ(m, t.p[i])
		g.ADDQ(from, t.p[i])
	}
	g.copyFields(S, t.args, "w", "cw", "bias", "cbias", "scale", "cscale", "nb", "cb")
	g.MOVQ(U32(0), S.at(t.args, "coff"))
	g.Label("block")
	t.start()
	t.products()
	t.finish()
}

// start begins the sums with the biases, which say what the columns outside of the map add.
func (t *i8RowKernel) start() {
	g, S := t.i8, i8Rows
	bias := g.GP64()
	g.MOVQ(S.at(t.args, "cbias"), bias)
	t.acc = make([][]VecVirtual, t.rows)
	for y := range t.acc {
		t.acc[y] = make([]VecVirtual, t.u)
	}
	for x := range t.u {
		o := g.GP64()
		m := i8RowTile.at(t.tile, "bias")
		m.Disp += 8 * x
		g.MOVQ(m, o)
		for y := range t.acc {
			v := g.vec()
			if t.acc[y][x] = v; y == 0 {
				g.VMOVUPS(Mem{Base: bias, Index: o, Scale: 1}, v)
			} else {
				g.copyVec(t.acc[0][x], v)
			}
		}
	}
	t.w = g.GP64()
	g.MOVQ(S.at(t.args, "cw"), t.w)
	t.held = nil
	if g.wide() && t.k == 3 { // registers hold the weights
		for i := range t.k * t.k {
			v := g.vec()
			g.VMOVUPS(Mem{Base: t.w, Disp: i * g.bytes()}, v)
			t.held = append(t.held, v)
		}
	}
}

// products adds the products, row after row of the input, so that those of a sum do not follow each other closely. Of
// the columns of a row it takes those from skip to end.
func (t *i8RowKernel) products() {
	g, S := t.i8, i8Rows
	n := (t.u-1)*t.s + t.k
	t.at = g.GP64()
	for y := range t.p {
		column := func(j int) string { return fmt.Sprintf("row%d_%d", y, j) }
		next := fmt.Sprintf("row%d", y+1)
		g.MOVQ(S.at(t.args, "coff"), t.at)
		g.CMPQ(i8RowTile.at(t.tile, "skip"), Imm(0))
		g.JNE(LabelRef(fmt.Sprintf("edge%d", y)))
		for j := range n {
			if j > (t.u-1)*t.s { // every output has a column
				g.CMPQ(i8RowTile.at(t.tile, "end"), Imm(uint64(j)))
				g.JLE(LabelRef(next))
			}
			if j < t.k {
				g.Label(column(j))
			}
			t.value(j, y)
			if j < n-1 {
				g.ADDQ(t.step, t.at)
			}
		}
		g.Label(next)
	}
	g.JMP(LabelRef("sum"))
	for y := range t.p {
		g.Label(fmt.Sprintf("edge%d", y))
		skip, to := g.GP64(), g.GP64()
		g.MOVQ(i8RowTile.at(t.tile, "skip"), skip)
		g.MOVQ(skip, to)
		g.IMULQ(t.step, to)
		g.ADDQ(to, t.at)
		for j := 1; j < t.k-1; j++ {
			g.CMPQ(skip, Imm(uint64(j)))
			g.JEQ(LabelRef(fmt.Sprintf("row%d_%d", y, j)))
		}
		g.JMP(LabelRef(fmt.Sprintf("row%d_%d", y, t.k-1)))
	}
	g.Label("sum")
}

// value adds what the values of input row y make, in column j.
func (t *i8RowKernel) value(j, y int) {
	g := t.i8
	v := VecVirtual(nil)
	for row := range t.rows {
		ky := y - row*t.s
		if ky < 0 || ky >= t.k {
			continue
		}
		for x := range t.u {
			kx := j - x*t.s
			if kx < 0 || kx >= t.k {
				continue
			}
			if v == nil {
				v = g.vec()
				g.VPMOVZXBD(Mem{Base: t.p[y], Index: t.at, Scale: 1}, v)
				g.VCVTDQ2PS(v, v)
			}
			w := Op(Mem{Base: t.w, Disp: (ky*t.k + kx) * g.bytes()})
			if t.held != nil {
				w = t.held[ky*t.k+kx]
			}
			g.VFMADD231PS(w, v, t.acc[row][x])
		}
	}
}

// finish stores the sums and goes on to the next block of channels, or tile.
func (t *i8RowKernel) finish() {
	g, S := t.i8, i8Rows
	n := g.GP64()
	g.CMPQ(S.at(t.args, "cb"), Imm(1))
	g.JNE(LabelRef("full"))
	g.MOVQ(S.at(t.args, "mask"), n)
	g.TESTQ(n, n)
	g.JNZ(LabelRef("part"))
	g.Label("full")
	t.store(nil)
	g.Label("next")
	g.ADDQ(U32(t.k*t.k*g.bytes()), S.at(t.args, "cw"))
	step := g.GP64()
	g.MOVQ(S.at(t.args, "biasStep"), step)
	g.ADDQ(step, S.at(t.args, "cbias"))
	g.ADDQ(Imm(uint64(g.bytes())), S.at(t.args, "cscale"))
	g.ADDQ(Imm(uint64(g.vl)), S.at(t.args, "coff"))
	g.DECQ(S.at(t.args, "cb"))
	g.JNZ(LabelRef("block"))
	g.ADDQ(Imm(rowTileSize), S.at(t.args, "ctile"))
	g.DECQ(S.at(t.args, "ct"))
	g.JNZ(LabelRef("tile"))
	g.VZEROUPPER()
	g.RET()
	g.Label("part")
	t.store(n)
	g.JMP(LabelRef("next"))
}

// store requantises the sums, four vectors at a time, and stores them: all channels of the block, or those of n, a
// mask or a number.
func (t *i8RowKernel) store(n Register) {
	g, S := t.i8, i8Rows
	var k Register
	if n != nil && g.wide() {
		k = g.K()
		g.KMOVQ(n, k)
	}
	scale, out, ds, d := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "cscale"), scale)
	g.MOVQ(S.at(t.args, "out"), out)
	g.MOVQ(S.at(t.args, "ds"), ds)
	var flat []VecVirtual
	for _, row := range t.acc {
		flat = append(flat, row...)
	}
	by, perm := g.vec(), g.vec()
	g.VMOVUPS(Mem{Base: scale}, by)
	g.loadVec(i8Rounding.at(out, "perm"), perm)
	for i := 0; i < len(flat); i += 4 {
		group := flat[i:min(i+4, len(flat))]
		for _, v := range group {
			g.VMULPS(by, v, v)
		}
		for _, v := range group {
			g.VCVTPS2DQ(v, v)
		}
		p := g.saturate(fourOf(group), out, &plain{S.at(t.args, "plain"), fmt.Sprintf("%d_%t", i, n != nil)})
		g.VPERMD(p, perm, p)
		for q := range group {
			if at := i + q; at%t.u == 0 {
				m := S.at(t.args, "dst")
				m.Disp += 8 * (at / t.u)
				g.MOVQ(i8RowTile.at(t.tile, "to"), d)
				g.IMULQ(ds, d)
				g.ADDQ(m, d)
				g.ADDQ(S.at(t.args, "coff"), d)
			}
			t.storeQuarter(p, q, d, k, n, fmt.Sprintf("_%d_%d", i, q))
			g.ADDQ(ds, d)
		}
	}
}

// fourOf fills up a group of one to four vectors so that saturate packs it.
func fourOf(v []VecVirtual) [4]VecVirtual {
	switch len(v) {
	case 1:
		return [4]VecVirtual{v[0], v[0], v[0], v[0]}
	case 2:
		return [4]VecVirtual{v[0], v[1], v[0], v[1]}
	case 3:
		return [4]VecVirtual{v[0], v[1], v[2], v[2]}
	}
	return [4]VecVirtual(v)
}

// storeQuarter stores quarter q of the bytes in p at d.
func (t *i8RowKernel) storeQuarter(p VecVirtual, q int, d, k, n Register, sfx string) {
	g, to := t.i8, Mem{Base: d}
	switch {
	case g.wide() && k == nil && q == 0:
		g.VMOVDQU(p.AsX(), to)
	case g.wide() && k == nil:
		g.VEXTRACTI32X4(Imm(uint64(q)), p, to)
	case g.wide() && q == 0:
		g.VMOVDQU8(p.AsX(), k, to)
	case g.wide():
		x := g.XMM()
		g.VEXTRACTI32X4(Imm(uint64(q)), p, x)
		g.VMOVDQU8(x, k, to)
	default:
		x := g.XMM()
		g.VEXTRACTI128(Imm(uint64(q/2)), p, x)
		if n == nil && q%2 == 0 {
			g.VMOVQ(x, to)
		} else if n == nil {
			g.VMOVHPS(x, to)
		} else {
			if q%2 == 1 {
				g.VPSRLDQ(Imm(8), x, x)
			}
			at := g.GP64()
			g.MOVQ(d, at)
			g.storeBytes(x, at, n, sfx)
		}
	}
}
