package costmodel

import (
	"math"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/latency/internal/workload"
)

// Runtimes whose kernels have terms of their own: the values of KindModel.Runtime besides "", which is our engine and
// all others. They are TFLite with XNNPACK on an Arm core. Only the tiles of the products differ: int8 products on
// cores with the dot product instruction (Armv8.2) take four inputs at a time, others eight.
const (
	XNNPACKFloat   = "xnnpack float32"
	XNNPACKInt8    = "xnnpack int8"
	XNNPACKInt8Dot = "xnnpack int8 dot"
)

// Indices of XNNPACK's terms.
const (
	xMac = iota
	xDenseMac
	xTile
	xTap
	xImageTap
	xIn
	xOut
	xWeights
	xStream
	xVector
	xCall
	xSmallCall
	xGroupedMac
	xGroupedOut
	xDepthwiseMac
	xDepthwiseOut
	xDepthwiseIn
	xAdd
	xScale
	xAffine
	xHSwish
	xCopy
	xPlain
	xPool
	xGlobalPool
	numXNNPACK
)

// xnnpackNames are the names that the costs have in a profile; the rules are those of TermNames.
var xnnpackNames = [numXNNPACK]string{
	xMac:          "x_mac",           // multiply-accumulates of 1x1 convolutions, tiles filled up
	xDenseMac:     "x_dense_mac",     // of larger kernels
	xTile:         "x_tile",          // values of output tiles
	xTap:          "x_tap",           // values of output tiles, times the taps of a larger kernel
	xImageTap:     "x_image_tap",     // the same of a convolution over an image
	xIn:           "x_in",            // bytes that products read
	xOut:          "x_out",           // bytes that they write
	xWeights:      "x_weights",       // bytes of weights: none is in a cache when its layer begins
	xStream:       "x_stream",        // bytes of weights that no cache holds, for each row of tiles: they are read again
	xVector:       "x_vector",        // bytes of weights of layers over one pixel
	xCall:         "x_call",          // calls of convolutions over maps
	xSmallCall:    "x_small_call",    // other calls
	xGroupedMac:   "x_grouped_mac",   // multiply-accumulates of grouped convolutions, which TFLite's own kernels run
	xGroupedOut:   "x_grouped_out",   // values that these write
	xDepthwiseMac: "x_depthwise_mac", // taps of depthwise convolutions
	xDepthwiseOut: "x_depthwise_out", // values that these write
	xDepthwiseIn:  "x_depthwise_in",  // values that these read
	xAdd:          "x_add",           // values of additions
	xScale:        "x_scale",         // values that are multiplied by, or added to, a vector of channels
	xAffine:       "x_affine",        // values of batch normalisation that is not folded, beyond x_scale
	xHSwish:       "x_hswish",        // values through hard-swish
	xCopy:         "x_copy",          // values that are copied
	xPlain:        "x_plain",         // values of all other operators
	xPool:         "x_pool",          // taps of poolings
	xGlobalPool:   "x_global_pool",   // values that global poolings read
}

// xnnpackTile is the tile of XNNPACK's products on Arm: output pixels, output channels, inputs at a time, and the bytes
// of a value.
type xnnpackTile struct{ rows, cols, depth, bytes int }

var xnnpackTiles = map[string]xnnpackTile{
	XNNPACKFloat: {6, 8, 1, 4}, XNNPACKInt8: {2, 8, 8, 1}, XNNPACKInt8Dot: {4, 16, 4, 1},
}

// xnnpackTerms appends the unit's amounts to dst, in thousands and in the order of xnnpackNames.
func xnnpackTerms(dst []float64, u *engine.Unit, t *engine.Target, k xnnpackTile) []float64 {
	var v [numXNNPACK]float64
	out, in := float64(u.Out.Elems()), float64(u.In.Elems())
	switch u.Name {
	case "conv", "scale_conv", "linear", "cond_conv":
		v = k.product(u, t)
	case "dwconv":
		v[xDepthwiseMac] = out * float64(u.Kernel[0]*u.Kernel[1])
		v[xDepthwiseOut], v[xDepthwiseIn], v[xCall] = out, in, 1
	default:
		v = elementwise(u)
	}
	if u.Residual {
		v[xAdd] += out
		v[xSmallCall]++
	}
	if u.Act == blocks.HSwish && u.Out.Pixels() > 1 {
		v[xHSwish] += out
		v[xSmallCall]++
	}
	for _, x := range v {
		dst = append(dst, x*float64(max(1, u.Batch))/1000)
	}
	return dst
}

// product are the amounts of a convolution that is not depthwise, or of a linear layer.
func (k xnnpackTile) product(u *engine.Unit, t *engine.Target) (v [numXNNPACK]float64) {
	out := float64(u.Out.Elems())
	pixels, channels, taps := u.Out.Pixels(), u.In.C, u.Kernel[0]*u.Kernel[1]
	if u.Name == "linear" {
		pixels, channels, taps = 1, u.In.Elems(), 1
	}
	weights := float64(taps*channels) * float64(u.Out.C) / float64(max(1, u.Groups))
	switch {
	case u.Groups > 1:
		v[xGroupedMac], v[xGroupedOut] = float64(u.MACs()), out
		return v
	case pixels == 1:
		v[xVector], v[xSmallCall] = weights*float64(k.bytes), 1
		return v
	}
	cols := workload.CeilDiv(u.Out.C, k.cols) * k.cols
	macs := float64(pixels*taps) * float64(workload.CeilDiv(channels, k.depth)*k.depth) * float64(cols)
	tiles := float64(workload.CeilDiv(pixels, k.rows)*k.rows) * float64(cols)
	v[xTile], v[xCall] = tiles, 1
	switch {
	case taps == 1:
		v[xMac] = macs
	case channels < 16:
		v[xDenseMac], v[xImageTap] = macs, tiles*float64(taps)
	default:
		v[xDenseMac], v[xTap] = macs, tiles*float64(taps)
	}
	bytes := float64(k.bytes)
	v[xIn], v[xOut], v[xWeights] = bytes*float64(u.In.Elems()), bytes*out, bytes*weights
	beyond := min(1, max(0, math.Log2(max(1, v[xWeights])/float64(max(1, t.L3)))+0.5))
	v[xStream] = float64(workload.CeilDiv(pixels, k.rows)) * v[xWeights] * beyond
	return v
}

// elementwise are the amounts of the other units.
func elementwise(u *engine.Unit) (v [numXNNPACK]float64) {
	out := float64(u.Out.Elems())
	v[xSmallCall] = 1
	switch u.Name {
	case "add":
		v[xAdd] = out
	case "scale", "mul", "scale_map":
		v[xScale] = out
	case "affine", "batchnorm":
		v[xScale], v[xAffine], v[xSmallCall] = 2*out, 2*out, 2
	case "globalavg", "globalmax":
		v[xGlobalPool] = float64(u.In.Elems())
	case "maxpool", "avgpool", "avgpool_pad":
		v[xPool] = out * float64(u.Kernel[0]*u.Kernel[1])
	case "copy", "shuffle", "rearrange.runs":
		v[xCopy] = out
	default:
		v[xPlain] = max(out, float64(u.In.Elems()))
	}
	return v
}
