package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
)

// neon writes the arm64 kernels. avo knows amd64 only, and NEON has registers
// enough that none need be shared: a kernel names its registers itself.
//
// Every kernel keeps its moving pointers in registers, where the collector does
// not look; unlike the amd64 ones it writes nothing into its arguments.
type neon struct {
	asm  bytes.Buffer
	decl bytes.Buffer // Go declarations
	rows bytes.Buffer // registry rows
}

// xreg is a general register. R18 is the platform's, R27 the assembler's, R28
// and above have uses of their own.
type xreg int

// vreg is a vector register.
type vreg int

func (r xreg) String() string { return fmt.Sprintf("R%d", int(r)) }
func (v vreg) String() string { return fmt.Sprintf("V%d", int(v)) }

// s4 is v as four float32.
func (v vreg) s4() string { return v.String() + ".S4" }

// f is v as the operand of a scalar or 128-bit move.
func (v vreg) f() string { return fmt.Sprintf("F%d", int(v)) }

// list is n registers from v on as a structure operand.
func (v vreg) list(n int) string {
	s := make([]string, n)
	for i := range s {
		s[i] = (v + vreg(i)).s4()
	}
	return "[" + strings.Join(s, ", ") + "]"
}

// args is the register of the argument struct in all kernels.
const args xreg = 0

func (g *neon) op(name string, operands ...any) {
	s := make([]string, len(operands))
	for i, o := range operands {
		if n, ok := o.(int); ok {
			o = fmt.Sprintf("$%d", n)
		}
		s[i] = fmt.Sprint(o)
	}
	fmt.Fprintf(&g.asm, "\t%-7s %s\n", name, strings.Join(s, ", "))
}

func (g *neon) label(l string) { fmt.Fprintf(&g.asm, "\n%s:\n", l) }

func (g *neon) ret() { g.asm.WriteString("\tRET\n") }

// mem is the memory at r + off.
func mem(r xreg, off int) string {
	if off == 0 {
		return fmt.Sprintf("(%v)", r)
	}
	return fmt.Sprintf("%d(%v)", off, r)
}

// pair is two vector registers as the operand of a 32-byte move.
func pair(a, b vreg) string { return fmt.Sprintf("(%s, %s)", a.f(), b.f()) }

// field loads fields of the argument struct.
func (g *neon) fields(s *layout, to map[string]xreg) {
	for _, f := range s.fields { // in the order of memory
		if r, ok := to[f.name]; ok {
			g.op("MOVD", mem(args, f.off), r)
			delete(to, f.name)
		}
	}
	for name := range to {
		panic("gen: no field " + name + " in " + s.name)
	}
}

// bounds broadcasts lo and hi, which are neighbours.
func (g *neon) bounds(s *layout, tmp xreg, lo, hi vreg) {
	g.op("ADD", s.off("lo"), args, tmp)
	g.op("VLD1R.P", mem(tmp, 4), lo.list(1))
	g.op("VLD1R", mem(tmp, 0), hi.list(1))
}

// The vector instructions that Go's assembler lacks, on four float32.
const (
	opFADD = 0x4e20d400
	opFSUB = 0x4ea0d400
	opFMUL = 0x6e20dc00
	opFDIV = 0x6e20fc00
	opFMAX = 0x4e20f400 // NaN if either operand is
	opFMIN = 0x4ea0f400
	opFNEG = 0x6ea0f800
	opFMLA = 0x4f801000 // by element

	opFCMGT = 0x6ea0e400 // all bits where n > m; false for NaN
)

var opNames = map[uint32]string{
	opFADD: "FADD", opFSUB: "FSUB", opFMUL: "FMUL", opFDIV: "FDIV", opFMAX: "FMAX", opFMIN: "FMIN", opFNEG: "FNEG",
	opFCMGT: "FCMGT",
}

func (g *neon) word(w uint32, comment string) {
	fmt.Fprintf(&g.asm, "\tWORD    $0x%08x // %s\n", w, comment)
}

// three emits d = n op m.
func (g *neon) three(op uint32, d, n, m vreg) {
	g.word(op|uint32(m)<<16|uint32(n)<<5|uint32(d), fmt.Sprintf("%s %v.4S, %v.4S, %v.4S", opNames[op], d, n, m))
}

func (g *neon) fneg(d, n vreg) {
	g.word(opFNEG|uint32(n)<<5|uint32(d), fmt.Sprintf("FNEG %v.4S, %v.4S", d, n))
}

// fmlaElement emits d += n * m[i].
func (g *neon) fmlaElement(d, n, m vreg, i int) {
	w := opFMLA | uint32(i&1)<<21 | uint32(i>>1)<<11 | uint32(m)<<16 | uint32(n)<<5 | uint32(d)
	g.word(w, fmt.Sprintf("FMLA %v.4S, %v.4S, %v.S[%d]", d, n, m, i))
}

// fmla emits d += n * m.
func (g *neon) fmla(d, n, m vreg) { g.op("VFMLA", m.s4(), n.s4(), d.s4()) }

// fmls emits d -= n * m.
func (g *neon) fmls(d, n, m vreg) { g.op("VFMLS", m.s4(), n.s4(), d.s4()) }

func (g *neon) move(d, n vreg) { g.op("VMOV", n.String()+".B16", d.String()+".B16") }

func (g *neon) zero(d vreg) {
	b := d.String() + ".B16"
	g.op("VEOR", b, b, b)
}

// clamp limits v to [lo, hi]; NaN stays NaN.
func (g *neon) clamp(v, lo, hi vreg) {
	g.three(opFMAX, v, v, lo)
	g.three(opFMIN, v, v, hi)
}

// load reads n floats from r + off: 8 into v[0] and v[1], 4, or 1 into the
// lowest lane.
func (g *neon) load(n int, r xreg, off int, v ...vreg) {
	switch n {
	case 8:
		g.op("FLDPQ", mem(r, off), pair(v[0], v[1]))
	case 4:
		g.op("FMOVQ", mem(r, off), v[0].f())
	default:
		g.op("FMOVS", mem(r, off), v[0].f())
	}
}

func (g *neon) store(n int, r xreg, off int, v ...vreg) {
	switch n {
	case 8:
		g.op("FSTPQ", pair(v[0], v[1]), mem(r, off))
	case 4:
		g.op("FMOVQ", v[0].f(), mem(r, off))
	default:
		g.op("FMOVS", v[0].f(), mem(r, off))
	}
}

// loadNext reads n floats from r, 4 to a register from v on, or 1, and moves r
// past them.
func (g *neon) loadNext(n int, r xreg, v vreg) {
	if n == 1 {
		g.op("FMOVS.P", mem(r, 4), v.f())
		return
	}
	g.op("VLD1.P", mem(r, 4*n), v.list(n/4))
}

func (g *neon) storeNext(n int, r xreg, v vreg) {
	if n == 1 {
		g.op("FMOVS.P", v.f(), mem(r, 4))
		return
	}
	g.op("VST1.P", v.list(n/4), mem(r, 4*n))
}

// downTo emits a loop over n floats, so many at a time while they last, for
// each of the widths, which fall to 1.
func (g *neon) downTo(n xreg, label string, widths []int, body func(width int, sfx string)) {
	for i, w := range widths {
		sfx := fmt.Sprint(label, w)
		end := sfx + "end"
		if w > 1 {
			g.op("SUBS", w, n)
			g.op("BLT", end)
			g.label(sfx)
			body(w, sfx)
			g.op("SUBS", w, n)
			g.op("BGE", sfx)
			g.label(end)
			g.op("ADD", w, n)
			continue
		}
		if i != len(widths)-1 {
			panic("gen: widths do not fall to 1")
		}
		g.op("CBZ", n, end)
		g.label(sfx)
		body(1, sfx)
		g.op("SUBS", 1, n)
		g.op("BNE", sfx)
		g.label(end)
	}
}

// text starts a kernel with local bytes on the stack.
func (g *neon) text(k kernel, local int) {
	fmt.Fprintf(&g.asm, "\n// func %s(a *%s)\nTEXT ·%s(SB), NOSPLIT, $%d-8\n", k.name, k.args, k.name, local)
	g.op("MOVD", "a+0(FP)", args)
	g.decl.WriteString(k.decl())
	fmt.Fprintf(&g.rows, "\t{%s},\n", k.row)
}

func (g *neon) all() {
	g.gemms()
	g.depthwise()
	g.taps()
	g.vecs()
	g.backward()
	g.peakKernel()
}

// files returns the assembly and its Go declarations.
func (g *neon) files() (asm, decl []byte, err error) {
	asm = append([]byte(header+"//go:build arm64 && !noasm\n\n#include \"textflag.h\"\n"), g.asm.Bytes()...)
	var b bytes.Buffer
	b.WriteString(header)
	b.WriteString("//go:build !noasm\n\npackage kernels\n\n")
	fmt.Fprintf(&b, "var neonRows = []row{\n%s}\n\n", g.rows.String())
	b.Write(g.decl.Bytes())
	decl, err = format.Source(b.Bytes())
	return asm, decl, err
}

// peakKernel emits the loop that measures the rate of multiply-adds.
func (g *neon) peakKernel() {
	const count = 24
	g.decl.WriteString(neonISA.peakDecl(count))
	g.asm.WriteString("\n// func peakF32NEON(n int)\nTEXT ·peakF32NEON(SB), NOSPLIT, $0-8\n")
	n := xreg(0)
	g.op("MOVD", "n+0(FP)", n)
	for v := range vreg(count + 1) {
		g.zero(v)
	}
	g.label("loop")
	for v := range vreg(count) {
		g.fmla(v, count, count)
	}
	g.op("SUBS", 1, n)
	g.op("BNE", "loop")
	g.ret()
}
