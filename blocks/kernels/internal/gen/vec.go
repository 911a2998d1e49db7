package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vecRegs are the operands of an elementwise kernel, some vectors of each.
type vecRegs struct {
	x    []VecVirtual
	b, c []Op  // the vectors of b and c
	a    []Mem // where x was read, if in full
	lo   VecVirtual
	hi   VecVirtual
	k    func(string) Op
}

type vecOp struct {
	op, row, doc string
	b, c         bool     // reads b, c
	clamp        bool     // ends in a clamp
	before       bool     // the clamp is f's
	lo           bool     // needs lo
	unroll       int      // vectors at a time
	unroll2      int      // the same where registers are few, 0: unroll
	consts       []string // constants it needs
	f            func(g *generator, v *vecRegs)
}

func (g *generator) vecs() {
	hard := []string{"three", "six", "sixth", "zero"}
	for _, v := range []vecOp{
		{op: "add", row: "vecAdd", doc: "clamp(a[i] + b[i])", b: true, clamp: true, unroll: 4,
			f: func(g *generator, v *vecRegs) { each(v.x, func(i int, x VecVirtual) { g.VADDPS(v.b[i], x, x) }) }},
		{op: "mul", row: "vecMul", doc: "clamp(a[i] * b[i])", b: true, clamp: true, unroll: 4,
			f: func(g *generator, v *vecRegs) { each(v.x, func(i int, x VecVirtual) { g.VMULPS(v.b[i], x, x) }) }},
		{op: "scale", row: "vecScale", doc: "a[i] * b[i]", b: true, unroll: 4,
			f: func(g *generator, v *vecRegs) { each(v.x, func(i int, x VecVirtual) { g.VMULPS(v.b[i], x, x) }) }},
		{op: "affine", row: "vecAffine", doc: "clamp(fma(a[i], b[i], c[i]))", b: true, c: true, clamp: true, unroll: 2,
			f: func(g *generator, v *vecRegs) {
				each(v.x, func(i int, x VecVirtual) {
					t := g.vec()
					g.VMOVUPS(v.b[i], t)
					g.VFMADD213PS(v.c[i], t, x)
				})
			}},
		{op: "clamp", row: "vecClamp", doc: "clamp(a[i])", clamp: true, unroll: 4, f: func(*generator, *vecRegs) {}},
		{op: "hsigmoid", row: "vecHSigmoid", doc: "min(max(a[i]+3, 0), 6) / 6", unroll: 4, consts: hard,
			f: func(g *generator, v *vecRegs) { g.hsigmoid(v.x, v.k) }},
		{op: "hswish", row: "vecHSwish", doc: "a[i] * (min(max(a[i]+3, 0), 6) / 6)", unroll: 4, consts: hard,
			f: func(g *generator, v *vecRegs) {
				old := g.keep(v)
				g.hsigmoid(v.x, v.k)
				each(v.x, func(i int, x VecVirtual) { g.VMULPS(old[i], x, x) })
			}},
		{op: "sigmoid", row: "vecSigmoid", doc: "1 / (1 + exp(-a[i]))", unroll: 6, unroll2: 5, consts: sigmoidNames,
			f: func(g *generator, v *vecRegs) {
				g.onePlusExpMinus(v.x, v.k)
				g.eachWith(v.k, "one", v.x, func(_ int, x, one VecVirtual) { g.VDIVPS(x, one, x) })
			}},
		{op: "swish", row: "vecSwish", doc: "a[i] / (1 + exp(-a[i]))", unroll: 6, unroll2: 5, consts: sigmoidNames,
			f: func(g *generator, v *vecRegs) {
				var old []VecVirtual
				if v.a == nil {
					old = g.keep(v)
				}
				g.onePlusExpMinus(v.x, v.k)
				each(v.x, func(i int, x VecVirtual) {
					if v.a == nil {
						g.VDIVPS(x, old[i], x)
						return
					}
					t := g.vec()
					g.VMOVUPS(v.a[i], t) // again: registers are few
					g.VDIVPS(x, t, x)
				})
			}},
		{op: "exp", row: "vecExp", doc: "exp(a[i] - lo)", lo: true, unroll: 5, unroll2: 3, consts: expNames,
			f: func(g *generator, v *vecRegs) {
				each(v.x, func(_ int, x VecVirtual) { g.VSUBPS(v.lo, x, x) })
				g.exp(v.x, v.k)
			}},
		{op: "erf", row: "vecErf", doc: "erf(a[i])", unroll: 4, consts: rationalNames("erf"),
			f: func(g *generator, v *vecRegs) { g.rational(v.x, v.k, "erf") }},
		{op: "tanh", row: "vecTanh", doc: "tanh(a[i])", unroll: 4, consts: rationalNames("tanh"),
			f: func(g *generator, v *vecRegs) { g.rational(v.x, v.k, "tanh") }},
		{op: "gelu", row: "vecGELU", doc: "a[i]/2 * (1 + erf(a[i]/sqrt(2)))", unroll: 4, unroll2: 3,
			consts: rationalNames("gelu"), f: (*generator).gelu},
		{op: "prelu", row: "vecPReLU", doc: "max(a[i], 0) + b[i]*min(a[i], 0)", b: true, unroll: 4, consts: []string{"zero"},
			f: func(g *generator, v *vecRegs) {
				g.eachWith(v.k, "zero", v.x, func(i int, x, k VecVirtual) {
					t := g.vec()
					g.VMINPS(x, k, t)
					g.VMULPS(v.b[i], t, t)
					g.VMAXPS(x, k, x)
					g.VADDPS(t, x, x)
				})
			}},
		{op: "grid", row: "vecGrid", doc: "round(clamp(a[i] / b[i])) * b[i]", b: true, clamp: true, before: true, unroll: 4,
			unroll2: 3, consts: []string{"magic"},
			f: func(g *generator, v *vecRegs) {
				each(v.x, func(i int, x VecVirtual) { g.VDIVPS(v.b[i], x, x) })
				each(v.x, func(_ int, x VecVirtual) { g.clamp(x, v.lo, v.hi) })
				g.eachWith(v.k, "magic", v.x, func(_ int, x, k VecVirtual) { g.VADDPS(k, x, x) })
				g.eachWith(v.k, "magic", v.x, func(_ int, x, k VecVirtual) { g.VSUBPS(k, x, x) })
				each(v.x, func(i int, x VecVirtual) { g.VMULPS(v.b[i], x, x) })
			}},
	} {
		g.vecMap(v)
	}
	g.vecSums("sum", "vecSum", "d[i] += a[i]", false)
	g.vecSums("sqdev", "vecSqDev", "t := a[i] - b[i]; d[i] = fma(t, t, d[i])", true)
}

// keep copies x.
func (g *generator) keep(v *vecRegs) []VecVirtual {
	old := g.vecsLike(v.x)
	each(old, func(i int, t VecVirtual) { g.VMOVAPS(v.x[i], t) })
	return old
}

// chunks emits the loop over n values: many vectors at a time while they last, then one, then the rest of a vector
// under a mask. n is used up; done is the label behind. body gets the number of its vectors and a suffix for labels.
func (g *generator) chunks(args, n Register, many int, done string, body func(u int, m *mask, sfx string)) {
	g.SUBQ(Imm(uint64(many*g.vl)), n)
	g.JLT(LabelRef("few"))
	g.Label("many")
	body(many, nil, "Many")
	g.SUBQ(Imm(uint64(many*g.vl)), n)
	g.JGE(LabelRef("many"))
	g.Label("few")
	g.ADDQ(Imm(uint64((many-1)*g.vl)), n)
	g.JLT(LabelRef("rest"))
	g.Label("one")
	body(1, nil, "One")
	g.SUBQ(Imm(uint64(g.vl)), n)
	g.JGE(LabelRef("one"))
	g.Label("rest")
	g.ADDQ(Imm(uint64(g.vl)), n)
	g.JZ(LabelRef(done))
	body(1, g.loadMask(args, vecArgs), "Rest")
	g.Label(done)
}

// vecMap emits an elementwise kernel.
func (g *generator) vecMap(v vecOp) {
	g.text(g.vecKernel(v.op, v.row, "d[r][i] = "+v.doc))
	if v.unroll2 > 0 && !g.wide() {
		v.unroll = v.unroll2
	}
	S := vecArgs
	args := g.GP64()
	g.Load(g.Param("a"), args)
	loop := vecLoop{generator: g, kernel: v}
	if v.clamp || v.lo {
		loop.lo = g.vec()
		g.VBROADCASTSS(S.at(args, "lo"), loop.lo)
	}
	if v.clamp {
		loop.hi = g.vec()
		g.VBROADCASTSS(S.at(args, "hi"), loop.hi)
	}
	k := g.constants(v.consts...)
	if len(v.consts) > 0 {
		loop.k = k
	}
	g.copyFields(S, args, "d", "cd", "a", "ca", "rows", "crow")
	if v.b {
		g.copyFields(S, args, "b", "cb")
	}
	g.Label("row")
	loop.dp, loop.ap, loop.bp, loop.cp = g.GP64(), g.GP64(), g.GP64(), g.GP64()
	n := g.GP64()
	loop.i = g.GP64()
	g.MOVQ(S.at(args, "cd"), loop.dp)
	g.MOVQ(S.at(args, "ca"), loop.ap)
	if v.b {
		g.MOVQ(S.at(args, "cb"), loop.bp)
	}
	if v.c {
		g.MOVQ(S.at(args, "c"), loop.cp)
	}
	g.MOVQ(S.at(args, "n"), n)
	g.XORQ(loop.i, loop.i)
	g.chunks(args, n, v.unroll, "next", loop.body)
	step := g.GP64()
	for _, f := range []struct{ p, s string }{{"cd", "ds"}, {"ca", "as"}, {"cb", "bs"}} {
		if f.p == "cb" && !v.b {
			continue
		}
		g.MOVQ(S.at(args, f.s), step)
		g.ADDQ(step, S.at(args, f.p))
	}
	g.DECQ(S.at(args, "crow"))
	g.JNZ(LabelRef("row"))
	g.VZEROUPPER()
	g.RET()
}

// vecLoop is the loop of an elementwise kernel over a row.
type vecLoop struct {
	*generator
	kernel         vecOp
	dp, ap, bp, cp Register // the row's operands
	i              Register // values done
	lo, hi         VecVirtual
	k              func(string) Op
}

// at is vector j from the values at hand on of an operand.
func (l *vecLoop) at(operand Register, j int) Mem {
	return Mem{Base: operand, Index: l.i, Scale: 4, Disp: j * l.bytes()}
}

// operands are u vectors of b or c: memory, or, where they are incomplete, registers.
func (l *vecLoop) operands(of Register, u int, m *mask) []Op {
	o := make([]Op, u)
	for j := range o {
		o[j] = l.at(of, j)
		if m != nil {
			t := l.vec()
			l.load(l.at(of, j), t, m)
			o[j] = t
		}
	}
	return o
}

// body emits u vectors.
func (l *vecLoop) body(u int, m *mask, _ string) {
	r := vecRegs{x: make([]VecVirtual, u), lo: l.lo, hi: l.hi, k: l.k}
	for j := range r.x {
		r.x[j] = l.vec()
		l.load(l.at(l.ap, j), r.x[j], m)
		if m == nil {
			r.a = append(r.a, l.at(l.ap, j))
		}
	}
	if l.kernel.b {
		r.b = l.operands(l.bp, u, m)
	}
	if l.kernel.c {
		r.c = l.operands(l.cp, u, m)
	}
	l.kernel.f(l.generator, &r)
	for j, x := range r.x {
		if l.kernel.clamp && !l.kernel.before {
			l.clamp(x, l.lo, l.hi)
		}
		l.store(x, l.at(l.dp, j), m)
	}
	l.ADDQ(Imm(uint64(u*l.vl)), l.i)
}

// vecSums emits a sum over rows: columns outermost, four vectors of them at a
// time, so that the sums stay in registers.
func (g *generator) vecSums(op, row, doc string, dev bool) {
	g.text(g.vecKernel(op, row, doc+"    (a of row r)"))
	S := vecArgs
	args, d, a, b, n, as := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.MOVQ(S.at(args, "d"), d)
	g.MOVQ(S.at(args, "a"), a)
	if dev {
		g.MOVQ(S.at(args, "b"), b)
	}
	g.MOVQ(S.at(args, "n"), n)
	g.MOVQ(S.at(args, "as"), as)
	g.chunks(args, n, 4, "done", func(u int, m *mask, sfx string) {
		acc, bv := make([]VecVirtual, u), make([]VecVirtual, u)
		for j := range acc {
			acc[j] = g.vec()
			g.load(Mem{Base: d, Disp: j * g.bytes()}, acc[j], m)
			if dev {
				bv[j] = g.vec()
				g.load(Mem{Base: b, Disp: j * g.bytes()}, bv[j], m)
			}
		}
		p, r := g.GP64(), g.GP64()
		g.MOVQ(a, p)
		g.MOVQ(S.at(args, "rows"), r)
		g.Label("rows" + sfx)
		for j := range acc {
			x := g.vec()
			g.load(Mem{Base: p, Disp: j * g.bytes()}, x, m)
			if dev {
				g.VSUBPS(bv[j], x, x)
				g.VFMADD231PS(x, x, acc[j])
			} else {
				g.VADDPS(x, acc[j], acc[j])
			}
		}
		g.ADDQ(as, p)
		g.DECQ(r)
		g.JNZ(LabelRef("rows" + sfx))
		for j := range acc {
			g.store(acc[j], Mem{Base: d, Disp: j * g.bytes()}, m)
		}
		step := U32(u * g.bytes())
		g.ADDQ(step, d)
		g.ADDQ(step, a)
		if dev {
			g.ADDQ(step, b)
		}
	})
	g.VZEROUPPER()
	g.RET()
}

// peakKernel emits the loop that measures the rate of multiply-adds: 24
// independent ones (12 in AVX2) on registers, n times.
func (g *generator) peakKernel() {
	g.Function("peakF32" + g.goName)
	g.Attributes(4)
	g.SignatureExpr("func(n int)")
	g.decl.WriteString(g.peakDecl(g.peakCount()) + "\n")
	n := g.Load(g.Param("n"), g.GP64())
	x := g.vec()
	g.zero(x)
	acc := make([]VecVirtual, g.peakCount())
	for i := range acc {
		acc[i] = g.vec()
		g.zero(acc[i])
	}
	g.Label("loop")
	for i := range acc {
		g.VFMADD231PS(x, x, acc[i])
	}
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.VZEROUPPER()
	g.RET()
}

func (g *generator) peakCount() int {
	if g.wide() {
		return 24
	}
	return 12
}
