package engine

import (
	"math"

	"nas/blocks/kernels"
)

func init() {
	lower("bn", true, lowerBN)
	lower("affine", true, lowerBN)
	routines["affine"] = &routine{make: makeAffine, geometries: normGeometries}
	routines["batchnorm"] = &routine{make: makeBatchNorm, geometries: normGeometries}
}

// lowerBN lowers a batch normalisation, or factors of another origin, that could not be folded
// into the layer before.
func lowerBN(c *compiler, i int) {
	s := c.start(i, "affine")
	if c.o.BatchStats && c.net.Nodes[i].Op.Kind() == "bn" {
		s.Unit.Name = "batchnorm"
	}
	s.fold[0], s.reuse = fold{-1, int32(i)}, true
	act, f := c.act(i)
	s.Unit.Act = f
	c.emit(s, last(i, act), i, act)
}

// normGeometries is a 1x1 filter of each channel; without pixels, since by
// convention it has no multiply-accumulates.
func normGeometries(u *Unit) [3]kernels.Conv {
	g := pointwise(0, 0, u.In.C, u.In.C)
	g.Groups = g.C
	return [3]kernels.Conv{g}
}

func makeAffine(b *binding) (runner, need) {
	set, dst, src, act := b.set, b.dst, b.src[0], actOf[b.unit.Act]
	scale, shift := kernels.Alloc(dst.C), kernels.Alloc(dst.C)
	for n := range scale {
		a, s := b.layers[0].scaleShift(n)
		scale[n], shift[n] = float32(a), float32(s)
	}
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.Affine(m, dst.all(), src.all(), scale, shift, act, sc)
	}), need{}
}

// batchNormRun normalises with the statistics of the batch. Threads divide the
// channels among them.
type batchNormRun struct {
	set            *kernels.Set
	dst, src       *tensor
	batch          int
	scale, shift   []float32 // trained
	eps            float64
	act            kernels.Act
	mean, variance []float64 // of the last run
	a, b           []float32
}

func makeBatchNorm(b *binding) (runner, need) {
	c := b.dst.C
	bn := &b.layers[0]
	return &batchNormRun{set: b.set, dst: b.dst, src: b.src[0], batch: b.unit.Batch, act: actOf[b.unit.Act],
		scale: bn.bn[0], shift: bn.bn[1], eps: bn.eps, mean: make([]float64, c), variance: make([]float64, c),
		a: kernels.Alloc(c), b: kernels.Alloc(c)}, need{Need: kernels.MomentsNeed(c)}
}

func (r *batchNormRun) maxParts() int {
	return min((r.dst.C+15)/16, maxParts(int64(r.batch*r.dst.Elems())*32))
}

func (r *batchNormRun) run(part, parts int, th *thread) {
	c0, c1 := cut((r.dst.C+15)/16, part, parts)
	c0, c1 = c0*16, min(c1*16, r.dst.C)
	n := c1 - c0
	rows := r.batch * r.dst.H
	mean, variance := r.mean[c0:c1], r.variance[c0:c1]
	r.set.Moments(mean, variance, r.src.data[c0:], rows*r.src.W, r.src.pix, n, th.scratch)
	for i := range mean {
		scale := float64(r.scale[c0+i]) / math.Sqrt(variance[i]+r.eps)
		r.a[c0+i], r.b[c0+i] = float32(scale), float32(float64(r.shift[c0+i])-mean[i]*scale)
	}
	// A few rows at a time, so that an activation that needs a second pass finds
	// them in the cache.
	step := max(1, 8192/(r.dst.W*n))
	for y := 0; y < rows; y += step {
		m := kernels.Map{W: r.dst.W, C: n, Y0: y, Y1: min(y+step, rows)}
		r.set.Affine(m, r.dst.all().Channels(c0), r.src.all().Channels(c0), r.a[c0:c1], r.b[c0:c1], r.act, th.scratch)
	}
}
