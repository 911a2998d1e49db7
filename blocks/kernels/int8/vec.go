package int8

import (
	"unsafe"

	"nas/blocks/kernels"
)

// vecOp names an elementwise kernel.
type vecOp uint8

const (
	vecAdd        vecOp = iota // d = (a*ma + b*mb + add) >> shift, rounded and moved
	vecMul                     // d = (a-za) * (b-zb) * scale, rounded and moved
	vecMax                     // d = max(a, b)
	vecLookup                  // d = k[a]
	vecStore                   // d = (a+add) * scale, rounded and moved, a of int32
	vecSum                     // d += a over the rows, d of int32
	vecQuantize                // d = a * scale, rounded and moved, a of float32
	vecDequantize              // d = (a-zero) * scale, d of float32
	vecWiden                   // d = a, d of int16
	numVec
)

// elementwise runs the kernel op for the rows of m, in one call where all maps are flat, as one row where their pixels
// adjoin. b may be nil. k points to the constants.
func (s *Set) elementwise(op vecOp, m kernels.Map, d, a, b *View, k unsafe.Pointer) {
	if m.Y0 >= m.Y1 {
		return
	}
	d.check(m.Y0, m.Y1, m.W, m.C)
	a.check(m.Y0, m.Y1, m.W, m.C)
	if b == nil {
		b = a
	} else {
		b.check(m.Y0, m.Y1, m.W, m.C)
	}
	rows, px := m.Y1-m.Y0, m.W
	if d.flat(m.W, m.Y0, m.Y1) && a.flat(m.W, m.Y0, m.Y1) && b.flat(m.W, m.Y0, m.Y1) {
		rows, px = 1, rows*px
	}
	v := vecArgs{k: (*byte)(k)}
	for y := m.Y0; y < m.Y0+rows; y++ {
		v.d, v.a, v.b = d.base(y), a.base(y), b.base(y)
		v.ds, v.as, v.bs, v.rows, v.n = d.Pix, a.Pix, b.Pix, px, m.C
		if d.Pix == m.C && a.Pix == m.C && b.Pix == m.C {
			v.rows, v.n = 1, px*m.C
		}
		v.mask = 1<<(v.n%64) - 1
		s.vec[op](&v)
	}
}

// widen writes rows of n bytes as 16-bit integers, n apart; up to 64 bytes behind the last are overwritten.
func (s *Set) widen(d *byte, ds int, a *byte, as, rows, n int) {
	if as == n && ds == n {
		rows, n = 1, rows*n
	}
	v := vecArgs{d: d, a: a, ds: 2 * ds, as: as, rows: rows, n: n}
	s.vec[vecWiden](&v)
}
