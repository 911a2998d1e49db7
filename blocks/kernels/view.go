package kernels

import "unsafe"

// View is a feature map in memory. Channel c of pixel (y, x) is
// Data[r*Row + x*Pix + c], where r is y, or y mod Ring when Ring > 0: then only
// Ring rows exist and row y overwrites row y-Ring.
type View struct {
	Data     []float32
	Row, Pix int // distance between rows and between pixels, in floats
	Ring     int // rows in memory; 0: all of them
}

// Dense returns the view of an h x w x c map that fills data.
func Dense(data []float32, h, w, c int) View {
	return View{Data: data[:h*w*c], Row: w * c, Pix: c}
}

// Channels returns the view of the channels from c0 on.
func (v View) Channels(c0 int) View {
	v.Data = v.Data[c0:]
	return v
}

// index returns the position of channel 0 of pixel (y, 0).
func (v *View) index(y int) int {
	if v.Ring > 0 {
		y %= v.Ring
	}
	return y * v.Row
}

// flat tells whether rows y0 to y1 of w pixels follow each other at a constant
// pixel distance.
func (v *View) flat(w, y0, y1 int) bool {
	if y1-y0 <= 1 {
		return true
	}
	if v.Row != w*v.Pix {
		return false
	}
	return v.straight(y0, y1)
}

// straight tells whether rows y0 to y1 follow each other at a constant distance.
func (v *View) straight(y0, y1 int) bool { return v.Ring == 0 || y0%v.Ring+(y1-y0) <= v.Ring }

// check panics unless rows y0 to y1 of w pixels of c channels lie inside Data.
func (v *View) check(y0, y1, w, c int) {
	if y1 <= y0 || w <= 0 || c <= 0 {
		return
	}
	if v.Ring > 0 {
		if y1-y0 >= v.Ring || y0/v.Ring != (y1-1)/v.Ring {
			y0, y1 = 0, v.Ring
		} else {
			y1 -= y0 / v.Ring * v.Ring
		}
	}
	_ = v.Data[(y1-1)*v.Row+(w-1)*v.Pix+c:] // no load: the element may be another thread's
}

// base is the address of channel 0 of pixel (y, 0).
func (v *View) base(y int) *float32 { return at(unsafe.SliceData(v.Data), v.index(y)) }

// at is p + n floats.
func at(p *float32, n int) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), n*4))
}

// span is the n floats from p on.
func span(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

// Alloc returns n zeros that start on a 64-byte boundary. Packed weights and
// maps should come from it: every vector load then stays in one cache line.
func Alloc(n int) []float32 {
	s := make([]float32, n+15)
	o := 0
	if n > 0 {
		o = int(-uintptr(unsafe.Pointer(&s[0]))&63) / 4
	}
	return s[o : o+n : o+n]
}

// Range is the part of a layer's output that a driver call computes: rows Y0 to
// Y1 and channels N0 to N1, both without the end. N0 and N1 are multiples of
// 16 (grouped convolution: of the output channels of a group), or the end.
type Range struct{ Y0, Y1, N0, N1 int }
