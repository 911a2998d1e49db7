package int8

import (
	"nas/blocks/kernels"
	"unsafe"
)

// Weights are the weights of a convolution, stored with zero point 0.
type Weights struct {
	Q     []int8    // [N][KH][KW][C/Groups]; depthwise [N][KH][KW]
	Scale []float32 // one for each output channel, or a single one
	Bias  []int32   // one for each output channel, in units of input scale x weight scale; nil: none
}

// Layer is a convolution with packed weights. [Set.Layer] makes one; it runs on the set that made it. Any number of
// goroutines may use it.
type Layer struct {
	g    kernels.Conv
	in   Grid
	out  Output
	w    []int8
	zero []int32   // the sum that all weights make of the zero point, less the bias
	unit []float32 // the unit of a channel's sums over that of the output
}

// LayerLen is an upper bound of the bytes that [Set.Layer] asks for, in any set.
func LayerLen(g *kernels.Conv) int {
	groups, each, part := g.Groups, g.C/g.Groups, g.N/g.Groups
	if g.Depthwise() {
		groups, part = 1, g.N
	}
	taps := g.KH * g.KW * ceilDiv(each, 4) * 4
	if g.Depthwise() {
		taps = ceilDiv(g.KH, 4) * 4 * g.KW
	}
	outs := groups * ceilDiv(part, panel) * panel
	return 2*outs*max(taps, ceilDiv(g.KW*each, 4)*4*g.KH) + 8*outs + 3*64 + Slack
}

// panel is the number of output channels whose weights are packed together.
const panel = 16

// Layer packs the weights of a convolution that reads grid in and stores as out says. It asks alloc for bytes at most
// once, for at most [LayerLen]; the layer keeps them. Padding is the zero point of in.
func (s *Set) Layer(alloc func(n int) []byte, g kernels.Conv, w Weights, in Grid, out Output) *Layer {
	l := &Layer{g: g, in: in, out: out, unit: make([]float32, g.N), zero: make([]int32, g.N)}
	for o := range l.unit {
		l.unit[o] = in.Scale * w.Scale[min(o, len(w.Scale)-1)] / out.Scale
		if w.Bias != nil {
			l.zero[o] = w.Bias[o]
		}
	}
	n := g.KH * g.KW * (g.C / g.Groups) * g.N
	b := alloc(n)[:n]
	l.w = unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), n)
	copy(l.w, w.Q)
	return l
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
