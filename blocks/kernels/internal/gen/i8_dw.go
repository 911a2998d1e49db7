package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise emits the two kernels of which a depthwise convolution is made. The first spreads pixels of some rows so
// that a lane holds what one channel has in the rows, the second takes sums over lanes.
func (g *i8) depthwise() {
	for runs := 1; runs <= g.vl/4; runs *= 2 {
		g.spread(runs)
	}
	for u := 1; u <= g.dwMost(0); u++ {
		g.dw(u, 0, 0)
	}
	if !g.wide() {
		return // three loads a cycle: nothing is gained by keeping columns
	}
	for _, kw := range []int{3, 5, 7} {
		for s := 1; s <= 2; s++ {
			for u := 1; u <= g.dwMost(kw); u++ {
				g.dw(u, kw, s)
			}
		}
	}
}

// dwMost is the largest number of output pixels in a tile that keeps kw vectors of weights: each output takes four
// registers.
func (g *i8) dwMost(kw int) int {
	switch {
	case !g.wide():
		return 3
	case kw == 7:
		return 5
	}
	return 6
}

// dw emits the second kernel, a tile of u outputs of each of the runs. It takes groups of kw taps of neighbouring
// columns, of which a column is loaded once, for outputs s columns apart; with kw 0 each tap by itself.
func (g *i8) dw(u, kw, s int) {
	S := i8DW
	form := "dw"
	if kw > 0 {
		form = fmt.Sprintf("dw%ds%d", kw, s)
	}
	name := fmt.Sprintf("%s%s_%d", form, g.goName, u)
	g.i8Text(name, "dwArgs", fmt.Sprintf("// for x := range %d { for c := range channels {\n//\tdst[run][off+x*ds+c] = "+
		"store(bias[c] + sum over t < nt of from[x*fromStep+taps[t]][c] dot w[t][c])\n"+
		"// }}, of each run, nblk times, for nb blocks of channels\n", u),
		fmt.Sprintf("fam: famDW, mr: %d, kw: %d, sw: %d, dw: %s", u, kw, s, name))
	args := g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "from", "cfirst", "w", "cw", "bias", "cbias", "scale", "cscale", "off", "coff", "nb", "cb")
	g.Label("channels")
	g.copyFields(S, args, "cfirst", "cfrom", "nblk", "cblk")
	off := g.GP64()
	g.MOVQ(S.at(args, "coff"), off)
	g.Label("block")
	acc := g.dwStart(args, u)
	g.dwSum(args, acc, kw, s)
	g.dwStore(args, off, acc)
	step := g.GP64()
	g.MOVQ(S.at(args, "fromStep"), step)
	g.IMUL3Q(Imm(uint64(u)), step, step)
	g.ADDQ(step, S.at(args, "cfrom"))
	g.DECQ(S.at(args, "cblk"))
	g.JNZ(LabelRef("block"))
	t := g.GP64()
	g.MOVQ(S.at(args, "fromBlock"), t)
	g.ADDQ(t, S.at(args, "cfirst"))
	g.MOVQ(S.at(args, "channels"), t)
	g.ADDQ(t, S.at(args, "coff"))
	g.ADDQ(U32(4*g.bytes()), S.at(args, "cbias"))
	g.ADDQ(U32(4*g.bytes()), S.at(args, "cscale"))
	g.MOVQ(S.at(args, "nt"), t)
	g.IMUL3Q(U32(4*g.bytes()), t, t)
	g.ADDQ(t, S.at(args, "cw"))
	g.DECQ(S.at(args, "cb"))
	g.JNZ(LabelRef("channels"))
	g.VZEROUPPER()
	g.RET()
}

// dwStart begins the sums with the bias.
func (g *i8) dwStart(args Register, u int) (acc [][4]VecVirtual) {
	bias := g.GP64()
	g.MOVQ(i8DW.at(args, "cbias"), bias)
	acc = make([][4]VecVirtual, u)
	for x := range acc {
		for i := range acc[x] {
			acc[x][i] = g.vec()
			if x == 0 {
				g.loadVec(Mem{Base: bias, Disp: i * g.bytes()}, acc[x][i])
			} else {
				g.copyVec(acc[0][i], acc[x][i])
			}
		}
	}
	return acc
}

// dwSum adds the products of all taps, those of groups first.
func (g *i8) dwSum(args Register, acc [][4]VecVirtual, kw, s int) {
	S := i8DW
	from, step, step3, taps, nt, w := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(args, "fromStep"), step)
	g.LEAQ(Mem{Base: step, Index: step, Scale: 2}, step3)
	g.MOVQ(S.at(args, "taps"), taps)
	g.MOVQ(S.at(args, "nt"), nt)
	g.MOVQ(S.at(args, "cw"), w)
	if kw > 0 {
		groups := g.GP64()
		g.MOVQ(S.at(args, "groups"), groups)
		g.Label("group")
		g.MOVQ(Mem{Base: taps}, from)
		g.ADDQ(S.at(args, "cfrom"), from)
		g.dwGroup(from, w, acc, kw, s)
		g.ADDQ(Imm(uint64(8*kw)), taps)
		g.ADDQ(U32(4*g.bytes()*kw), w)
		g.SUBQ(Imm(uint64(kw)), nt)
		g.DECQ(groups)
		g.JNZ(LabelRef("group"))
		g.TESTQ(nt, nt)
		g.JZ(LabelRef("sum"))
	}
	g.Label("tap")
	g.MOVQ(Mem{Base: taps}, from)
	g.ADDQ(S.at(args, "cfrom"), from)
	at := []Mem{{Base: from}, {Base: from, Index: step, Scale: 1}, {Base: from, Index: step, Scale: 2},
		{Base: from, Index: step3, Scale: 1}}
	if len(acc) > 4 {
		far := g.GP64()
		g.LEAQ(Mem{Base: from, Index: step, Scale: 4}, far)
		at = append(at, Mem{Base: far}, Mem{Base: far, Index: step, Scale: 1})
	}
	for i := range 4 {
		wv := g.vec()
		g.loadVec(Mem{Base: w, Disp: i * g.bytes()}, wv)
		for x := range acc {
			m := at[x]
			m.Disp = i * g.bytes()
			if g.narrow() { // either factor may come from memory
				g.dot(m, wv, acc[x][i])
				continue
			}
			v := g.vec()
			g.loadVec(m, v)
			g.dot(wv, v, acc[x][i])
		}
	}
	g.ADDQ(Imm(8), taps)
	g.ADDQ(U32(4*g.bytes()), w)
	g.DECQ(nt)
	g.JNZ(LabelRef("tap"))
	g.Label("sum")
}

// dwGroup adds the products of kw taps of neighbouring columns.
func (g *i8) dwGroup(from, w Register, acc [][4]VecVirtual, kw, s int) {
	column := 4 * g.bytes()
	for i := range 4 {
		wv := make([]VecVirtual, kw)
		for x := range (len(acc)-1)*s + kw {
			if x < kw {
				wv[x] = g.vec()
				g.loadVec(Mem{Base: w, Disp: x*column + i*g.bytes()}, wv[x])
			}
			from0, to := max(0, (x-kw+s)/s), min(len(acc), x/s+1) // outputs that read the column
			if from0 >= to {
				continue
			}
			v := g.vec()
			g.loadVec(Mem{Base: from, Disp: x*column + i*g.bytes()}, v)
			for q := from0; q < to; q++ {
				g.dot(wv[x-q*s], v, acc[q][i])
			}
		}
	}
}

// dwStore requantises the sums and stores them.
func (g *i8) dwStore(args, off Register, acc [][4]VecVirtual) {
	S := i8DW
	scale, out, ds, runs := g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(args, "cscale"), scale)
	g.MOVQ(S.at(args, "out"), out)
	g.MOVQ(S.at(args, "ds"), ds)
	g.MOVQ(S.at(args, "runs"), runs)
	dst := make([]Register, g.vl/4)
	for r := range dst {
		dst[r] = g.GP64()
		m := S.at(args, "dst")
		m.Disp += 8 * r
		g.MOVQ(m, dst[r])
	}
	n := g.GP64()
	g.MOVQ(S.at(args, "mask"), n)
	var k Register
	if g.wide() {
		k = g.K()
		g.KMOVQ(n, k)
	}
	var scales [4]VecVirtual
	for j := range scales {
		scales[j] = g.vec()
		if g.wide() {
			g.loadVec(Mem{Base: scale, Disp: j * g.bytes()}, scales[j])
		}
	}
	for x := range acc {
		v := g.requantize(acc[x], func(j int) Op {
			if g.wide() {
				return scales[j]
			}
			return Mem{Base: scale, Disp: j * g.bytes()}
		}, out,
			&plain{S.at(args, "plain"), fmt.Sprint(x)})
		stored := fmt.Sprintf("stored%d", x)
		for r := 1; r <= len(dst); r *= 2 {
			other := fmt.Sprintf("runs%d_%d", x, 2*r)
			if r < len(dst) {
				g.CMPQ(runs, Imm(uint64(r)))
				g.JNE(LabelRef(other))
			}
			for i := range r {
				g.storeRun(v, i, r, dst[i], off, n, k, fmt.Sprintf("_%d_%d_%d", x, r, i))
			}
			if r < len(dst) {
				g.JMP(LabelRef(stored))
				g.Label(other)
			}
		}
		g.Label(stored)
		g.ADDQ(ds, off)
	}
}

// storeRun stores part r of a vector: the bytes of mask k, or the first n where there are no masks. A store through a
// mask takes twice the time of one without.
func (g *i8) storeRun(v VecVirtual, r, runs int, dst, off, n, k Register, sfx string) {
	m := Mem{Base: dst, Index: off, Scale: 1}
	if !g.wide() {
		g.storePart(v, r, runs, m, n, sfx)
		return
	}
	part, done := "part"+sfx, "done"+sfx
	g.BTQ(Imm(uint64(64/runs-1)), n) // whether the mask is full
	g.JCC(LabelRef(part))
	switch {
	case runs == 1:
		g.VMOVDQU8(v, m)
	case runs == 2 && r == 0:
		g.VMOVDQU8(v.AsY(), m)
	case runs == 2:
		g.VEXTRACTI64X4(Imm(1), v, m)
	case r == 0:
		g.VMOVDQU8(v.AsX(), m)
	default:
		g.VEXTRACTI32X4(Imm(uint64(r)), v, m)
	}
	g.JMP(LabelRef(done))
	g.Label(part)
	switch {
	case runs == 1:
		g.VMOVDQU8(v, k, m)
	case runs == 2 && r == 0:
		g.VMOVDQU8(v.AsY(), k, m)
	case runs == 2:
		t := g.YMM()
		g.VEXTRACTI64X4(Imm(1), v, t)
		g.VMOVDQU8(t, k, m)
	case r == 0:
		g.VMOVDQU8(v.AsX(), k, m)
	default:
		t := g.XMM()
		g.VEXTRACTI32X4(Imm(uint64(r)), v, t)
		g.VMOVDQU8(t, k, m)
	}
	g.Label(done)
}

// storePart stores the first n bytes of a register of 256 bits, or of half r of it: in full if that is all, else in
// pieces that halve.
func (g *i8) storePart(v VecVirtual, r, runs int, m Mem, n Register, sfx string) {
	full, done := "part"+sfx, "done"+sfx
	g.CMPQ(n, Imm(uint64(4*g.vl/runs)))
	g.JNE(LabelRef(full))
	switch {
	case runs == 1:
		g.VMOVDQU(v, m)
	case r == 0:
		g.VMOVDQU(v.AsX(), m)
	default:
		g.VEXTRACTI128(Imm(1), v, m)
	}
	g.JMP(LabelRef(done))
	g.Label(full)
	x, at := g.XMM(), g.GP64()
	g.LEAQ(m, at)
	if r == 0 {
		g.VMOVDQA(v.AsX(), x)
	} else {
		g.VEXTRACTI128(Imm(1), v, x)
	}
	if runs == 1 {
		g.piece(n, 16, sfx, func() {
			g.VMOVDQU(x, Mem{Base: at})
			g.ADDQ(Imm(16), at)
			g.VEXTRACTI128(Imm(1), v, x)
		})
	}
	g.storeBytes(x, at, n, sfx)
	g.Label(done)
}

// piece emits f, to run if n has the given bit.
func (g *i8) piece(n Register, bit uint64, sfx string, f func()) {
	l := fmt.Sprintf("no%d%s", bit, sfx)
	g.TESTQ(U32(bit), n)
	g.JZ(LabelRef(l))
	f()
	g.Label(l)
}

// storeBytes stores the first n & 15 bytes of x at address at; both are used up.
func (g *i8) storeBytes(x VecVirtual, at, n Register, sfx string) {
	g.piece(n, 8, sfx, func() {
		g.VMOVQ(x, Mem{Base: at})
		g.ADDQ(Imm(8), at)
		g.VPSRLDQ(Imm(8), x, x)
	})
	g.piece(n, 4, sfx, func() {
		g.VMOVD(x, Mem{Base: at})
		g.ADDQ(Imm(4), at)
		g.VPSRLDQ(Imm(4), x, x)
	})
	g.piece(n, 2, sfx, func() {
		g.VPEXTRW(Imm(0), x, Mem{Base: at})
		g.ADDQ(Imm(2), at)
		g.VPSRLDQ(Imm(2), x, x)
	})
	g.piece(n, 1, sfx, func() { g.VPEXTRB(Imm(0), x, Mem{Base: at}) })
}
