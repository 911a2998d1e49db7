package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
	"nas/blocks/kernels/int8"
	"nas/blocks/kernels/integer"
)

func init() {
	integerRoutines["maxpool"] = makeIntegerPool
	integerRoutines["avgpool"] = makeIntegerPool
	integerRoutines["globalavg"] = makeIntegerMean
	integerRoutines["globalmax"] = makeIntegerMaximum
	integerRoutines["nearest"] = makeIntegerResize
	integerRoutines["bilinear"] = makeIntegerResize
	integerRoutines["bilinear_corners"] = makeIntegerResize
	integerRoutines["softmax"] = makeIntegerSoftmax
	integerRoutines["log_softmax"] = makeIntegerSoftmax
	integerRoutines["eval"] = makeIntegerEval
}

// integerPoolRun slides a window. Threads divide the rows of all images among them.
type integerPoolRun struct {
	set      *int8.Set
	g        kernels.Pool
	max      bool
	dst, src *tensor
	images   int
}

func makeIntegerPool(b *integerBinding) (runner, need, error) {
	if !b.sameGrid() {
		return makeIntegerEval(b)
	}
	u := b.unit
	r := &integerPoolRun{set: b.set, max: u.Name == "maxpool", dst: b.dst, src: b.src[0], images: u.Batch,
		g: kernels.Pool{H: u.In.H, W: u.In.W, C: u.In.C, OH: u.Out.H, OW: u.Out.W, KH: u.Kernel[0], KW: u.Kernel[1],
			SH: u.Stride[0], SW: u.Stride[1], PadT: u.Pad[0], PadL: u.Pad[1]}}
	return r, need{bytes: int8.PoolNeed(u.In.C)}, nil
}

func (r *integerPoolRun) maxParts() int {
	return min(r.images*r.g.OH, maxParts(int64(r.images*r.dst.Elems()*(8+r.g.KH*r.g.KW))/integerShare))
}

func (r *integerPoolRun) run(part, parts int, th *thread) {
	y0, y1 := cut(r.images*r.g.OH, part, parts)
	for y0 < y1 {
		k := y0 / r.g.OH
		end := min(y1, (k+1)*r.g.OH)
		rng := kernels.Range{Y0: y0 - k*r.g.OH, Y1: end - k*r.g.OH, N0: 0, N1: r.g.C}
		if r.max {
			r.set.MaxPool(&r.g, r.dst.bytesImage(k), r.src.bytesImage(k), rng, th.bytes)
		} else {
			r.set.AvgPool(&r.g, signed, r.dst.bytesImage(k), r.src.bytesImage(k), rng, th.bytes)
		}
		y0 = end
	}
}

func makeIntegerMean(b *integerBinding) (runner, need, error) {
	set, dst, src, in, out := b.set, b.dst, b.src[0], gridOf(b.in[0]), outputOf(b.out)
	n := b.unit.Batch
	return &itemsRun{n, int64(n * src.Elems()), func(from, to int, th *thread) {
		for k := from; k < to; k++ {
			set.Mean(dst.bytes[k*dst.pix:][:dst.C], src.bytesImage(k), src.H, src.W, src.C, in, out, th.bytes)
		}
	}}, need{bytes: int8.PoolNeed(src.C)}, nil
}

func makeIntegerMaximum(b *integerBinding) (runner, need, error) {
	if !b.sameGrid() {
		return makeIntegerEval(b)
	}
	dst, src, n := b.dst, b.src[0], b.unit.Batch
	return &itemsRun{n, int64(n * src.Elems()), func(from, to int, _ *thread) {
		for k := from; k < to; k++ {
			m, v := dst.bytes[k*dst.pix:][:dst.C], src.bytesImage(k)
			clear(m)
			for p := range src.Pixels() {
				for c, q := range v.Data[p*v.Pix:][:src.C] {
					m[c] = max(m[c], q)
				}
			}
		}
	}}, need{}, nil
}

// taps are what an output position reads: two input positions and the weight of the second.
type taps struct {
	low, high int
	weight    int64
}

// tapsOf lists those of n output positions over m input positions.
func tapsOf(o *blocks.Resize, n, m int) []taps {
	list := make([]taps, n)
	for i := range list {
		low, high, share := o.Taps(i, n, m)
		list[i] = taps{low, high, integer.BlendShare(share)}
	}
	return list
}

// makeIntegerResize interpolates the bytes as they are. Its rounding does not depend on the offset of signed integers.
func makeIntegerResize(b *integerBinding) (runner, need, error) {
	if !b.sameGrid() {
		return makeIntegerEval(b)
	}
	o := b.p.net.Nodes[b.s.Nodes[0]].Op.(*blocks.Resize)
	u, dst, src := b.unit, b.dst, b.src[0]
	rows, columns := tapsOf(o, u.Out.H, u.In.H), tapsOf(o, u.Out.W, u.In.W)
	return byteRows(dst, u.Batch, func(m kernels.Map) {
		pixel := func(img, y, x int) []byte { return src.bytes[((img*src.H+y)*src.W+x)*src.pix:][:m.C] }
		for y := m.Y0; y < m.Y1; y++ {
			k, r := y/dst.H, rows[y%dst.H]
			for x, c := range columns {
				to := dst.bytes[(y*dst.W+x)*dst.pix:][:m.C]
				if o.Mode == blocks.Nearest {
					copy(to, pixel(k, r.low, c.low))
					continue
				}
				blend(to, pixel(k, r.low, c.low), pixel(k, r.low, c.high), pixel(k, r.high, c.low),
					pixel(k, r.high, c.high), c.weight, r.weight)
			}
		}
	}), need{}, nil
}

// blend is [integer.Blend] of bytes, by weights.
func blend(dst, topLeft, topRight, bottomLeft, bottomRight []byte, x, y int64) {
	for c := range dst {
		dst[c] = uint8(integer.BlendValue(
			int64(topLeft[c]), int64(topRight[c]), int64(bottomLeft[c]), int64(bottomRight[c]), x, y))
	}
}

// makeIntegerSoftmax runs the reference for each pixel.
func makeIntegerSoftmax(b *integerBinding) (runner, need, error) {
	dst, src, in, out, log := b.dst, b.src[0], b.in[0], b.out, b.unit.Name == "log_softmax"
	return byPixels(dst, b.unit.Batch, 64*dst.C, func(from, to int, _ *thread) {
		x, y := make([]int32, dst.C), make([]int32, dst.C)
		for p := from; p < to; p++ {
			for c, v := range src.bytes[p*src.pix:][:src.C] {
				x[c] = int32(v) - signed
			}
			integer.Softmax(y, x, dst.C, 1, log, in, out)
			for c, v := range y {
				dst.bytes[p*dst.pix+c] = uint8(v + signed)
			}
		}
	}), need{}, nil
}
