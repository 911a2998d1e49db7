package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func (g *generator) depthwise() {
	for u := 1; u <= 8; u++ {
		g.dwAny(u)
	}
	for _, kw := range []int{3, 5, 7} {
		for s := 1; s <= 2; s++ {
			for u := 1; u <= 8; u++ {
				// Stride 2 shares few columns between outputs: half as many
				// pointers count for more than wide tiles.
				vecs := 1
				if !g.wide() && kw == 3 && s == 2 {
					vecs = 2
				}
				if !g.wide() && (kw+u)*vecs > 14 {
					continue
				}
				g.dw(kw, s, u, vecs)
			}
		}
	}
}

// tiles wraps a tap kernel: the loop over tiles, and in it the loop over
// channels, complete vectors first. body emits u vectors of channels at byte o
// of the inputs and weights w; many > 1 makes it take that many at a time.
func (g *generator) tiles(weights bool, many int, body func(args, o, d, w, bias Register, u int, k *mask, sfx string)) {
	S := tapArgs
	args := g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "off", "coff", "dst", "cdst", "nt", "ct")
	g.Label("tile")
	o, d, w, bias, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(args, "coff"), o)
	g.MOVQ(S.at(args, "cdst"), d)
	g.MOVQ(S.at(args, "w"), w)
	if weights {
		g.MOVQ(S.at(args, "bias"), bias)
	}
	g.MOVQ(S.at(args, "n"), n)
	// loop takes u vectors while they last; n stays short by what is left.
	loop := func(u int, label, end string) {
		step := U32(u * g.vl)
		g.SUBQ(step, n)
		g.JLT(LabelRef(end))
		g.Label(label)
		body(args, o, d, w, bias, u, nil, label)
		step = U32(u * g.bytes())
		g.ADDQ(step, o)
		g.ADDQ(step, d)
		if weights {
			g.ADDQ(step, bias)
			if u*g.vl == 16 {
				g.ADDQ(S.at(args, "wcs"), w)
			} else {
				// Packed weights are 64-byte aligned panels of two vectors.
				g.XORQ(Imm(32), w)
				g.TESTQ(U32(32), w)
				g.JNZ(LabelRef("second"))
				g.ADDQ(S.at(args, "wcs"), w)
				g.Label("second")
			}
		}
		g.SUBQ(U32(u*g.vl), n)
		g.JGE(LabelRef(label))
		g.Label(end)
		g.ADDQ(U32(u*g.vl), n)
	}
	if many > 1 {
		loop(many, "many", "few")
	}
	loop(1, "chan", "rest")
	g.JZ(LabelRef("done"))
	k := g.loadMask(args, S)
	body(args, o, d, w, bias, 1, k, "Tail")
	g.Label("done")
	t := g.GP64()
	g.MOVQ(S.at(args, "offStep"), t)
	g.ADDQ(t, S.at(args, "coff"))
	g.MOVQ(S.at(args, "dstStep"), t)
	g.ADDQ(t, S.at(args, "cdst"))
	g.DECQ(S.at(args, "ct"))
	g.JNZ(LabelRef("tile"))
	g.VZEROUPPER()
	g.RET()
}

// dw emits a depthwise tile of u neighbouring outputs, kw taps a row, stride s,
// that takes vecs vectors of channels at a time while they last.
func (g *generator) dw(kw, s, u, vecs int) {
	g.text(g.dwKernel(kw, s, u))
	cols := (u-1)*s + kw
	S := tapArgs
	g.tiles(true, vecs, func(args, o, d, w, bias Register, vecs int, k *mask, sfx string) {
		acc := make([][]VecVirtual, vecs)
		for j := range acc {
			acc[j] = g.start(u, Mem{Base: bias, Disp: j * g.bytes()})
		}
		tab, ny, wp := g.GP64(), g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "tab"), tab)
		g.MOVQ(S.at(args, "ny"), ny)
		g.MOVQ(w, wp)
		g.TESTQ(ny, ny)
		g.JZ(LabelRef("sum" + sfx))
		g.Label("ky" + sfx)
		wv := make([][]VecVirtual, vecs)
		for j := range wv {
			wv[j] = make([]VecVirtual, kw)
		}
		for x := range cols {
			if x < kw {
				for j := range wv {
					wv[j][x] = g.vec()
					g.VMOVUPS(Mem{Base: wp, Disp: 64*x + j*g.bytes()}, wv[j][x])
				}
			}
			p := g.GP64()
			g.MOVQ(Mem{Base: tab, Disp: 8 * x}, p)
			// Outputs from to to-1 read the column.
			from, to := max(0, (x-kw+s)/s), min(u, x/s+1)
			for j := range acc {
				m := Mem{Base: p, Index: o, Scale: 1, Disp: j * g.bytes()}
				if !g.wide() && k == nil && to-from == 1 {
					g.VFMADD231PS(m, wv[j][x-from*s], acc[j][from])
					continue
				}
				v := g.vec()
				g.load(m, v, k)
				for q := from; q < to; q++ {
					g.VFMADD231PS(wv[j][x-q*s], v, acc[j][q])
				}
			}
		}
		g.ADDQ(U32(8*cols), tab)
		g.ADDQ(U32(64*kw), wp)
		g.DECQ(ny)
		g.JNZ(LabelRef("ky" + sfx))
		g.Label("sum" + sfx)
		g.finish(args, acc, d, k)
	})
}

// dwAny emits a depthwise tile of u outputs for any kernel: a pointer for each
// tap and output.
func (g *generator) dwAny(u int) {
	g.text(g.dwKernel(0, 0, u))
	S := tapArgs
	g.tiles(true, 1, func(args, o, d, w, bias Register, _ int, k *mask, sfx string) {
		acc := g.start(u, Mem{Base: bias})
		tab, ny, wp := g.GP64(), g.GP64(), g.GP64()
		g.MOVQ(S.at(args, "tab"), tab)
		g.MOVQ(S.at(args, "ny"), ny)
		g.MOVQ(w, wp)
		g.TESTQ(ny, ny)
		g.JZ(LabelRef("sum" + sfx))
		g.Label("tap" + sfx)
		wv := g.vec()
		g.VMOVUPS(Mem{Base: wp}, wv)
		for x := range acc {
			p := g.GP64()
			g.MOVQ(Mem{Base: tab, Disp: 8 * x}, p)
			m := Mem{Base: p, Index: o, Scale: 1}
			if k == nil {
				g.VFMADD231PS(m, wv, acc[x])
				continue
			}
			v := g.vec()
			g.load(m, v, k)
			g.VFMADD231PS(v, wv, acc[x])
		}
		g.ADDQ(Imm(uint64(8*u)), tab)
		g.ADDQ(Imm(64), wp)
		g.DECQ(ny)
		g.JNZ(LabelRef("tap" + sfx))
		g.Label("sum" + sfx)
		g.finish(args, [][]VecVirtual{acc}, d, k)
	})
}

// start returns u sums that begin with the bias.
func (g *generator) start(u int, bias Mem) []VecVirtual {
	acc := make([]VecVirtual, u)
	for x := range acc {
		acc[x] = g.vec()
		if x == 0 {
			g.VMOVUPS(bias, acc[x])
		} else {
			g.VMOVAPS(acc[0], acc[x])
		}
	}
	return acc
}

// finish clamps and stores the sums of neighbouring outputs, acc[vector][output].
func (g *generator) finish(args Register, acc [][]VecVirtual, d Register, k *mask) {
	lo, hi := g.bounds(args, tapArgs)
	ds, to := g.GP64(), g.GP64()
	g.MOVQ(tapArgs.at(args, "ds"), ds)
	g.MOVQ(d, to)
	for x := range acc[0] {
		for j := range acc {
			g.clamp(acc[j][x], lo, hi)
			g.store(acc[j][x], Mem{Base: to, Disp: j * g.bytes()}, k)
		}
		if x < len(acc[0])-1 {
			g.ADDQ(ds, to)
		}
	}
}

// taps emits the kernels of one output pixel from any number of taps.
func (g *generator) taps() {
	kernel := func(op, row, sum string, start func(args Register, acc VecVirtual),
		each func(w, t Register) func(v, acc VecVirtual)) {
		g.text(g.tapKernel(op, row, sum))
		g.tiles(false, 4, func(args, o, d, w, _ Register, u int, k *mask, sfx string) {
			acc := make([]VecVirtual, u)
			for j := range acc {
				acc[j] = g.vec()
				start(args, acc[j])
			}
			tab, ny, t, p := g.GP64(), g.GP64(), g.GP64(), g.GP64()
			g.MOVQ(tapArgs.at(args, "tab"), tab)
			g.MOVQ(tapArgs.at(args, "ny"), ny)
			g.XORQ(t, t)
			g.TESTQ(ny, ny)
			g.JZ(LabelRef("sum" + sfx))
			g.Label("tap" + sfx)
			g.MOVQ(Mem{Base: tab, Index: t, Scale: 8}, p)
			f := each(w, t)
			for j := range acc {
				v := g.vec()
				g.load(Mem{Base: p, Index: o, Scale: 1, Disp: j * g.bytes()}, v, k)
				f(v, acc[j])
			}
			g.INCQ(t)
			g.CMPQ(t, ny)
			g.JLT(LabelRef("tap" + sfx))
			g.Label("sum" + sfx)
			for j := range acc {
				g.store(acc[j], Mem{Base: d, Disp: j * g.bytes()}, k)
			}
		})
	}
	kernel("maxtap", "tapMax", "dst[c] = maximum of lo and tab[t][off+c]",
		func(args Register, acc VecVirtual) { g.VBROADCASTSS(tapArgs.at(args, "lo"), acc) },
		func(_, _ Register) func(v, acc VecVirtual) {
			// The instruction gives its second operand if either is NaN: both
			// orders together hide none.
			return func(v, acc VecVirtual) {
				t := g.vec()
				g.VMAXPS(v, acc, t)
				g.VMAXPS(acc, v, acc)
				if g.wide() {
					g.VPORD(t, acc, acc)
				} else {
					g.VORPS(t, acc, acc)
				}
			}
		})
	kernel("blendtap", "tapBlend", "dst[c] = sum of tab[t][off+c]*w[t]",
		func(_ Register, acc VecVirtual) { g.zero(acc) },
		func(w, t Register) func(v, acc VecVirtual) {
			f := g.vec()
			g.VBROADCASTSS(Mem{Base: w, Index: t, Scale: 4}, f)
			return func(v, acc VecVirtual) { g.VFMADD231PS(f, v, acc) }
		})
}
