package kernels

// Map is the size of the maps of an elementwise driver: rows of W pixels of C
// channels. The drivers work on rows Y0 to Y1 of all C channels; for some of
// the channels pass views made by View.Channels and a smaller C.
type Map struct{ W, C, Y0, Y1 int }

// each calls the kernel op for the rows of m, in one call where all maps are flat.
func (s *Set) each(op vecOp, m Map, d, a, b *View, lo, hi float32, sc *Scratch) {
	if m.Y0 >= m.Y1 {
		return
	}
	d.check(m.Y0, m.Y1, m.W, m.C)
	a.check(m.Y0, m.Y1, m.W, m.C)
	flat := d.flat(m.W, m.Y0, m.Y1) && a.flat(m.W, m.Y0, m.Y1)
	if b != nil {
		b.check(m.Y0, m.Y1, m.W, m.C)
		flat = flat && b.flat(m.W, m.Y0, m.Y1)
	}
	rows, px := m.Y1-m.Y0, m.W
	if flat {
		rows, px = 1, rows*px
	}
	v := &sc.vec
	v.lo, v.hi = lo, hi
	for y := m.Y0; y < m.Y0+rows; y++ {
		if b != nil {
			v.assign(d.base(y), d.Pix, a.base(y), a.Pix, b.base(y), b.Pix, px, m.C)
		} else {
			v.assign(d.base(y), d.Pix, a.base(y), a.Pix, nil, 0, px, m.C)
		}
		s.vec[op](v)
	}
}

// activated runs op, whose kernel clamps, and then what act needs besides.
func (s *Set) activated(op vecOp, m Map, d, a, b *View, act Act, sc *Scratch) {
	lo, hi, rest := act.clamp()
	s.each(op, m, d, a, b, lo, hi, sc)
	if rest {
		s.each(actVec[act], m, d, d, nil, 0, 0, sc)
	}
}

// Add computes dst = act(a + b). dst may be a or b.
func (s *Set) Add(m Map, dst, a, b View, act Act, sc *Scratch) {
	s.activated(vecAdd, m, &dst, &a, &b, act, sc)
}

// Mul computes dst = act(a * b), element by element. dst may be a or b.
func (s *Set) Mul(m Map, dst, a, b View, act Act, sc *Scratch) {
	s.activated(vecMul, m, &dst, &a, &b, act, sc)
}

// Activate computes dst = act(src). dst may be src.
func (s *Set) Activate(m Map, dst, src View, act Act, sc *Scratch) {
	op := actVec[act]
	if act == None {
		op = vecClamp
	}
	lo, hi, _ := act.clamp()
	s.each(op, m, &dst, &src, nil, lo, hi, sc)
}

// Clamp computes dst = min(max(src, lo), hi). dst may be src.
func (s *Set) Clamp(m Map, dst, src View, lo, hi float32, sc *Scratch) {
	s.each(vecClamp, m, &dst, &src, nil, lo, hi, sc)
}

// Exp computes dst = exp(src), with src clamped to [-87.33, 88]. dst may be src.
func (s *Set) Exp(dst, src []float32, sc *Scratch) {
	if len(src) == 0 {
		return
	}
	s.expMinus(dst[:len(src)], src, 0, sc)
}

// PReLU computes dst = max(src, 0) + slope*min(src, 0), one slope a channel. dst may
// be src.
func (s *Set) PReLU(m Map, dst, src View, slope []float32, sc *Scratch) {
	s.perChannel(vecPReLU, m, &dst, &src, slope, nil, None, sc)
}

// Grid computes dst = round(min(max(src/scale, lo), hi)) * scale, one scale a channel, halves
// rounded to even: values on a grid of integers. lo and hi lie within 2^22 of zero. dst
// may be src.
func (s *Set) Grid(m Map, dst, src View, scale []float32, lo, hi float32, sc *Scratch) {
	s.perChannelBetween(vecGrid, m, &dst, &src, scale, nil, lo, hi, sc)
}

// Scale computes dst = src * scale, one factor a channel: the last step of
// squeeze-and-excite. dst may be src.
func (s *Set) Scale(m Map, dst, src View, scale []float32, sc *Scratch) {
	s.perChannel(vecScale, m, &dst, &src, scale, nil, None, sc)
}

// Affine computes dst = act(src*scale + shift), one pair a channel, with one
// fused multiply-add. dst may be src.
func (s *Set) Affine(m Map, dst, src View, scale, shift []float32, act Act, sc *Scratch) {
	s.perChannel(vecAffine, m, &dst, &src, scale, shift, act, sc)
	if _, _, rest := act.clamp(); rest {
		s.each(actVec[act], m, &dst, &dst, nil, 0, 0, sc)
	}
}

func (s *Set) perChannel(op vecOp, m Map, d, a *View, scale, shift []float32, act Act, sc *Scratch) {
	lo, hi, _ := act.clamp()
	s.perChannelBetween(op, m, d, a, scale, shift, lo, hi, sc)
}

func (s *Set) perChannelBetween(op vecOp, m Map, d, a *View, scale, shift []float32, lo, hi float32, sc *Scratch) {
	if m.Y0 >= m.Y1 {
		return
	}
	d.check(m.Y0, m.Y1, m.W, m.C)
	a.check(m.Y0, m.Y1, m.W, m.C)
	rows, px := m.Y1-m.Y0, m.W
	if d.flat(m.W, m.Y0, m.Y1) && a.flat(m.W, m.Y0, m.Y1) {
		rows, px = 1, rows*px
	}
	v := &sc.vec
	v.lo, v.hi = lo, hi
	for y := m.Y0; y < m.Y0+rows; y++ {
		v.assignRows(d.base(y), d.Pix, a.base(y), a.Pix, ptrf(scale[:m.C], 0), 0, px, m.C)
		if shift != nil {
			v.c = ptrf(shift[:m.C], 0)
		}
		s.vec[op](v)
	}
}

// Copy copies rows of a map into another, as for a concatenation that cannot be
// written in place.
func (s *Set) Copy(m Map, dst, src View) {
	if m.Y0 >= m.Y1 {
		return
	}
	dst.check(m.Y0, m.Y1, m.W, m.C)
	src.check(m.Y0, m.Y1, m.W, m.C)
	for y := m.Y0; y < m.Y1; y++ {
		d, a := dst.Data[dst.index(y):], src.Data[src.index(y):]
		if dst.Pix == m.C && src.Pix == m.C {
			copy(d[:m.W*m.C], a)
			continue
		}
		for x := range m.W {
			copy(d[x*dst.Pix:][:m.C], a[x*src.Pix:])
		}
	}
}
