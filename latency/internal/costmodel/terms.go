package costmodel

import (
	"math"

	"nas/blocks"
	"nas/blocks/engine"
)

// termNames names the terms. Costs in a profile are keyed by them, so names may
// be added and dropped but never change their meaning.
var termNames = []string{
	"call",      // 1: a call of a kernel
	"gemm_mac",  // dense multiply-accumulates, tails filled up
	"gemm_tile", // tiles of dense products
	"dw_mac",    // depthwise multiply-accumulates, channels filled up
	"dw_row",    // rows of a panel of depthwise channels
	"move",      // bytes read and written
	"move_l2",   // ... that a first-level cache does not hold
	"move_l3",   // ... that a second-level cache does not hold
	"move_mem",  // ... that a third-level cache does not hold
	"weights",   // bytes of weights
	"again",     // bytes of input read again for each block of output channels
	"act_poly",  // values through hswish or hsigmoid
	"act_exp",   // values through swish, sigmoid or softmax
	"residual",  // values added
	"eval",      // values of units without a kernel: output plus products
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
	if v, ok := tiles[t.ISA]; ok {
		return v
	}
	return tile{4, 16, 4}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// terms appends the unit's amounts to dst, in the order of termNames. Work is
// scaled to thousands, so that costs are nanoseconds a piece when times are in
// microseconds.
func terms(dst []float64, u *engine.Unit, t *engine.Target) []float64 {
	tl := tileOf(t)
	batch := float64(max(1, u.Batch))
	var room [16]float64
	v := room[:len(termNames)]
	v[0] = 1000
	gemm := func(h, w, k, n, groups int) {
		n /= groups
		px := float64(h*ceilDiv(w, tl.rows)*tl.rows) * batch * float64(groups)
		v[1] += px * float64(ceilDiv(n, 16)*16) * float64(k)
		v[2] += float64(h*ceilDiv(w, tl.rows)*ceilDiv(n, tl.cols)) * batch * float64(groups)
	}
	dw := func(h, w, c, taps, rows int) {
		lanes := ceilDiv(c, tl.lanes)
		v[3] += float64(h*w*lanes*tl.lanes*taps) * batch
		v[4] += float64(h*lanes*rows) * batch
	}
	act := func(a blocks.ActFunc, n int) {
		switch a {
		case blocks.HSwish, blocks.HSigmoid:
			v[11] += float64(n) * batch
		case blocks.Swish, blocks.Sigmoid:
			v[12] += float64(n) * batch
		}
	}
	taps := u.Kernel[0] * u.Kernel[1]
	in, out := u.In, u.Out
	groups := max(u.Groups, 1)
	passes := 0
	mid := in.Pixels() // of the map between the first and the depthwise convolution
	switch u.Name {
	case "conv", "scale_conv":
		gemm(out.H, out.W, taps*in.C/groups, out.C, groups)
		passes = ceilDiv(out.C/groups, tl.cols) - 1
	case "linear":
		gemm(1, 1, in.Elems(), out.C, 1)
	case "dwconv":
		dw(out.H, out.W, out.C, taps, u.Kernel[0])
	case "block":
		gemm(in.H, in.W, in.C/groups, u.Mid, 1)
		dw(out.H, out.W, u.Mid, taps, u.Kernel[0])
		gemm(out.H, out.W, u.Mid/groups, out.C, 1)
		passes = ceilDiv(u.Mid, tl.cols) - 1
	case "stem_block", "stem_dw":
		st := u.Stem
		gemm(st.Out[0], st.Out[1], st.Kernel[0]*st.Kernel[1]*in.C, u.Mid, 1)
		dw(out.H, out.W, u.Mid, taps, u.Kernel[0])
		if u.Name == "stem_block" {
			gemm(out.H, out.W, u.Mid, out.C, 1)
		}
		mid = st.Out[0] * st.Out[1]
	case "expand_dw":
		gemm(in.H, in.W, in.C, u.Mid, 1)
		dw(out.H, out.W, u.Mid, taps, u.Kernel[0])
		passes = ceilDiv(u.Mid, tl.cols) - 1
	case "dw_project":
		dw(out.H, out.W, u.Mid, taps, u.Kernel[0])
		gemm(out.H, out.W, u.Mid, out.C, 1)
	case "maxpool", "avgpool", "avgpool_pad":
		dw(out.H, out.W, out.C, taps, u.Kernel[0])
	case "softmax":
		v[12] += float64(out.Elems()) * batch
	default:
		if isEval(u.Name) {
			v[14] = float64(out.Elems()+in.Elems()) * batch * float64(max(1, taps))
		}
	}
	move := float64(u.BytesIn() + u.BytesOut())
	v[5] = move
	// A cache of size s that has to hold m bytes is passed by over a factor of
	// two, not at once.
	beyond := func(s int) float64 { return min(1, max(0, math.Log2(move/float64(max(s, 1)))+0.5)) }
	v[6], v[7], v[8] = move*beyond(t.L1), move*beyond(t.L2), move*beyond(t.L3)
	v[9] = float64(u.BytesWeights())
	v[10] = float64(u.BytesIn()) * float64(passes)
	act(u.Act, out.Elems())
	act(u.MidAct, mid*u.Mid)
	act(u.DWAct, out.Pixels()*u.Mid)
	if u.Residual {
		v[13] = float64(out.Elems()) * batch
	}
	for _, x := range v {
		dst = append(dst, x/1000)
	}
	return dst
}

func isEval(name string) bool { return len(name) > 5 && name[:5] == "eval." }

// KindOf names the cost model that a unit belongs to: its routine, with
// convolutions told apart by the path they take.
func KindOf(u *engine.Unit) string {
	if u.Name != "conv" {
		return u.Name
	}
	switch {
	case u.Groups > 1:
		return "conv.grouped"
	case u.Kernel == [2]int{1, 1} && u.Out.Pixels() == 1:
		return "conv.vector"
	case u.Kernel == [2]int{1, 1}:
		return "conv.pointwise"
	case u.In.C < 16:
		return "conv.image"
	}
	return "conv.dense"
}
