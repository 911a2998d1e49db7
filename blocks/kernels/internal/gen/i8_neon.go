package main

import (
	"bytes"
	"fmt"
	"go/format"
)

// i8Neon writes the 8-bit kernels of arm64, for processors with dot products (neondot) and for those without. A lane of
// 32 bits holds four signed bytes, to which activations are brought by their highest bit, or two 16-bit integers, those
// of four lanes in two halves.
type i8Neon struct {
	*neon
	isa
	sdot bool
}

var i8Dot = isa{"neondot", "NEONDOT", 4}

func newI8Neon(i isa) *i8Neon { return &i8Neon{&neon{}, i, i.name == "neondot"} }

func (g *i8Neon) all() {
	for mr := 1; mr <= 4; mr++ {
		g.gemm(mr, false)
		g.gemm(mr, true)
	}
	g.spread()
	for u := 1; u <= 4; u++ {
		g.dw(u)
	}
	g.vecs()
	g.peakKernel()
}

func (g *i8Neon) files() (asm, decl []byte, err error) {
	asm = append([]byte(header+"//go:build arm64 && !noasm\n\n#include \"textflag.h\"\n"), g.asm.Bytes()...)
	var b bytes.Buffer
	b.WriteString(header + "//go:build !noasm\n\npackage int8\n\n")
	fmt.Fprintf(&b, "var %sRows = []row{\n%s}\n\n", g.name, g.rows.String())
	b.Write(g.decl.Bytes())
	decl, err = format.Source(b.Bytes())
	return asm, decl, err
}

// The vector instructions that Go's assembler lacks.
const (
	opSCVTF   = 0x4e21d800 // 4S
	opFCVTNS  = 0x4e21a800
	opSQXTN   = 0x0e614800 // 4S to 4H
	opSQXTN2  = 0x4e614800 // 4S to the upper half of 8H
	opSQXTUN  = 0x2e212800 // 8H to 8B
	opSQXTUN2 = 0x6e212800
	opSQADD   = 0x4e600c00 // 8H
	opUMAX    = 0x6e206400 // 16B
	opUMIN    = 0x6e206c00
	opSDOT    = 0x4e809400 // 4S of 16B
	opSMLAL   = 0x0e608000 // 4S of 4H
	opSMLAL2  = 0x4e608000
	opSMLALe  = 0x0f402000 // by element
	opSMLALe2 = 0x4f402000
	opSMULL   = 0x0e60c000
	opSMULL2  = 0x4e60c000
	opUSHLLb  = 0x2f08a400 // 8B to 8H
	opUSHLLb2 = 0x6f08a400
	opUSHLLh  = 0x2f10a400 // 4H to 4S
	opUSHLLh2 = 0x6f10a400
	opZIP1b   = 0x4e003800
	opZIP2b   = 0x4e007800
	opZIP1h   = 0x4e403800
	opZIP2h   = 0x4e407800
	opZIP1d   = 0x4ec03800
	opZIP2d   = 0x4ec07800
	opMUL     = 0x4ea09c00 // 4S
	opMLA     = 0x4ea09400
	opADD     = 0x4ea08400
	opSUB     = 0x6ea08400
	opSUBh    = 0x6e608400 // 8H
	opSUBb    = 0x6e208400 // 16B
	opSSHL    = 0x4ea04400 // 4S
	opTBL     = 0x4e006000 // four registers
	opTBX     = 0x4e007000
	opUADDW   = 0x2e601000 // 4S and 4H
	opUADDW2  = 0x6e601000
)

var i8OpNames = map[uint32]string{
	opSCVTF: "SCVTF %v.4S, %v.4S", opFCVTNS: "FCVTNS %v.4S, %v.4S", opSQXTN: "SQXTN %v.4H, %v.4S",
	opSQXTN2: "SQXTN2 %v.8H, %v.4S", opSQXTUN: "SQXTUN %v.8B, %v.8H", opSQXTUN2: "SQXTUN2 %v.16B, %v.8H",
	opSQADD: "SQADD %v.8H, %v.8H, %v.8H", opUMAX: "UMAX %v.16B, %v.16B, %v.16B", opUMIN: "UMIN %v.16B, %v.16B, %v.16B",
	opSDOT: "SDOT %v.4S, %v.16B, %v.16B", opSMLAL: "SMLAL %v.4S, %v.4H, %v.4H",
	opSMLAL2: "SMLAL2 %v.4S, %v.8H, %v.8H", opSMLALe: "SMLAL %v.4S, %v.4H, %v.H[0]",
	opSMLALe2: "SMLAL2 %v.4S, %v.8H, %v.H[1]", opSMULL: "SMULL %v.4S, %v.4H, %v.4H",
	opSMULL2: "SMULL2 %v.4S, %v.8H, %v.8H", opUSHLLb: "USHLL %v.8H, %v.8B, #0", opUSHLLb2: "USHLL2 %v.8H, %v.16B, #0",
	opUSHLLh: "USHLL %v.4S, %v.4H, #0", opUSHLLh2: "USHLL2 %v.4S, %v.8H, #0",
	opZIP1b: "ZIP1 %v.16B, %v.16B, %v.16B", opZIP2b: "ZIP2 %v.16B, %v.16B, %v.16B",
	opZIP1h: "ZIP1 %v.8H, %v.8H, %v.8H", opZIP2h: "ZIP2 %v.8H, %v.8H, %v.8H",
	opZIP1d: "ZIP1 %v.2D, %v.2D, %v.2D", opZIP2d: "ZIP2 %v.2D, %v.2D, %v.2D",
	opMUL: "MUL %v.4S, %v.4S, %v.4S", opMLA: "MLA %v.4S, %v.4S, %v.4S", opADD: "ADD %v.4S, %v.4S, %v.4S",
	opSUB: "SUB %v.4S, %v.4S, %v.4S", opSUBh: "SUB %v.8H, %v.8H, %v.8H", opSUBb: "SUB %v.16B, %v.16B, %v.16B",
	opSSHL: "SSHL %v.4S, %v.4S, %v.4S", opTBL: "TBL %v.16B, {4 from %v.16B}, %v.16B",
	opTBX: "TBX %v.16B, {4 from %v.16B}, %v.16B", opUADDW: "UADDW %v.4S, %v.4S, %v.4H",
	opUADDW2: "UADDW2 %v.4S, %v.4S, %v.8H", opFMUL: "FMUL %v.4S, %v.4S, %v.4S",
}

// two emits d = op n, tri d = n op m, or an addition of that to d.
func (g *i8Neon) two(op uint32, d, n vreg) {
	g.word(op|uint32(n)<<5|uint32(d), fmt.Sprintf(i8OpNames[op], d, n))
}

func (g *i8Neon) tri(op uint32, d, n, m vreg) {
	w := op | uint32(m)<<16 | uint32(n)<<5 | uint32(d)
	if op == opSMLALe2 {
		w |= 1 << 20 // element 1
	}
	g.word(w, fmt.Sprintf(i8OpNames[op], d, n, m))
}

// b16 is n registers from v on as a structure operand of bytes.
func b16(v vreg, n int) string {
	s := ""
	for i := range n {
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%v.B16", v+vreg(i))
	}
	return "[" + s + "]"
}

func (g *i8Neon) ldq(r xreg, off int, v vreg) { g.op("FMOVQ", mem(r, off), v.f()) }
func (g *i8Neon) stq(v vreg, r xreg, off int) { g.op("FMOVQ", v.f(), mem(r, off)) }

// flip brings activations to signed bytes; constant holds 128 in each.
func (g *i8Neon) flip(v, constant vreg) {
	g.op("VEOR", constant.String()+".B16", v.String()+".B16", v.String()+".B16")
}

func (g *i8Neon) kernel(name, args, doc, row string) {
	g.text(kernel{name, args, doc, fmt.Sprintf("name: %q, %s", name, row)}, 0)
}

// saturate packs four vectors of integers from v on into bytes in v. zero, low and high stand in registers.
func (g *i8Neon) saturate(v, zero vreg) {
	g.two(opSQXTN, v, v)
	g.two(opSQXTN2, v, v+1)
	g.two(opSQXTN, v+2, v+2)
	g.two(opSQXTN2, v+2, v+3)
	g.tri(opSQADD, v, v, zero)
	g.tri(opSQADD, v+2, v+2, zero)
	g.two(opSQXTUN, v, v)
	g.two(opSQXTUN2, v, v+2)
	g.tri(opUMAX, v, v, zero+1)
	g.tri(opUMIN, v, v, zero+2)
}

// rounding loads zero, low and high into three registers from v on.
func (g *i8Neon) rounding(r xreg, v vreg) {
	for i, name := range []string{"zero", "low", "high"} {
		g.ldq(r, i8Rounding.off(name), v+vreg(i))
	}
}

// requantize turns the sums in four registers from v on into bytes in v; scale is the first of four registers.
func (g *i8Neon) requantize(v vreg, scale func(j int) vreg, zero vreg) {
	for j := range 4 {
		g.two(opSCVTF, v+vreg(j), v+vreg(j))
	}
	for j := range 4 {
		g.tri(opFMUL, v+vreg(j), v+vreg(j), scale(j))
	}
	for j := range 4 {
		g.two(opFCVTNS, v+vreg(j), v+vreg(j))
	}
	g.saturate(v, zero)
}

// piece emits f, to run if n has the given bit.
func (g *i8Neon) piece(n xreg, bit int, sfx string, f func()) {
	l := fmt.Sprintf("no%d%s", bit, sfx)
	for i := range 4 {
		if 1<<i == bit {
			g.op("TBZ", i, n, l)
		}
	}
	f()
	g.label(l)
}

// storeBytes stores the first n < 16 bytes of v at address to, which is used up, as is v.
func (g *i8Neon) storeBytes(v vreg, to, n xreg, sfx string) {
	b := v.String() + ".B16"
	g.piece(n, 8, sfx, func() {
		g.op("VST1.P", "["+v.String()+".D1]", mem(to, 8))
		g.op("VEXT", 8, b, b, b)
	})
	g.piece(n, 4, sfx, func() {
		g.op("VST1.P", v.String()+".S[0]", mem(to, 4))
		g.op("VEXT", 4, b, b, b)
	})
	g.piece(n, 2, sfx, func() {
		g.op("VST1.P", v.String()+".H[0]", mem(to, 2))
		g.op("VEXT", 2, b, b, b)
	})
	g.piece(n, 1, sfx, func() { g.op("VST1", v.String()+".B[0]", mem(to, 0)) })
}
