package int8

import (
	"unsafe"

	"nas/blocks/kernels"
)

// PoolNeed is the scratch of MaxPool, AvgPool and Mean for maps of c channels.
func PoolNeed(c int) Need { return Need{Bytes: 4*c + 256} }

// MaxPool computes the range r of the maxima over windows. Taps in the padding do not take part; a window that lies in
// the padding altogether gives 0.
func (s *Set) MaxPool(g *kernels.Pool, dst, src View, r kernels.Range, sc *Scratch) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	checkPool(g, &dst, &src, r)
	n := r.N1 - r.N0
	for y := r.Y0; y < r.Y1; y++ {
		row := dst.row(y, g.OW, g.C)
		for x := range g.OW {
			clear(row[x*dst.Pix+r.N0:][:n])
		}
		ka, kb := taps(y*g.SH-g.PadT, 1, g.KH, g.H)
		for ky := ka; ky < kb; ky++ {
			for kx := range g.KW {
				x0 := max(0, ceilDiv(g.PadL-kx, g.SW)) // outputs whose tap lies in the map
				x1 := min(g.OW, (g.W-1-kx+g.PadL)/g.SW+1)
				if kx > g.W-1+g.PadL || x0 >= x1 {
					continue
				}
				d := at(dst.base(y), x0*dst.Pix+r.N0)
				a := at(src.base(y*g.SH-g.PadT+ky), (x0*g.SW-g.PadL+kx)*src.Pix+r.N0)
				s.maxRows(d, dst.Pix, a, g.SW*src.Pix, x1-x0, n)
			}
		}
	}
}

// maxRows makes each of rows of n bytes the maximum of itself and another.
func (s *Set) maxRows(d *byte, ds int, a *byte, as, rows, n int) {
	if s.vec[vecMax] != nil {
		v := vecArgs{d: d, a: a, b: d, ds: ds, as: as, bs: ds, rows: rows, n: n, mask: 1<<(n%64) - 1}
		s.vec[vecMax](&v)
		return
	}
	for i := range rows {
		to, from := unsafe.Slice(at(d, i*ds), n), unsafe.Slice(at(a, i*as), n)
		for c, q := range from {
			to[c] = max(to[c], q)
		}
	}
}

// AvgPool computes the range r of the means over windows of the values inside the map, whatever g.CountPad says. A mean
// is that of the stored values byte - offset, rounded to the nearest integer, halves away from 0: offset is 128 where a
// file stores signed bytes. A window that lies in the padding altogether gives the byte of 0.
func (s *Set) AvgPool(g *kernels.Pool, offset int32, dst, src View, r kernels.Range, sc *Scratch) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	checkPool(g, &dst, &src, r)
	sums := sc.ints(r.N1 - r.N0)
	for y := r.Y0; y < r.Y1; y++ {
		ka, kb := taps(y*g.SH-g.PadT, 1, g.KH, g.H)
		row := dst.row(y, g.OW, g.C)
		for x := range g.OW {
			xa, xb := taps(x*g.SW-g.PadL, 1, g.KW, g.W)
			n := int32(max(kb-ka, 0) * max(xb-xa, 0))
			clear(sums)
			for ky := ka; ky < kb && n > 0; ky++ {
				from := at(src.base(y*g.SH-g.PadT+ky), (x*g.SW-g.PadL+xa)*src.Pix+r.N0)
				s.addRows(sums, from, src.Pix, xb-xa)
			}
			to, by := row[x*dst.Pix+r.N0:][:len(sums)], newDivider(n)
			for c, sum := range sums {
				to[c] = byte(by.rounded(sum-n*offset) + offset)
			}
		}
	}
}

// addRows adds rows of bytes to sums, behind which 64 more may be overwritten.
func (s *Set) addRows(sums []int32, a *byte, as, rows int) {
	if s.vec[vecSum] != nil {
		v := vecArgs{d: (*byte)(unsafe.Pointer(&sums[0])), a: a, as: as, rows: rows, n: len(sums)}
		s.vec[vecSum](&v)
		return
	}
	for i := range rows {
		for c, q := range unsafe.Slice(at(a, i*as), len(sums)) {
			sums[c] += int32(q)
		}
	}
}

// divider divides sums of n bytes by n: it multiplies by a reciprocal of 32 bits where that is exact.
type divider struct {
	n          int32
	reciprocal uint64 // 2^32 / n, rounded up; 0: divide
}

// newDivider returns the division by n; by 0, that which gives 0. A sum and its rounding stay below 256*n, and the
// reciprocal is too large by less than 1: the quotient is exact while 256*n*n < 2^32.
func newDivider(n int32) divider {
	if n == 0 || n >= 1<<12 {
		return divider{n: n}
	}
	return divider{n, (1<<32 + uint64(n) - 1) / uint64(n)}
}

// rounded is sum / n, rounded to the nearest integer, halves away from 0.
func (d divider) rounded(sum int32) int32 {
	if d.n == 0 {
		return 0
	}
	sign := sum >> 31 // 0 or -1
	v := (sum ^ sign) - sign + d.n/2
	if d.reciprocal == 0 {
		v /= d.n
	} else {
		v = int32(uint64(v) * d.reciprocal >> 32)
	}
	return (v ^ sign) - sign
}

// checkPool panics unless the views hold what the range r touches.
func checkPool(g *kernels.Pool, dst, src *View, r kernels.Range) {
	src.check(max(0, r.Y0*g.SH-g.PadT), min(g.H, (r.Y1-1)*g.SH-g.PadT+g.KH), g.W, g.C)
	dst.check(r.Y0, r.Y1, g.OW, g.C)
}

// meanConsts are the constants of the kernel that turns sums into bytes.
type meanConsts struct {
	rounding
	add   [16]int32
	scale [16]float32
}

// Mean writes the mean of each of c channels of an h x w map into dst[:c].
func (s *Set) Mean(dst []byte, src View, h, w, c int, in Grid, out Output, sc *Scratch) {
	src.check(0, h, w, c)
	sums := sc.ints(c)
	clear(sums)
	if src.flat(w, 0, h) {
		s.addRows(sums, src.base(0), src.Pix, h*w)
	} else {
		for y := range h {
			s.addRows(sums, src.base(y), src.Pix, w)
		}
	}
	scale, zero := in.Scale/(out.Scale*float32(h*w)), int32(h*w)*int32(in.Zero)
	if s.vec[vecStore] == nil || !fits32(255*int64(h*w), scale) {
		for i, sum := range sums {
			dst[i] = out.store(sum-zero, scale)
		}
		return
	}
	k := meanConsts{rounding: newRounding(&out, s.vl)}
	for i := range k.add {
		k.add[i], k.scale[i] = -zero, scale
	}
	dst = dst[:c]
	v := vecArgs{d: &dst[0], a: (*byte)(unsafe.Pointer(&sums[0])), b: &dst[0], rows: 1, n: c, mask: 1<<(c%64) - 1,
		k: (*byte)(unsafe.Pointer(&k))}
	s.vec[vecStore](&v)
	if out.Table != nil {
		for i, q := range dst {
			dst[i] = out.Table[q]
		}
	}
}
