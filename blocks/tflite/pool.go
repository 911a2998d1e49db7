package tflite

import "nas/blocks"

func init() {
	register(lowerPool)
	register(lowerGlobalPool)
	register(lowerChannelPool)
	register(lowerSumPixels)
}

// poolNames are the operators of a window by [blocks.PoolKind].
var poolNames = []string{blocks.MaxPool: "MAX_POOL_2D", blocks.AvgPool: "AVERAGE_POOL_2D"}

// reduceNames are the operators over whole axes by [blocks.PoolKind].
var reduceNames = []string{blocks.MaxPool: "REDUCE_MAX", blocks.AvgPool: "MEAN"}

// lowerPool writes MAX_POOL_2D or AVERAGE_POOL_2D. AVERAGE_POOL_2D divides by the taps inside the input, padding
// SAME included. A mean with another padding is one over zeros, multiplied where windows reach beyond the input.
func lowerPool(g *graph, op *blocks.Pool, c call) (value, error) {
	w := window{pad: op.Pad}
	w.kernel, w.stride, w.dilation = op.Window()
	if w.dilation != [2]int{1, 1} {
		return value{}, errOption("pooling with dilation")
	}
	x := g.asMap(c.in[0])
	shape := x.shape
	if shape == c.out && w.kernel == [2]int{1, 1} {
		return x, nil // XNNPACK refuses such a window
	}
	w.pad.Bottom, w.pad.Right = w.beyond(shape, c.out)
	name, o := poolNames[op.Pool], w.options()
	o["filter_h"], o["filter_w"] = float64(w.kernel[0]), float64(w.kernel[1])
	average := op.Pool == blocks.AvgPool
	counted := average && op.CountPad && w.pad != (blocks.Pad{})
	if !counted && w.isSame(shape, c.out) {
		o["padding"] = Same
		return g.mapOp(name, []int{x.tensor}, o, c.out), nil
	}
	o["padding"] = Valid
	if w.pad != (blocks.Pad{}) {
		with := 0.0
		if !average {
			with = lowest
		}
		x = g.pad(x, w.pad, with)
	}
	v := g.mapOp(name, []int{x.tensor}, o, c.out)
	if average {
		if factor, ok := tapFactors(op, w, shape, c.out); ok {
			v = g.mapOp("MUL", []int{v.tensor, g.floats([]int{1, c.out.H, c.out.W, 1}, factor...)}, nil, c.out)
		}
	}
	return v, nil
}

// tapFactors returns, for each output pixel, the taps of a window over those that a mean divides by; ok is false
// where all are 1.
func tapFactors(op *blocks.Pool, w window, s, out blocks.Shape) (f []float32, ok bool) {
	inside := func(at, k, low, high int) float64 { return float64(min(at+k, high) - max(at, low)) }
	declared := blocks.Pad{}
	if op.CountPad {
		declared = op.Pad
	}
	for y := range out.H {
		for x := range out.W {
			rows := inside(y*w.stride[0]-w.pad.Top, w.kernel[0], -declared.Top, s.H+declared.Bottom)
			columns := inside(x*w.stride[1]-w.pad.Left, w.kernel[1], -declared.Left, s.W+declared.Right)
			v := float64(w.kernel[0]*w.kernel[1]) / (rows * columns)
			f, ok = append(f, float32(v)), ok || v != 1
		}
	}
	return f, ok
}

// reduce writes an operator over whole axes that keeps them with an extent of 1.
func (g *graph) reduce(name string, x value, out blocks.Shape, axes ...int) value {
	return g.mapOp(name, []int{x.tensor, g.list(axes...)}, Options{"keep_dims": 1}, out)
}

// lowerGlobalPool writes MEAN over height and width, or a MAX_POOL_2D of the whole map.
func lowerGlobalPool(g *graph, op *blocks.GlobalPool, c call) (value, error) {
	x := g.asMap(c.in[0])
	if op.Pool == blocks.AvgPool {
		return g.reduce("MEAN", x, c.out, 1, 2), nil
	}
	h, w := float64(x.shape.H), float64(x.shape.W)
	o := Options{"padding": Valid, "stride_h": h, "stride_w": w, "filter_h": h, "filter_w": w}
	return g.mapOp("MAX_POOL_2D", []int{x.tensor}, o, c.out), nil
}

func lowerChannelPool(g *graph, op *blocks.ChannelPool, c call) (value, error) {
	return g.reduce(reduceNames[op.Pool], g.asMap(c.in[0]), c.out, 3), nil
}

func lowerSumPixels(g *graph, _ *blocks.SumPixels, c call) (value, error) {
	return g.reduce("SUM", g.asMap(c.in[0]), c.out, 1, 2), nil
}
