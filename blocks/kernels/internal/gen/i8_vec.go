package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vecs emits the elementwise kernels.
func (g *i8) vecs() {
	g.bytewise("add", "vecAdd", "(a[i]*ma + b[i]*mb + add) >> shift", true, g.addBytes)
	g.bytewise("mul", "vecMul", "(a[i]-za) * (b[i]-zb) * scale", true, g.mulBytes)
	g.bytewise("max", "vecMax", "max(a[i], b[i])", true, func(_ Register, a, b VecVirtual) VecVirtual {
		g.VPMAXUB(b, a, a)
		return a
	})
	g.bytewise("lookup", "vecLookup", "k[a[i]]", false, g.lookup)
	g.bytewise("store", "vecStore", "(a[i] + add) * scale, a of int32", false, nil)
	g.sum()
	if g.narrow() {
		g.widen()
	}
	g.quantize()
	g.dequantize()
}

// Where the constants of the kernels lie, behind the rounding.
const (
	i8First  = 256
	i8Second = 320
	i8Third  = 384
	i8Fourth = 448
)

// bytewise emits a kernel of rows of n bytes. f computes a vector of bytes from one of a and one of b, if it has any;
// for f nil they are requantised from sums, four vectors of them.
func (g *i8) bytewise(op, row, statement string, b bool, f func(k Register, a, b VecVirtual) VecVirtual) {
	name := op + g.goName
	g.i8Text(name, "vecArgs",
		fmt.Sprintf("// for r := range rows { for i := range n {\n//\td[i] = %s\n// }}\n", statement),
		fmt.Sprintf("fam: famVec, vec: %s, vecf: %s", row, name))
	S := i8Vec
	args, k, d, ap, bp, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "d", "cd", "a", "ca", "b", "cb", "rows", "crow")
	g.MOVQ(S.at(args, "k"), k)
	var consts []VecVirtual
	if op == "lookup" {
		consts = g.table(k)
	}
	vector := func() VecVirtual {
		if f == nil {
			return g.sums(k, ap)
		}
		a := g.vec()
		g.loadVec(Mem{Base: ap}, a)
		if consts != nil {
			return g.lookupIn(consts, a)
		}
		if !b {
			return f(k, a, nil)
		}
		v := g.vec()
		g.loadVec(Mem{Base: bp}, v)
		return f(k, a, v)
	}
	size := 4 * g.vl
	g.Label("row")
	g.MOVQ(S.at(args, "cd"), d)
	g.MOVQ(S.at(args, "ca"), ap)
	g.MOVQ(S.at(args, "cb"), bp)
	g.MOVQ(S.at(args, "n"), n)
	g.SUBQ(Imm(uint64(size)), n)
	g.JLT(LabelRef("rest"))
	g.Label("many")
	g.storeVec(vector(), Mem{Base: d})
	g.ADDQ(Imm(uint64(size)), d)
	if f == nil {
		g.ADDQ(U32(4*size), ap)
	} else {
		g.ADDQ(Imm(uint64(size)), ap)
	}
	g.ADDQ(Imm(uint64(size)), bp)
	g.SUBQ(Imm(uint64(size)), n)
	g.JGE(LabelRef("many"))
	g.Label("rest")
	g.ADDQ(Imm(uint64(size)), n)
	g.JZ(LabelRef("done"))
	v := vector()
	if g.wide() {
		m, mask := g.GP64(), g.K()
		g.MOVQ(S.at(args, "mask"), m)
		g.KMOVQ(m, mask)
		g.VMOVDQU8(v, mask, Mem{Base: d})
	} else {
		g.storePart(v, 0, 1, Mem{Base: d}, n, "Rest")
	}
	g.Label("done")
	g.advanceRows(args, "cd", "ds", "ca", "as", "cb", "bs")
	g.DECQ(S.at(args, "crow"))
	g.JNZ(LabelRef("row"))
	g.VZEROUPPER()
	g.RET()
}

// advanceRows adds distances to pointers: pairs of fields.
func (g *i8) advanceRows(args Register, pairs ...string) {
	t := g.GP64()
	for i := 0; i < len(pairs); i += 2 {
		g.MOVQ(i8Vec.at(args, pairs[i+1]), t)
		g.ADDQ(t, i8Vec.at(args, pairs[i]))
	}
}

// addBytes adds two maps. Multipliers of 21 bits are taken in two parts, of 15 and of 6 bits.
func (g *i8) addBytes(k Register, a, b VecVirtual) VecVirtual {
	zero, shift := g.vec(), g.XMM()
	g.zeroInts(zero)
	g.VMOVDQU(Mem{Base: k, Disp: i8Fourth}, shift)
	low, high := g.vec(), g.vec()
	g.VPUNPCKLBW(b, a, low)
	g.VPUNPCKHBW(b, a, high)
	var v [4]VecVirtual
	for i := range v {
		v[i] = g.vec()
		from := low
		if i >= 2 {
			from = high
		}
		if i%2 == 0 {
			g.VPUNPCKLBW(zero, from, v[i])
		} else {
			g.VPUNPCKHBW(zero, from, v[i])
		}
	}
	for i := range v {
		t := g.vec()
		g.VPMADDWD(Mem{Base: k, Disp: i8Second}, v[i], t)
		g.VPMADDWD(Mem{Base: k, Disp: i8First}, v[i], v[i])
		g.VPSLLD(Imm(15), t, t)
		g.add32(t, v[i])
		g.add32(Mem{Base: k, Disp: i8Third}, v[i])
		g.VPSRAD(shift, v[i], v[i])
	}
	return g.saturate(v, k, nil)
}

func (g *i8) add32(a Op, v VecVirtual) { g.VPADDD(a, v, v) }

// mulBytes multiplies two maps: products of 16-bit integers, halves of which the hardware gives.
func (g *i8) mulBytes(k Register, a, b VecVirtual) VecVirtual {
	zero := g.vec()
	g.zeroInts(zero)
	var v [4]VecVirtual
	for h := range 2 {
		x, y := g.vec(), g.vec()
		if h == 0 {
			g.VPUNPCKLBW(zero, a, x)
			g.VPUNPCKLBW(zero, b, y)
		} else {
			g.VPUNPCKHBW(zero, a, x)
			g.VPUNPCKHBW(zero, b, y)
		}
		g.VPSUBW(Mem{Base: k, Disp: i8First}, x, x)
		g.VPSUBW(Mem{Base: k, Disp: i8Second}, y, y)
		low, high := g.vec(), g.vec()
		g.VPMULLW(y, x, low)
		g.VPMULHW(y, x, high)
		v[2*h], v[2*h+1] = g.vec(), g.vec()
		g.VPUNPCKLWD(high, low, v[2*h])
		g.VPUNPCKHWD(high, low, v[2*h+1])
	}
	return g.requantize(v, func(int) Op { return Mem{Base: k, Disp: i8Third} }, k, nil)
}

// sums requantises four vectors of sums.
func (g *i8) sums(k, from Register) VecVirtual {
	var v [4]VecVirtual
	for i := range v {
		v[i] = g.vec()
		g.loadVec(Mem{Base: from, Disp: i * g.bytes()}, v[i])
		g.add32(Mem{Base: k, Disp: i8First}, v[i])
	}
	return g.inOrder(k, g.requantize(v, func(int) Op { return Mem{Base: k, Disp: i8Second} }, k, nil))
}

// inOrder puts the bytes of four packed vectors into their order.
func (g *i8) inOrder(k Register, v VecVirtual) VecVirtual {
	perm := g.vec()
	g.loadVec(i8Rounding.at(k, "perm"), perm)
	g.VPERMD(v, perm, v)
	return v
}

// table loads a table of 256 bytes where registers hold it.
func (g *i8) table(k Register) []VecVirtual {
	if !g.wide() || g.narrow() {
		return nil
	}
	t := make([]VecVirtual, 4)
	for i := range t {
		t[i] = g.vec()
		g.loadVec(Mem{Base: k, Disp: 64 * i}, t[i])
	}
	return t
}

// lookupIn looks bytes up in a table that registers hold.
func (g *i8) lookupIn(t []VecVirtual, a VecVirtual) VecVirtual {
	high, k := g.vec(), g.K()
	g.VPMOVB2M(a, k)
	g.copyVec(a, high)
	g.VPERMI2B(t[1], t[0], a)
	g.VPERMI2B(t[3], t[2], high)
	g.VMOVDQU8(high, k, a)
	return a
}

// lookup looks bytes up in a table of 16 parts, each of which holds the difference to the one before: a byte collects
// those up to its own. A shuffle gives nothing for negative indices, so that the two halves of the table go apart.
func (g *i8) lookup(k Register, a, _ VecVirtual) VecVirtual {
	r, step := g.vec(), g.vec()
	g.zeroInts(r)
	g.VPBROADCASTB(Mem{Base: k, Disp: 256}, step) // 16
	half := g.vec()
	g.VPBROADCASTB(Mem{Base: k, Disp: 257}, half) // 128
	g.xor(a, half)
	for j := range 16 {
		x := a
		if j >= 8 {
			x = half
		}
		t := g.vec()
		if g.wide() {
			g.VBROADCASTI32X4(Mem{Base: k, Disp: 16 * j}, t)
		} else {
			g.VBROADCASTI128(Mem{Base: k, Disp: 16 * j}, t)
		}
		g.VPSHUFB(x, t, t)
		g.xor(t, r)
		if j%8 < 7 {
			g.VPSUBSB(step, x, x)
		}
	}
	return r
}

// xor is v ^= a.
func (g *i8) xor(a, v VecVirtual) {
	if g.wide() {
		g.VPXORD(a, v, v)
	} else {
		g.VPXOR(a, v, v)
	}
}

// sum emits the kernel that adds rows of bytes to n sums.
func (g *i8) sum() {
	name, S := "sum"+g.goName, i8Vec
	g.i8Text(name, "vecArgs", "// for r := range rows { for i := range n {\n//\td[i] += a[i], d of int32\n// }}\n",
		"fam: famVec, vec: vecSum, vecf: "+name)
	args, d, a, at, as, n, rows := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.MOVQ(S.at(args, "d"), d)
	g.MOVQ(S.at(args, "a"), a)
	g.MOVQ(S.at(args, "as"), as)
	g.MOVQ(S.at(args, "n"), n)
	size := 4 * g.vl
	g.Label("channels")
	var v [4]VecVirtual
	for i := range v {
		v[i] = g.vec()
		g.loadVec(Mem{Base: d, Disp: i * g.bytes()}, v[i])
	}
	g.MOVQ(S.at(args, "rows"), rows)
	g.MOVQ(a, at)
	g.Label("row")
	for i := range v {
		t := g.vec()
		g.VPMOVZXBD(Mem{Base: at, Disp: i * g.vl}, t)
		g.add32(t, v[i])
	}
	g.ADDQ(as, at)
	g.DECQ(rows)
	g.JNZ(LabelRef("row"))
	for i := range v {
		g.storeVec(v[i], Mem{Base: d, Disp: i * g.bytes()})
	}
	g.ADDQ(Imm(uint64(size)), a)
	g.ADDQ(U32(4*size), d)
	g.SUBQ(Imm(uint64(size)), n)
	g.JGT(LabelRef("channels"))
	g.VZEROUPPER()
	g.RET()
}

// quantize emits the kernel from reals to bytes, for whole vectors.
func (g *i8) quantize() {
	name, S := "quantize"+g.goName, i8Vec
	g.i8Text(name, "vecArgs", "// for i := range n { d[i] = round(a[i]*scale) + zero }, a of float32, n whole vectors\n",
		"fam: famVec, vec: vecQuantize, vecf: "+name)
	args, k, d, a, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.MOVQ(S.at(args, "d"), d)
	g.MOVQ(S.at(args, "a"), a)
	g.MOVQ(S.at(args, "n"), n)
	g.MOVQ(S.at(args, "k"), k)
	size := 4 * g.vl
	g.Label("loop")
	var v [4]VecVirtual
	for i := range v {
		v[i] = g.vec()
		g.VMOVUPS(Mem{Base: a, Disp: i * g.bytes()}, v[i])
		g.VMULPS(Mem{Base: k, Disp: i8First}, v[i], v[i])
		if g.wide() { // NaN becomes 0
			m := g.K()
			g.VCMPPS(Imm(7), v[i], v[i], m)
			g.VMINPS_Z(Mem{Base: k, Disp: i8Second}, v[i], m, v[i])
		} else {
			m := g.vec()
			g.VCMPPS(Imm(7), v[i], v[i], m)
			g.VMINPS(Mem{Base: k, Disp: i8Second}, v[i], v[i])
			g.VANDPS(m, v[i], v[i])
		}
		g.VMAXPS(Mem{Base: k, Disp: i8Third}, v[i], v[i])
		g.VCVTPS2DQ(v[i], v[i])
	}
	g.storeVec(g.inOrder(k, g.saturate(v, k, nil)), Mem{Base: d})
	g.ADDQ(U32(4*size), a)
	g.ADDQ(Imm(uint64(size)), d)
	g.SUBQ(Imm(uint64(size)), n)
	g.JGT(LabelRef("loop"))
	g.VZEROUPPER()
	g.RET()
}

// dequantize emits the kernel from bytes to reals, for whole vectors.
func (g *i8) dequantize() {
	name, S := "dequantize"+g.goName, i8Vec
	g.i8Text(name, "vecArgs", "// for i := range n { d[i] = (a[i]-zero) * scale }, d of float32, n whole vectors\n",
		"fam: famVec, vec: vecDequantize, vecf: "+name)
	args, k, d, a, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.MOVQ(S.at(args, "d"), d)
	g.MOVQ(S.at(args, "a"), a)
	g.MOVQ(S.at(args, "n"), n)
	g.MOVQ(S.at(args, "k"), k)
	g.Label("loop")
	for i := range 4 {
		v := g.vec()
		g.VPMOVZXBD(Mem{Base: a, Disp: i * g.vl}, v)
		g.VPSUBD(Mem{Base: k, Disp: i8First}, v, v)
		g.VCVTDQ2PS(v, v)
		g.VMULPS(Mem{Base: k, Disp: i8Second}, v, v)
		g.VMOVUPS(v, Mem{Base: d, Disp: i * g.bytes()})
	}
	g.ADDQ(Imm(uint64(4*g.vl)), a)
	g.ADDQ(U32(16*g.vl), d)
	g.SUBQ(Imm(uint64(4*g.vl)), n)
	g.JGT(LabelRef("loop"))
	g.VZEROUPPER()
	g.RET()
}

// widen emits the kernel that writes bytes as 16-bit integers, whole vectors, beyond the end of a row too.
func (g *i8) widen() {
	name, S := "widen"+g.goName, i8Vec
	g.i8Text(name, "vecArgs", "// for r := range rows { for i := range n { d[i] = a[i] }}, d of int16\n",
		"fam: famVec, vec: vecWiden, vecf: "+name)
	args, d, a, n := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "d", "cd", "a", "ca", "rows", "crow")
	g.Label("row")
	g.MOVQ(S.at(args, "cd"), d)
	g.MOVQ(S.at(args, "ca"), a)
	g.MOVQ(S.at(args, "n"), n)
	g.Label("loop")
	for i := 0; i < 32; i += 2 * g.vl {
		v := g.vec()
		g.VPMOVZXBW(Mem{Base: a, Disp: i}, v)
		g.storeVec(v, Mem{Base: d, Disp: 2 * i})
	}
	g.ADDQ(Imm(32), a)
	g.ADDQ(Imm(64), d)
	g.SUBQ(Imm(32), n)
	g.JGT(LabelRef("loop"))
	g.advanceRows(args, "cd", "ds", "ca", "as")
	g.DECQ(S.at(args, "crow"))
	g.JNZ(LabelRef("row"))
	g.VZEROUPPER()
	g.RET()
}
