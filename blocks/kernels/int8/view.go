package int8

import "unsafe"

// View is a map of bytes in memory. Channel c of pixel (y, x) is Data[r*Row + x*Pix + c], where r is y, or y mod Ring
// when Ring > 0: then only Ring rows exist and row y overwrites row y-Ring. The capacity of Data reaches [Slack] bytes
// beyond the last pixel.
type View struct {
	Data     []byte
	Row, Pix int // distance between rows and between pixels, in bytes
	Ring     int // rows in memory; 0: all of them
}

// Slack is the number of bytes behind a map that kernels may read.
const Slack = 64

// Dense returns the view of an h x w x c map that fills data, whose capacity has room for [Slack].
func Dense(data []byte, h, w, c int) View {
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

// flat tells whether rows y0 to y1 of w pixels follow each other at a constant pixel distance.
func (v *View) flat(w, y0, y1 int) bool { return y1-y0 <= 1 || v.Row == w*v.Pix && v.straight(y0, y1) }

// straight tells whether rows y0 to y1 follow each other at a constant distance.
func (v *View) straight(y0, y1 int) bool { return v.Ring == 0 || y0%v.Ring+(y1-y0) <= v.Ring }

// check panics unless rows y0 to y1 of w pixels of c channels lie inside Data with slack behind them.
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
	end := (y1-1)*v.Row + (w-1)*v.Pix + c
	_ = v.Data[end:]
	_ = v.Data[:end+Slack] // the capacity decides
}

// base is the address of channel 0 of pixel (y, 0).
func (v *View) base(y int) *byte { return at(unsafe.SliceData(v.Data), v.index(y)) }

// row is w pixels of row y.
func (v *View) row(y, w, c int) []byte { return v.Data[v.index(y):][:(w-1)*v.Pix+c] }

// at is p + n bytes.
func at(p *byte, n int) *byte { return (*byte)(unsafe.Add(unsafe.Pointer(p), n)) }

// Alloc returns n zero bytes that start on a 64-byte boundary, with [Slack] bytes of capacity behind them.
func Alloc(n int) []byte {
	s := make([]byte, n+Slack+63)
	o := int(-uintptr(unsafe.Pointer(&s[0])) & 63)
	return s[o : o+n : o+n+Slack]
}
