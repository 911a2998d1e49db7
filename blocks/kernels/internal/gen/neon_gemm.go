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

// The registers of the gemm kernels.
const (
	gemmLda, gemmInd, gemmKs, gemmK, gemmB, gemmC, gemmLdc xreg = 1, 2, 3, 4, 5, 6, 7
	gemmRow                                                xreg = 8 // to R15: the rows of A
	gemmRes, gemmLdr, gemmBlk, gemmOff, gemmKLeft, gemmTab xreg = 16, 17, 19, 20, 21, 22
	gemmBias, gemmN, gemmTmp, gemmStep                     xreg = 23, 24, 25, 26
	gemmRuns, gemmBskip                                    xreg = 14, 15 // indirect, where rows end at R12
)

// neonTile is the kernel of a tile of mr output pixels by nr channels; see gemmArgs. Four products at a time are taken
// by element of a vector of A. Its methods stand in the order in which what they emit runs.
type neonTile struct {
	*neon
	mr, nr   int
	indirect bool
	nv       int    // vectors in a row of the tile
	top      int    // first register of the sums
	turn     int    // of the registers that hold rows of B in turns
	panels   []xreg // the row of B at hand in each panel
	local    int    // bytes of the tile on the stack
}

func (g *neon) gemm(mr, nr int, indirect bool) {
	t := &neonTile{neon: g, mr: mr, nr: nr, indirect: indirect, nv: nr / 4, local: 4 * mr * nr}
	t.top = 32 - mr*t.nv
	t.panels = []xreg{gemmB}
	if nr > panel {
		t.panels = []xreg{gemmB, gemmRow + 1, gemmRow + 2, gemmRow + 3}
	}
	g.text(neonISA.gemmKernel(mr, nr, indirect), t.local)
	t.arguments()
	t.start()
	t.sum()
	t.finish()
	t.tail()
}

// acc is vector j of the sums of pixel i; they stand in the topmost registers.
func (t *neonTile) acc(i, j int) vreg { return vreg(t.top + i*t.nv + j) }

// nextB is a register for a row of B: those between A, which is below, and the sums.
func (t *neonTile) nextB() vreg {
	v := vreg(t.mr + t.turn)
	t.turn = (t.turn + 1) % (t.top - t.mr)
	return v
}

// arguments loads those that stay the same from block to block.
func (t *neonTile) arguments() {
	in := map[string]xreg{"ind": gemmInd, "c": gemmC, "ldc": gemmLdc, "bias": gemmBias, "res": gemmRes, "ldr": gemmLdr,
		"nblk": gemmBlk, "k": gemmK, "n": gemmN}
	if t.indirect {
		in["koff"], in["bskip"] = gemmOff, gemmBskip
		t.fields(gemmArgs, in)
		t.op("LSL", 2, gemmOff)
		return
	}
	in["aoff"], in["lda"] = gemmOff, gemmLda
	t.fields(gemmArgs, in)
	t.op("MOVD", t.mr, gemmTmp)
	t.op("MUL", gemmTmp, gemmLda, gemmStep)
}

// start begins the sums of a block with the bias.
func (t *neonTile) start() {
	t.label("block")
	for j := 0; j < t.nv; j += 2 {
		t.load(8, gemmBias, 16*j, t.acc(0, j), t.acc(0, j+1))
	}
	for i := 1; i < t.mr; i++ {
		for j := range t.nv {
			t.move(t.acc(i, j), t.acc(0, j))
		}
	}
	t.fields(gemmArgs, map[string]xreg{"b": gemmB})
	if len(t.panels) > 1 {
		t.fields(gemmArgs, map[string]xreg{"bs": gemmTmp})
		for q := 1; q < len(t.panels); q++ {
			t.op("ADD", gemmTmp, t.panels[q-1], t.panels[q])
		}
	}
}

// sum adds all products of a block.
func (t *neonTile) sum() {
	if t.indirect {
		t.fields(gemmArgs, map[string]xreg{"runs": gemmRuns})
		t.op("CBZ", gemmRuns, "sum")
		t.label("run")
		t.fields(gemmArgs, map[string]xreg{"ks": gemmKs})
	} else {
		t.op("MOVD", gemmInd, gemmTab)
		t.fields(gemmArgs, map[string]xreg{"ks": gemmKs})
		t.op("CBZ", gemmKs, "sum")
	}
	t.label("tap")
	t.rows()
	t.channels()
	t.op("SUBS", 1, gemmKs)
	t.op("BNE", "tap")
	if t.indirect {
		t.op("ADD", gemmBskip, t.panels[0])
		t.op("SUBS", 1, gemmRuns)
		t.op("BNE", "run")
	}
	t.label("sum")
	if !t.indirect {
		t.op("ADD", gemmStep, gemmOff) // the next block's rows
	}
}

// rows finds the rows of A of a tap.
func (t *neonTile) rows() {
	if t.indirect {
		for i := range xreg(t.mr) {
			t.op("MOVD.P", mem(gemmInd, 8), gemmRow+i)
		}
		for i := range xreg(t.mr) {
			t.op("ADD", gemmOff, gemmRow+i)
		}
		return
	}
	t.op("MOVD.P", mem(gemmTab, 8), gemmRow)
	t.op("ADD", gemmOff, gemmRow)
	for i := range xreg(t.mr - 1) {
		t.op("ADD", gemmLda, gemmRow+i, gemmRow+i+1)
	}
}

// channels adds the products of a tap, four channels at a time while they last.
func (t *neonTile) channels() {
	a := func(i int) vreg { return vreg(i) }
	t.op("SUBS", 4, gemmK, gemmKLeft)
	t.op("BLT", "few")
	t.label("four")
	for i := range t.mr {
		t.loadNext(4, gemmRow+xreg(i), a(i))
	}
	for c := range 4 {
		t.products(c, func(d, b vreg, i int) { t.fmlaElement(d, b, a(i), c) })
	}
	t.advance(4)
	t.op("SUBS", 4, gemmKLeft)
	t.op("BGE", "four")
	t.label("few")
	t.op("ADDS", 4, gemmKLeft)
	t.op("BEQ", "tapend")
	t.label("one")
	for i := range t.mr {
		t.op("VLD1R.P", mem(gemmRow+xreg(i), 4), a(i).list(1))
	}
	t.products(0, func(d, b vreg, i int) { t.fmla(d, b, a(i)) })
	t.advance(1)
	t.op("SUBS", 1, gemmKLeft)
	t.op("BNE", "one")
	t.label("tapend")
}

// products adds those of row c of B, counted from the row at hand, for each vector of sums d of pixel i.
func (t *neonTile) products(c int, add func(d, b vreg, i int)) {
	per := min(t.nv, 4) // vectors in a panel
	for q, b := range t.panels {
		bv := make([]vreg, per)
		for j := 0; j < per; j += 2 {
			bv[j], bv[j+1] = t.nextB(), t.nextB()
			t.load(8, b, 64*c+16*j, bv[j], bv[j+1])
		}
		for i := range t.mr {
			for j := range per {
				add(t.acc(i, q*per+j), bv[j], i)
			}
		}
	}
}

// advance moves n rows of B on.
func (t *neonTile) advance(n int) {
	for _, b := range t.panels {
		t.op("ADD", 64*n, b)
	}
}

// The bounds of the clamp, where A was.
const gemmLo, gemmHi vreg = 0, 1

// finish adds the residual, clamps the sums, stores them and begins the next block.
func (t *neonTile) finish() {
	t.bounds(gemmArgs, gemmTmp, gemmLo, gemmHi)
	t.op("CMP", t.nr, gemmN)
	t.op("BLT", "tail")
	t.op("CBZ", gemmRes, "clamp")
	for i := range t.mr {
		for j := 0; j < t.nv; j += 2 {
			t.load(8, gemmRes, 16*j, 2, 3)
			t.three(opFADD, t.acc(i, j), t.acc(i, j), 2)
			t.three(opFADD, t.acc(i, j+1), t.acc(i, j+1), 3)
		}
		t.op("ADD", gemmLdr, gemmRes)
	}
	t.label("clamp")
	for i := range t.mr {
		for j := range t.nv {
			t.clamp(t.acc(i, j), gemmLo, gemmHi)
		}
		for j := 0; j < t.nv; j += 2 {
			t.store(8, gemmC, 16*j, t.acc(i, j), t.acc(i, j+1))
		}
		t.op("ADD", gemmLdc, gemmC)
	}
	t.label("next")
	t.op("SUBS", 1, gemmBlk)
	t.op("BNE", "block")
	t.ret()
}

// tail finishes a tile with fewer columns, which goes through the stack, row by row.
func (t *neonTile) tail() {
	const tile, rows, left, cp, rp, tp = gemmRow, gemmRow + 1, gemmRow + 2, gemmRow + 3, gemmRow + 4, gemmRow + 5
	t.label("tail")
	t.op("MOVD", fmt.Sprintf("$tile-%d(SP)", t.local), tile)
	for i := range t.mr {
		for j := 0; j < t.nv; j += 2 {
			t.store(8, tile, 4*(i*t.nr+4*j), t.acc(i, j), t.acc(i, j+1))
		}
	}
	t.op("MOVD", t.mr, rows)
	t.label("row")
	t.op("MOVD", tile, tp)
	t.op("MOVD", gemmC, cp)
	t.op("MOVD", gemmRes, rp)
	t.op("MOVD", gemmN, left)
	t.downTo(left, "col", []int{4, 1}, func(w int, sfx string) {
		t.loadNext(w, tp, 2)
		t.op("CBZ", gemmRes, sfx+"clamp")
		t.loadNext(w, rp, 3)
		t.three(opFADD, 2, 2, 3)
		t.label(sfx + "clamp")
		t.clamp(2, gemmLo, gemmHi)
		t.storeNext(w, cp, 2)
	})
	t.op("ADD", 4*t.nr, tile)
	t.op("ADD", gemmLdc, gemmC)
	t.op("CBZ", gemmRes, "rowend")
	t.op("ADD", gemmLdr, gemmRes)
	t.label("rowend")
	t.op("SUBS", 1, rows)
	t.op("BNE", "row")
	t.op("B", "next")
}
