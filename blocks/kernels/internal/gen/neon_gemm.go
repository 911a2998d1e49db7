package main

import "fmt"

// gemms emits the tiles: as many rows as there are registers for.
func (g *neon) gemms() {
	for _, t := range []struct{ nr, direct, indirect int }{{8, 8, 5}, {16, 5, 5}, {64, 1, 0}} {
		for m := 1; m <= t.direct; m++ {
			g.gemm(m, t.nr, false)
		}
		for m := 1; m <= t.indirect; m++ {
			g.gemm(m, t.nr, true)
		}
	}
}

// gemm emits a tile of mr output pixels by nr channels; see gemmArgs. Four
// products at a time are taken by element of a vector of A.
func (g *neon) gemm(mr, nr int, indirect bool) {
	form, fam := "gemm", "famGemm"
	if indirect {
		form, fam = "igemm", "famIGemm"
	}
	name := fmt.Sprintf("%sF32NEON_%dx%d", form, mr, nr)
	doc := fmt.Sprintf("// for i := range %d { for j := range n {\n//\tc[i][j] = clamp(bias[j] + sum over t, p of a[t][i][p]*b[t][p][j] + res[i][j])\n// }} in %d columns, nblk times\n", mr, nr)
	local := 4 * mr * nr
	g.text(name, "gemmArgs", local, doc, fmt.Sprintf("name: \"%s_f32_neon_%dx%d\", fam: %s, mr: %d, nr: %d, gemm: %s", form, mr, nr, fam, mr, nr, name))

	// Registers: sums at the top, then A below, the rest for B in turns.
	nv := nr / 4
	top := 32 - mr*nv
	acc := func(i, j int) vreg { return vreg(top + i*nv + j) }
	a := func(i int) vreg { return vreg(i) }
	turn := 0
	nextB := func() vreg {
		v := vreg(mr + turn)
		turn = (turn + 1) % (top - mr)
		return v
	}
	const (
		lda, ind, ks, k, c, ldc       xreg = 1, 2, 3, 4, 6, 7
		row0                          xreg = 8 // to R15
		res, ldr, nblk, off, kc, itab xreg = 16, 17, 19, 20, 21, 22
		bias, n, tmp, step            xreg = 23, 24, 25, 26
		runs, bskip                   xreg = 14, 15 // indirect, where rows end at R12
	)
	panels := []xreg{5}
	if nr > 16 {
		panels = []xreg{5, row0 + 1, row0 + 2, row0 + 3}
	}
	in := map[string]xreg{"ind": ind, "c": c, "ldc": ldc, "bias": bias, "res": res, "ldr": ldr, "nblk": nblk, "k": k, "n": n}
	if indirect {
		in["koff"], in["bskip"] = off, bskip
	} else {
		in["aoff"], in["lda"] = off, lda
	}
	g.fields(gemmArgs, in)
	if indirect {
		g.op("LSL", 2, off)
	} else {
		g.op("MOVD", mr, tmp)
		g.op("MUL", tmp, lda, step)
	}

	g.label("block")
	for j := 0; j < nv; j += 2 {
		g.load(8, bias, 16*j, acc(0, j), acc(0, j+1))
	}
	for i := 1; i < mr; i++ {
		for j := range nv {
			g.move(acc(i, j), acc(0, j))
		}
	}
	g.fields(gemmArgs, map[string]xreg{"b": panels[0]})
	if len(panels) > 1 {
		g.fields(gemmArgs, map[string]xreg{"bs": tmp})
		for q := 1; q < len(panels); q++ {
			g.op("ADD", tmp, panels[q-1], panels[q])
		}
	}
	if !indirect {
		g.op("MOVD", ind, itab)
	}
	if indirect {
		g.fields(gemmArgs, map[string]xreg{"runs": runs})
		g.op("CBZ", runs, "sum")
		g.label("run")
		g.fields(gemmArgs, map[string]xreg{"ks": ks})
	} else {
		g.fields(gemmArgs, map[string]xreg{"ks": ks})
		g.op("CBZ", ks, "sum")
	}

	g.label("tap")
	if indirect {
		for i := range xreg(mr) {
			g.op("MOVD.P", mem(ind, 8), row0+i)
		}
		for i := range xreg(mr) {
			g.op("ADD", off, row0+i)
		}
	} else {
		g.op("MOVD.P", mem(itab, 8), row0)
		g.op("ADD", off, row0)
		for i := range xreg(mr - 1) {
			g.op("ADD", lda, row0+i, row0+i+1)
		}
	}
	// products adds those of row t of B in a panel from its pointer on.
	per := min(nv, 4)
	products := func(t int, each func(d, b vreg, i int)) {
		for q, b := range panels {
			bv := make([]vreg, per)
			for j := 0; j < per; j += 2 {
				bv[j], bv[j+1] = nextB(), nextB()
				g.load(8, b, 64*t+16*j, bv[j], bv[j+1])
			}
			for i := range mr {
				for j := range per {
					each(acc(i, q*per+j), bv[j], i)
				}
			}
		}
	}
	advance := func(n int) {
		for _, b := range panels {
			g.op("ADD", 64*n, b)
		}
	}
	g.op("SUBS", 4, k, kc)
	g.op("BLT", "few")
	g.label("four")
	for i := range mr {
		g.loadNext(4, row0+xreg(i), a(i))
	}
	for t := range 4 {
		products(t, func(d, b vreg, i int) { g.fmlaElement(d, b, a(i), t) })
	}
	advance(4)
	g.op("SUBS", 4, kc)
	g.op("BGE", "four")
	g.label("few")
	g.op("ADDS", 4, kc)
	g.op("BEQ", "tapend")
	g.label("one")
	for i := range mr {
		g.op("VLD1R.P", mem(row0+xreg(i), 4), a(i).list(1))
	}
	products(0, func(d, b vreg, i int) { g.fmla(d, b, a(i)) })
	advance(1)
	g.op("SUBS", 1, kc)
	g.op("BNE", "one")
	g.label("tapend")
	g.op("SUBS", 1, ks)
	g.op("BNE", "tap")
	if indirect {
		g.op("ADD", bskip, panels[0])
		g.op("SUBS", 1, runs)
		g.op("BNE", "run")
	}

	g.label("sum")
	if !indirect {
		g.op("ADD", step, off) // the next block's rows
	}
	const lo, hi vreg = 0, 1
	g.bounds(gemmArgs, tmp, lo, hi)
	g.op("CMP", nr, n)
	g.op("BLT", "tail")
	g.op("CBZ", res, "clamp")
	for i := range mr {
		for j := 0; j < nv; j += 2 {
			g.load(8, res, 16*j, 2, 3)
			g.three(opFADD, acc(i, j), acc(i, j), 2)
			g.three(opFADD, acc(i, j+1), acc(i, j+1), 3)
		}
		g.op("ADD", ldr, res)
	}
	g.label("clamp")
	for i := range mr {
		for j := range nv {
			g.clamp(acc(i, j), lo, hi)
		}
		for j := 0; j < nv; j += 2 {
			g.store(8, c, 16*j, acc(i, j), acc(i, j+1))
		}
		g.op("ADD", ldc, c)
	}
	g.label("next")
	g.op("SUBS", 1, nblk)
	g.op("BNE", "block")
	g.ret()

	// A tile with fewer columns goes through the stack, row by row.
	g.label("tail")
	const tile, rows, left, cp, rp, tp xreg = row0, row0 + 1, row0 + 2, row0 + 3, row0 + 4, row0 + 5
	g.op("MOVD", fmt.Sprintf("$tile-%d(SP)", local), tile)
	for i := range mr {
		for j := 0; j < nv; j += 2 {
			g.store(8, tile, 4*(i*nr+4*j), acc(i, j), acc(i, j+1))
		}
	}
	g.op("MOVD", mr, rows)
	g.label("row")
	g.op("MOVD", tile, tp)
	g.op("MOVD", c, cp)
	g.op("MOVD", res, rp)
	g.op("MOVD", n, left)
	g.downTo(left, "col", []int{4, 1}, func(w int, sfx string) {
		g.loadNext(w, tp, 2)
		g.op("CBZ", res, sfx+"clamp")
		g.loadNext(w, rp, 3)
		g.three(opFADD, 2, 2, 3)
		g.label(sfx + "clamp")
		g.clamp(2, lo, hi)
		g.storeNext(w, cp, 2)
	})
	g.op("ADD", 4*nr, tile)
	g.op("ADD", ldc, c)
	g.op("CBZ", res, "rowend")
	g.op("ADD", ldr, res)
	g.label("rowend")
	g.op("SUBS", 1, rows)
	g.op("BNE", "row")
	g.op("B", "next")
}
