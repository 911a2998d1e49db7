package engine

import (
	"nas/blocks"
)

func init() {
	lowerPlain("rearrange", false, false, func(op blocks.Op) string {
		if _, _, c := op.(*blocks.Rearrange).Offsets(); together(c) >= shortestCopy {
			return "runs"
		}
		return "values"
	})
	lowerPlain("select", false, false, nil)
	routines["rearrange"] = &routine{make: makeRearrange}
	routines["select"] = &routine{make: makeSelect}
}

// gatherRun copies values to other places. Value (y, x, c) of an image is value
// y[y] + x[x] + c[c] of the input's. Threads divide the pixels of all images among them.
type gatherRun struct {
	dst, src *tensor
	y, x, c  []int
	run      int // channels of which the sources lie side by side
}

// shortestCopy is the length from which on values that lie side by side are copied as one.
const shortestCopy = 8

// Channels whose sources lie apart are copied for so many pixels and so many channels at a
// time: neighbouring pixels often read the same cache lines.
const gatherPixels, gatherChannels = 64, 16

func makeRearrange(b *binding) (runner, need) {
	o := b.op.(*blocks.Rearrange)
	y, x, c := o.Offsets()
	return makeGather(b, y, x, c)
}

func makeSelect(b *binding) (runner, need) {
	o, s := b.op.(*blocks.Select), b.unit.In
	return makeGather(b, steps(s.H, s.W*s.C), steps(s.W, s.C), o.Channels)
}

// steps are n multiples of s.
func steps(n, s int) []int {
	at := make([]int, n)
	for i := range at {
		at[i] = i * s
	}
	return at
}

func makeGather(b *binding, y, x, c []int) (runner, need) {
	r := &gatherRun{dst: b.dst, src: b.src[0], y: y, x: x, c: c, run: together(c)}
	return byPixels(b.dst, b.unit.Batch, 8*b.dst.C, r.pixels), need{}
}

// together returns the largest n such that c consists of runs of n numbers one apart.
func together(c []int) int {
	n := len(c)
	for i := 1; i < len(c); i++ {
		if c[i] != c[i-1]+1 {
			n = gcd(n, i)
		}
	}
	return n
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (r *gatherRun) pixels(from, to int, _ *thread) {
	t := r.dst
	for from < to {
		x := from % t.W
		end := min(to, from-x+t.W, from+gatherPixels)
		src := r.src.data[from/t.Pixels()*r.src.Elems():]
		dst := t.data[from*t.C : end*t.C]
		r.line(dst, src, r.y[from/t.W%t.H], r.x[x:x+end-from])
		from = end
	}
}

// line copies the pixels with offsets xs of row offset y.
func (r *gatherRun) line(dst, src []float32, y int, xs []int) {
	c := len(r.c)
	if r.run >= shortestCopy {
		for i, x := range xs {
			for j := 0; j < c; j += r.run {
				copy(dst[i*c+j:][:r.run], src[y+x+r.c[j]:])
			}
		}
		return
	}
	for j := 0; j < c; j += gatherChannels {
		cs := r.c[j:min(j+gatherChannels, c)]
		for i, x := range xs {
			d := dst[i*c+j:][:len(cs)]
			for k, at := range cs {
				d[k] = src[y+x+at]
			}
		}
	}
}
