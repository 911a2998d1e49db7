package main

import "fmt"

// The registers of the kernels that go over tiles and channels.
const (
	// For all tiles.
	tapOff, tapDst, tapTiles, tapOffStep, tapDstStep, tapWcs, tapDs xreg = 1, 2, 3, 4, 5, 6, 7

	tapO, tapD, tapW, tapBias, tapN, tapSeen  xreg = 8, 9, 10, 11, 12, 13   // of the channels at hand
	tapTab, tapNy, tapWp, tapP0, tapP1, tapTo xreg = 14, 15, 16, 17, 19, 20 // for the body
	tapTmp                                    xreg = 21
)

func (g *neon) depthwise() {
	for u := 1; u <= 8; u++ {
		g.dw(0, 0, u)
	}
	for _, kw := range []int{3, 5, 7} {
		for s := 1; s <= 2; s++ {
			for u := 1; u <= 8; u++ {
				g.dw(kw, s, u)
			}
		}
	}
}

// tiles wraps a tap kernel: the loop over tiles, and in it the loop over
// channels, so many at a time. body computes width channels at byte tapO of the
// inputs.
func (g *neon) tiles(weights bool, widths []int, body func(width int, sfx string)) {
	in := map[string]xreg{"off": tapOff, "dst": tapDst, "nt": tapTiles, "offStep": tapOffStep, "dstStep": tapDstStep}
	if weights {
		in["wcs"], in["ds"] = tapWcs, tapDs
	}
	g.fields(tapArgs, in)
	if weights {
		g.op("SUB", 64, tapWcs)
	}
	g.label("tile")
	g.op("MOVD", tapOff, tapO)
	g.op("MOVD", tapDst, tapD)
	in = map[string]xreg{"w": tapW, "n": tapN}
	if weights {
		in["bias"] = tapBias
		g.op("MOVD", "ZR", tapSeen)
	}
	g.fields(tapArgs, in)
	g.downTo(tapN, "chan", widths, func(width int, sfx string) {
		body(width, sfx)
		g.op("ADD", 4*width, tapO)
		g.op("ADD", 4*width, tapD)
		if !weights {
			return
		}
		g.op("ADD", 4*width, tapBias)
		g.op("ADD", 4*width, tapW)
		if width == 8 { // two of them make a panel; what follows them stays in one
			g.op("ADD", 4*width, tapSeen)
			g.op("TST", 63, tapSeen)
			g.op("BNE", sfx+"same")
			g.op("ADD", tapWcs, tapW)
			g.label(sfx + "same")
		}
	})
	g.op("ADD", tapOffStep, tapOff)
	g.op("ADD", tapDstStep, tapDst)
	g.op("SUBS", 1, tapTiles)
	g.op("BNE", "tile")
	g.ret()
}

// dw emits a depthwise tile of u neighbouring outputs, kw taps a row, stride s;
// with kw 0 for any kernel: a pointer for each tap and output. Eight channels
// at a time share a pointer.
func (g *neon) dw(kw, s, u int) {
	g.text(neonISA.dwKernel(kw, s, u), 0)
	cols := u
	if kw > 0 {
		cols = (u-1)*s + kw
	}
	steps := max(kw, 1) // taps, and weights, of a turn of the loop
	g.tiles(true, []int{8, 4, 1}, func(width int, sfx string) {
		nv := (width + 7) / 8
		if width == 8 {
			nv = 2
		}
		// Registers: sums, weights, the rest for inputs in turns.
		acc := func(x int) []vreg { return []vreg{vreg(x * nv), vreg(x*nv + nv - 1)} }
		wv := func(k int) []vreg { return []vreg{vreg((u + k) * nv), vreg((u+k)*nv + nv - 1)} }
		used := (u + steps) * nv
		turns, turn := (32-used)/nv, 0
		g.load(width, tapBias, 0, acc(0)...)
		for x := 1; x < u; x++ {
			for j := range nv {
				g.move(acc(x)[j], acc(0)[j])
			}
		}
		g.fields(tapArgs, map[string]xreg{"tab": tapTab, "ny": tapNy})
		g.op("MOVD", tapW, tapWp)
		g.op("CBZ", tapNy, sfx+"sum")
		g.label(sfx + "row")
		pointers := []xreg{tapP0, tapP1}
		for x := range cols {
			if x < steps {
				g.load(width, tapWp, 64*x, wv(x)...)
			}
			if x%2 == 0 && x+1 < cols {
				g.op("LDP", mem(tapTab, 8*x), fmt.Sprintf("(%v, %v)", tapP0, tapP1))
			} else if x%2 == 0 {
				g.op("MOVD", mem(tapTab, 8*x), tapP0)
			}
			p := pointers[x%2]
			g.op("ADD", tapO, p)
			v := []vreg{vreg(used + turn*nv), vreg(used + turn*nv + nv - 1)}
			turn = (turn + 1) % turns
			g.load(width, p, 0, v...)
			for q := range u {
				kx := x - q*s
				if kw == 0 && q == x {
					kx = 0
				} else if kw == 0 {
					continue
				}
				if kx >= 0 && kx < steps {
					for j := range nv {
						g.fmla(acc(q)[j], v[j], wv(kx)[j])
					}
				}
			}
		}
		g.op("ADD", 8*cols, tapTab)
		g.op("ADD", 64*steps, tapWp)
		g.op("SUBS", 1, tapNy)
		g.op("BNE", sfx+"row")
		g.label(sfx + "sum")
		lo, hi := vreg(u*nv), vreg(u*nv+1) // over weights and inputs
		g.bounds(tapArgs, tapTmp, lo, hi)
		g.op("MOVD", tapD, tapTo)
		for x := range u {
			for j := range nv {
				g.clamp(acc(x)[j], lo, hi)
			}
			g.store(width, tapTo, 0, acc(x)...)
			if x < u-1 {
				g.op("ADD", tapDs, tapTo)
			}
		}
	})
}

// taps emits the kernels of one output pixel from any number of taps.
func (g *neon) taps() {
	g.tap("maxtap", "tapMax", "dst[c] = maximum of lo and tab[t][off+c]", opFMAX)
	g.tap("blendtap", "tapBlend", "dst[c] = sum of tab[t][off+c]*w[t]", opFMLA)
}

func (g *neon) tap(op, row, sum string, code uint32) {
	g.text(neonISA.tapKernel(op, row, sum), 0)
	const acc, in, weight vreg = 0, 4, 8
	g.tiles(false, []int{16, 4, 1}, func(width int, sfx string) {
		nv := vreg((width + 3) / 4)
		if code == opFMAX {
			g.op("ADD", tapArgs.off("lo"), args, tapTmp)
			g.op("VLD1R", mem(tapTmp, 0), acc.list(1))
			for j := vreg(1); j < nv; j++ {
				g.move(acc+j, acc)
			}
		} else {
			for j := range nv {
				g.zero(acc + j)
			}
		}
		g.fields(tapArgs, map[string]xreg{"tab": tapTab, "ny": tapNy})
		g.op("MOVD", tapW, tapWp)
		g.op("CBZ", tapNy, sfx+"sum")
		g.label(sfx + "tap")
		g.op("MOVD.P", mem(tapTab, 8), tapP0)
		g.op("ADD", tapO, tapP0)
		g.loadNext(width, tapP0, in)
		if code == opFMLA {
			g.op("VLD1R.P", mem(tapWp, 4), weight.list(1))
		}
		for j := range nv {
			if code == opFMLA {
				g.fmla(acc+j, in+j, weight)
			} else {
				g.three(code, acc+j, acc+j, in+j)
			}
		}
		g.op("SUBS", 1, tapNy)
		g.op("BNE", sfx+"tap")
		g.label(sfx + "sum")
		g.op("MOVD", tapD, tapTo)
		g.storeNext(width, tapTo, acc)
	})
}
