package main

import (
	"math"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The constants of exp.go in package kernels, and those of the activations.
var consts = []struct {
	name  string
	value uint32
}{
	{"lo", bits(-87.33654)}, {"hi", bits(88)}, {"minusLo", bits(87.33654)}, {"minusHi", bits(-88)},
	{"log2", bits(1.44269504088896341)}, {"minusLog2", bits(-1.44269504088896341)}, {"magic", bits(12582912)},
	{"c1", bits(0.693359375)}, {"c2", bits(-2.12194440e-4)},
	{"p6", bits(0.00138145406)}, {"p5", bits(0.00836874545)}, {"p4", bits(0.041668389)},
	{"p3", bits(0.166665211)}, {"p2", bits(0.49999994)},
	{"s6", bits(0.000155948801)}, {"s5", bits(0.001340672025)}, {"s4", bits(0.00961769186)},
	{"s3", bits(0.05550310388)}, {"s2", bits(0.2402265221)}, {"s1", bits(0.6931472421)},
	{"one", bits(1)},
	{"three", bits(3)}, {"six", bits(6)}, {"sixth", bits(1.0 / 6)}, {"zero", 0},
	{"half", bits(0.5)}, {"minusOne", bits(-1)},
	{"erfMost", bits(15.3664)},
	{"erfP0", bits(1.12837915)}, {"erfP1", bits(0.190405841)}, {"erfP2", bits(0.052748647)},
	{"erfP3", bits(0.00376559144)}, {"erfP4", bits(0.000284882372)}, {"erfP5", bits(2.05009527e-06)},
	{"erfQ1", bits(0.502075525)}, {"erfQ2", bits(0.114108859)}, {"erfQ3", bits(0.014969166)},
	{"erfQ4", bits(0.00116252969)}, {"erfQ5", bits(3.80917787e-05)},
	{"tanhMost", bits(81.3604)},
	{"tanhP0", bits(1)}, {"tanhP1", bits(0.140992194)}, {"tanhP2", bits(0.00442596197)},
	{"tanhP3", bits(4.22740626e-05)}, {"tanhP4", bits(1.1117785e-07)}, {"tanhP5", bits(3.67454132e-11)},
	{"tanhQ1", bits(0.474325527)}, {"tanhQ2", bits(0.0292011383)}, {"tanhQ3", bits(0.000500836637)},
	{"tanhQ4", bits(2.60388416e-06)}, {"tanhQ5", bits(2.95124076e-09)},
	{"geluMost", bits(30.6916)},
	{"geluP0", bits(0.797884546)}, {"geluP1", bits(0.0672839053)}, {"geluP2", bits(0.00932282793)},
	{"geluP3", bits(0.000332513358)}, {"geluP4", bits(1.25910866e-05)}, {"geluP5", bits(4.53484523e-08)},
	{"geluQ1", bits(0.250994243)}, {"geluQ2", bits(0.0285175689)}, {"geluQ3", bits(0.00187023045)},
	{"geluQ4", bits(7.26148976e-05)}, {"geluQ5", bits(1.19109335e-06)},
	{"minusThree", bits(-3)},
}

func bits(f float64) uint32 { return math.Float32bits(float32(f)) }

// constants returns vectors of constants: registers, or memory where registers are few.
func (g *generator) constants(names ...string) func(string) Op {
	if !g.data {
		g.data = true
		g.StaticGlobal("consts" + g.goName)
		g.DataAttributes(24) // NOPTR | RODATA
		for i, c := range consts {
			for l := range g.vl {
				g.AddDatum(i*g.bytes()+4*l, U32(c.value))
			}
		}
	}
	at := func(name string) Mem {
		for i, c := range consts {
			if c.name == name {
				return NewDataAddr(Symbol{Name: "consts" + g.goName, Static: true}, i*g.bytes())
			}
		}
		panic("gen: no constant " + name)
	}
	regs := map[string]VecVirtual{}
	if g.wide() {
		for _, n := range names {
			regs[n] = g.vec()
			g.VMOVUPS(at(n), regs[n])
		}
	}
	return func(name string) Op {
		if v := regs[name]; v != nil {
			return v
		}
		return at(name)
	}
}

var (
	expNames     = []string{"lo", "hi", "log2", "magic", "c1", "c2", "p6", "p5", "p4", "p3", "p2", "one"}
	sigmoidNames = []string{"minusHi", "minusLo", "minusLog2", "magic", "s6", "s5", "s4", "s3", "s2", "s1", "one"}
)

// each calls f for all vectors: a step is taken for all of them before the next,
// so that none waits for another. The processor's window is too short to find
// that order by itself.
func each(xs []VecVirtual, f func(i int, x VecVirtual)) {
	for i, x := range xs {
		f(i, x)
	}
}

// eachWith does so with a constant. Where constants have no registers of their own
// one load serves all vectors of the step, instead of a memory operand in each:
// fifteen loads less for a vector of swish. That is an instruction count; that the
// loads were what it waited for was not measured.
func (g *generator) eachWith(c func(string) Op, name string, xs []VecVirtual, f func(i int, x, k VecVirtual)) {
	k := g.constVec(c, name)
	each(xs, func(i int, x VecVirtual) { f(i, x, k) })
}

func (g *generator) vecsLike(xs []VecVirtual) []VecVirtual {
	v := make([]VecVirtual, len(xs))
	for i := range v {
		v[i] = g.vec()
	}
	return v
}

// limit brings each x between two constants. Min and max with the constant as
// first operand let NaN through.
func (g *generator) limit(xs []VecVirtual, c func(string) Op, from, to string) {
	lo, hi := g.constVec(c, from), g.constVec(c, to)
	each(xs, func(_ int, x VecVirtual) { g.VMAXPS(x, lo, x) })
	each(xs, func(_ int, x VecVirtual) { g.VMINPS(x, hi, x) })
}

// constVec is a constant in a register.
func (g *generator) constVec(c func(string) Op, name string) VecVirtual {
	if v, ok := c(name).(VecVirtual); ok {
		return v
	}
	v := g.vec()
	g.VMOVUPS(c(name), v)
	return v
}

// exp replaces each x by its exponential: exp32 in package kernels.
func (g *generator) exp(xs []VecVirtual, c func(string) Op) {
	g.limit(xs, c, "lo", "hi")
	t, p := g.vecsLike(xs), g.vecsLike(xs)
	g.eachWith(c, "magic", t, func(_ int, t, k VecVirtual) { g.VMOVUPS(k, t) })
	g.eachWith(c, "log2", t, func(i int, t, k VecVirtual) { g.VFMADD231PS(k, xs[i], t) })
	g.eachWith(c, "magic", p, func(i int, n, k VecVirtual) { g.VSUBPS(k, t[i], n) })
	g.eachWith(c, "c1", xs, func(i int, x, k VecVirtual) { g.VFNMADD231PS(k, p[i], x) })
	g.eachWith(c, "c2", xs, func(i int, x, k VecVirtual) { g.VFNMADD231PS(k, p[i], x) })
	g.horner(p, xs, c, "p6", "p5", "p4", "p3", "p2", "one", "one")
	g.powers(t, c)
	each(xs, func(i int, x VecVirtual) { g.VMULPS(t[i], p[i], x) })
}

// horner sets each p to a polynomial in x, the highest coefficient first.
func (g *generator) horner(p, xs []VecVirtual, c func(string) Op, coefficients ...string) {
	g.eachWith(c, coefficients[0], p, func(_ int, p, k VecVirtual) { g.VMOVUPS(k, p) })
	for _, q := range coefficients[1:] {
		g.eachWith(c, q, p, func(i int, p, k VecVirtual) { g.VFMADD213PS(k, xs[i], p) })
	}
}

// powers replaces each t = magic + n by 2^n.
func (g *generator) powers(t []VecVirtual, c func(string) Op) {
	each(t, func(_ int, t VecVirtual) { g.VPSLLD(Imm(23), t, t) })
	g.eachWith(c, "one", t, func(_ int, t, k VecVirtual) { g.VPADDD(k, t, t) })
}

// onePlusExpMinus replaces each x by 1 + exp(-x): the function of that name in
// package kernels.
func (g *generator) onePlusExpMinus(xs []VecVirtual, c func(string) Op) {
	g.limit(xs, c, "minusHi", "minusLo")
	t, p := g.vecsLike(xs), g.vecsLike(xs)
	g.eachWith(c, "magic", t, func(_ int, t, k VecVirtual) { g.VMOVUPS(k, t) })
	g.eachWith(c, "minusLog2", t, func(i int, t, k VecVirtual) { g.VFMADD231PS(k, xs[i], t) })
	g.eachWith(c, "magic", p, func(i int, n, k VecVirtual) { g.VSUBPS(k, t[i], n) })
	g.eachWith(c, "minusLog2", xs, func(i int, x, k VecVirtual) { g.VFMSUB132PS(k, p[i], x) })
	g.horner(p, xs, c, "s6", "s5", "s4", "s3", "s2", "s1", "one")
	g.powers(t, c)
	g.eachWith(c, "one", xs, func(i int, x, k VecVirtual) { g.VMOVUPS(k, x) })
	each(xs, func(i int, x VecVirtual) { g.VFMADD231PS(t[i], p[i], x) })
}

// hsigmoid replaces each x by min(max(x+3, 0), 6)/6.
func (g *generator) hsigmoid(xs []VecVirtual, c func(string) Op) {
	g.eachWith(c, "three", xs, func(_ int, x, k VecVirtual) { g.VADDPS(k, x, x) })
	z, s := g.vec(), g.vec()
	g.VMOVUPS(c("zero"), z)
	each(xs, func(_ int, x VecVirtual) { g.VMAXPS(x, z, x) })
	g.VMOVUPS(c("six"), s)
	each(xs, func(_ int, x VecVirtual) { g.VMINPS(x, s, x) })
	g.eachWith(c, "sixth", xs, func(_ int, x, k VecVirtual) { g.VMULPS(k, x, x) })
}
