package main

import "fmt"

// neonVec is an elementwise kernel.
type neonVec struct {
	op, row, doc string
	b, c         bool     // reads b, c
	clamp        bool     // ends in a clamp
	before       bool     // the clamp is f's
	lo           bool     // needs lo
	consts       []string // constants it needs
	f            func(g *neon, v *neonRegs)
	then         func(g *neon, v *neonRegs) // not nil: b is read behind f, and then this follows
}

// neonRegs are the registers of an elementwise kernel. Operands take n of them;
// every step is taken for all n before the next, so that none waits for another.
type neonRegs struct {
	n               vreg
	x, b, c, t, old vreg // first of n: t is free, old is for the kernel to keep x
	lo, hi          vreg
	k               map[string]vreg
}

func (v *neonRegs) each(f func(i vreg)) {
	for i := range v.n {
		f(i)
	}
}

func (g *neon) vecs() {
	hard := []string{"three", "six", "sixth", "zero"}
	operator := func(op uint32) func(g *neon, v *neonRegs) {
		return func(g *neon, v *neonRegs) { v.each(func(i vreg) { g.three(op, v.x+i, v.x+i, v.b+i) }) }
	}
	keep := func(g *neon, v *neonRegs) { v.each(func(i vreg) { g.move(v.old+i, v.x+i) }) }
	for _, v := range []neonVec{
		{op: "add", row: "vecAdd", doc: "clamp(a[i] + b[i])", b: true, clamp: true, f: operator(opFADD)},
		{op: "mul", row: "vecMul", doc: "clamp(a[i] * b[i])", b: true, clamp: true, f: operator(opFMUL)},
		{op: "scale", row: "vecScale", doc: "a[i] * b[i]", b: true, f: operator(opFMUL)},
		{op: "affine", row: "vecAffine", doc: "clamp(fma(a[i], b[i], c[i]))", b: true, c: true, clamp: true,
			f: func(g *neon, v *neonRegs) {
				v.each(func(i vreg) { g.fmla(v.c+i, v.x+i, v.b+i) })
				v.x = v.c
			}},
		{op: "clamp", row: "vecClamp", doc: "clamp(a[i])", clamp: true, f: func(*neon, *neonRegs) {}},
		{op: "hsigmoid", row: "vecHSigmoid", doc: "min(max(a[i]+3, 0), 6) / 6", consts: hard, f: (*neon).hsigmoid},
		{op: "hswish", row: "vecHSwish", doc: "a[i] * (min(max(a[i]+3, 0), 6) / 6)", consts: hard,
			f: func(g *neon, v *neonRegs) {
				keep(g, v)
				g.hsigmoid(v)
				v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.old+i) })
			}},
		{op: "sigmoid", row: "vecSigmoid", doc: "1 / (1 + exp(-a[i]))", consts: sigmoidNames,
			f: func(g *neon, v *neonRegs) {
				g.onePlusExpMinus(v)
				v.each(func(i vreg) { g.three(opFDIV, v.x+i, v.k["one"], v.x+i) })
			}},
		{op: "swish", row: "vecSwish", doc: "a[i] / (1 + exp(-a[i]))", consts: sigmoidNames,
			f: func(g *neon, v *neonRegs) {
				keep(g, v)
				g.onePlusExpMinus(v)
				v.each(func(i vreg) { g.three(opFDIV, v.x+i, v.old+i, v.x+i) })
			}},
		{op: "exp", row: "vecExp", doc: "exp(a[i] - lo)", lo: true, consts: expNames,
			f: func(g *neon, v *neonRegs) {
				v.each(func(i vreg) { g.three(opFSUB, v.x+i, v.x+i, v.lo) })
				g.exp(v)
			}},
		{op: "erf", row: "vecErf", doc: "erf(a[i])", f: func(g *neon, v *neonRegs) { g.rational(v, "erf") }},
		{op: "tanh", row: "vecTanh", doc: "tanh(a[i])", f: func(g *neon, v *neonRegs) { g.rational(v, "tanh") }},
		{op: "gelu", row: "vecGELU", doc: "a[i]/2 * (1 + erf(a[i]/sqrt(2)))", f: (*neon).gelu},
		{op: "prelu", row: "vecPReLU", doc: "max(a[i], 0) + b[i]*min(a[i], 0)", b: true, consts: []string{"zero"},
			f: func(g *neon, v *neonRegs) {
				v.each(func(i vreg) { g.three(opFMIN, v.t+i, v.x+i, v.k["zero"]) })
				v.each(func(i vreg) { g.three(opFMUL, v.t+i, v.t+i, v.b+i) })
				v.each(func(i vreg) { g.three(opFMAX, v.x+i, v.x+i, v.k["zero"]) })
				v.each(func(i vreg) { g.three(opFADD, v.x+i, v.x+i, v.t+i) })
			}},
		{op: "grid", row: "vecGrid", doc: "round(clamp(a[i] / b[i])) * b[i]", b: true, clamp: true, before: true,
			consts: []string{"magic"},
			f: func(g *neon, v *neonRegs) {
				v.each(func(i vreg) { g.three(opFDIV, v.x+i, v.x+i, v.b+i) })
				v.each(func(i vreg) { g.clamp(v.x+i, v.lo, v.hi) })
				v.each(func(i vreg) { g.three(opFADD, v.x+i, v.x+i, v.k["magic"]) })
				v.each(func(i vreg) { g.three(opFSUB, v.x+i, v.x+i, v.k["magic"]) })
				v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.b+i) })
			}},
	} {
		g.vecMap(v)
	}
	g.vecSums("sum", "vecSum", "d[i] += a[i]", false)
	g.vecSums("sqdev", "vecSqDev", "t := a[i] - b[i]; d[i] = fma(t, t, d[i])", true)
}

// hsigmoid replaces x by min(max(x+3, 0), 6)/6.
func (g *neon) hsigmoid(v *neonRegs) {
	v.each(func(i vreg) { g.three(opFADD, v.x+i, v.x+i, v.k["three"]) })
	v.each(func(i vreg) { g.three(opFMAX, v.x+i, v.x+i, v.k["zero"]) })
	v.each(func(i vreg) { g.three(opFMIN, v.x+i, v.x+i, v.k["six"]) })
	v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.k["sixth"]) })
}

// exp replaces x by its exponential, with the roundings of exp32 in package kernels.
func (g *neon) exp(v *neonRegs) {
	x, t, p, q := v.x, v.t, v.b, v.c
	v.each(func(i vreg) { g.three(opFMAX, x+i, x+i, v.k["lo"]) })
	v.each(func(i vreg) { g.three(opFMIN, x+i, x+i, v.k["hi"]) })
	v.each(func(i vreg) { g.move(t+i, v.k["magic"]) })
	v.each(func(i vreg) { g.fmla(t+i, x+i, v.k["log2"]) })
	v.each(func(i vreg) { g.three(opFSUB, p+i, t+i, v.k["magic"]) })
	v.each(func(i vreg) { g.fmls(x+i, p+i, v.k["c1"]) })
	v.each(func(i vreg) { g.fmls(x+i, p+i, v.k["c2"]) })
	v.each(func(i vreg) { g.move(p+i, v.k["p6"]) })
	for _, c := range []string{"p5", "p4", "p3", "p2", "one", "one"} {
		v.each(func(i vreg) { g.move(q+i, v.k[c]) })
		v.each(func(i vreg) { g.fmla(q+i, p+i, x+i) })
		p, q = q, p
	}
	v.each(func(i vreg) { g.op("VSHL", 23, (t + i).s4(), (t + i).s4()) })
	v.each(func(i vreg) { g.op("VADD", v.k["one"].s4(), (t + i).s4(), (t + i).s4()) })
	v.each(func(i vreg) { g.three(opFMUL, x+i, p+i, t+i) })
}

// onePlusExpMinus replaces x by 1 + exp(-x), with the roundings of the function
// of that name in package kernels.
func (g *neon) onePlusExpMinus(v *neonRegs) {
	x, t, p, q := v.x, v.t, v.b, v.c
	v.each(func(i vreg) { g.three(opFMAX, x+i, x+i, v.k["minusHi"]) })
	v.each(func(i vreg) { g.three(opFMIN, x+i, x+i, v.k["minusLo"]) })
	v.each(func(i vreg) { g.move(t+i, v.k["magic"]) })
	v.each(func(i vreg) { g.fmla(t+i, x+i, v.k["minusLog2"]) })
	v.each(func(i vreg) { g.three(opFSUB, p+i, v.k["magic"], t+i) }) // -n
	v.each(func(i vreg) { g.fmla(p+i, x+i, v.k["minusLog2"]) })
	v.each(func(i vreg) { g.move(x+i, p+i) })
	v.each(func(i vreg) { g.move(p+i, v.k["s6"]) })
	for _, c := range []string{"s5", "s4", "s3", "s2", "s1", "one"} {
		v.each(func(i vreg) { g.move(q+i, v.k[c]) })
		v.each(func(i vreg) { g.fmla(q+i, p+i, x+i) })
		p, q = q, p
	}
	v.each(func(i vreg) { g.op("VSHL", 23, (t + i).s4(), (t + i).s4()) })
	v.each(func(i vreg) { g.op("VADD", v.k["one"].s4(), (t + i).s4(), (t + i).s4()) })
	v.each(func(i vreg) { g.move(x+i, v.k["one"]) })
	v.each(func(i vreg) { g.fmla(x+i, p+i, t+i) })
}

// vecMap emits an elementwise kernel: rows, and in them 16 values at a time.
func (g *neon) vecMap(v neonVec) {
	g.text(neonISA.vecKernel(v.op, v.row, "d[r][i] = "+v.doc), 0)
	const (
		d, a, b, c, rows, ds, as, bs xreg = 1, 2, 3, 4, 5, 6, 7, 8
		dp, ap, bp, cp, n, tmp       xreg = 9, 10, 11, 12, 13, 14
	)
	in := map[string]xreg{"d": d, "a": a, "rows": rows, "ds": ds, "as": as}
	if v.b {
		in["b"], in["bs"] = b, bs
	}
	if v.c {
		in["c"] = c
	}
	g.fields(vecArgs, in)
	regs := neonRegs{x: 0, b: 4, c: 8, t: 12, old: 28, k: map[string]vreg{}}
	for i, name := range v.consts {
		r := vreg(16 + i)
		if r >= regs.old {
			panic("gen: too many constants for " + v.op)
		}
		regs.k[name] = r
		g.op("MOVD", fmt.Sprintf("$0x%08x", constant(name)), tmp)
		g.op("VDUP", tmp, r.s4())
	}
	if v.clamp || v.lo {
		regs.lo, regs.hi = 30, 31
		g.bounds(vecArgs, tmp, regs.lo, regs.hi)
	}
	g.label("row")
	g.op("MOVD", d, dp)
	g.op("MOVD", a, ap)
	if v.b {
		g.op("MOVD", b, bp)
	}
	if v.c {
		g.op("MOVD", c, cp)
	}
	g.fields(vecArgs, map[string]xreg{"n": n})
	g.downTo(n, "val", []int{16, 4, 1}, func(width int, _ string) {
		r := regs
		r.n = vreg((width + 3) / 4)
		g.loadNext(width, ap, r.x)
		if v.b && v.then == nil {
			g.loadNext(width, bp, r.b)
		}
		if v.c {
			g.loadNext(width, cp, r.c)
		}
		v.f(g, &r)
		if v.then != nil {
			g.loadNext(width, bp, r.b)
			v.then(g, &r)
		}
		if v.clamp && !v.before {
			r.each(func(i vreg) { g.clamp(r.x+i, r.lo, r.hi) })
		}
		g.storeNext(width, dp, r.x)
	})
	g.op("ADD", ds, d)
	g.op("ADD", as, a)
	if v.b {
		g.op("ADD", bs, b)
	}
	g.op("SUBS", 1, rows)
	g.op("BNE", "row")
	g.ret()
}

// vecSums emits a sum over rows: columns outermost, 16 of them at a time, so
// that the sums stay in registers.
func (g *neon) vecSums(op, row, doc string, dev bool) {
	g.text(neonISA.vecKernel(op, row, doc+"    (a of row r)"), 0)
	const d, a, b, n, as, rows, dp, ap xreg = 1, 2, 3, 4, 5, 6, 7, 8
	const acc, mean, x vreg = 0, 4, 8
	in := map[string]xreg{"d": d, "a": a, "n": n, "as": as}
	if dev {
		in["b"] = b
	}
	g.fields(vecArgs, in)
	g.downTo(n, "col", []int{16, 4, 1}, func(width int, sfx string) {
		nv := vreg((width + 3) / 4)
		g.op("MOVD", d, dp)
		g.loadNext(width, dp, acc)
		if dev {
			g.loadNext(width, b, mean)
		}
		g.op("MOVD", a, ap)
		g.fields(vecArgs, map[string]xreg{"rows": rows})
		g.label(sfx + "rows")
		g.loadRow(width, ap, x)
		g.op("ADD", as, ap)
		for j := range nv {
			if dev {
				g.three(opFSUB, x+j, x+j, mean+j)
				g.fmla(acc+j, x+j, x+j)
			} else {
				g.three(opFADD, acc+j, acc+j, x+j)
			}
		}
		g.op("SUBS", 1, rows)
		g.op("BNE", sfx+"rows")
		g.storeNext(width, d, acc)
		g.op("ADD", 4*width, a)
	})
	g.ret()
}

// constant is the bits of a constant.
func constant(name string) uint32 {
	for _, c := range consts {
		if c.name == name {
			return c.value
		}
	}
	panic("gen: no constant " + name)
}
