package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"

	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// The 8-bit kernels. One generator writes them for three instruction sets, which differ in the width of vectors and in
// how they multiply and add. In all of them a lane of 32 bits of the activations is multiplied by one of the weights.
// What the products of its parts add up to goes to a sum of 32 bits. A lane is four bytes, or two 16-bit integers.

var (
	i8AVX2   = isa{"avx2", "AVX2", 8}
	i8BW     = isa{"avx512bw", "AVX512BW", 16}
	i8VNNI   = isa{"avxvnni", "AVXVNNI", 8}
	i8VNNI5  = isa{"avx512vnni", "AVX512VNNI", 16}
	i8NEON   = isa{"neon", "NEON", 4}
	i8Layout = []*layout{i8Gemm, i8Rounding, i8Spread, i8DW, i8Rows, i8RowTile, i8Vec}
)

var (
	i8Gemm = &layout{"gemmArgs", words("aoff", "lda", "ind", "ks", "k", "koff", "b", "bs", "c", "ldc", "bias", "scale",
		"out", "nblk", "mask", "plain", "ca", "cc", "cblk")}
	i8Rounding = &layout{"rounding", []field{{"zero", 0}, {"low", 64}, {"high", 128}, {"perm", 192}}}
	i8Spread   = &layout{"spreadArgs", words("tab", "off", "step", "n", "to", "nb", "toStep", "coff", "cto", "cb")}
	i8DW       = &layout{"dwArgs", append(words("from", "fromStep", "taps", "nt", "w", "bias", "scale", "out", "ds",
		"mask", "plain", "runs", "groups", "nblk", "nb", "fromBlock", "channels", "off",
		"cfrom", "cblk", "cw", "cbias", "cscale", "coff", "cb", "cfirst"), field{"dst", 208})}
	i8Vec = &layout{"vecArgs",
		words("d", "a", "b", "ds", "as", "bs", "rows", "n", "mask", "k", "cd", "ca", "cb", "crow")}
)

// i8 is the generator of the 8-bit kernels of one instruction set.
type i8 struct{ *generator }

func newI8(i isa) *i8 { return &i8{newGenerator(i)} }

// narrow tells whether activations are 16-bit integers.
func (g *i8) narrow() bool { return g.name == "avx2" || g.name == "avx512bw" }

func (g *i8) all() {
	g.gemms()
	g.depthwise()
	if g.narrow() {
		g.rows()
	}
	g.vecs()
	g.peakKernel()
}

func (g *i8) files() (asm, decl []byte, err error) {
	asm, decl, err = g.generator.files()
	asm, decl = inPackage(asm, decl)
	return asm, decl, err
}

// inPackage moves files to package int8.
func inPackage(asm, decl []byte) (a, d []byte) {
	decl = bytes.Replace(decl, []byte("package kernels"), []byte("package int8"), 1)
	return vex(asm), decl
}

// dot emits acc += a dot b: products of unsigned activations a and signed weights b.
func (g *i8) dot(b Op, a, acc VecVirtual) {
	if g.narrow() {
		t := g.vec()
		g.VPMADDWD(b, a, t)
		g.VPADDD(t, acc, acc)
		return
	}
	name := "VPDPBUSD"
	if !g.wide() {
		name = "VEXDPBUSD"
		if _, ok := b.(Mem); ok {
			t := g.vec()
			g.VMOVDQU(b, t)
			b = t
		}
	}
	g.Instruction(&ir.Instruction{Opcode: name, Operands: []Op{b, a, acc}, Inputs: []Op{b, a, acc}, Outputs: []Op{acc}})
}

var vexDot = regexp.MustCompile(`VEXDPBUSD\s+Y(\d+), Y(\d+), Y(\d+)`)

// vex writes the instruction of AVX-VNNI, which Go's assembler does not know, in bytes.
func vex(asm []byte) []byte {
	return vexDot.ReplaceAllFunc(asm, func(s []byte) []byte {
		m := vexDot.FindSubmatch(s)
		var r [3]byte
		for i := range r {
			n, _ := strconv.Atoi(string(m[i+1]))
			if n > 15 {
				fmt.Fprintf(os.Stderr, "gen: %s: AVX-VNNI has 16 registers\n", s)
				os.Exit(1)
			}
			r[i] = byte(n)
		}
		b, a, acc := r[0], r[1], r[2]
		second := 0xe2 &^ (acc >> 3 << 7) &^ (b >> 3 << 5) // the inverted high bits of acc and b; map 0F38
		third := (15-a)<<3 | 0x05                          // W0, a inverted, 256 bits, prefix 66
		modrm := 0xc0 | acc&7<<3 | b&7
		return fmt.Appendf(nil, "BYTE $0xc4; BYTE $0x%02x; BYTE $0x%02x; BYTE $0x50; BYTE $0x%02x "+
			"// VPDPBUSD Y%d, Y%d, Y%d", second, third, modrm, b, a, acc)
	})
}

// requantize turns sums of four vectors into bytes: a vector whose lanes of 128 bits hold, for each of the four, the
// four values of the lane. scale gives the scales of vector j, out is the register of the rounding. Where plain is not
// 0, integers become bytes by saturation alone.
func (g *i8) requantize(v [4]VecVirtual, scale func(j int) Op, out Register, plain *plain) VecVirtual {
	for j := range v {
		g.VCVTDQ2PS(v[j], v[j])
	}
	for j := range v {
		g.VMULPS(scale(j), v[j], v[j])
	}
	for j := range v {
		g.VCVTPS2DQ(v[j], v[j])
	}
	return g.saturate(v, out, plain)
}

// plain is a flag of the arguments, and a suffix for labels.
type plain struct {
	flag Mem
	sfx  string
}

// saturate adds the zero point to four vectors of integers and packs them into bytes. The first two may stand for the
// last two.
func (g *i8) saturate(v [4]VecVirtual, out Register, plain *plain) VecVirtual {
	S := i8Rounding
	a, b := v[0], v[2]
	g.VPACKSSDW(v[1], v[0], a)
	if a != b {
		g.VPACKSSDW(v[3], v[2], b)
	}
	if plain != nil {
		g.CMPQ(plain.flag, Imm(0))
		g.JNE(LabelRef("plain" + plain.sfx))
	}
	g.VPADDSW(S.at(out, "zero"), a, a)
	if a != b {
		g.VPADDSW(S.at(out, "zero"), b, b)
	}
	g.VPACKUSWB(b, a, a)
	g.VPMAXUB(S.at(out, "low"), a, a)
	g.VPMINUB(S.at(out, "high"), a, a)
	if plain != nil {
		g.JMP(LabelRef("packed" + plain.sfx))
		g.Label("plain" + plain.sfx)
		g.VPACKUSWB(b, a, a)
		g.Label("packed" + plain.sfx)
	}
	return a
}

// loadVec and storeVec move whole vectors of integers.
func (g *i8) loadVec(m Mem, v VecVirtual) {
	if g.wide() {
		g.VMOVDQU32(m, v)
	} else {
		g.VMOVDQU(m, v)
	}
}

func (g *i8) storeVec(v VecVirtual, m Mem) {
	if g.wide() {
		g.VMOVDQU32(v, m)
	} else {
		g.VMOVDQU(v, m)
	}
}

// copyVec copies a register.
func (g *i8) copyVec(from, to VecVirtual) {
	if g.wide() {
		g.VMOVDQA32(from, to)
	} else {
		g.VMOVDQA(from, to)
	}
}

// i8Text starts a kernel.
func (g *i8) i8Text(name, args, doc, row string) {
	g.text(kernel{name, args, doc, fmt.Sprintf("name: %q, %s", name, row)})
}

// peakKernel emits the loop of independent dot products, twelve vectors.
func (g *i8) peakKernel() {
	const count = 12
	name := "peak" + g.goName
	g.Function(name)
	g.Attributes(7 &^ 3)
	g.SignatureExpr("func(n int)")
	per := 4 * g.vl
	if g.narrow() {
		per = 2 * g.vl
	}
	fmt.Fprintf(&g.decl, "// for range n { %d independent dot products of a vector }\n"+
		"func %s(n int)\n\nconst %sMACs = %d\n", count, name, name, count*per)
	n := g.GP64()
	g.Load(g.Param("n"), n)
	a, b := g.vec(), g.vec()
	g.zeroInts(a)
	g.zeroInts(b)
	acc := make([]VecVirtual, count)
	for i := range acc {
		acc[i] = g.vec()
		g.zeroInts(acc[i])
	}
	g.Label("loop")
	for i := range acc {
		g.dot(b, a, acc[i])
	}
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.VZEROUPPER()
	g.RET()
}

func (g *i8) zeroInts(v VecVirtual) {
	if g.wide() {
		g.VPXORD(v, v, v)
	} else {
		g.VPXOR(v, v, v)
	}
}
