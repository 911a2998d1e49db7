package int8

import (
	"math"
	"unsafe"

	"nas/blocks/kernels"
)

// Sum adds maps of two grids: both are multiplied by integers of up to 21 bits, the scales over the output's, with one
// shift for both.
type Sum struct {
	k     sumConsts
	a, b  int64 // multipliers
	zero  int64 // what the zero points contribute
	shift int
	out   Output
}

// sumConsts are the constants of the kernel. Multipliers are in two parts, as pairs of 16-bit integers: the low 15 bits
// and the rest.
type sumConsts struct {
	rounding
	low, high, add [16]uint32
	shift          [2]uint64

	wholeA, wholeB, left [4]int32 // 64-bit ARM: the multipliers, and the shift to the left
}

// NewSum returns the addition of a map on grid a and one on grid b.
func NewSum(a, b Grid, out Output) *Sum {
	sa, sb := a.Scale/out.Scale, b.Scale/out.Scale
	_, exponent := math.Frexp(float64(max(sa, sb)))
	s := &Sum{shift: 21 - exponent, out: out}
	s.a = int64(math.RoundToEven(math.Ldexp(float64(sa), s.shift)))
	s.b = int64(math.RoundToEven(math.Ldexp(float64(sb), s.shift)))
	s.zero = -s.a*int64(a.Zero) - s.b*int64(b.Zero)
	if !s.short() {
		return s
	}
	s.k.rounding = newRounding(&out, 0)
	for i := range s.k.low {
		s.k.low[i] = uint32(s.a&0x7fff | s.b&0x7fff<<16)
		s.k.high[i] = uint32(s.a>>15 | s.b>>15<<16)
		s.k.add[i] = uint32(s.zero + 1<<(s.shift-1))
	}
	s.k.shift[0] = uint64(s.shift)
	for i := range s.k.left {
		s.k.wholeA[i], s.k.wholeB[i], s.k.left[i] = int32(s.a), int32(s.b), -int32(s.shift)
	}
	return s
}

// short tells whether sums fit an int32, as those of all but absurd scales do.
func (s *Sum) short() bool { return s.shift >= 1 && s.shift <= 30 }

// of returns the byte of a sum; halves are rounded up.
func (s *Sum) of(a, b byte) byte {
	v := s.a*int64(a) + s.b*int64(b) + s.zero
	if s.shift > 0 {
		v = (v + 1<<(s.shift-1)) >> s.shift
	} else {
		v <<= -s.shift
	}
	return s.out.point(int32(max(-1<<20, min(v, 1<<20))) + int32(s.out.Zero))
}

// Add computes dst = a + b, element by element. dst may be a or b.
func (s *Set) Add(m kernels.Map, dst, a, b View, sum *Sum) {
	if s.vec[vecAdd] == nil || !sum.short() {
		each(m, &dst, &a, &b, func(d, a, b []byte) {
			for i, q := range a {
				d[i] = sum.of(q, b[i])
			}
		})
		return
	}
	s.elementwise(vecAdd, m, &dst, &a, &b, unsafe.Pointer(&sum.k))
	s.lookupOwn(m, &dst, sum.out.Table)
}

// Product multiplies maps of two grids.
type Product struct {
	k     productConsts
	a, b  int32 // zero points
	scale float32
	out   Output
}

// productConsts are the constants of the kernel.
type productConsts struct {
	rounding
	a, b  [32]int16
	scale [16]float32
}

// NewProduct returns the multiplication of a map on grid a by one on grid b.
func NewProduct(a, b Grid, out Output) *Product {
	p := &Product{a: int32(a.Zero), b: int32(b.Zero), scale: a.Scale * b.Scale / out.Scale, out: out}
	p.k.rounding = newRounding(&out, 0)
	for i := range p.k.a {
		p.k.a[i], p.k.b[i] = int16(a.Zero), int16(b.Zero)
	}
	for i := range p.k.scale {
		p.k.scale[i] = p.scale
	}
	return p
}

func (p *Product) of(a, b byte) byte { return p.out.store((int32(a)-p.a)*(int32(b)-p.b), p.scale) }

// Mul computes dst = a * b, element by element. dst may be a or b.
func (s *Set) Mul(m kernels.Map, dst, a, b View, p *Product) {
	if s.vec[vecMul] == nil || !fits32(255*255, p.scale) {
		each(m, &dst, &a, &b, func(d, a, b []byte) {
			for i, q := range a {
				d[i] = p.of(q, b[i])
			}
		})
		return
	}
	s.elementwise(vecMul, m, &dst, &a, &b, unsafe.Pointer(&p.k))
	s.lookupOwn(m, &dst, p.out.Table)
}

// Scale computes dst = a * factor, one of m.C factors a channel: the last step of squeeze-and-excite. The factors are
// on the second grid of p and have [Slack] bytes of capacity behind them. dst may be a.
func (s *Set) Scale(m kernels.Map, dst, a View, factors []byte, p *Product) {
	s.Mul(m, dst, a, View{Data: factors}, p)
}

// each calls f for the channels of every pixel of m.
func each(m kernels.Map, dst, a, b *View, f func(d, a, b []byte)) {
	if m.Y0 >= m.Y1 {
		return
	}
	dst.check(m.Y0, m.Y1, m.W, m.C)
	a.check(m.Y0, m.Y1, m.W, m.C)
	if b == nil {
		b = a
	}
	b.check(m.Y0, m.Y1, m.W, m.C)
	for y := m.Y0; y < m.Y1; y++ {
		rd, ra, rb := dst.row(y, m.W, m.C), a.row(y, m.W, m.C), b.row(y, m.W, m.C)
		for x := range m.W {
			f(rd[x*dst.Pix:][:m.C], ra[x*a.Pix:][:m.C], rb[x*b.Pix:][:m.C])
		}
	}
}
