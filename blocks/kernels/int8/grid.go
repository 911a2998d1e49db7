package int8

import (
	"math"
	"unsafe"
)

// Grid is the set of reals that a map holds: Scale * (q - Zero) for bytes q.
type Grid struct {
	Scale float32 // positive
	Zero  uint8
}

// Output says how results are stored: as points of a grid, clamped to Low..High, then replaced by Table[q] if there
// is a table.
type Output struct {
	Grid
	Low, High uint8
	Table     *[256]uint8 // nil: none
}

// Full returns the output that only stores points of g.
func (g Grid) Full() Output { return Output{Grid: g, High: 255} }

// store returns the byte of a sum whose unit is scale times that of the grid.
func (o *Output) store(sum int32, scale float32) byte { return o.look(o.clamped(sum, scale)) }

// point returns the byte of a point that may lie outside of the limits.
func (o *Output) point(q int32) byte { return o.look(byte(min(max(q, int32(o.Low)), int32(o.High)))) }

// look replaces q by its entry in the table.
func (o *Output) look(q byte) byte {
	if o.Table == nil {
		return q
	}
	return o.Table[q]
}

// clamped is store without the table.
func (o *Output) clamped(sum int32, scale float32) byte {
	v := float32(sum) * scale
	v = min(v, float32(int32(o.High)-int32(o.Zero))) // before rounding: it then fits an int32
	v = max(v, float32(int32(o.Low)-int32(o.Zero)))
	return byte(int32(math.RoundToEven(float64(v))) + int32(o.Zero))
}

// quantizeConsts are the constants of the kernel from reals to bytes.
type quantizeConsts struct {
	rounding
	scale, most, least [16]float32
}

// Quantize writes the nearest points of reals; halves go to even, NaN to the zero point. Reals are multiplied by the
// reciprocal of the scale in float32. dst has the length of src.
func (s *Set) Quantize(dst []byte, src []float32, out Grid) {
	inverse, zero := 1/out.Scale, int32(out.Zero)
	dst = dst[:len(src)]
	if n := len(src) / max(4*s.vl, 1) * 4 * s.vl; n > 0 && s.vec[vecQuantize] != nil {
		full := out.Full()
		k := quantizeConsts{rounding: newRounding(&full, s.vl)}
		for i := range k.scale {
			k.scale[i], k.most[i], k.least[i] = inverse, 512, -512
		}
		v := vecArgs{d: &dst[0], a: (*byte)(unsafe.Pointer(&src[0])), n: n, k: (*byte)(unsafe.Pointer(&k))}
		s.vec[vecQuantize](&v)
		dst, src = dst[n:], src[n:]
	}
	for i, v := range src {
		r := math.RoundToEven(float64(v * inverse))
		switch {
		case r != r:
			r = 0
		case r > 255:
			r = 255
		case r < -255:
			r = -255
		}
		dst[i] = byte(min(max(int32(r)+zero, 0), 255))
	}
}

// dequantizeConsts are the constants of the kernel from bytes to reals.
type dequantizeConsts struct {
	rounding
	zero  [16]int32
	scale [16]float32
}

// Dequantize writes the reals that bytes stand for. dst has the length of src.
func (s *Set) Dequantize(dst []float32, src []byte, in Grid) {
	dst = dst[:len(src)]
	if n := len(src) / max(4*s.vl, 1) * 4 * s.vl; n > 0 && s.vec[vecDequantize] != nil {
		var k dequantizeConsts
		for i := range k.zero {
			k.zero[i], k.scale[i] = int32(in.Zero), in.Scale
		}
		v := vecArgs{d: (*byte)(unsafe.Pointer(&dst[0])), a: &src[0], n: n, k: (*byte)(unsafe.Pointer(&k))}
		s.vec[vecDequantize](&v)
		dst, src = dst[n:], src[n:]
	}
	for i, q := range src {
		dst[i] = float32(int32(q)-int32(in.Zero)) * in.Scale
	}
}
