package costmodel

import (
	"math"

	"nas/blocks"
	"nas/blocks/engine"
)

// A cost model sees a unit as two lists of numbers.
//
// Terms are amounts of work that take time in proportion and can only add:
// multiply-accumulates with the tails of their tiles filled up, tiles, bytes by
// the cache level they must come from, activations by their price. A time is a
// sum of terms times costs that are not negative (nonNegative).
//
// Features describe the place of a unit among others, in logarithms to base 2
// where they are sizes: what the terms get wrong is a smooth function of them
// (process).

// feature is one coordinate of a unit.
type feature struct {
	name string
	of   func(u *engine.Unit, t *engine.Target) float64
}

func log2(n int) float64 { return math.Log2(float64(max(n, 1))) }

// occupancy is the share of a row of tiles of width w that n values fill.
func occupancy(n, w int) float64 {
	if n == 0 {
		return 1
	}
	return float64(n) / float64(ceilDiv(n, w)*w)
}

// ragged is 1 for channels that are not whole vectors: then the pixels behind the
// first do not start on one either, and every access pays for it.
func ragged(c int, t *engine.Target) float64 {
	if c%tileOf(t).lanes != 0 {
		return 1
	}
	return 0
}

// inside is the share of a kernel's taps, in one direction, that read the map and
// not its padding.
func inside(in, out, kernel, stride, dilation, pad int) float64 {
	if out*kernel == 0 {
		return 1
	}
	n := 0
	for o := range out {
		for k := range kernel {
			if at := o*stride + k*dilation - pad; at >= 0 && at < in {
				n++
			}
		}
	}
	return float64(n) / float64(out*kernel)
}

// actPrice orders activations by what they cost.
var actPrice = map[blocks.ActFunc]float64{
	blocks.Identity: 0, blocks.ReLU: 0.5, blocks.ReLU6: 1, blocks.HSigmoid: 2, blocks.HSwish: 2.5, blocks.Sigmoid: 4, blocks.Swish: 4.5,
}

var features = []feature{
	{"height", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Out.H) }},
	{"width", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Out.W) }},
	{"in", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.In.C) }},
	{"expansion", func(u *engine.Unit, t *engine.Target) float64 {
		if u.Mid == 0 {
			return 0
		}
		return log2(u.Mid) - log2(u.In.C)
	}},
	{"out", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Out.C) }},
	{"kernel", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Kernel[0]*u.Kernel[1]) / 2 }},
	{"stride", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Stride[0]*u.Stride[1]) / 2 }},
	{"dilation", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Dilation[0]*u.Dilation[1]) / 2 }},
	{"shrink", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.In.Pixels()) - log2(u.Out.Pixels()) }},
	{"groups", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Groups) }},
	{"act", func(u *engine.Unit, t *engine.Target) float64 { return actPrice[u.Act] }},
	{"mid_act", func(u *engine.Unit, t *engine.Target) float64 { return actPrice[u.MidAct] }},
	{"dw_act", func(u *engine.Unit, t *engine.Target) float64 { return actPrice[u.DWAct] }},
	{"residual", func(u *engine.Unit, t *engine.Target) float64 {
		if u.Residual {
			return 1
		}
		return 0
	}},
	{"width_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * occupancy(u.Out.W, tileOf(t).rows) }},
	{"out_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * occupancy(u.Out.C, tileOf(t).cols) }},
	{"mid_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * occupancy(u.Mid, tileOf(t).cols) }},
	{"in_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.In.C, t) }},
	{"out_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.Out.C, t) }},
	{"mid_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.Mid, t) }},
	{"inside", func(u *engine.Unit, t *engine.Target) float64 {
		h, w := u.In.H, u.In.W
		if u.Stem.Out[0] > 0 {
			h, w = u.Stem.Out[0], u.Stem.Out[1]
		}
		return 4 * inside(h, u.Out.H, u.Kernel[0], u.Stride[0], u.Dilation[0], u.Pad[0]) * inside(w, u.Out.W, u.Kernel[1], u.Stride[1], u.Dilation[1], u.Pad[1])
	}},
	{"set_l2", func(u *engine.Unit, t *engine.Target) float64 {
		return min(2, max(-2, math.Log2(float64(u.BytesIn()+u.BytesOut()+u.BytesWeights())/float64(max(t.L2, 1)))))
	}},
	{"stem_kernel", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Stem.Kernel[0]*u.Stem.Kernel[1]) / 2 }},
	{"batch", func(u *engine.Unit, t *engine.Target) float64 { return log2(u.Batch) }},
}

func featuresOf(dst []float64, u *engine.Unit, t *engine.Target) []float64 {
	for i := range features {
		dst = append(dst, features[i].of(u, t))
	}
	return dst
}
