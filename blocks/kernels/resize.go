package kernels

// Resize is the geometry of a bilinear or nearest resize of one feature map.
type Resize struct {
	H, W, C int
	OH, OW  int
	// AlignCorners puts the centres of the corner pixels of both maps on each
	// other; otherwise the corners of the maps (half-pixel centres).
	AlignCorners bool
}

// Need is the scratch of Bilinear.
func (g *Resize) Need() Need { return Need{Ptrs: 4, Floats: 4} }

// source returns the two neighbours of output i and the weight of the second.
func source(i, in, out int, corners bool) (a, b int, t float32) {
	var f float64
	if corners {
		if out > 1 {
			f = float64(i) * float64(in-1) / float64(out-1)
		}
	} else {
		f = (float64(i)+0.5)*float64(in)/float64(out) - 0.5
	}
	f = min(max(f, 0), float64(in-1))
	a = int(f)
	return a, min(a+1, in-1), float32(f - float64(a))
}

// Bilinear computes the range r of the output. A value is the sum over the four
// neighbours, in row order, of value times weight.
func (s *Set) Bilinear(g *Resize, dst, src View, r Range, sc *Scratch) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	dst.check(r.Y0, r.Y1, g.OW, g.C)
	ya, _, _ := source(r.Y0, g.H, g.OH, g.AlignCorners)
	_, yb, _ := source(r.Y1-1, g.H, g.OH, g.AlignCorners)
	src.check(ya, yb+1, g.W, g.C)
	a := &sc.dw
	a.lo, a.hi, _ = None.clamp()
	a.setChannels(r.N1 - r.N0)
	a.bias = nil
	a.ny = 4
	tab, w := sc.ptrs[:4], sc.buf[:4]
	a.tab, a.w = &tab[0], &w[0]
	for y := r.Y0; y < r.Y1; y++ {
		y0, y1, ty := source(y, g.H, g.OH, g.AlignCorners)
		top, bottom := at(src.base(y0), r.N0), at(src.base(y1), r.N0)
		for x := range g.OW {
			x0, x1, tx := source(x, g.W, g.OW, g.AlignCorners)
			tab[0], tab[1] = at(top, x0*src.Pix), at(top, x1*src.Pix)
			tab[2], tab[3] = at(bottom, x0*src.Pix), at(bottom, x1*src.Pix)
			w[0], w[1] = (1-ty)*(1-tx), (1-ty)*tx
			w[2], w[3] = ty*(1-tx), ty*tx
			a.dst = at(dst.base(y), x*dst.Pix+r.N0)
			a.nt, a.off = 1, 0
			s.tap[tapBlend](a)
		}
	}
}

// Nearest computes the range r of the output: each value is that of input pixel
// floor(y*H/OH), floor(x*W/OW).
func (s *Set) Nearest(g *Resize, dst, src View, r Range) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	dst.check(r.Y0, r.Y1, g.OW, g.C)
	src.check(r.Y0*g.H/g.OH, (r.Y1-1)*g.H/g.OH+1, g.W, g.C)
	n := r.N1 - r.N0
	for y := r.Y0; y < r.Y1; y++ {
		d := dst.Data[dst.index(y)+r.N0:]
		a := src.Data[src.index(y*g.H/g.OH)+r.N0:]
		for x := range g.OW {
			copy(d[x*dst.Pix:][:n], a[x*g.W/g.OW*src.Pix:])
		}
	}
}

// BlendNeed is the scratch of Blend for so many taps.
func BlendNeed(taps int) Need { return Need{Ptrs: taps} }

// Taps returns n pointers for Blend, to be filled in.
func (s *Scratch) Taps(n int) []*float32 { return s.ptrs[:n] }

// Blend computes dst = sum over i of weights[i] times the values from taps[i] on, in order.
// taps come from sc.Taps; at least one is needed.
func (s *Set) Blend(dst []float32, taps []*float32, weights []float32, sc *Scratch) {
	a := &sc.dw
	a.lo, a.hi, _ = None.clamp()
	a.setChannels(len(dst))
	a.bias, a.ny = nil, len(taps)
	a.tab, a.w, a.dst = &taps[0], &weights[:len(taps)][0], &dst[0]
	a.nt, a.off = 1, 0
	s.tap[tapBlend](a)
}
