package int8

import "nas/blocks/kernels"

// PoolNeed is the scratch of MaxPool, AvgPool and Mean for maps of c channels.
func PoolNeed(c int) Need { return Need{Bytes: 4 * c} }

// MaxPool computes the range r of the maxima over windows. Taps in the padding do not take part; a window that lies in
// the padding altogether gives 0.
func (s *Set) MaxPool(g *kernels.Pool, dst, src View, r kernels.Range, sc *Scratch) {
	pool(g, &dst, &src, r, func(d []byte, n int, tap func(i int) []byte) {
		clear(d)
		for i := range n {
			for c, q := range tap(i)[:len(d)] {
				d[c] = max(d[c], q)
			}
		}
	})
}

// AvgPool computes the range r of the means over windows of the values inside the map, whatever g.CountPad says. A mean
// is that of the stored values byte - offset, rounded to the nearest integer, halves away from 0: offset is 128 where a
// file stores signed bytes. A window that lies in the padding altogether gives the byte of 0.
func (s *Set) AvgPool(g *kernels.Pool, offset int32, dst, src View, r kernels.Range, sc *Scratch) {
	sums := sc.ints(r.N1 - r.N0)
	pool(g, &dst, &src, r, func(d []byte, n int, tap func(i int) []byte) {
		clear(sums)
		for i := range n {
			for c, q := range tap(i)[:len(d)] {
				sums[c] += int32(q)
			}
		}
		for c, sum := range sums {
			d[c] = byte(meanOf(sum-int32(n)*offset, int32(n)) + offset)
		}
	})
}

// meanOf is sum / n, rounded to the nearest integer, halves away from 0.
func meanOf(sum, n int32) int32 {
	switch {
	case n == 0:
		return 0
	case sum < 0:
		return (sum - n/2) / n
	}
	return (sum + n/2) / n
}

// pool calls f for every pixel of r with the taps inside the map.
func pool(g *kernels.Pool, dst, src *View, r kernels.Range, f func(d []byte, n int, tap func(i int) []byte)) {
	if r.Y0 >= r.Y1 || r.N0 >= r.N1 {
		return
	}
	src.check(max(0, r.Y0*g.SH-g.PadT), min(g.H, (r.Y1-1)*g.SH-g.PadT+g.KH), g.W, g.C)
	dst.check(r.Y0, r.Y1, g.OW, g.C)
	for y := r.Y0; y < r.Y1; y++ {
		ka, kb := taps(y*g.SH-g.PadT, 1, g.KH, g.H)
		row := dst.row(y, g.OW, g.C)
		for x := range g.OW {
			xa, xb := taps(x*g.SW-g.PadL, 1, g.KW, g.W)
			w := max(xb-xa, 0)
			f(row[x*dst.Pix+r.N0:][:r.N1-r.N0], max(kb-ka, 0)*w, func(i int) []byte {
				iy, ix := y*g.SH-g.PadT+ka+i/w, x*g.SW-g.PadL+xa+i%w
				return src.Data[src.index(iy)+ix*src.Pix+r.N0:]
			})
		}
	}
}

// Mean writes the mean of each of c channels of an h x w map into dst[:c].
func (s *Set) Mean(dst []byte, src View, h, w, c int, in Grid, out Output, sc *Scratch) {
	src.check(0, h, w, c)
	sums := sc.ints(c)
	clear(sums)
	for y := range h {
		row := src.row(y, w, c)
		for x := range w {
			for i, q := range row[x*src.Pix:][:c] {
				sums[i] += int32(q)
			}
		}
	}
	scale := in.Scale / (out.Scale * float32(h*w))
	for i, sum := range sums {
		dst[i] = out.store(sum-int32(h*w)*int32(in.Zero), scale)
	}
}
