package engine

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lowerPlain("binary", false, false, func(op blocks.Op) string { return string(op.(*blocks.Binary).Func) })
	routines["binary"] = &routine{make: makeBinary, second: givenShape}
}

// pair computes a function of two values for len(d) of them. x and y advance by sx and sy,
// 0 or 1: an input of one channel is repeated.
type pair func(d, x, y []float32, sx, sy int)

// pairs are the functions. Powers are those of float64.
var pairs = map[blocks.BinaryFunc]pair{
	"add": pairOf(func(a, b float32) float32 { return a + b }),
	"sub": func(d, x, y []float32, sx, sy int) {
		switch {
		case sx == 1 && sy == 1:
			y = y[:len(d)]
			for i, v := range x[:len(d)] {
				d[i] = v - y[i]
			}
		default:
			for i := range d {
				d[i] = x[i*sx] - y[i*sy]
			}
		}
	},
	"mul": pairOf(func(a, b float32) float32 { return a * b }),
	"div": func(d, x, y []float32, sx, sy int) {
		for i := range d {
			d[i] = x[i*sx] / y[i*sy]
		}
	},
	"min": pairOf(func(a, b float32) float32 { return min(a, b) }),
	"max": pairOf(func(a, b float32) float32 { return max(a, b) }),
	"pow": func(d, x, y []float32, sx, sy int) {
		if sy == 0 && y[0] == 2 { // the usual one
			for i := range d {
				d[i] = x[i*sx] * x[i*sx]
			}
			return
		}
		for i := range d {
			d[i] = float32(math.Pow(float64(x[i*sx]), float64(y[i*sy])))
		}
	},
}

func pairOf(f func(a, b float32) float32) pair {
	return func(d, x, y []float32, sx, sy int) {
		for i := range d {
			d[i] = f(x[i*sx], y[i*sy])
		}
	}
}

// binaryRun computes a function of two maps whose extents of 1 are repeated. Threads
// divide the pixels of all images among them.
type binaryRun struct {
	set  *kernels.Set
	f    pair
	op   func(m kernels.Map, d, a, b kernels.View, act kernels.Act, sc *kernels.Scratch) // nil: none
	dst  *tensor
	in   [2]*tensor
	step [2][3]int // of each input along height, width, channels; 0: repeated
}

func makeBinary(b *binding) (runner, need) {
	o := b.op.(*blocks.Binary)
	r := &binaryRun{set: b.set, f: pairs[o.Func], dst: b.dst, in: [2]*tensor{b.src[0], b.src[1]}}
	switch o.Func {
	case "add":
		r.op = b.set.Add
	case "mul":
		r.op = b.set.Mul
	}
	for k, t := range r.in {
		for axis, s := range [3][2]int{{t.H, t.W * t.C}, {t.W, t.C}, {t.C, 1}} {
			if s[0] > 1 {
				r.step[k][axis] = s[1]
			}
		}
	}
	return byPixels(b.dst, b.unit.Batch, 16*b.dst.C, r.pixels), need{}
}

// pixels computes the pixels of a range, in runs along which each input advances evenly.
func (r *binaryRun) pixels(from, to int, th *thread) {
	t := r.dst
	for from < to {
		y, x := from/t.W%t.H, from%t.W
		end := min(to, from-x+t.W)
		var at, by [2]int
		for k, in := range r.in {
			at[k] = from/t.Pixels()*in.Elems() + y*r.step[k][0] + x*r.step[k][1]
			by[k] = r.step[k][1]
		}
		r.line(from, end-from, at, by, th)
		from = end
	}
}

// line computes n pixels from pixel p on, input k read from value at[k] on, by[k] values
// from pixel to pixel.
func (r *binaryRun) line(p, n int, at, by [2]int, th *thread) {
	c := r.dst.C
	d, x, y := r.dst.data[p*c:(p+n)*c], r.in[0].data[at[0]:], r.in[1].data[at[1]:]
	sx, sy := r.step[0][2], r.step[1][2]
	if c == 1 {
		r.f(d, x, y, by[0], by[1])
		return
	}
	if r.op != nil && sx == 1 && sy == 1 {
		view := func(v []float32, pix int) kernels.View { return kernels.View{Data: v, Row: n * pix, Pix: pix} }
		r.op(kernels.Map{W: n, C: c, Y1: 1}, view(d, c), view(x, by[0]), view(y, by[1]), kernels.None, th.scratch)
		return
	}
	if sx*sy == 1 && by[0] == c && by[1] == c {
		r.f(d, x, y, 1, 1)
		return
	}
	for i := range n {
		r.f(d[i*c:][:c], x[i*by[0]:], y[i*by[1]:], sx, sy)
	}
}
