package main

import "fmt"

// The registers of the GEMM kernels.
const (
	i8Lda, i8Ind, i8Ks, i8K, i8B, i8C, i8Ldc xreg = 1, 2, 3, 4, 5, 6, 7
	i8Row                                    xreg = 8 // to R11: the rows of A
	i8Blk, i8Off, i8Bias, i8Scale            xreg = 16, 17, 19, 20
	i8Out, i8N, i8Tmp, i8Left, i8Tab         xreg = 21, 22, 23, 24, 25

	i8Acc  vreg = 16 // to V31: the sums
	i8W    vreg = 4  // to V7: weights, then scales
	i8Zero vreg = 8  // to V10: the rounding
	i8Flip vreg = 15
)

// gemm emits a tile of mr output pixels by 16 channels.
func (g *i8Neon) gemm(mr int, indirect bool) {
	form, fam := "gemm", "famGemm"
	if indirect {
		form, fam = "igemm", "famIGemm"
	}
	name := fmt.Sprintf("%s%s_%dx16", form, g.goName, mr)
	g.kernel(name, "gemmArgs", fmt.Sprintf("// for i := range %d { for j := range n {\n"+
		"//\tc[i][j] = store(bias[j] + sum over t, p of a[t][i][p]*b[t][p][j])\n// }} in 16 columns, nblk times\n", mr),
		fmt.Sprintf("fam: %s, mr: %d, nr: 16, gemm: %s", fam, mr, name))
	in := map[string]xreg{"ind": i8Ind, "c": i8C, "ldc": i8Ldc, "bias": i8Bias, "scale": i8Scale, "out": i8Out,
		"nblk": i8Blk, "mask": i8N}
	if indirect {
		in["koff"] = i8Off
	} else {
		in["aoff"], in["lda"] = i8Off, i8Lda
	}
	g.fields(i8Gemm, in)
	g.rounding(i8Out, i8Zero)
	if g.sdot {
		g.op("VMOVI", 128, i8Flip.String()+".B16")
	}
	g.label("block")
	for j := range vreg(4) {
		g.ldq(i8Bias, 16*int(j), i8Acc+j)
		for i := 1; i < mr; i++ {
			g.move(i8Acc+vreg(4*i)+j, i8Acc+j)
		}
	}
	g.fields(i8Gemm, map[string]xreg{"b": i8B, "ks": i8Ks})
	g.gemmSum(mr, indirect)
	g.gemmStore(mr)
	g.op("SUBS", 1, i8Blk)
	g.op("BNE", "block")
	g.ret()
}

// gemmSum adds all products of a block.
func (g *i8Neon) gemmSum(mr int, indirect bool) {
	if !indirect {
		g.op("MOVD", i8Ind, i8Tab)
	}
	g.label("tap")
	for i := range xreg(mr) {
		switch {
		case indirect:
			g.op("MOVD.P", mem(i8Ind, 8), i8Row+i)
			g.op("ADD", i8Off, i8Row+i)
		case i == 0:
			g.op("MOVD.P", mem(i8Tab, 8), i8Row)
			g.op("ADD", i8Off, i8Row)
		default:
			g.op("ADD", i8Lda, i8Row+i-1, i8Row+i)
		}
	}
	g.fields(i8Gemm, map[string]xreg{"k": i8K})
	g.label("loop")
	g.op("VLD1.P", mem(i8B, 64), b16(i8W, 4))
	for i := range vreg(mr) {
		g.op("VLD1R.P", mem(i8Row+xreg(i), 4), "["+i.s4()+"]")
		if g.sdot {
			g.flip(i, i8Flip)
		}
		for j := range vreg(4) {
			if acc := i8Acc + 4*i + j; g.sdot {
				g.tri(opSDOT, acc, i8W+j, i)
			} else {
				g.tri(opSMLALe, acc, i8W+j, i)
				g.tri(opSMLALe2, acc, i8W+j, i)
			}
		}
	}
	g.op("SUBS", 1, i8K)
	g.op("BNE", "loop")
	g.op("SUBS", 1, i8Ks)
	g.op("BNE", "tap")
	if !indirect {
		g.op("MOVD", mr, i8Tmp)
		g.op("MADD", i8Tmp, i8Off, i8Lda, i8Off)
	}
}

// gemmStore requantises the sums and stores them.
func (g *i8Neon) gemmStore(mr int) {
	g.op("MOVD", i8Scale, i8Tmp)
	g.op("VLD1", mem(i8Tmp, 0), b16(i8W, 4))
	for i := range mr {
		v, sfx := i8Acc+vreg(4*i), fmt.Sprintf("_%d", i)
		g.requantize(v, func(j int) vreg { return i8W + vreg(j) }, i8Zero)
		g.op("CBNZ", i8N, "part"+sfx)
		g.stq(v, i8C, 0)
		g.op("B", "done"+sfx)
		g.label("part" + sfx)
		g.op("MOVD", i8C, i8Tmp)
		g.storeBytes(v, i8Tmp, i8N, sfx)
		g.label("done" + sfx)
		g.op("ADD", i8Ldc, i8C)
	}
}

// spread emits the kernel that prepares pixels for depthwise convolutions.
func (g *i8Neon) spread() {
	const off, step, n, to, nb, toStep, left, at, row xreg = 1, 2, 3, 4, 5, 6, 7, 8, 9
	rows := vreg(2)
	if g.sdot {
		rows = 4
	}
	name := "spread" + g.goName + "_1"
	g.kernel(name, "spreadArgs", fmt.Sprintf("// for x := range n { for c := range 16 {\n"+
		"//\tto[x][c] = the values of tab[r][off+x*step+c], r < %d\n// }}, for nb blocks of channels\n", rows),
		"fam: famSpread, runs: 1, spread: "+name)
	g.fields(i8Spread, map[string]xreg{"tab": at, "off": off, "step": step, "n": n, "to": to, "nb": nb, "toStep": toStep})
	for r := range xreg(rows) {
		g.op("MOVD", mem(at, 8*int(r)), row+r)
		g.op("ADD", off, row+r)
	}
	if g.sdot {
		g.op("VMOVI", 128, i8Flip.String()+".B16")
	}
	g.label("block")
	g.op("MOVD", n, left)
	g.op("MOVD", to, at)
	g.op("MOVD", 0, off)
	g.label("loop")
	for r := range rows {
		g.op("ADD", off, row+xreg(r), i8Tmp)
		g.ldq(i8Tmp, 0, r)
	}
	g.spreadLanes()
	g.op("VST1.P", b16(8, 4), mem(at, 64))
	g.op("ADD", step, off)
	g.op("SUBS", 1, left)
	g.op("BNE", "loop")
	for r := range xreg(rows) {
		g.op("ADD", 16, row+r)
	}
	g.op("ADD", toStep, to)
	g.op("SUBS", 1, nb)
	g.op("BNE", "block")
	g.ret()
}

// spreadLanes turns the rows in the lowest registers into four vectors of lanes from V8 on.
func (g *i8Neon) spreadLanes() {
	if !g.sdot {
		g.two(opUSHLLb, 4, 0)
		g.two(opUSHLLb2, 5, 0)
		g.two(opUSHLLb, 6, 1)
		g.two(opUSHLLb2, 7, 1)
		for i := range vreg(4) {
			op := uint32(opZIP1d)
			if i%2 == 1 {
				op = opZIP2d
			}
			g.tri(op, 8+i, 4+i/2, 6+i/2)
		}
		return
	}
	for r := range vreg(4) {
		g.flip(r, i8Flip)
	}
	g.tri(opZIP1b, 4, 0, 1)
	g.tri(opZIP2b, 5, 0, 1)
	g.tri(opZIP1b, 6, 2, 3)
	g.tri(opZIP2b, 7, 2, 3)
	for i := range vreg(4) {
		op := uint32(opZIP1h)
		if i%2 == 1 {
			op = opZIP2h
		}
		g.tri(op, 8+i, 4+i/2, 6+i/2)
	}
}

// dw emits a depthwise tile of u outputs.
func (g *i8Neon) dw(u int) {
	const from, fromStep, taps, nt, w, bias, scale, out, ds, n, nblk, nb, blk, to, at, off, left xreg = 1, 2, 3, 4, 5, 6,
		7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	const first, channels, tap, tmp xreg = 19, 20, 21, 22
	name := fmt.Sprintf("dw%s_1x%d", g.goName, u)
	g.kernel(name, "dwArgs", fmt.Sprintf("// for x := range %d { for c := range 16 {\n//\tdst[off+x*ds+c] = "+
		"store(bias[c] + sum over t < nt of from[x*fromStep+taps[t]][c] dot w[t][c])\n"+
		"// }}, nblk times, for nb blocks of channels\n", u), fmt.Sprintf("fam: famDW, mr: %d, dw: %s", u, name))
	g.fields(i8DW, map[string]xreg{"from": first, "fromStep": fromStep, "w": w, "bias": bias, "scale": scale, "out": out,
		"ds": ds, "mask": n, "nb": nb, "channels": channels, "off": off, "dst": to})
	g.op("ADD", off, to)
	g.rounding(out, i8Zero)
	g.label("channels")
	g.fields(i8DW, map[string]xreg{"nblk": nblk})
	g.op("MOVD", first, from)
	g.op("MOVD", to, blk)
	g.label("block")
	for j := range vreg(4) {
		g.ldq(bias, 16*int(j), i8Acc+j)
		for i := 1; i < u; i++ {
			g.move(i8Acc+vreg(4*i)+j, i8Acc+j)
		}
	}
	g.fields(i8DW, map[string]xreg{"taps": taps, "nt": nt})
	g.op("MOVD", w, at)
	g.label("tap")
	g.op("MOVD.P", mem(taps, 8), tap)
	g.op("ADD", from, tap)
	g.op("VLD1.P", mem(at, 64), b16(i8W, 4))
	for x := range vreg(u) {
		g.op("VLD1", mem(tap, 0), b16(0, 4))
		for i := range vreg(4) {
			if acc := i8Acc + 4*x + i; g.sdot {
				g.tri(opSDOT, acc, i8W+i, i)
			} else {
				g.tri(opSMLAL, acc, i8W+i, i)
				g.tri(opSMLAL2, acc, i8W+i, i)
			}
		}
		g.op("ADD", fromStep, tap)
	}
	g.op("SUBS", 1, nt)
	g.op("BNE", "tap")
	g.op("VLD1", mem(scale, 0), b16(i8W, 4))
	for x := range u {
		v, sfx := i8Acc+vreg(4*x), fmt.Sprintf("_%d", x)
		g.requantize(v, func(j int) vreg { return i8W + vreg(j) }, i8Zero)
		g.op("CMP", 16, n)
		g.op("BNE", "part"+sfx)
		g.stq(v, blk, 0)
		g.op("B", "done"+sfx)
		g.label("part" + sfx)
		g.op("MOVD", blk, tmp)
		g.storeBytes(v, tmp, n, sfx)
		g.label("done" + sfx)
		g.op("ADD", ds, blk)
	}
	g.op("MOVD", u, left)
	g.op("MADD", fromStep, from, left, from)
	g.op("SUBS", 1, nblk)
	g.op("BNE", "block")
	g.fields(i8DW, map[string]xreg{"fromBlock": tmp, "nt": nt})
	g.op("ADD", tmp, first)
	g.op("ADD", channels, to)
	g.op("ADD", 64, bias)
	g.op("ADD", 64, scale)
	g.op("LSL", 6, nt)
	g.op("ADD", nt, w)
	g.op("SUBS", 1, nb)
	g.op("BNE", "channels")
	g.ret()
}

// peakKernel emits the loop of independent dot products, sixteen vectors.
func (g *i8Neon) peakKernel() {
	const count, n = 16, xreg(0)
	name, macs := "peak"+g.goName, 4
	if g.sdot {
		macs = 16
	}
	fmt.Fprintf(&g.decl, "// for range n { %d independent dot products of a vector }\n"+
		"func %s(n int)\n\nconst %sMACs = %d\n", count, name, name, count*macs)
	fmt.Fprintf(&g.asm, "\n// func %s(n int)\nTEXT ·%s(SB), NOSPLIT, $0-8\n", name, name)
	g.op("MOVD", "n+0(FP)", n)
	for v := range vreg(count + 1) {
		g.zero(v)
	}
	g.label("loop")
	for v := range vreg(count) {
		if g.sdot {
			g.tri(opSDOT, v, count, count)
		} else {
			g.tri(opSMLAL, v, count, count)
		}
	}
	g.op("SUBS", 1, n)
	g.op("BNE", "loop")
	g.ret()
}
