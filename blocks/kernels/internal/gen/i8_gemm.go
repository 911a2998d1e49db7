package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// gemms emits the tiles, as those of float32: rows at a constant distance (gemm) and rows through a table of pointers
// (igemm).
func (g *i8) gemms() {
	widths, most := []int{16}, 6
	if g.wide() {
		widths, most = []int{16, 32}, 14
	}
	for _, nr := range widths {
		for mr := 1; mr <= most; mr++ {
			g.gemm(mr, nr, false)
		}
		for mr := 1; mr <= min(most, 8); mr++ {
			g.gemm(mr, nr, true)
		}
	}
	if g.wide() {
		g.gemm(1, 64, false)
		widths = append(widths, 64)
	}
	if g.narrow() {
		for _, nr := range widths {
			g.single(nr)
		}
	}
}

// i8Tile is the kernel of a tile of mr output pixels by nr channels; see gemmArgs.
type i8Tile struct {
	*i8
	mr, nr, nv int  // nv: vectors in a row of the tile
	short      bool // the weights are bytes where activations are 16-bit integers

	args, ind  Register
	b, bs, bs3 Register // row of the packed weights at hand; bytes to the next panel, and to the third
	acc        [][]VecVirtual
}

// single emits the kernel of one pixel whose weights stay bytes in memory: all of its time goes into fetching them.
func (g *i8) single(nr int) {
	t := &i8Tile{i8: g, mr: 1, nr: nr, nv: nr / g.vl, short: true}
	name := fmt.Sprintf("single%s_%d", g.goName, nr)
	g.i8Text(name, "gemmArgs", fmt.Sprintf("// for j := range n {\n"+
		"//\tc[j] = store(bias[j] + sum over p of a[p]*b[p][j]), b of bytes\n// } in %d columns\n", nr),
		fmt.Sprintf("fam: famSingle, mr: 1, nr: %d, gemm: %s", nr, name))
	t.arguments(false)
	g.Label("block")
	t.start()
	t.sumDirect()
	t.finish()
}

func (g *i8) gemm(mr, nr int, indirect bool) {
	t := &i8Tile{i8: g, mr: mr, nr: nr, nv: nr / g.vl}
	form, fam := "gemm", "famGemm"
	if indirect {
		form, fam = "igemm", "famIGemm"
	}
	g.i8Text(fmt.Sprintf("%s%s_%dx%d", form, g.goName, mr, nr), "gemmArgs",
		fmt.Sprintf("// for i := range %d { for j := range n {\n"+
			"//\tc[i][j] = store(bias[j] + sum over t, p of a[t][i][p]*b[t][p][j])\n// }} in %d columns, nblk times\n", mr, nr),
		fmt.Sprintf("fam: %s, mr: %d, nr: %d, gemm: %s%s_%dx%d", fam, mr, nr, form, g.goName, mr, nr))
	t.arguments(indirect)
	g.Label("block")
	t.start()
	if indirect {
		t.sumIndirect()
	} else {
		t.sumDirect()
	}
	t.finish()
}

// arguments loads those that stay the same from block to block.
func (t *i8Tile) arguments(indirect bool) {
	g, S := t.i8, i8Gemm
	t.args = g.GP64()
	g.Load(g.Param("a"), t.args)
	g.copyFields(S, t.args, "aoff", "ca", "c", "cc", "nblk", "cblk")
	if t.nr > panel {
		t.bs = g.GP64()
		g.MOVQ(S.at(t.args, "bs"), t.bs)
		if t.nr > 3*panel {
			t.bs3 = g.GP64()
			g.LEAQ(Mem{Base: t.bs, Index: t.bs, Scale: 2}, t.bs3)
		}
	}
	t.ind = g.GP64()
	if indirect {
		g.MOVQ(S.at(t.args, "ind"), t.ind)
	}
}

// weights is where vector j of the packed weights lies.
func (t *i8Tile) weights(j int) Mem {
	col := j * t.vl
	m := Mem{Base: t.b, Disp: col % panel * t.lane()}
	switch col / panel {
	case 1:
		m.Index, m.Scale = t.bs, 1
	case 2:
		m.Index, m.Scale = t.bs, 2
	case 3:
		m.Index, m.Scale = t.bs3, 1
	}
	return m
}

// lane is the number of bytes of a lane of the weights.
func (t *i8Tile) lane() int {
	if t.short {
		return 2
	}
	return 4
}

// start begins the sums of a block with the bias.
func (t *i8Tile) start() {
	g := t.i8
	t.acc = make([][]VecVirtual, t.mr)
	bias := g.GP64()
	g.MOVQ(i8Gemm.at(t.args, "bias"), bias)
	for i := range t.acc {
		t.acc[i] = make([]VecVirtual, t.nv)
		for j := range t.acc[i] {
			t.acc[i][j] = g.vec()
			if i == 0 {
				g.loadVec(Mem{Base: bias, Disp: j * g.bytes()}, t.acc[i][j])
			} else {
				g.copyVec(t.acc[0][j], t.acc[i][j])
			}
		}
	}
	t.b = g.GP64()
	g.MOVQ(i8Gemm.at(t.args, "b"), t.b)
}

// products adds those of one row of the weights and moves on to the next. row is where a pixel's lane lies.
func (t *i8Tile) products(row func(i int) Mem) {
	g := t.i8
	bv := make([]VecVirtual, t.nv)
	for j := range bv {
		bv[j] = g.vec()
		if t.short {
			g.VPMOVSXBW(t.weights(j), bv[j])
		} else {
			g.loadVec(t.weights(j), bv[j])
		}
	}
	for i := range t.mr {
		av := g.vec()
		g.VPBROADCASTD(row(i), av)
		for j := range t.nv {
			g.dot(bv[j], av, t.acc[i][j])
		}
	}
	g.ADDQ(Imm(uint64(panel*t.lane())), t.b)
}

// sumIndirect adds all products of a block whose rows are found through a table of pointers.
func (t *i8Tile) sumIndirect() {
	g, S := t.i8, i8Gemm
	ks := g.GP64()
	g.MOVQ(S.at(t.args, "ks"), ks)
	g.Label("tap")
	p := make([]Register, t.mr)
	for i := range p {
		p[i] = g.GP64()
		g.MOVQ(Mem{Base: t.ind, Disp: 8 * i}, p[i])
	}
	g.ADDQ(Imm(uint64(8*t.mr)), t.ind)
	at, end := g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "koff"), at)
	g.MOVQ(S.at(t.args, "k"), end)
	g.LEAQ(Mem{Base: at, Index: end, Scale: 4}, end)
	g.Label("loop")
	t.products(func(i int) Mem { return Mem{Base: p[i], Index: at, Scale: 1} })
	g.ADDQ(Imm(4), at)
	g.CMPQ(at, end)
	g.JLT(LabelRef("loop"))
	g.DECQ(ks)
	g.JNZ(LabelRef("tap"))
}

// sumDirect does so where rows lie at a constant distance.
func (t *i8Tile) sumDirect() {
	g, S := t.i8, i8Gemm
	lda, lda3, k, ks := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "lda"), lda)
	g.LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	g.MOVQ(S.at(t.args, "ind"), t.ind)
	g.MOVQ(S.at(t.args, "ks"), ks)
	g.Label("tap")
	base := make([]Register, (t.mr+3)/4)
	for i := range base {
		base[i] = g.GP64()
		if i == 0 {
			g.MOVQ(Mem{Base: t.ind}, base[0])
			g.ADDQ(S.at(t.args, "ca"), base[0])
		} else {
			g.LEAQ(Mem{Base: base[i-1], Index: lda, Scale: 4}, base[i])
		}
	}
	g.ADDQ(Imm(8), t.ind)
	g.MOVQ(S.at(t.args, "k"), k)
	g.Label("loop")
	t.products(func(i int) Mem {
		m := Mem{Base: base[i/4]}
		switch i % 4 {
		case 1:
			m.Index, m.Scale = lda, 1
		case 2:
			m.Index, m.Scale = lda, 2
		case 3:
			m.Index, m.Scale = lda3, 1
		}
		return m
	})
	for _, r := range base {
		g.ADDQ(Imm(4), r)
	}
	g.DECQ(k)
	g.JNZ(LabelRef("loop"))
	g.DECQ(ks)
	g.JNZ(LabelRef("tap"))
	rows := g.GP64()
	g.IMUL3Q(Imm(uint64(t.mr)), lda, rows)
	g.ADDQ(rows, S.at(t.args, "ca"))
}

// finish stores the sums and begins the next block. Tiles that are not full have code of their own.
func (t *i8Tile) finish() {
	g, S := t.i8, i8Gemm
	m := g.GP64()
	g.MOVQ(S.at(t.args, "mask"), m)
	g.TESTQ(m, m)
	g.JNZ(LabelRef("tail"))
	t.store(nil, nil)
	g.Label("next")
	g.DECQ(S.at(t.args, "cblk"))
	g.JNZ(LabelRef("block"))
	g.VZEROUPPER()
	g.RET()
	g.Label("tail")
	m = g.GP64()
	g.MOVQ(S.at(t.args, "mask"), m)
	var k Register
	if g.wide() {
		k = g.K()
		g.KMOVQ(m, k)
	}
	t.store(k, m)
	g.JMP(LabelRef("next"))
}

// store requantises the sums, four vectors at a time, and stores them. If a row is not full, k masks its bytes, or n is
// their number where there are no masks.
func (t *i8Tile) store(k, n Register) {
	g, S := t.i8, i8Gemm
	scale, out, c, ldc := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "scale"), scale)
	g.MOVQ(S.at(t.args, "out"), out)
	g.MOVQ(S.at(t.args, "cc"), c)
	g.MOVQ(S.at(t.args, "ldc"), ldc)
	perm, scales := g.vec(), make([]VecVirtual, t.nv)
	g.loadVec(i8Rounding.at(out, "perm"), perm)
	for j := range scales {
		scales[j] = g.vec()
		g.loadVec(Mem{Base: scale, Disp: j * g.bytes()}, scales[j])
	}
	rows := 4 / t.nv // rows in four vectors
	for i := 0; i < t.mr; i += rows {
		var v [4]VecVirtual
		for q := range v {
			row := i + q/t.nv
			if row < t.mr {
				v[q] = t.acc[row][q%t.nv]
			} else {
				v[q] = v[q-t.nv] // what stands there is not stored
			}
		}
		p := t.requantizeRows(v, min(rows, t.mr-i),
			func(j int) Op { return scales[j%t.nv] }, out,
			&plain{S.at(t.args, "plain"), fmt.Sprintf("%d_%t", i, n != nil)})
		g.VPERMD(p, perm, p)
		for r := range min(rows, t.mr-i) {
			if n != nil && !g.wide() {
				x, at := g.XMM(), g.GP64()
				g.VEXTRACTI128(Imm(uint64(r)), p, x)
				g.MOVQ(c, at)
				g.storeBytes(x, at, n, fmt.Sprintf("_%d", i+r))
			} else {
				t.storeRow(p, r, Mem{Base: c}, k)
			}
			g.ADDQ(ldc, c)
		}
	}
	g.MOVQ(c, S.at(t.args, "cc"))
}

// requantizeRows is requantize for four vectors, of which only those of the first rows are different registers.
func (t *i8Tile) requantizeRows(v [4]VecVirtual, rows int, scale func(j int) Op, out Register,
	plain *plain) VecVirtual {
	n := rows * t.nv
	for j := range n {
		t.VCVTDQ2PS(v[j], v[j])
	}
	for j := range n {
		t.VMULPS(scale(j), v[j], v[j])
	}
	for j := range n {
		t.VCVTPS2DQ(v[j], v[j])
	}
	return t.saturate(v, out, plain)
}

// storeRow stores row r of the bytes in p.
func (t *i8Tile) storeRow(p VecVirtual, r int, c Mem, k Register) {
	g := t.i8
	switch {
	case !g.wide() && r == 0:
		g.VMOVDQU(p.AsX(), c)
	case !g.wide():
		g.VEXTRACTI128(Imm(1), p, c)
	case t.nr == 64 && k == nil:
		g.VMOVDQU8(p, c)
	case t.nr == 64:
		g.VMOVDQU8(p, k, c)
	case k != nil:
		v := Register(p)
		low := p.AsY()
		if t.nr == 32 && r > 0 {
			u := g.YMM()
			g.VEXTRACTI64X4(Imm(1), p, u)
			low = u.AsY()
		}
		if t.nr == 16 {
			x := p.AsX()
			if r > 0 {
				u := g.XMM()
				g.VEXTRACTI32X4(Imm(uint64(r)), p, u)
				x = u.AsX()
			}
			v = x
		} else {
			v = low
		}
		g.VMOVDQU8(v, k, c)
	case t.nr == 32 && r == 0:
		g.VMOVDQU8(p.AsY(), c)
	case t.nr == 32:
		g.VEXTRACTI64X4(Imm(1), p, c)
	case r == 0:
		g.VMOVDQU8(p.AsX(), c)
	default:
		g.VEXTRACTI32X4(Imm(uint64(r)), p, c)
	}
}
