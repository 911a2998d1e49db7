package main

// backward emits the kernels of gradients.
func (g *neon) backward() {
	for _, n := range []int{8, 16} {
		for m := 1; m <= 6; m++ {
			g.outer(m, n)
		}
	}
	for _, v := range neonSlopes() {
		g.vecMap(v)
	}
	g.vecDot()
}

// neonSlopes are the products of a gradient b with the derivative of an activation at a. The derivative needs the
// registers of b, which is read behind it.
func neonSlopes() []neonVec {
	hard := []string{"three", "minusThree", "six", "sixth", "zero"}
	times := func(g *neon, v *neonRegs) {
		v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.b+i) })
	}
	keep := func(g *neon, v *neonRegs) { v.each(func(i vreg) { g.move(v.old+i, v.x+i) }) }
	return []neonVec{
		{op: "gate", row: "vecGate", doc: "b[i] if lo < a[i] < hi, else 0", b: true, clamp: true, before: true,
			f:    func(g *neon, v *neonRegs) { g.between(v, v.x, v.lo, v.hi) },
			then: func(g *neon, v *neonRegs) { v.each(func(i vreg) { g.and(v.x+i, v.x+i, v.b+i) }) }},
		{op: "hsigmoidslope", row: "vecHSigmoidSlope", doc: "b[i] * hsigmoid'(a[i])", b: true, consts: hard, then: times,
			f: func(g *neon, v *neonRegs) { g.sixthInside(v, v.x) }},
		{op: "hswishslope", row: "vecHSwishSlope", doc: "b[i] * hswish'(a[i])", b: true, consts: hard, then: times,
			f: func(g *neon, v *neonRegs) {
				keep(g, v)
				g.hsigmoid(v)
				v.each(func(i vreg) { g.move(v.c+i, v.old+i) })
				g.sixthInside(v, v.c)
				v.each(func(i vreg) { g.fmla(v.x+i, v.old+i, v.c+i) })
			}},
		{op: "sigmoidslope", row: "vecSigmoidSlope", doc: "b[i] * sigmoid'(a[i])", b: true, consts: sigmoidNames, then: times,
			f: func(g *neon, v *neonRegs) {
				g.onePlusExpMinus(v)
				v.each(func(i vreg) { g.three(opFDIV, v.x+i, v.k["one"], v.x+i) })
				v.each(func(i vreg) { g.three(opFSUB, v.t+i, v.k["one"], v.x+i) })
				v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.t+i) })
			}},
		{op: "swishslope", row: "vecSwishSlope", doc: "b[i] * swish'(a[i])", b: true, consts: sigmoidNames, then: times,
			f: func(g *neon, v *neonRegs) {
				keep(g, v)
				g.onePlusExpMinus(v)
				v.each(func(i vreg) { g.three(opFDIV, v.x+i, v.k["one"], v.x+i) })
				v.each(func(i vreg) { g.three(opFSUB, v.t+i, v.k["one"], v.x+i) })
				v.each(func(i vreg) { g.move(v.c+i, v.k["one"]) })
				v.each(func(i vreg) { g.fmla(v.c+i, v.old+i, v.t+i) })
				v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.c+i) })
			}},
	}
}

func (g *neon) and(d, n, m vreg) {
	g.op("VAND", m.String()+".B16", n.String()+".B16", d.String()+".B16")
}

// between replaces x by ones in all bits where lo < x < hi, else zero.
func (g *neon) between(v *neonRegs, x, lo, hi vreg) {
	v.each(func(i vreg) { g.three(opFCMGT, v.t+i, x+i, lo) })
	v.each(func(i vreg) { g.three(opFCMGT, x+i, hi, x+i) })
	v.each(func(i vreg) { g.and(x+i, x+i, v.t+i) })
}

// sixthInside replaces x by 1/6 where -3 < x < 3, else zero.
func (g *neon) sixthInside(v *neonRegs, x vreg) {
	g.between(v, x, v.k["minusThree"], v.k["three"])
	v.each(func(i vreg) { g.and(x+i, x+i, v.k["sixth"]) })
}

// vecDot emits a sum of products over rows: columns outermost, so that the sums stay in registers.
func (g *neon) vecDot() {
	g.text(neonISA.vecKernel("dot", "vecDot", "d[i] = fma(a[i], b[i]-c[i], d[i])    (a and b of row r)"), 0)
	const d, a, b, c, n, as, bs, rows, dp, ap, bp xreg = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
	const acc, centre, x, y vreg = 0, 4, 8, 12
	g.fields(vecArgs, map[string]xreg{"d": d, "a": a, "b": b, "c": c, "n": n, "as": as, "bs": bs})
	g.downTo(n, "col", []int{16, 4, 1}, func(width int, sfx string) {
		g.op("MOVD", d, dp)
		g.loadNext(width, dp, acc)
		g.loadNext(width, c, centre)
		g.op("MOVD", a, ap)
		g.op("MOVD", b, bp)
		g.fields(vecArgs, map[string]xreg{"rows": rows})
		g.label(sfx + "rows")
		g.loadRow(width, ap, x)
		g.loadRow(width, bp, y)
		g.op("ADD", as, ap)
		g.op("ADD", bs, bp)
		for j := range vreg((width + 3) / 4) {
			g.three(opFSUB, y+j, y+j, centre+j)
			g.fmla(acc+j, x+j, y+j)
		}
		g.op("SUBS", 1, rows)
		g.op("BNE", sfx+"rows")
		g.storeNext(width, d, acc)
		g.op("ADD", 4*width, a)
		g.op("ADD", 4*width, b)
	})
	g.ret()
}

// loadRow reads n floats from r, 4 to a register from v on, or 1.
func (g *neon) loadRow(n int, r xreg, v vreg) {
	if n == 1 {
		g.load(1, r, 0, v)
		return
	}
	g.op("VLD1", mem(r, 0), v.list(n/4))
}

// outer emits the sum of the products of mr columns of a and up to nr of b; see outerArgs. Columns of b are taken nr at
// a time if there are as many, else 4 and 1.
func (g *neon) outer(mr, nr int) {
	g.text(neonISA.outerKernel(mr, nr), 0)
	const (
		a, lda, b, ldb, c, ldc, k, blocks, n    xreg = 1, 2, 3, 4, 5, 6, 7, 8, 9
		ap, bp, cp, left, bcol, ccol, tmp, step xreg = 10, 11, 12, 13, 14, 15, 16, 17
	)
	const av, bv, sums vreg = 0, 2, 8 // mr values of a, a row of b
	g.fields(outerArgs, map[string]xreg{"a": a, "lda": lda, "b": b, "ldb": ldb, "c": c, "ldc": ldc, "k": k,
		"nblk": blocks})
	g.op("MOVD", mr, tmp)
	g.op("MUL", tmp, ldc, step)
	g.label("block")
	g.fields(outerArgs, map[string]xreg{"n": n})
	g.op("MOVD", b, bcol)
	g.op("MOVD", c, ccol)
	g.downTo(n, "col", []int{nr, 4, 1}, func(width int, sfx string) {
		nv := vreg((width + 3) / 4)
		g.op("MOVD", ccol, cp)
		for i := range vreg(mr) {
			g.loadRow(width, cp, sums+i*nv)
			g.op("ADD", ldc, cp)
		}
		g.op("MOVD", a, ap)
		g.op("MOVD", bcol, bp)
		g.op("MOVD", k, left)
		g.label(sfx + "sum")
		g.loadRow(width, bp, bv)
		for i := 0; i < mr; { // no further than the last of them
			r := (av + vreg(i/4)).f()
			switch {
			case mr-i >= 4:
				g.op("FMOVQ", mem(ap, 4*i), r)
				i += 4
			case mr-i >= 2 && mr-i != 3:
				g.op("FMOVD", mem(ap, 4*i), r)
				i += 2
			case mr-i == 3:
				g.op("FMOVD", mem(ap, 4*i), r)
				g.op("ADD", 4*(i+2), ap, tmp)
				g.op("VLD1", mem(tmp, 0), (av+vreg(i/4)).String()+".S[2]")
				i += 3
			default:
				g.op("FMOVS", mem(ap, 4*i), r)
				i++
			}
		}
		for i := range vreg(mr) {
			for j := range nv {
				g.fmlaElement(sums+i*nv+j, bv+j, av+i/4, int(i%4))
			}
		}
		g.op("ADD", lda, ap)
		g.op("ADD", ldb, bp)
		g.op("SUBS", 1, left)
		g.op("BNE", sfx+"sum")
		g.op("MOVD", ccol, cp)
		for i := range vreg(mr) {
			if width == 1 {
				g.store(1, cp, 0, sums+i*nv)
			} else {
				g.op("VST1", (sums + i*nv).list(width/4), mem(cp, 0))
			}
			g.op("ADD", ldc, cp)
		}
		g.op("ADD", 4*width, bcol)
		g.op("ADD", 4*width, ccol)
	})
	g.op("ADD", 4*mr, a)
	g.op("ADD", step, c)
	g.op("SUBS", 1, blocks)
	g.op("BNE", "block")
	g.ret()
}
