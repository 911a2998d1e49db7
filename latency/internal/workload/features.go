package workload

import (
	"math"

	"nas/blocks"
	"nas/blocks/engine"
)

// A cost model sees a unit as two lists of numbers.
//
// Terms are amounts of work that take time in proportion, and that can only add:
// multiply-accumulates with the tails of their tiles filled up, tiles, bytes by the cache
// level that they come from, activations by their price. A time is a sum of terms times
// costs that are not negative.
//
// Features are coordinates of a unit, in logarithms to base 2 where they are sizes. What
// the terms get wrong is a smooth function of them.

// Indices of the terms, and their number.
const (
	termCall = iota
	termGEMMMac
	termGEMMTile
	termDWMac
	termDWRow
	termMove
	termMoveL2
	termMoveL3
	termMoveMem
	termWeights
	termAgain
	termActPoly
	termActExp
	termResidual
	termEval
	NumTerms
)

// TermNames are the names that costs have in a profile. Names may be added and dropped, but
// never change their meaning.
var TermNames = [NumTerms]string{
	termCall:     "call",      // 1: a call of a kernel
	termGEMMMac:  "gemm_mac",  // dense multiply-accumulates, tails filled up
	termGEMMTile: "gemm_tile", // tiles of dense products
	termDWMac:    "dw_mac",    // depthwise multiply-accumulates, channels filled up
	termDWRow:    "dw_row",    // rows of a panel of depthwise channels
	termMove:     "move",      // bytes read and written
	termMoveL2:   "move_l2",   // ... that a first-level cache does not hold
	termMoveL3:   "move_l3",   // ... that a second-level cache does not hold
	termMoveMem:  "move_mem",  // ... that a third-level cache does not hold
	termWeights:  "weights",   // bytes of weights
	termAgain:    "again",     // bytes of input read again for each block of output channels
	termActPoly:  "act_poly",  // values through hswish or hsigmoid
	termActExp:   "act_exp",   // values through swish, sigmoid or softmax
	termResidual: "residual",  // values added
	termEval:     "eval",      // values of units without a kernel: output plus products, or by plainPrice
}

// tile is the usual tile of an instruction set (output pixels x channels) and
// its number of float32 lanes.
type tile struct{ rows, cols, lanes int }

var tiles = map[string]tile{
	"generic": {4, 16, 1},
	"avx2":    {6, 16, 8},
	"avx512":  {8, 32, 16},
	"neon":    {8, 8, 4},
}

func tileOf(t *engine.Target) tile {
	v, ok := tiles[t.ISA]
	if !ok {
		v = tile{4, 16, 4}
	}
	if t.DType == engine.Int8 {
		v.lanes *= 4
	}
	return v
}

// valueBytes is the size of a value.
func valueBytes(t *engine.Target) float64 {
	if t.DType == engine.Int8 {
		return 1
	}
	return 4
}

// Lanes is the number of float32 lanes of a target.
func Lanes(t *engine.Target) int { return tileOf(t).lanes }

// CeilDiv is a/b, rounded up.
func CeilDiv(a, b int) int { return (a + b - 1) / b }

// Terms appends the unit's amounts to dst, in the order of TermNames. They are counted in
// thousands, so that costs are nanoseconds a piece when times are in microseconds.
func Terms(dst []float64, u *engine.Unit, t *engine.Target) []float64 {
	a := amounts{tile: tileOf(t), batch: float64(max(1, u.Batch))}
	a.v[termCall] = 1000
	passes, between := a.products(u)
	a.traffic(u, t, passes)
	a.act(u.Act, u.Out.Elems())
	a.act(u.MidAct, between*u.Mid)
	a.act(u.DWAct, u.Out.Pixels()*u.Mid)
	if u.Residual {
		a.v[termResidual] = float64(u.Out.Elems()) * a.batch
	}
	for _, x := range a.v {
		dst = append(dst, x/1000)
	}
	return dst
}

// amounts accumulates the terms of a unit.
type amounts struct {
	v     [NumTerms]float64
	tile  tile
	batch float64
}

// gemm adds a dense product for each of h rows of w pixels: k inputs, n outputs, in groups.
func (a *amounts) gemm(h, w, k, n, groups int) {
	n /= groups
	px := float64(h*CeilDiv(w, a.tile.rows)*a.tile.rows) * a.batch * float64(groups)
	a.v[termGEMMMac] += px * float64(CeilDiv(n, 16)*16) * float64(k)
	a.v[termGEMMTile] += float64(h*CeilDiv(w, a.tile.rows)*CeilDiv(n, a.tile.cols)) * a.batch * float64(groups)
}

// depthwise adds a filter of the given taps and rows for each of c channels.
func (a *amounts) depthwise(h, w, c, taps, rows int) {
	panels := CeilDiv(c, a.tile.lanes)
	a.v[termDWMac] += float64(h*w*panels*a.tile.lanes*taps) * a.batch
	a.v[termDWRow] += float64(h*panels*rows) * a.batch
}

// act adds the activation of n values.
func (a *amounts) act(f blocks.ActFunc, n int) {
	switch f {
	case blocks.HSwish, blocks.HSigmoid:
		a.v[termActPoly] += float64(n) * a.batch
	case blocks.Swish, blocks.Sigmoid:
		a.v[termActExp] += float64(n) * a.batch
	}
}

// products adds the arithmetic of a unit. It returns how often the input is read again, and
// the pixels of the map between the first and the depthwise convolution.
func (a *amounts) products(u *engine.Unit) (passes, between int) {
	taps := u.Kernel[0] * u.Kernel[1]
	in, out := u.In, u.Out
	groups := max(u.Groups, 1)
	between = in.Pixels()
	switch u.Name {
	case "conv", "scale_conv":
		a.gemm(out.H, out.W, taps*in.C/groups, out.C, groups)
		passes = CeilDiv(out.C/groups, a.tile.cols) - 1
	case "linear":
		a.gemm(1, 1, in.Elems(), out.C, 1)
	case "dwconv":
		a.depthwise(out.H, out.W, out.C, taps, u.Kernel[0])
	case "block":
		if Expands(u) {
			a.gemm(in.H, in.W, in.C/groups, u.Mid, 1)
		}
		a.depthwise(out.H, out.W, u.Mid, taps, u.Kernel[0])
		a.gemm(out.H, out.W, u.Mid/groups, out.C, 1)
		passes = CeilDiv(u.Mid, a.tile.cols) - 1
	case "stem_block", "stem_dw":
		st := u.Stem
		a.gemm(st.Out[0], st.Out[1], st.Kernel[0]*st.Kernel[1]*in.C, u.Mid, 1)
		a.depthwise(out.H, out.W, u.Mid, taps, u.Kernel[0])
		if u.Name == "stem_block" {
			a.gemm(out.H, out.W, u.Mid, out.C, 1)
		}
		between = st.Out[0] * st.Out[1]
	case "expand_dw":
		a.gemm(in.H, in.W, in.C, u.Mid, 1)
		a.depthwise(out.H, out.W, u.Mid, taps, u.Kernel[0])
		passes = CeilDiv(u.Mid, a.tile.cols) - 1
	case "dw_project":
		a.depthwise(out.H, out.W, u.Mid, taps, u.Kernel[0])
		a.gemm(out.H, out.W, u.Mid, out.C, 1)
	case "maxpool", "avgpool", "avgpool_pad":
		a.depthwise(out.H, out.W, out.C, taps, u.Kernel[0])
	case "softmax":
		a.v[termActExp] += float64(out.Elems()) * a.batch
	case "matmul":
		a.gemm(out.H, out.W, in.C, out.C, 1)
		passes = CeilDiv(out.C, a.tile.cols) - 1
	case "conv_transpose":
		a.gemm(in.H, in.W, in.C/groups, taps*out.C, groups)
		passes = CeilDiv(taps*out.C/groups, a.tile.cols) - 1
	default:
		if isEval(u.Name) {
			a.v[termEval] = float64(out.Elems()+in.Elems()) * a.batch * float64(max(1, taps))
		}
		p, n := priceOf(u), float64(max(in.Elems(), out.Elems()))*a.batch
		a.v[termActExp] += p.exp * n
		a.v[termEval] += p.plain * n
	}
	return passes, between
}

// Expands reports whether a block begins with a 1x1 convolution. Without one, it has no activation
// before the depthwise convolution.
func Expands(u *engine.Unit) bool { return u.Mid != u.In.C || u.MidAct != blocks.Identity }

// traffic adds the bytes that a unit reads and writes. A cache of size s that has to hold m
// bytes stops to help over a factor of two of m, not at once.
func (a *amounts) traffic(u *engine.Unit, t *engine.Target, passes int) {
	size := valueBytes(t) / 4
	move := float64(u.BytesIn()+u.BytesOut()) * size
	beyond := func(s int) float64 { return min(1, max(0, math.Log2(move/float64(max(s, 1)))+0.5)) }
	a.v[termMove] = move
	a.v[termMoveL2], a.v[termMoveL3], a.v[termMoveMem] = move*beyond(t.L1), move*beyond(t.L2), move*beyond(t.L3)
	a.v[termWeights] = float64(u.BytesWeights()) * size
	a.v[termAgain] = float64(u.BytesIn()) * size * float64(passes)
}

// Feature is one coordinate of a unit.
type Feature struct {
	Name string
	of   func(u *engine.Unit, t *engine.Target) float64
}

// Log2 is the logarithm of a size to base 2; that of 1 for sizes below.
func Log2(n int) float64 { return math.Log2(float64(max(n, 1))) }

// Occupancy is the share of a row of tiles of width w that n values fill.
func Occupancy(n, w int) float64 {
	if n == 0 {
		return 1
	}
	return float64(n) / float64(CeilDiv(n, w)*w)
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

// ActPrice orders activations by what they cost.
var ActPrice = map[blocks.ActFunc]float64{
	blocks.Identity: 0, blocks.ReLU: 0.5, blocks.ReLU6: 1, blocks.HSigmoid: 2, blocks.HSwish: 2.5,
	blocks.Sigmoid: 4, blocks.Swish: 4.5,
}

// Features are the coordinates, in the order of FeaturesOf.
var Features = []Feature{
	{"height", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Out.H) }},
	{"width", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Out.W) }},
	{"in", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.In.C) }},
	{"expansion", func(u *engine.Unit, t *engine.Target) float64 {
		if u.Mid == 0 {
			return 0
		}
		return Log2(u.Mid) - Log2(u.In.C)
	}},
	{"out", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Out.C) }},
	{"kernel", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Kernel[0]*u.Kernel[1]) / 2 }},
	{"stride", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Stride[0]*u.Stride[1]) / 2 }},
	{"dilation", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Dilation[0]*u.Dilation[1]) / 2 }},
	{"shrink", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.In.Pixels()) - Log2(u.Out.Pixels()) }},
	{"groups", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Groups) }},
	{"act", func(u *engine.Unit, t *engine.Target) float64 { return ActPrice[u.Act] }},
	{"mid_act", func(u *engine.Unit, t *engine.Target) float64 { return ActPrice[u.MidAct] }},
	{"dw_act", func(u *engine.Unit, t *engine.Target) float64 { return ActPrice[u.DWAct] }},
	{"residual", func(u *engine.Unit, t *engine.Target) float64 {
		if u.Residual {
			return 1
		}
		return 0
	}},
	{"width_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * Occupancy(u.Out.W, tileOf(t).rows) }},
	{"out_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * Occupancy(u.Out.C, tileOf(t).cols) }},
	{"mid_fill", func(u *engine.Unit, t *engine.Target) float64 { return 4 * Occupancy(u.Mid, tileOf(t).cols) }},
	{"in_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.In.C, t) }},
	{"out_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.Out.C, t) }},
	{"mid_ragged", func(u *engine.Unit, t *engine.Target) float64 { return ragged(u.Mid, t) }},
	{"inside", func(u *engine.Unit, t *engine.Target) float64 {
		h, w := u.In.H, u.In.W
		if u.Stem.Out[0] > 0 {
			h, w = u.Stem.Out[0], u.Stem.Out[1]
		}
		return 4 * inside(h, u.Out.H, u.Kernel[0], u.Stride[0], u.Dilation[0], u.Pad[0]) *
			inside(w, u.Out.W, u.Kernel[1], u.Stride[1], u.Dilation[1], u.Pad[1])
	}},
	{"set_l2", func(u *engine.Unit, t *engine.Target) float64 {
		bytes := valueBytes(t) / 4 * float64(u.BytesIn()+u.BytesOut()+u.BytesWeights())
		return min(2, max(-2, math.Log2(bytes/float64(max(t.L2, 1)))))
	}},
	{"stem_kernel", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Stem.Kernel[0]*u.Stem.Kernel[1]) / 2 }},
	{"batch", func(u *engine.Unit, t *engine.Target) float64 { return Log2(u.Batch) }},
}

// FeaturesOf appends the coordinates of a unit to dst.
func FeaturesOf(dst []float64, u *engine.Unit, t *engine.Target) []float64 {
	for i := range Features {
		dst = append(dst, Features[i].of(u, t))
	}
	return dst
}

func isEval(name string) bool { return len(name) > 5 && name[:5] == "eval." }
