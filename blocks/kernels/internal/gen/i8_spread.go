package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// spreadRows is the number of rows of which a lane holds a value.
func (g *i8) spreadRows() int {
	if g.narrow() {
		return 2
	}
	return 4
}

// spread emits the first kernel. Each row of a vector of the output comes from several runs of pixels, one above the
// other in a vector, so that few channels fill it.
func (g *i8) spread(runs int) {
	S, rows := i8Spread, g.spreadRows()
	name := fmt.Sprintf("spread%s_%d", g.goName, runs)
	g.i8Text(name, "spreadArgs", fmt.Sprintf("// for x := range n { for c := range %d {\n"+
		"//\tto[x][c] = the values of tab[r*%d+run][off+x*step+c], r < %d, of each run\n// }}, for nb blocks of channels\n",
		4*g.vl/runs, runs, rows),
		fmt.Sprintf("fam: famSpread, runs: %d, spread: %s", runs, name))
	args, tab, off, step, n, to := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "off", "coff", "to", "cto", "nb", "cb")
	g.MOVQ(S.at(args, "tab"), tab)
	g.MOVQ(S.at(args, "step"), step)
	var zero VecVirtual
	if g.narrow() {
		zero = g.vec()
		g.zeroInts(zero)
	}
	var p []Register // where they suffice, registers hold the table
	if rows*runs <= 8 {
		for i := range rows * runs {
			r := g.GP64()
			g.MOVQ(Mem{Base: tab, Disp: 8 * i}, r)
			p = append(p, r)
		}
	}
	g.Label("block")
	g.MOVQ(S.at(args, "coff"), off)
	g.MOVQ(S.at(args, "cto"), to)
	g.MOVQ(S.at(args, "n"), n)
	g.Label("loop")
	x := make([]VecVirtual, rows)
	for r := range x {
		x[r] = g.vec()
		for run := range runs {
			var q Register
			if p != nil {
				q = p[r*runs+run]
			} else {
				q = g.GP64()
				g.MOVQ(Mem{Base: tab, Disp: 8 * (r*runs + run)}, q)
			}
			g.loadRun(x[r], run, runs, Mem{Base: q, Index: off, Scale: 1})
		}
	}
	for i, v := range g.lanes(x, zero) {
		g.storeVec(v, Mem{Base: to, Disp: i * g.bytes()})
	}
	g.ADDQ(step, off)
	g.ADDQ(U32(4*g.bytes()), to)
	g.DECQ(n)
	g.JNZ(LabelRef("loop"))
	g.ADDQ(U32(4*g.vl/runs), S.at(args, "coff"))
	t := g.GP64()
	g.MOVQ(S.at(args, "toStep"), t)
	g.ADDQ(t, S.at(args, "cto"))
	g.DECQ(S.at(args, "cb"))
	g.JNZ(LabelRef("block"))
	g.VZEROUPPER()
	g.RET()
}

// loadRun loads a part of a vector from memory.
func (g *i8) loadRun(v VecVirtual, run, runs int, m Mem) {
	switch {
	case runs == 1:
		g.loadVec(m, v)
	case g.wide() && runs == 2 && run == 0:
		g.VMOVDQU(m, v.AsY())
	case g.wide() && runs == 2:
		g.VINSERTI64X4(Imm(1), m, v, v)
	case run == 0:
		g.VMOVDQU(m, v.AsX())
	case g.wide():
		g.VINSERTI32X4(Imm(uint64(run)), m, v, v)
	default:
		g.VINSERTI128(Imm(1), m, v, v)
	}
}

// lanes turns rows of bytes into four vectors of lanes. In each part of 128 bits, vector i has channels 4i to 4i+3.
func (g *i8) lanes(x []VecVirtual, zero VecVirtual) []VecVirtual {
	v := make([]VecVirtual, 4)
	for i := range v {
		v[i] = g.vec()
	}
	low, high := g.vec(), g.vec()
	g.VPUNPCKLBW(x[1], x[0], low)
	g.VPUNPCKHBW(x[1], x[0], high)
	if g.narrow() {
		g.VPUNPCKLBW(zero, low, v[0])
		g.VPUNPCKHBW(zero, low, v[1])
		g.VPUNPCKLBW(zero, high, v[2])
		g.VPUNPCKHBW(zero, high, v[3])
		return v
	}
	low2, high2 := g.vec(), g.vec()
	g.VPUNPCKLBW(x[3], x[2], low2)
	g.VPUNPCKHBW(x[3], x[2], high2)
	g.VPUNPCKLWD(low2, low, v[0])
	g.VPUNPCKHWD(low2, low, v[1])
	g.VPUNPCKLWD(high2, high, v[2])
	g.VPUNPCKHWD(high2, high, v[3])
	return v
}
