package int8

import (
	"math"

	"nas/blocks/kernels"
)

// Sum adds maps of two grids: both are multiplied by integers of up to 21 bits, the scales over the output's, with one
// shift for both.
type Sum struct {
	a, b  int64 // multipliers
	zero  int64 // what the zero points contribute
	shift int
	out   Output
}

// NewSum returns the addition of a map on grid a and one on grid b.
func NewSum(a, b Grid, out Output) *Sum {
	sa, sb := a.Scale/out.Scale, b.Scale/out.Scale
	_, exponent := math.Frexp(float64(max(sa, sb)))
	s := &Sum{shift: 21 - exponent, out: out}
	s.a = int64(math.RoundToEven(math.Ldexp(float64(sa), s.shift)))
	s.b = int64(math.RoundToEven(math.Ldexp(float64(sb), s.shift)))
	s.zero = -s.a*int64(a.Zero) - s.b*int64(b.Zero)
	return s
}

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
	each(m, &dst, &a, &b, func(d, a, b []byte) {
		for i, q := range a {
			d[i] = sum.of(q, b[i])
		}
	})
}

// Product multiplies maps of two grids.
type Product struct {
	a, b  int32 // zero points
	scale float32
	out   Output
}

// NewProduct returns the multiplication of a map on grid a by one on grid b.
func NewProduct(a, b Grid, out Output) *Product {
	return &Product{int32(a.Zero), int32(b.Zero), a.Scale * b.Scale / out.Scale, out}
}

func (p *Product) of(a, b byte) byte { return p.out.store((int32(a)-p.a)*(int32(b)-p.b), p.scale) }

// Mul computes dst = a * b, element by element. dst may be a or b.
func (s *Set) Mul(m kernels.Map, dst, a, b View, p *Product) {
	each(m, &dst, &a, &b, func(d, a, b []byte) {
		for i, q := range a {
			d[i] = p.of(q, b[i])
		}
	})
}

// Scale computes dst = a * factor, one of m.C factors a channel: the last step of squeeze-and-excite. The factors are
// on the second grid of p and have [Slack] bytes of capacity behind them. dst may be a.
func (s *Set) Scale(m kernels.Map, dst, a View, factors []byte, p *Product) {
	each(m, &dst, &a, nil, func(d, a, _ []byte) {
		for i, q := range a {
			d[i] = p.of(q, factors[i])
		}
	})
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
