package main

import (
	"fmt"

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

// gemm emits a tile of mr output pixels by nr channels; see gemmArgs.
func (g *generator) gemm(mr, nr int, indirect bool) {
	form, row := "gemm", "famGemm"
	if indirect {
		form, row = "igemm", "famIGemm"
	}
	name := fmt.Sprintf("%sF32%s_%dx%d", form, g.go_, mr, nr)
	doc := fmt.Sprintf("// for i := range %d { for j := range n {\n//\tc[i][j] = clamp(bias[j] + sum over t, p of a[t][i][p]*b[t][p][j] + res[i][j])\n// }} in %d columns, nblk times\n", mr, nr)
	g.text(name, "gemmArgs", doc, fmt.Sprintf("name: \"%s_f32_%s_%dx%d\", fam: %s, mr: %d, nr: %d, gemm: %s", form, g.name, mr, nr, row, mr, nr, name))
	S := gemmArgs

	prefetch := !indirect && (nr == panel || nr == 2*panel) && mr > 1

	// The vectors of a row of the tile; the last may be half of one.
	nv := (nr + g.vl - 1) / g.vl
	half := nr%g.vl != 0
	last := func(j int) bool { return j == nv-1 }
	as := func(v VecVirtual, j int) Register {
		if half && last(j) {
			return v.AsY()
		}
		return v
	}
	// The columns of vector j in the packed weights.
	bmem := func(b, bs, bs3 Register, j int) Mem {
		col := j * g.vl
		m := Mem{Base: b, Disp: col % 16 * 4}
		switch col / 16 {
		case 1:
			m.Index, m.Scale = bs, 1
		case 2:
			m.Index, m.Scale = bs, 2
		case 3:
			m.Index, m.Scale = bs3, 1
		}
		return m
	}

	args := g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "aoff", "ca", "c", "cc", "res", "cres", "nblk", "cblk")
	var bs, bs3 Register
	if nr > 16 {
		bs = g.GP64()
		g.MOVQ(S.at(args, "bs"), bs)
		if nr > 48 {
			bs3 = g.GP64()
			g.LEAQ(Mem{Base: bs, Index: bs, Scale: 2}, bs3)
		}
	}
	ind := g.GP64()
	if indirect {
		g.MOVQ(S.at(args, "ind"), ind)
	}
	if prefetch {
		g.MOVQ(U32(0), S.at(args, "cahead"))
	}

	g.Label("block")
	acc := make([][]VecVirtual, mr)
	bias := g.GP64()
	g.MOVQ(S.at(args, "bias"), bias)
	for i := range acc {
		acc[i] = make([]VecVirtual, nv)
		for j := range acc[i] {
			acc[i][j] = g.vec()
			if i == 0 {
				g.VMOVUPS(Mem{Base: bias, Disp: j * g.bytes()}, as(acc[i][j], j))
			} else {
				g.VMOVAPS(as(acc[0][j], j), as(acc[i][j], j))
			}
		}
	}
	b := g.GP64()
	g.MOVQ(S.at(args, "b"), b)

	// What is fetched into the second-level cache meanwhile, a line a panel for
	// each k: the first block of pixels looks at the panels of the next tile column
	// (weights are read once a run and come from far; behind the last panel lies,
	// as a rule, the next layer), the others where ahead tells.
	var ahead []Register
	if prefetch {
		ahead = append(ahead, g.GP64())
		g.MOVQ(S.at(args, "cahead"), ahead[0])
		g.TESTQ(ahead[0], ahead[0])
		g.JNZ(LabelRef("ahead"))
		g.MOVQ(S.at(args, "bs"), ahead[0])
		if nr > panel {
			g.ADDQ(ahead[0], ahead[0])
		}
		g.ADDQ(b, ahead[0])
		g.Label("ahead")
		g.SUBQ(b, ahead[0])
		if nr > panel {
			ahead = append(ahead, g.GP64())
			g.MOVQ(S.at(args, "bs"), ahead[1])
			g.ADDQ(ahead[0], ahead[1])
		}
	}

	fmas := func(row func(i int) Mem) {
		bv := make([]VecVirtual, nv)
		for j := range bv {
			if mr == 1 && nv > 4 {
				continue // straight from memory
			}
			bv[j] = g.vec()
			g.VMOVUPS(bmem(b, bs, bs3, j), as(bv[j], j))
		}
		for i := range mr {
			av := g.vec()
			if nv == 1 && half {
				g.VBROADCASTSS(row(i), av.AsY())
			} else {
				g.VBROADCASTSS(row(i), av)
			}
			for j := range nv {
				if bv[j] == nil {
					g.VFMADD231PS(bmem(b, bs, bs3, j), av, acc[i][j])
				} else {
					g.VFMADD231PS(as(bv[j], j), as(av, j), as(acc[i][j], j))
				}
			}
		}
		for _, r := range ahead {
			g.PREFETCHT1(Mem{Base: b, Index: r, Scale: 1})
		}
		g.ADDQ(Imm(64), b)
	}
	if indirect {
		runs, ks := g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "runs"), runs)
		g.TESTQ(runs, runs)
		g.JZ(LabelRef("sum"))
		g.MOVQ(runs, S.at(args, "crun"))
		g.Label("run")
		g.MOVQ(S.at(args, "ks"), ks)
		g.Label("tap")
		p := make([]Register, mr)
		for i := range p {
			p[i] = g.GP64()
			g.MOVQ(Mem{Base: ind, Disp: 8 * i}, p[i])
		}
		g.ADDQ(Imm(uint64(8*mr)), ind)
		at, end := g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "koff"), at)
		g.MOVQ(S.at(args, "k"), end)
		g.ADDQ(at, end)
		g.Label("loop")
		fmas(func(i int) Mem { return Mem{Base: p[i], Index: at, Scale: 4} })
		g.INCQ(at)
		g.CMPQ(at, end)
		g.JLT(LabelRef("loop"))
		g.DECQ(ks)
		g.JNZ(LabelRef("tap"))
		g.ADDQ(S.at(args, "bskip"), b)
		g.DECQ(S.at(args, "crun"))
		g.JNZ(LabelRef("run"))
	} else {
		lda, lda3, k, ks := g.GP64(), g.GP64(), g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "lda"), lda)
		g.LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
		g.MOVQ(S.at(args, "ind"), ind)
		g.MOVQ(S.at(args, "ks"), ks)
		g.TESTQ(ks, ks)
		g.JZ(LabelRef("advance"))
		g.Label("tap")
		base := make([]Register, (mr+3)/4)
		for i := range base {
			base[i] = g.GP64()
			if i == 0 {
				g.MOVQ(Mem{Base: ind}, base[0])
				g.ADDQ(S.at(args, "ca"), base[0])
			} else {
				g.LEAQ(Mem{Base: base[i-1], Index: lda, Scale: 4}, base[i])
			}
		}
		g.ADDQ(Imm(8), ind)
		g.MOVQ(S.at(args, "k"), k)
		g.Label("loop")
		fmas(func(i int) Mem {
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
		// The next block's rows.
		g.Label("advance")
		t := g.GP64()
		g.IMUL3Q(Imm(uint64(mr)), lda, t)
		g.ADDQ(t, S.at(args, "ca"))
		if prefetch {
			t := g.GP64()
			g.MOVQ(S.at(args, "cahead"), t)
			g.TESTQ(t, t)
			g.JNZ(LabelRef("further"))
			g.MOVQ(S.at(args, "ahead"), t)
			g.SUBQ(S.at(args, "aheadStep"), t)
			g.Label("further")
			g.ADDQ(S.at(args, "aheadStep"), t)
			g.MOVQ(t, S.at(args, "cahead"))
		}
	}

	g.Label("sum")
	var km *mask
	if g.wide() {
		km = g.loadMask(args, S)
	}
	c, ldc := g.GP64(), g.GP64()
	full := func(k *mask) {
		// Residual.
		res := g.GP64()
		sfx := ""
		if k != nil {
			sfx = "Tail"
		}
		g.MOVQ(S.at(args, "cres"), res)
		g.TESTQ(res, res)
		g.JZ(LabelRef("clamp" + sfx))
		ldr := g.GP64()
		g.MOVQ(S.at(args, "ldr"), ldr)
		for i := range acc {
			for j := range acc[i] {
				m := Mem{Base: res, Disp: j * g.bytes()}
				if last(j) && k != nil {
					t := g.vec()
					if g.wide() {
						g.VMOVUPS_Z(m, k.k, as(t, j))
					} else {
						g.load(m, t, k)
					}
					g.VADDPS(as(t, j), as(acc[i][j], j), as(acc[i][j], j))
				} else {
					g.VADDPS(m, as(acc[i][j], j), as(acc[i][j], j))
				}
			}
			g.ADDQ(ldr, res)
		}
		g.MOVQ(res, S.at(args, "cres"))
		g.Label("clamp" + sfx)
		lo, hi := g.bounds(args, S)
		g.MOVQ(S.at(args, "cc"), c)
		g.MOVQ(S.at(args, "ldc"), ldc)
		for i := range acc {
			for j := range acc[i] {
				v := as(acc[i][j], j)
				g.VMAXPS(v, as(lo, j), v)
				g.VMINPS(v, as(hi, j), v)
				m := Mem{Base: c, Disp: j * g.bytes()}
				switch {
				case last(j) && k != nil && g.wide():
					g.VMOVUPS(v, k.k, m)
				case last(j) && k != nil:
					g.VMASKMOVPS(v, k.v, m)
				default:
					g.VMOVUPS(v, m)
				}
			}
			g.ADDQ(ldc, c)
		}
		g.MOVQ(c, S.at(args, "cc"))
	}
	if g.wide() {
		full(km)
	} else {
		t := g.GP64()
		g.MOVQ(S.at(args, "tail"), t)
		g.TESTQ(t, t)
		g.JNZ(LabelRef("tail"))
		full(nil)
		g.Label("next")
	}
	g.DECQ(S.at(args, "cblk"))
	g.JNZ(LabelRef("block"))
	g.VZEROUPPER()
	g.RET()
	if !g.wide() {
		g.Label("tail")
		full(g.loadMask(args, S))
		g.JMP(LabelRef("next"))
	}
}
