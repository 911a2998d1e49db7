package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// pairs emits the depthwise kernels of two output rows. An input vector of a 3x3
// kernel serves up to six outputs instead of three, the second level of cache is
// read for four rows instead of six, and columns stand at a constant distance, so
// that they need no pointers. AVX-512, with registers for wider tiles, goes
// without them.
func (g *generator) pairs() {
	if g.wide() {
		return
	}
	for s := 1; s <= 2; s++ {
		for u := 1; u <= 4; u++ {
			g.pair(3, s, u)
		}
	}
	for u := 1; u <= 4; u++ {
		g.pair(5, 1, u)
	}
}

// pair emits a depthwise tile of two rows of u neighbouring outputs, kw x kw
// taps, stride s. Every row is a tile at the left end, if there is one, then the
// inner ones, then the one at the right end.
func (g *generator) pair(kw, s, u int) {
	g.text(g.pairKernel(kw, s, u))
	S := pairArgs
	args := g.GP64()
	g.Load(g.Param("a"), args)
	g.copyFields(S, args, "off", "coff", "dst", "cdst", "nt", "ct")
	cs, cs3, tab := g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(args, "tab"), tab)
	g.MOVQ(S.at(args, "cs"), cs)
	g.LEAQ(Mem{Base: cs, Index: cs, Scale: 2}, cs3)
	t := pairTile{generator: g, args: args, cs: cs, cs3: cs3, tab: tab, kw: kw, s: s, u: u}

	g.CMPQ(S.at(args, "left"), Imm(0))
	g.JE(LabelRef("inner"))
	t.from, t.to, t.sfx = kw/2, t.cols(), "Left"
	t.channels()
	g.Label("inner")
	g.CMPQ(S.at(args, "ct"), Imm(0))
	g.JE(LabelRef("right"))
	g.Label("tile")
	t.from, t.to, t.sfx = 0, t.cols(), "Inner"
	t.channels()
	g.DECQ(S.at(args, "ct"))
	g.JNZ(LabelRef("tile"))
	g.Label("right")
	g.CMPQ(S.at(args, "right"), Imm(0))
	g.JE(LabelRef("end"))
	t.from, t.to, t.sfx = 0, t.cols()-kw/2, "Right"
	t.channels()
	g.Label("end")
	g.VZEROUPPER()
	g.RET()
}

// pairTile is a tile of which the columns from .. to lie in the map.
type pairTile struct {
	*generator
	args, cs, cs3, tab Register
	kw, s, u           int
	from, to           int
	sfx                string
}

func (t *pairTile) cols() int { return (t.u-1)*t.s + t.kw }

// channels emits the loop over channels, and moves on to the next tile.
func (t *pairTile) channels() {
	g, S := t.generator, pairArgs
	o, d, w, bias, n := g.GP64(), g.GP64(), g.GP64(), g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "coff"), o)
	g.MOVQ(S.at(t.args, "cdst"), d)
	g.MOVQ(S.at(t.args, "w"), w)
	g.MOVQ(S.at(t.args, "bias"), bias)
	g.MOVQ(S.at(t.args, "n"), n)
	sfx := t.sfx
	g.SUBQ(Imm(uint64(g.vl)), n)
	g.JLT(LabelRef("rest" + sfx))
	g.Label("chan" + sfx)
	t.body(o, d, w, bias, nil)
	step := Imm(uint64(g.bytes()))
	g.ADDQ(step, o)
	g.ADDQ(step, d)
	g.ADDQ(step, bias)
	// Packed weights are 64-byte aligned panels of two vectors.
	g.XORQ(Imm(32), w)
	g.TESTQ(U32(32), w)
	g.JNZ(LabelRef("second" + sfx))
	g.ADDQ(S.at(t.args, "wcs"), w)
	g.Label("second" + sfx)
	g.SUBQ(Imm(uint64(g.vl)), n)
	g.JGE(LabelRef("chan" + sfx))
	g.Label("rest" + sfx)
	g.ADDQ(Imm(uint64(g.vl)), n)
	g.JZ(LabelRef("done" + sfx))
	k := g.loadMask(t.args, S)
	t.sfx += "Tail"
	t.body(o, d, w, bias, k)
	t.sfx = sfx
	g.Label("done" + sfx)
	m := g.GP64()
	g.MOVQ(S.at(t.args, "offStep"), m)
	g.ADDQ(m, S.at(t.args, "coff"))
	g.MOVQ(S.at(t.args, "dstStep"), m)
	g.ADDQ(m, S.at(t.args, "cdst"))
}

// body emits the tile for a vector of channels. Input row i is tap row i of the
// upper outputs and tap row i-s of the lower ones; the first and the last may
// lie outside the map.
func (t *pairTile) body(o, d, w, bias Register, k *mask) {
	g, S := t.generator, pairArgs
	both := g.start(2*t.u, Mem{Base: bias})
	acc := [2][]VecVirtual{both[:t.u], both[t.u:]}
	weights := map[int][]VecVirtual{} // rows of taps in registers
	steps, rows := t.steps(), t.s+t.kw
	for at, step := range steps {
		t.fetch(weights, w, steps[at:])
		i := step.row
		skip := fmt.Sprint("step", at, t.sfx)
		if i < t.kw/2 {
			g.CMPQ(S.at(t.args, "first"), Imm(uint64(i)))
			g.JGT(LabelRef(skip))
		} else if i >= rows-t.kw/2 {
			g.CMPQ(S.at(t.args, "last"), Imm(uint64(i)))
			g.JLE(LabelRef(skip))
		}
		p := g.GP64()
		g.MOVQ(Mem{Base: t.tab, Disp: 8 * i}, p)
		g.ADDQ(o, p)
		for x := range t.to {
			// Columns x-x%4 to x-x%4+3 lie at 0 to 3 times cs from p.
			if x > 0 && x%4 == 0 {
				g.LEAQ(Mem{Base: p, Index: t.cs, Scale: 4}, p)
			}
			if x < t.from {
				continue
			}
			m := [4]Mem{
				{Base: p},
				{Base: p, Index: t.cs, Scale: 1},
				{Base: p, Index: t.cs, Scale: 2},
				{Base: p, Index: t.cs3, Scale: 1},
			}[x%4]
			var sums, taps []VecVirtual
			for _, y := range step.to {
				for q := range t.u {
					if kx := x - q*t.s; kx >= 0 && kx < t.kw {
						sums, taps = append(sums, acc[y][q]), append(taps, weights[i-y*t.s][kx])
					}
				}
			}
			if k == nil && len(sums) == 1 {
				g.VFMADD231PS(m, taps[0], sums[0])
				continue
			}
			v := g.vec()
			g.load(m, v, k)
			for j := range sums {
				g.VFMADD231PS(taps[j], v, sums[j])
			}
		}
		if i < t.kw/2 || i >= rows-t.kw/2 {
			g.Label(skip)
		}
	}
	ds, to := g.GP64(), g.GP64()
	g.MOVQ(S.at(t.args, "ds"), ds)
	store := func(clamp func(v VecVirtual)) {
		g.MOVQ(d, to)
		for j, v := range both {
			if j == t.u {
				g.MOVQ(d, to)
				g.ADDQ(S.at(t.args, "drow"), to)
			} else if j > 0 {
				g.ADDQ(ds, to)
			}
			clamp(v)
			g.store(v, Mem{Base: to}, k)
		}
	}
	g.CMPQ(S.at(t.args, "clamp"), Imm(0))
	g.JE(LabelRef("plain" + t.sfx))
	lo, hi := g.bounds(t.args, S)
	store(func(v VecVirtual) { g.clamp(v, lo, hi) })
	g.JMP(LabelRef("stored" + t.sfx))
	g.Label("plain" + t.sfx)
	store(func(VecVirtual) {})
	g.Label("stored" + t.sfx)
}

// pairStep is an input row and those of the two output rows that take it.
type pairStep struct {
	row int
	to  []int
}

// steps are the input rows in the order in which they are taken. A row of three
// taps is loaded once for both outputs; for two rows of more taps there are not
// the registers, and the outputs go abreast with the same taps, the first level
// of cache between them.
func (t *pairTile) steps() (list []pairStep) {
	if t.kw > 3 {
		for ky := range t.kw {
			list = append(list, pairStep{ky, []int{0}}, pairStep{ky + t.s, []int{1}})
		}
		return list
	}
	for i := range t.s + t.kw {
		p := pairStep{row: i}
		for y := range 2 {
			if ky := i - y*t.s; ky >= 0 && ky < t.kw {
				p.to = append(p.to, y)
			}
		}
		list = append(list, p)
	}
	return list
}

// fetch loads the rows of taps for the first of steps that are not in registers,
// in place of those that are needed last.
func (t *pairTile) fetch(weights map[int][]VecVirtual, w Register, steps []pairStep) {
	most := 2
	if t.kw > 3 {
		most = 1
	}
	use := func(ky int) int {
		for at, step := range steps {
			for _, y := range step.to {
				if step.row-y*t.s == ky {
					return at
				}
			}
		}
		return len(steps)
	}
	for _, y := range steps[0].to {
		ky := steps[0].row - y*t.s
		if weights[ky] != nil {
			continue
		}
		for len(weights) >= most {
			out := -1
			for r := range t.kw {
				if weights[r] != nil && (out < 0 || use(r) > use(out)) {
					out = r
				}
			}
			delete(weights, out)
		}
		for kx := range t.kw {
			v := t.vec()
			t.VMOVUPS(Mem{Base: w, Disp: 64 * (ky*t.kw + kx)}, v)
			weights[ky] = append(weights[ky], v)
		}
	}
}
