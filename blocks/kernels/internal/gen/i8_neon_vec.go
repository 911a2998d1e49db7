package main

import "fmt"

// Where the constants of the addition lie that 64-bit ARM uses: multipliers in full, and the shift to the left.
const (
	i8SumA = 464
	i8SumB = 480
	i8SumL = 496
)

// vecs emits the elementwise kernels; those of processors with dot products are the same.
func (g *i8Neon) vecs() {
	if g.sdot {
		for _, k := range []struct{ op, row string }{{"add", "vecAdd"}, {"mul", "vecMul"}, {"max", "vecMax"},
			{"lookup", "vecLookup"}, {"store", "vecStore"}, {"sum", "vecSum"}, {"quantize", "vecQuantize"},
			{"dequantize", "vecDequantize"}} {
			fmt.Fprintf(&g.rows, "\t{name: \"%sNEON\", fam: famVec, vec: %s, vecf: %sNEON},\n", k.op, k.row, k.op)
		}
		return
	}
	g.bytewise("add", "vecAdd", "(a[i]*ma + b[i]*mb + add) >> shift", g.addBytes)
	g.bytewise("mul", "vecMul", "(a[i]-za) * (b[i]-zb) * scale", g.mulBytes)
	g.bytewise("max", "vecMax", "max(a[i], b[i])", func() { g.tri(opUMAX, 16, 0, 1) })
	g.bytewise("lookup", "vecLookup", "k[a[i]]", nil)
	g.bytewise("store", "vecStore", "(a[i] + add) * scale, a of int32", func() {
		for i := range vreg(4) {
			g.ldq(vecK, i8First, 4)
			g.tri(opADD, 16+i, 16+i, 4)
		}
		g.scaleAll(i8Second)
	})
	g.sum()
	g.reals()
	g.widen()
}

const (
	vecD, vecA, vecB, vecDs, vecAs, vecBs, vecRows, vecN, vecK xreg = 1, 2, 3, 4, 5, 6, 7, 8, 9
	vecToD, vecToA, vecToB, vecLeft, vecTmp                    xreg = 10, 11, 12, 13, 14
)

// bytewise emits a kernel of rows of n bytes: f computes V16 from V0 and V1, or from V16 to V19 for store.
func (g *i8Neon) bytewise(op, row, statement string, f func()) {
	name := op + g.goName
	g.kernel(name, "vecArgs",
		fmt.Sprintf("// for r := range rows { for i := range n {\n//\td[i] = %s\n// }}\n", statement),
		fmt.Sprintf("fam: famVec, vec: %s, vecf: %s", row, name))
	g.fields(i8Vec, map[string]xreg{"d": vecD, "a": vecA, "b": vecB, "ds": vecDs, "as": vecAs, "bs": vecBs,
		"rows": vecRows, "n": vecN, "k": vecK})
	table := f == nil
	switch {
	case table:
		g.op("MOVD", vecK, vecTmp)
		for i := range vreg(4) {
			g.op("VLD1.P", mem(vecTmp, 64), b16(16+4*i, 4))
		}
		g.op("VMOVI", 64, "V2.B16")
		f = func() { g.lookup() }
	case op != "max":
		g.rounding(vecK, i8Zero)
	}
	result := vreg(16)
	if table {
		result = 1
	}
	compute := func() {
		if op == "store" {
			g.op("VLD1.P", mem(vecToA, 64), b16(16, 4))
		} else {
			g.op("VLD1.P", mem(vecToA, 16), b16(0, 1))
			g.op("VLD1.P", mem(vecToB, 16), b16(1, 1))
		}
		f()
	}
	g.label("row")
	g.op("MOVD", vecD, vecToD)
	g.op("MOVD", vecA, vecToA)
	g.op("MOVD", vecB, vecToB)
	g.op("SUBS", 16, vecN, vecLeft)
	g.op("BLT", "rest")
	g.label("many")
	compute()
	g.op("VST1.P", b16(result, 1), mem(vecToD, 16))
	g.op("SUBS", 16, vecLeft)
	g.op("BGE", "many")
	g.label("rest")
	g.op("ADDS", 16, vecLeft)
	g.op("BEQ", "done")
	compute()
	g.storeBytes(result, vecToD, vecLeft, "Rest")
	g.label("done")
	g.op("ADD", vecDs, vecD)
	g.op("ADD", vecAs, vecA)
	g.op("ADD", vecBs, vecB)
	g.op("SUBS", 1, vecRows)
	g.op("BNE", "row")
	g.ret()
}

// widenTo writes the sixteen bytes of from as integers of 32 bits into four registers from to on.
func (g *i8Neon) widenTo(to, from vreg) {
	g.two(opUSHLLb, to, from)
	g.two(opUSHLLb2, to+2, from)
	g.two(opUSHLLh2, to+1, to)
	g.two(opUSHLLh, to, to)
	g.two(opUSHLLh2, to+3, to+2)
	g.two(opUSHLLh, to+2, to+2)
}

// addBytes adds two maps.
func (g *i8Neon) addBytes() {
	g.widenTo(20, 0)
	g.widenTo(24, 1)
	for i, off := range []int{i8SumA, i8SumB, i8Third, i8SumL} {
		g.ldq(vecK, off, 4+vreg(i))
	}
	for i := range vreg(4) {
		g.move(16+i, 6)
		g.tri(opMLA, 16+i, 20+i, 4)
		g.tri(opMLA, 16+i, 24+i, 5)
		g.tri(opSSHL, 16+i, 16+i, 7)
	}
	g.saturate(16, i8Zero)
}

// mulBytes multiplies two maps.
func (g *i8Neon) mulBytes() {
	g.ldq(vecK, i8First, 4)
	g.ldq(vecK, i8Second, 5)
	for v := range vreg(2) {
		g.two(opUSHLLb, 20+2*v, v)
		g.two(opUSHLLb2, 21+2*v, v)
		g.tri(opSUBh, 20+2*v, 20+2*v, 4+v)
		g.tri(opSUBh, 21+2*v, 21+2*v, 4+v)
	}
	for h := range vreg(2) {
		g.tri(opSMULL, 16+2*h, 20+h, 22+h)
		g.tri(opSMULL2, 17+2*h, 20+h, 22+h)
	}
	g.scaleAll(i8Third)
}

// scaleAll requantises V16 to V19 with one scale.
func (g *i8Neon) scaleAll(off int) {
	g.ldq(vecK, off, 4)
	g.requantize(16, func(int) vreg { return 4 }, i8Zero)
}

// lookup computes V1 from V0 and the table in V16 to V31.
func (g *i8Neon) lookup() {
	g.tri(opTBL, 1, 16, 0)
	for i := range vreg(3) {
		g.tri(opSUBb, 0, 0, 2)
		g.tri(opTBX, 1, 20+4*i, 0)
	}
}

// sum emits the kernel that adds rows of bytes to n sums.
func (g *i8Neon) sum() {
	name := "sum" + g.goName
	g.kernel(name, "vecArgs", "// for r := range rows { for i := range n {\n//\td[i] += a[i], d of int32\n// }}\n",
		"fam: famVec, vec: vecSum, vecf: "+name)
	g.fields(i8Vec, map[string]xreg{"d": vecD, "a": vecA, "as": vecAs, "n": vecN})
	g.label("channels")
	g.fields(i8Vec, map[string]xreg{"rows": vecRows})
	g.op("VLD1", mem(vecD, 0), b16(16, 4))
	g.op("MOVD", vecA, vecToA)
	g.label("row")
	g.ldq(vecToA, 0, 0)
	g.two(opUSHLLb, 1, 0)
	g.two(opUSHLLb2, 2, 0)
	g.tri(opUADDW, 16, 16, 1)
	g.tri(opUADDW2, 17, 17, 1)
	g.tri(opUADDW, 18, 18, 2)
	g.tri(opUADDW2, 19, 19, 2)
	g.op("ADD", vecAs, vecToA)
	g.op("SUBS", 1, vecRows)
	g.op("BNE", "row")
	g.op("VST1.P", b16(16, 4), mem(vecD, 64))
	g.op("ADD", 16, vecA)
	g.op("SUBS", 16, vecN)
	g.op("BGT", "channels")
	g.ret()
}

// reals emits the kernels from reals to bytes and back, for whole sixteens.
func (g *i8Neon) reals() {
	in := func(name, row, doc string) {
		g.kernel(name, "vecArgs", doc, "fam: famVec, vec: "+row+", vecf: "+name)
		g.fields(i8Vec, map[string]xreg{"d": vecD, "a": vecA, "n": vecN, "k": vecK})
	}
	in("quantize"+g.goName, "vecQuantize", "// for i := range n { d[i] = round(a[i]*scale) + zero }, a of float32\n")
	g.rounding(vecK, i8Zero)
	g.ldq(vecK, i8First, 4)
	g.label("loop")
	g.op("VLD1.P", mem(vecA, 64), b16(16, 4))
	for i := range vreg(4) {
		g.tri(opFMUL, 16+i, 16+i, 4)
		g.two(opFCVTNS, 16+i, 16+i)
	}
	g.saturate(16, i8Zero)
	g.op("VST1.P", b16(16, 1), mem(vecD, 16))
	g.op("SUBS", 16, vecN)
	g.op("BGT", "loop")
	g.ret()

	in("dequantize"+g.goName, "vecDequantize", "// for i := range n { d[i] = (a[i]-zero) * scale }, d of float32\n")
	g.ldq(vecK, i8First, 4)
	g.ldq(vecK, i8Second, 5)
	g.label("loop")
	g.op("VLD1.P", mem(vecA, 16), b16(0, 1))
	g.widenTo(16, 0)
	for i := range vreg(4) {
		g.tri(opSUB, 16+i, 16+i, 4)
		g.two(opSCVTF, 16+i, 16+i)
		g.tri(opFMUL, 16+i, 16+i, 5)
	}
	g.op("VST1.P", b16(16, 4), mem(vecD, 64))
	g.op("SUBS", 16, vecN)
	g.op("BGT", "loop")
	g.ret()
}

// widen emits the kernel that writes bytes as 16-bit integers, sixteen at a time, beyond the end of a row too.
func (g *i8Neon) widen() {
	name := "widen" + g.goName
	g.kernel(name, "vecArgs", "// for r := range rows { for i := range n { d[i] = a[i] }}, d of int16\n",
		"fam: famVec, vec: vecWiden, vecf: "+name)
	g.fields(i8Vec, map[string]xreg{"d": vecD, "a": vecA, "ds": vecDs, "as": vecAs, "rows": vecRows, "n": vecN})
	g.label("row")
	g.op("MOVD", vecD, vecToD)
	g.op("MOVD", vecA, vecToA)
	g.op("MOVD", vecN, vecLeft)
	g.label("loop")
	g.op("VLD1.P", mem(vecToA, 16), b16(0, 1))
	g.two(opUSHLLb, 1, 0)
	g.two(opUSHLLb2, 2, 0)
	g.op("VST1.P", b16(1, 2), mem(vecToD, 32))
	g.op("SUBS", 16, vecLeft)
	g.op("BGT", "loop")
	g.op("ADD", vecDs, vecD)
	g.op("ADD", vecAs, vecA)
	g.op("SUBS", 1, vecRows)
	g.op("BNE", "row")
	g.ret()
}
