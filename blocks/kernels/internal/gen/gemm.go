package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// panel is the number of columns in a panel of packed weights.
const panel = 16

// gemms emits the tiles. Rows: as many as registers allow where a block's
// pointers follow from one distance (gemm), as many pointers as there are
// general registers for in the indirect form (igemm).
func (g *generator) gemms() {
	if g.wide() {
		for _, n := range []int{8, 16, 24, 32} {
			for m := 1; m <= 14; m++ {
				g.gemm(m, n, false)
			}
			for m := 1; m <= 8; m++ {
				g.gemm(m, n, true)
			}
		}
		g.gemm(1, 64, false)
		return
	}
	for _, n := range []int{8, 16} {
		for m := 1; m <= 12 && m*n <= 96; m++ {
			g.gemm(m, n, false)
		}
		for m := 1; m <= 6; m++ {
			g.gemm(m, n, true)
		}
	}
	g.gemm(1, 64, false)
}

// gemmTile is the kernel of a tile of mr output pixels by nr channels; see gemmArgs. Its methods stand in the order in
// which what they emit runs.
type gemmTile struct {
	*generator
	mr, nr   int
	indirect bool
	nv       int  // vectors in a row of the tile
	half     bool // the last of them fills half a register
	prefetch bool // the kernel fetches what comes later

	args, ind     Register
	b, bs, bs3    Register // row of the packed weights at hand; bytes to the next panel, and to the third
	acc           [][]VecVirtual
	ahead, stride Register // address that is fetched next, and bytes to the one after it
}

func (g *generator) gemm(mr, nr int, indirect bool) {
	t := &gemmTile{generator: g, mr: mr, nr: nr, indirect: indirect}
	t.nv = (nr + g.vl - 1) / g.vl
	t.half = nr%g.vl != 0
	t.prefetch = !indirect && mr > 1
	g.text(g.gemmKernel(mr, nr, indirect))
	t.arguments()
	g.Label("block")
	t.start()
	if t.prefetch {
		t.lookAhead()
	}
	if indirect {
		t.sumIndirect()
	} else {
		t.sumDirect()
	}
	g.Label("sum")
	t.finish()
}

// arguments loads those that stay the same from block to block.
func (t *gemmTile) arguments() {
	g, S := t.generator, gemmArgs
	t.args = g.GP64()
	g.Load(g.Param("a"), t.args)
	g.copyFields(S, t.args, "aoff", "ca", "c", "cc", "res", "cres", "nblk", "cblk")
	if t.nr > panel {
		t.bs = g.GP64()
		g.MOVQ(S.at(t.args, "bs"), t.bs)
		if t.nr > 3*panel {
			t.bs3 = g.GP64()
			g.LEAQ(Mem{Base: t.bs, Index: t.bs, Scale: 2}, t.bs3)
		}
	}
	t.ind = g.GP64()
	if t.indirect {
		g.MOVQ(S.at(t.args, "ind"), t.ind)
	}
	if t.prefetch {
		g.copyFields(S, t.args, "ahead", "cahead")
	}
}

// last tells whether vector j is the last of a row.
func (t *gemmTile) last(j int) bool { return j == t.nv-1 }

// as is v as wide as vector j of a row.
func (t *gemmTile) as(v VecVirtual, j int) Register {
	if t.half && t.last(j) {
		return v.AsY()
	}
	return v
}

// weights is where vector j of the packed weights lies.
func (t *gemmTile) weights(j int) Mem {
	col := j * t.vl
	m := Mem{Base: t.b, Disp: col % panel * 4}
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

// start begins the sums of a block with the bias.
func (t *gemmTile) start() {
	g := t.generator
	t.acc = make([][]VecVirtual, t.mr)
	bias := g.GP64()
	g.MOVQ(gemmArgs.at(t.args, "bias"), bias)
	for i := range t.acc {
		t.acc[i] = make([]VecVirtual, t.nv)
		for j := range t.acc[i] {
			t.acc[i][j] = g.vec()
			if i == 0 {
				g.VMOVUPS(Mem{Base: bias, Disp: j * g.bytes()}, t.as(t.acc[i][j], j))
			} else {
				g.VMOVAPS(t.as(t.acc[0][j], j), t.as(t.acc[i][j], j))
			}
		}
	}
	t.b = g.GP64()
	g.MOVQ(gemmArgs.at(t.args, "b"), t.b)
}

// lookAhead finds what is fetched into the second-level cache meanwhile: one address for each row of products.
func (t *gemmTile) lookAhead() {
	g, S := t.generator, gemmArgs
	t.ahead, t.stride = g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "cahead"), t.ahead)
	g.MOVQ(S.at(t.args, "aheadStep"), t.stride)
}

// products adds those of one row of the weights and moves on to the next. row is where a pixel's factor lies.
func (t *gemmTile) products(row func(i int) Mem) {
	g := t.generator
	bv := make([]VecVirtual, t.nv)
	for j := range bv {
		if t.mr == 1 && t.nv > 4 {
			continue // straight from memory
		}
		bv[j] = g.vec()
		g.VMOVUPS(t.weights(j), t.as(bv[j], j))
	}
	for i := range t.mr {
		av := g.vec()
		if t.nv == 1 && t.half {
			g.VBROADCASTSS(row(i), av.AsY())
		} else {
			g.VBROADCASTSS(row(i), av)
		}
		for j := range t.nv {
			if bv[j] == nil {
				g.VFMADD231PS(t.weights(j), av, t.acc[i][j])
			} else {
				g.VFMADD231PS(t.as(bv[j], j), t.as(av, j), t.as(t.acc[i][j], j))
			}
		}
	}
	if t.prefetch {
		g.PREFETCHT1(Mem{Base: t.ahead})
		g.ADDQ(t.stride, t.ahead)
	}
	g.ADDQ(Imm(64), t.b)
}

// sumIndirect adds all products of a block whose rows are found through a table of pointers.
func (t *gemmTile) sumIndirect() {
	g, S := t.generator, gemmArgs
	runs, ks := g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "runs"), runs)
	g.TESTQ(runs, runs)
	g.JZ(LabelRef("sum"))
	g.MOVQ(runs, S.at(t.args, "crun"))
	g.Label("run")
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
	g.ADDQ(at, end)
	g.Label("loop")
	t.products(func(i int) Mem { return Mem{Base: p[i], Index: at, Scale: 4} })
	g.INCQ(at)
	g.CMPQ(at, end)
	g.JLT(LabelRef("loop"))
	g.DECQ(ks)
	g.JNZ(LabelRef("tap"))
	g.ADDQ(S.at(t.args, "bskip"), t.b)
	g.DECQ(S.at(t.args, "crun"))
	g.JNZ(LabelRef("run"))
}

// sumDirect does so where rows lie at a constant distance.
func (t *gemmTile) sumDirect() {
	g, S := t.generator, gemmArgs
	lda, lda3, k, ks := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "lda"), lda)
	g.LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	g.MOVQ(S.at(t.args, "ind"), t.ind)
	g.MOVQ(S.at(t.args, "ks"), ks)
	g.TESTQ(ks, ks)
	g.JZ(LabelRef("advance"))
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
	t.advance(lda)
}

// advance moves on to the rows of the next block, and keeps what it fetches.
func (t *gemmTile) advance(lda Register) {
	g, S := t.generator, gemmArgs
	g.Label("advance")
	rows := g.GP64()
	g.IMUL3Q(Imm(uint64(t.mr)), lda, rows)
	g.ADDQ(rows, S.at(t.args, "ca"))
	if t.prefetch {
		g.MOVQ(t.ahead, S.at(t.args, "cahead"))
	}
}

// finish stores the sums and begins the next block. AVX-512 stores every last vector through its mask; AVX2 has code of
// its own for tiles that are not full.
func (t *gemmTile) finish() {
	g, S := t.generator, gemmArgs
	var k *mask
	if g.wide() {
		k = g.loadMask(t.args, S)
	}
	c, ldc := g.GP64(), g.GP64()
	if g.wide() {
		t.store(c, ldc, k)
	} else {
		tail := g.GP64()
		g.MOVQ(S.at(t.args, "tail"), tail)
		g.TESTQ(tail, tail)
		g.JNZ(LabelRef("tail"))
		t.store(c, ldc, nil)
		g.Label("next")
	}
	g.DECQ(S.at(t.args, "cblk"))
	g.JNZ(LabelRef("block"))
	g.VZEROUPPER()
	g.RET()
	if !g.wide() {
		g.Label("tail")
		t.store(c, ldc, g.loadMask(t.args, S))
		g.JMP(LabelRef("next"))
	}
}

// store adds the residual, clamps the sums and stores them; k, if not nil, masks the last vector of a row.
func (t *gemmTile) store(c, ldc Register, k *mask) {
	g, S := t.generator, gemmArgs
	sfx := ""
	if k != nil {
		sfx = "Tail"
	}
	t.addResidual(k, "clamp"+sfx)
	g.Label("clamp" + sfx)
	lo, hi := g.bounds(t.args, S)
	g.MOVQ(S.at(t.args, "cc"), c)
	g.MOVQ(S.at(t.args, "ldc"), ldc)
	for i := range t.acc {
		for j := range t.acc[i] {
			v := t.as(t.acc[i][j], j)
			g.VMAXPS(v, t.as(lo, j), v)
			g.VMINPS(v, t.as(hi, j), v)
			m := Mem{Base: c, Disp: j * g.bytes()}
			switch {
			case t.last(j) && k != nil && g.wide():
				g.VMOVUPS(v, k.k, m)
			case t.last(j) && k != nil:
				g.VMASKMOVPS(v, k.v, m)
			default:
				g.VMOVUPS(v, m)
			}
		}
		g.ADDQ(ldc, c)
	}
	g.MOVQ(c, S.at(t.args, "cc"))
}

// addResidual adds the residual to the sums, or jumps to none if there is none.
func (t *gemmTile) addResidual(k *mask, none string) {
	g, S := t.generator, gemmArgs
	res := g.GP64()
	g.MOVQ(S.at(t.args, "cres"), res)
	g.TESTQ(res, res)
	g.JZ(LabelRef(none))
	ldr := g.GP64()
	g.MOVQ(S.at(t.args, "ldr"), ldr)
	for i := range t.acc {
		for j := range t.acc[i] {
			sum := t.as(t.acc[i][j], j)
			m := Mem{Base: res, Disp: j * g.bytes()}
			if !t.last(j) || k == nil {
				g.VADDPS(m, sum, sum)
				continue
			}
			v := g.vec()
			if g.wide() {
				g.VMOVUPS_Z(m, k.k, t.as(v, j))
			} else {
				g.load(m, v, k)
			}
			g.VADDPS(t.as(v, j), sum, sum)
		}
		g.ADDQ(ldr, res)
	}
	g.MOVQ(res, S.at(t.args, "cres"))
}
