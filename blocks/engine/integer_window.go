package engine

import (
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

// place is what an output position reads: two input positions and the share of the second.
type place struct {
	low, high int
	share     float64
}

// places lists those of n output positions over m input positions.
func places(n, m int, mode string) []place {
	list := make([]place, n)
	for i := range list {
		x := float64(i) * (float64(m) / float64(n))
		switch {
		case mode == "nearest":
			at := min(int(x), m-1)
			list[i] = place{at, at, 0}
			continue
		case mode == "bilinear":
			x = (float64(i)+0.5)*(float64(m)/float64(n)) - 0.5
		case n > 1:
			x = float64(i) * (float64(m-1) / float64(n-1))
		default:
			x = 0
		}
		x = min(max(x, 0), float64(m-1))
		low := int(x)
		list[i] = place{low, min(low+1, m-1), x - float64(low)}
	}
	return list
}

// makeIntegerResize interpolates the bytes as they are. Its rounding does not depend on the offset of signed integers.
func makeIntegerResize(b *integerBinding) (runner, need, error) {
	u, dst, src := b.unit, b.dst, b.src[0]
	rows, columns := places(u.Out.H, u.In.H, u.Name), places(u.Out.W, u.In.W, u.Name)
	return byteRows(dst, u.Batch, func(m kernels.Map) {
		pixel := func(img, y, x int) []byte { return src.bytes[((img*src.H+y)*src.W+x)*src.pix:][:m.C] }
		for y := m.Y0; y < m.Y1; y++ {
			k, r := y/dst.H, rows[y%dst.H]
			for x, c := range columns {
				to := dst.bytes[(y*dst.W+x)*dst.pix:][:m.C]
				if u.Name == "nearest" {
					copy(to, pixel(k, r.low, c.low))
					continue
				}
				blend(to, pixel(k, r.low, c.low), pixel(k, r.low, c.high), pixel(k, r.high, c.low), pixel(k, r.high, c.high),
					c.share, r.share)
			}
		}
	}), need{}, nil
}

// blend is [integer.Blend] of bytes.
func blend(dst, topLeft, topRight, bottomLeft, bottomRight []byte, x, y float64) {
	wx, wy := integer.BlendShare(x), integer.BlendShare(y)
	for c := range dst {
		dst[c] = uint8(integer.BlendValue(
			int64(topLeft[c]), int64(topRight[c]), int64(bottomLeft[c]), int64(bottomRight[c]), wx, wy))
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
