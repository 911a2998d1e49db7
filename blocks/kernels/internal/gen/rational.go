package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The functions of rational.go in package kernels. Products and sums are rounded one by
// one, so that Go without fused operations gives the same bits.

// rationalNames are the constants of f and those that each of them needs.
func rationalNames(f string) []string {
	return append(append(upper(f), lower(f)...), f+"Most", "minusOne", "half")
}

// upper and lower are the coefficients of numerator and denominator, the highest first.
func upper(f string) (names []string) {
	for i := 5; i >= 0; i-- {
		names = append(names, fmt.Sprintf("%sP%d", f, i))
	}
	return names
}

func lower(f string) (names []string) {
	for i := 5; i >= 1; i-- {
		names = append(names, fmt.Sprintf("%sQ%d", f, i))
	}
	return append(names, "one")
}

// rational replaces each x by clamp(x P(u) / Q(u), -1, 1) with u = min(x*x, most).
func (g *generator) rational(xs []VecVirtual, c func(string) Op, f string) {
	u, p := g.vecsLike(xs), g.vecsLike(xs)
	each(u, func(i int, u VecVirtual) { g.VMULPS(xs[i], xs[i], u) })
	g.eachWith(c, f+"Most", u, func(_ int, u, k VecVirtual) { g.VMINPS(u, k, u) })
	g.unfused(p, u, c, upper(f))
	each(xs, func(i int, x VecVirtual) { g.VMULPS(p[i], x, x) })
	g.unfused(p, u, c, lower(f))
	each(xs, func(i int, x VecVirtual) { g.VDIVPS(p[i], x, x) })
	g.limit(xs, c, "minusOne", "one")
}

// unfused sets each p to a polynomial in u.
func (g *generator) unfused(p, u []VecVirtual, c func(string) Op, coefficients []string) {
	g.eachWith(c, coefficients[0], p, func(_ int, p, k VecVirtual) { g.VMOVUPS(k, p) })
	for _, q := range coefficients[1:] {
		each(p, func(i int, p VecVirtual) { g.VMULPS(u[i], p, p) })
		g.eachWith(c, q, p, func(_ int, p, k VecVirtual) { g.VADDPS(k, p, p) })
	}
}

// gelu replaces each x by half x (1 + erf(x / sqrt 2)).
func (g *generator) gelu(v *vecRegs) {
	var old []VecVirtual
	if v.a == nil {
		old = g.keep(v)
	}
	g.rational(v.x, v.k, "gelu")
	g.eachWith(v.k, "one", v.x, func(_ int, x, k VecVirtual) { g.VADDPS(k, x, x) })
	g.eachWith(v.k, "half", v.x, func(i int, x, k VecVirtual) {
		t := g.vec()
		if v.a == nil {
			g.VMULPS(old[i], k, t)
		} else {
			g.VMULPS(v.a[i], k, t) // again: registers are few
		}
		g.VMULPS(t, x, x)
	})
}

// rational is that of the other generator. Constants have no registers of their own.
func (g *neon) rational(v *neonRegs, f string) {
	x, u, p, k := v.x, v.t, v.b, vreg(27)
	v.each(func(i vreg) { g.three(opFMUL, u+i, x+i, x+i) })
	g.repeat(k, f+"Most")
	v.each(func(i vreg) { g.three(opFMIN, u+i, u+i, k) })
	g.unfused(v, p, u, k, upper(f))
	v.each(func(i vreg) { g.three(opFMUL, x+i, x+i, p+i) })
	g.unfused(v, p, u, k, lower(f))
	v.each(func(i vreg) { g.three(opFDIV, x+i, x+i, p+i) })
	g.repeat(k, "minusOne")
	v.each(func(i vreg) { g.three(opFMAX, x+i, x+i, k) })
	g.repeat(k, "one")
	v.each(func(i vreg) { g.three(opFMIN, x+i, x+i, k) })
}

func (g *neon) unfused(v *neonRegs, p, u, k vreg, coefficients []string) {
	g.repeat(k, coefficients[0])
	v.each(func(i vreg) { g.move(p+i, k) })
	for _, q := range coefficients[1:] {
		g.repeat(k, q)
		v.each(func(i vreg) { g.three(opFMUL, p+i, p+i, u+i) })
		v.each(func(i vreg) { g.three(opFADD, p+i, p+i, k) })
	}
}

// repeat puts a constant into all lanes of k.
func (g *neon) repeat(k vreg, name string) {
	const tmp xreg = 14
	g.op("MOVD", fmt.Sprintf("$0x%08x", constant(name)), tmp)
	g.op("VDUP", tmp, k.s4())
}

// gelu is that of the other generator.
func (g *neon) gelu(v *neonRegs) {
	v.each(func(i vreg) { g.move(v.old+i, v.x+i) })
	g.rational(v, "gelu")
	g.repeat(27, "one")
	v.each(func(i vreg) { g.three(opFADD, v.x+i, v.x+i, 27) })
	g.repeat(27, "half")
	v.each(func(i vreg) { g.three(opFMUL, v.old+i, v.old+i, 27) })
	v.each(func(i vreg) { g.three(opFMUL, v.x+i, v.x+i, v.old+i) })
}
