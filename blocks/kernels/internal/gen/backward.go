package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// backward emits the kernels of gradients.
func (g *generator) backward() {
	for _, n := range []int{8, 16} {
		for m := 1; m <= 6; m++ {
			g.outer(m, n)
		}
	}
	for _, v := range g.slopes() {
		g.vecMap(v)
	}
	g.vecDot()
}

// slopes are the products of a gradient b with the derivative of an activation at a.
func (g *generator) slopes() []vecOp {
	hard := []string{"three", "minusThree", "six", "sixth", "zero"}
	return []vecOp{
		{op: "gate", row: "vecGate", doc: "b[i] if lo < a[i] < hi, else 0", b: true, clamp: true, before: true, unroll: 2,
			f: func(g *generator, v *vecRegs) {
				each(v.x, func(i int, x VecVirtual) {
					g.between(x, v.lo, v.hi)
					g.VANDPS(v.b[i], x, x)
				})
			}},
		{op: "hsigmoidslope", row: "vecHSigmoidSlope", doc: "b[i] * hsigmoid'(a[i])", b: true, unroll: 2, consts: hard,
			f: func(g *generator, v *vecRegs) {
				each(v.x, func(i int, x VecVirtual) {
					g.sixthInside(x, v.k)
					g.VMULPS(v.b[i], x, x)
				})
			}},
		{op: "hswishslope", row: "vecHSwishSlope", doc: "b[i] * hswish'(a[i])", b: true, unroll: 2, consts: hard,
			f: func(g *generator, v *vecRegs) {
				in := g.keep(v)
				u := g.keep(v)
				g.hsigmoid(v.x, v.k)
				each(v.x, func(i int, x VecVirtual) {
					g.sixthInside(in[i], v.k)
					g.VFMADD231PS(in[i], u[i], x)
					g.VMULPS(v.b[i], x, x)
				})
			}},
		{op: "sigmoidslope", row: "vecSigmoidSlope", doc: "b[i] * sigmoid'(a[i])", b: true, unroll: 3, consts: sigmoidNames,
			f: func(g *generator, v *vecRegs) {
				g.onePlusExpMinus(v.x, v.k)
				g.eachWith(v.k, "one", v.x, func(i int, x, one VecVirtual) {
					g.VDIVPS(x, one, x)
					t := g.vec()
					g.VSUBPS(x, one, t)
					g.VMULPS(t, x, x)
					g.VMULPS(v.b[i], x, x)
				})
			}},
		{op: "swishslope", row: "vecSwishSlope", doc: "b[i] * swish'(a[i])", b: true, unroll: 3, consts: sigmoidNames,
			f: func(g *generator, v *vecRegs) {
				u := g.keep(v)
				g.onePlusExpMinus(v.x, v.k)
				g.eachWith(v.k, "one", v.x, func(i int, x, one VecVirtual) {
					g.VDIVPS(x, one, x)
					t := g.vec()
					g.VSUBPS(x, one, t)
					g.VFMADD213PS(one, u[i], t)
					g.VMULPS(t, x, x)
					g.VMULPS(v.b[i], x, x)
				})
			}},
	}
}

// between replaces x by ones in all bits where lo < x < hi, else zero.
func (g *generator) between(x, lo, hi VecVirtual) {
	t := g.vec()
	g.VCMPPS(Imm(17), x, lo, t) // lo < x; false for NaN
	g.VCMPPS(Imm(30), x, hi, x) // hi > x
	g.VANDPS(t, x, x)
}

// sixthInside replaces x by 1/6 where -3 < x < 3, else zero.
func (g *generator) sixthInside(x VecVirtual, k func(string) Op) {
	g.eachWith(k, "minusThree", []VecVirtual{x}, func(_ int, x, lo VecVirtual) {
		g.eachWith(k, "three", []VecVirtual{x}, func(_ int, x, hi VecVirtual) { g.between(x, lo, hi) })
	})
	g.eachWith(k, "sixth", []VecVirtual{x}, func(_ int, x, sixth VecVirtual) { g.VANDPS(sixth, x, x) })
}

// vecDot emits a sum of products over rows: columns outermost, so that the sums stay in registers.
func (g *generator) vecDot() {
	g.text(g.vecKernel("dot", "vecDot", "d[i] = fma(a[i], b[i]-c[i], d[i])    (a and b of row r)"))
	S := vecArgs
	args, d, a, b, c, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	as, bs := g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	for _, f := range []struct {
		name string
		to   Register
	}{{"d", d}, {"a", a}, {"b", b}, {"c", c}, {"n", n}, {"as", as}, {"bs", bs}} {
		g.MOVQ(S.at(args, f.name), f.to)
	}
	g.chunks(args, n, 4, "done", func(u int, m *mask, sfx string) {
		acc, centre := make([]VecVirtual, u), make([]VecVirtual, u)
		for j := range acc {
			acc[j], centre[j] = g.vec(), g.vec()
			g.load(Mem{Base: d, Disp: j * g.bytes()}, acc[j], m)
			g.load(Mem{Base: c, Disp: j * g.bytes()}, centre[j], m)
		}
		p, q, r := g.GP64(), g.GP64(), g.GP64()
		g.MOVQ(a, p)
		g.MOVQ(b, q)
		g.MOVQ(S.at(args, "rows"), r)
		g.Label("rows" + sfx)
		for j := range acc {
			x, y := g.vec(), g.vec()
			g.load(Mem{Base: p, Disp: j * g.bytes()}, x, m)
			g.load(Mem{Base: q, Disp: j * g.bytes()}, y, m)
			g.VSUBPS(centre[j], y, y)
			g.VFMADD231PS(x, y, acc[j])
		}
		g.ADDQ(as, p)
		g.ADDQ(bs, q)
		g.DECQ(r)
		g.JNZ(LabelRef("rows" + sfx))
		for j := range acc {
			g.store(acc[j], Mem{Base: d, Disp: j * g.bytes()}, m)
		}
		step := U32(u * g.bytes())
		for _, r := range []Register{d, a, b, c} {
			g.ADDQ(step, r)
		}
	})
	g.VZEROUPPER()
	g.RET()
}

// outer emits the sum of the products of mr columns of a and nr of b; see outerArgs.
func (g *generator) outer(mr, nr int) {
	g.text(g.outerKernel(mr, nr))
	S := outerArgs
	args, lda, ldb, ldc, tail := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "a", "ca", "c", "cc", "nblk", "cblk")
	g.MOVQ(S.at(args, "lda"), lda)
	g.MOVQ(S.at(args, "ldb"), ldb)
	g.MOVQ(S.at(args, "ldc"), ldc)
	g.Label("block")
	g.MOVQ(S.at(args, "tail"), tail)
	g.TESTQ(tail, tail)
	g.JNZ(LabelRef("tail"))
	body := func(m *mask, sfx string) {
		nv := nr / g.vl
		of := func(j int) *mask { // of vector j of a row
			if j == nv-1 {
				return m
			}
			return nil
		}
		a, b, c, k := g.GP64(), g.GP64(), g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "cc"), c)
		acc := make([][]VecVirtual, mr)
		for i := range acc {
			acc[i] = make([]VecVirtual, nv)
			for j := range acc[i] {
				acc[i][j] = g.vec()
				g.load(Mem{Base: c, Disp: j * g.bytes()}, acc[i][j], of(j))
			}
			g.ADDQ(ldc, c)
		}
		g.MOVQ(S.at(args, "ca"), a)
		g.MOVQ(S.at(args, "b"), b)
		g.MOVQ(S.at(args, "k"), k)
		g.Label("sum" + sfx)
		bv := make([]VecVirtual, nv)
		for j := range bv {
			bv[j] = g.vec()
			g.load(Mem{Base: b, Disp: j * g.bytes()}, bv[j], of(j))
		}
		for i := range mr {
			x := g.vec()
			g.VBROADCASTSS(Mem{Base: a, Disp: 4 * i}, x)
			for j := range bv {
				g.VFMADD231PS(bv[j], x, acc[i][j])
			}
		}
		g.ADDQ(lda, a)
		g.ADDQ(ldb, b)
		g.DECQ(k)
		g.JNZ(LabelRef("sum" + sfx))
		g.MOVQ(S.at(args, "cc"), c)
		for i := range acc {
			for j := range acc[i] {
				g.store(acc[i][j], Mem{Base: c, Disp: j * g.bytes()}, of(j))
			}
			g.ADDQ(ldc, c)
		}
		g.MOVQ(c, S.at(args, "cc"))
		g.ADDQ(Imm(uint64(4*mr)), S.at(args, "ca"))
	}
	body(nil, "")
	g.Label("next")
	g.DECQ(S.at(args, "cblk"))
	g.JNZ(LabelRef("block"))
	g.VZEROUPPER()
	g.RET()
	g.Label("tail")
	body(g.loadMask(args, S), "Tail")
	g.JMP(LabelRef("next"))
}
