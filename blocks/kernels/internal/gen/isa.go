package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// isa is what differs between the instruction sets.
type isa struct {
	name   string
	goName string // as it stands in Go names
	vl     int    // floats in a vector
}

var (
	avx2    = isa{"avx2", "AVX2", 8}
	avx512  = isa{"avx512", "AVX512", 16}
	neonISA = isa{"neon", "NEON", 4}
)

func (g *generator) bytes() int { return 4 * g.vl }

func (g *generator) wide() bool { return g.vl == 16 }

// vec returns a new vector register.
func (g *generator) vec() VecVirtual {
	if g.wide() {
		return g.ZMM()
	}
	return g.YMM()
}

func (g *generator) zero(v VecVirtual) {
	if g.wide() {
		g.VPXORD(v, v, v)
	} else {
		g.VXORPS(v, v, v)
	}
}

// mask stands for the lanes of an incomplete last vector: an opmask register or
// a vector of sign bits.
type mask struct {
	k Register
	v VecVirtual
}

func (g *generator) loadMask(args Register, s *layout) *mask {
	if g.wide() {
		r, k := g.GP64(), g.K()
		g.MOVQ(s.at(args, "mask"), r)
		g.KMOVW(r.As32(), k)
		return &mask{k: k}
	}
	r, v := g.GP64(), g.YMM()
	g.MOVQ(s.at(args, "tail"), r)
	g.VMOVUPS(Mem{Base: r}, v)
	return &mask{v: v}
}

// load reads a vector; lanes outside the mask are zero and not touched in memory.
func (g *generator) load(m Mem, v VecVirtual, k *mask) {
	switch {
	case k == nil:
		g.VMOVUPS(m, v)
	case g.wide():
		g.VMOVUPS_Z(m, k.k, v)
	default:
		g.VMASKMOVPS(m, k.v, v)
	}
}

func (g *generator) store(v VecVirtual, m Mem, k *mask) {
	switch {
	case k == nil:
		g.VMOVUPS(v, m)
	case g.wide():
		g.VMOVUPS(v, k.k, m)
	default:
		g.VMASKMOVPS(v, k.v, m)
	}
}

// clamp limits v to [lo, hi]; NaN stays NaN.
func (g *generator) clamp(v, lo, hi VecVirtual) {
	g.VMAXPS(v, lo, v)
	g.VMINPS(v, hi, v)
}

func (g *generator) bounds(args Register, s *layout) (lo, hi VecVirtual) {
	lo, hi = g.vec(), g.vec()
	g.VBROADCASTSS(s.at(args, "lo"), lo)
	g.VBROADCASTSS(s.at(args, "hi"), hi)
	return
}

// layout is a Go argument struct as the assembly sees it.
type layout struct {
	name   string
	fields []field
}

type field struct {
	name string
	off  int
}

func words(names ...string) (f []field) {
	for i, n := range names {
		f = append(f, field{n, 8 * i})
	}
	return
}

var (
	gemmArgs = &layout{"gemmArgs", append(
		words("aoff", "lda", "ind", "ks", "k", "koff", "b", "bs", "c", "ldc", "bias", "res", "ldr", "nblk", "mask",
			"tail", "runs", "bskip"),
		field{"lo", 144}, field{"hi", 148}, field{"ca", 152}, field{"cc", 160}, field{"cres", 168}, field{"cblk", 176},
		field{"crun", 184}, field{"ahead", 192}, field{"aheadStep", 200}, field{"cahead", 208}, field{"n", 216})}
	tapArgs = &layout{"tapArgs", append(
		words("tab", "ny", "off", "offStep", "w", "wcs", "bias", "dst", "ds", "dstStep", "nt", "n", "mask", "tail"),
		field{"lo", 112}, field{"hi", 116}, field{"coff", 120}, field{"cdst", 128}, field{"ct", 136})}
	pairArgs = &layout{"pairArgs", append(
		words("tab", "first", "last", "cs", "off", "offStep", "w", "wcs", "bias", "dst", "ds", "drow", "dstStep",
			"left", "nt", "right", "n", "tail", "clamp"),
		field{"lo", 152}, field{"hi", 156}, field{"coff", 160}, field{"cdst", 168}, field{"ct", 176})}
	vecArgs = &layout{"vecArgs", append(
		words("d", "a", "b", "c", "ds", "as", "bs", "rows", "n", "tail", "mask"),
		field{"lo", 88}, field{"hi", 92}, field{"cd", 96}, field{"ca", 104}, field{"cb", 112}, field{"crow", 120})}
	outerArgs = &layout{"outerArgs", words("a", "lda", "b", "ldb", "c", "ldc", "k", "nblk", "tail", "ca", "cc", "cblk",
		"n")}
)

var layouts = []*layout{gemmArgs, tapArgs, pairArgs, vecArgs, outerArgs}

// copyFields copies the pairs of fields: those a kernel moves are copies, for
// the collector must not see a Go pointer run past its object.
func (g *generator) copyFields(s *layout, args Register, pairs ...string) {
	t := g.GP64()
	for i := 0; i < len(pairs); i += 2 {
		g.MOVQ(s.at(args, pairs[i]), t)
		g.MOVQ(t, s.at(args, pairs[i+1]))
	}
}

// at is the memory of a field.
func (s *layout) at(base Register, name string) Mem { return Mem{Base: base, Disp: s.off(name)} }

// off is the offset of a field.
func (s *layout) off(name string) int {
	for _, f := range s.fields {
		if f.name == name {
			return f.off
		}
	}
	panic("gen: no field " + name + " in " + s.name)
}
