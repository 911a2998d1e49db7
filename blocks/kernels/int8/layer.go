package int8

import (
	"math"
	"unsafe"

	"nas/blocks/kernels"
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
	kind kind
	set  *Set // that runs it: the generic one where sums may leave what the others convert
	dw   dwPlan
	rows rowPlan

	w     []int8
	bias  []int32   // less what all weights make of the zero point; kindDirect: as given
	scale []float32 // the unit of a channel's sums over that of the output
	round rounding
	plain int // see gemmArgs

	single bool // a single pixel, whose weights are bytes in lanes of two
}

// kind is the driver that runs a layer.
type kind uint8

const (
	kindDirect    kind = iota // in Go
	kindPointwise             // rows of activations at a constant distance
	kindMerged                // the taps of a kernel row are one run
	kindTaps                  // a pointer for each tap
	kindDepthwise
	kindRows // depthwise, in float32
)

// panel is the number of output channels whose weights are packed together.
const panel = 16

// kindOf chooses the driver. Rows are merged where a pointer for each tap would cost as much as the tap's products.
func (s *Set) kindOf(g *kernels.Conv) kind {
	switch {
	case s.vl == 0:
		return kindDirect
	case g.Depthwise() && s.rowKernels(g).most > 0:
		return kindRows
	case g.Depthwise():
		return kindDepthwise
	case g.KH == 1 && g.KW == 1 && g.PadT == 0 && g.PadL == 0 && g.Groups == 1 &&
		(g.OH-1)*g.SH < g.H && (g.OW-1)*g.SW < g.W:
		return kindPointwise
	case g.Groups == 1 && g.DW == 1 && g.KW > 1 && g.C < 16:
		return kindMerged
	}
	return kindTaps
}

// LayerLen is an upper bound of the bytes that [Set.Layer] asks for, in any set.
func LayerLen(g *kernels.Conv) int {
	n := directLen(g)
	for _, l := range []lanes{{vl: 4, unit: 2}, {vl: 4, unit: 4}, {vl: 8, unit: 2}, {vl: 8, unit: 4}, {vl: 16, unit: 2},
		{vl: 16, unit: 4}} {
		s := Set{lanes: l}
		n = max(n, s.layerLen(g))
		if g.Depthwise() { // some sets have kernels for it that read bytes as they are
			for k := range s.rows {
				s.rows[k] = [3]rowKernels{{}, {most: 1}, {most: 1}}
			}
			n = max(n, s.layerLen(g))
		}
	}
	return n
}

// directLen is the number of bytes of a layer that runs in Go.
func directLen(g *kernels.Conv) int {
	return align(g.N*g.KH*g.KW*(g.C/g.Groups)) + 2*align(4*g.N) + align(0) + 64
}

// layerLen is the number of bytes of a layer of s.
func (s *Set) layerLen(g *kernels.Conv) int {
	k := s.kindOf(g)
	if k == kindDirect {
		return directLen(g)
	}
	w, outs := s.packedLen(g, k)
	n := align(w) + 2*align(4*outs) + 64
	if k == kindRows {
		w, outs = s.packedLen(g, kindDepthwise)
		n = max(n, align(w)+2*align(4*outs)+64)
	}
	return n
}

// align is n rounded up to whole cache lines.
func align(n int) int { return (n + 63) &^ 63 }

// packedLen returns the bytes of the packed weights and the number of packed output channels.
func (s *Set) packedLen(g *kernels.Conv, k kind) (w, outs int) {
	switch k {
	case kindRows:
		return s.rowsLen(g)
	case kindDepthwise:
		p := s.dwPlan(g)
		return p.rows * len(p.blocks) * len(p.taps) * 16 * s.vl, len(p.blocks) * 4 * s.vl
	}
	lane := 4
	if s.isSingle(g, k) {
		lane = 2
	}
	outs = g.Groups * ceilDiv(g.N/g.Groups, panel) * panel
	return outs * g.KH * s.rowUnits(g, k) * lane, outs
}

// isSingle tells whether a layer has a single pixel, and kernels whose weights stay bytes.
func (s *Set) isSingle(g *kernels.Conv, k kind) bool {
	return k == kindPointwise && g.OH*g.OW == 1 && s.single.rows[1] > 0
}

// rowUnits is the number of lanes that the taps of a kernel row fill.
func (s *Set) rowUnits(g *kernels.Conv, k kind) int {
	if k == kindMerged {
		return ceilDiv(g.KW*g.C, s.unit)
	}
	return g.KW * ceilDiv(g.C/g.Groups, s.unit)
}

// Layer packs the weights of a convolution that reads grid in and stores as out says. It asks alloc for bytes at most
// once, for at most [LayerLen]; the layer keeps them. Padding is the zero point of in.
func (s *Set) Layer(alloc func(n int) []byte, g kernels.Conv, w Weights, in Grid, out Output) *Layer {
	l := &Layer{g: g, in: in, out: out, kind: s.kindOf(&g), set: s}
	unit := make([]float32, g.N)
	for o := range unit {
		unit[o] = in.Scale * w.Scale[min(o, len(w.Scale)-1)] / out.Scale
	}
	if l.kind != kindDirect && !w.convertible(&g, unit) {
		l.kind, l.set = kindDirect, generic()
	}
	if l.kind == kindRows && !w.exact(&g) {
		l.kind = kindDepthwise
	}
	if l.kind == kindDirect {
		l.take(alloc(directLen(&g))[:directLen(&g)], len(w.Q), g.N)
		copy(l.w, w.Q)
		copy(l.bias, w.Bias)
		copy(l.scale, unit)
		return l
	}
	n, outs := s.packedLen(&g, l.kind)
	l.take(alloc(s.layerLen(&g))[:s.layerLen(&g)], n, outs)
	l.single = s.isSingle(&g, l.kind)
	l.round = newRounding(&out, s.vl)
	if out.Zero == 0 && out.Low == 0 && out.High == 255 {
		l.plain = 1
	}
	switch l.kind {
	case kindRows:
		l.rows = s.rowPlan(&g)
		l.packRows(w, unit)
	case kindDepthwise:
		l.dw = s.dwPlan(&g)
		l.packDepthwise(w, unit)
	default:
		l.pack(w, unit)
	}
	return l
}

// take divides the memory of a layer.
func (l *Layer) take(b []byte, w, outs int) {
	b = b[-uintptr(unsafe.Pointer(unsafe.SliceData(b)))&63:]
	clear(b[:align(w)+2*align(4*outs)])
	p := unsafe.Pointer(unsafe.SliceData(b))
	l.w = unsafe.Slice((*int8)(p), w)
	l.bias = unsafe.Slice((*int32)(unsafe.Add(p, align(w))), outs)
	l.scale = unsafe.Slice((*float32)(unsafe.Add(p, align(w)+align(4*outs))), outs)
}

// convertible tells whether all sums, multiplied by their scale, fit an int32.
func (w *Weights) convertible(g *kernels.Conv, unit []float32) bool {
	n := len(w.Q) / g.N
	for o, u := range unit {
		most := int64(0)
		for _, q := range w.Q[o*n:][:n] {
			most += 255 * max(int64(q), -int64(q))
		}
		if w.Bias != nil {
			most += max(int64(w.Bias[o]), -int64(w.Bias[o]))
		}
		if !fits32(most, u) {
			return false
		}
	}
	return true
}

// fits32 tells whether a sum of at most that magnitude fits an int32 when multiplied by scale.
func fits32(most int64, scale float32) bool {
	return float64(min(most, 1<<31))*math.Abs(float64(scale)) < 1<<31-1<<9 // false for NaN too
}

// at returns the weight of output channel o, kernel row ky and column kx, channel c of its group; 0 outside.
func (w *Weights) at(g *kernels.Conv, o, ky, kx, c int) int8 {
	each := g.C / g.Groups
	if ky < 0 || ky >= g.KH || kx >= g.KW || c >= each {
		return 0
	}
	return w.Q[((o*g.KH+ky)*g.KW+kx)*each+c]
}

// folded is the bias of output channel o less what the zero point adds to its sums, if activations are stored less
// shift.
func (w *Weights) folded(g *kernels.Conv, o int, in Grid, shift int32) int32 {
	sum, n := int32(0), len(w.Q)/g.N
	if w.Bias != nil {
		sum = w.Bias[o]
	}
	for _, q := range w.Q[o*n:][:n] {
		sum -= int32(q) * (int32(in.Zero) - shift)
	}
	return sum
}

// put writes element i of lane n of the packed weights.
func (l *Layer) put(n, i int, q int8) {
	at := 4 * n
	switch s := l.set; {
	case s.split:
		at = n&^3*4 + n&3*2 + i*8
	case s.unit == 2:
		at += 2 * i
	default:
		l.w[at+i] = q
		return
	}
	l.w[at], l.w[at+1] = q, q>>7
}

// pack lays the weights out in panels of 16 output channels: [group][panel][kernel row][lane][16].
func (l *Layer) pack(w Weights, unit []float32) {
	g, s := &l.g, l.set
	part := g.N / g.Groups
	n, runs := g.C/g.Groups, g.KH*g.KW // weights in a run of lanes, and the runs
	if l.kind == kindMerged {
		n, runs = g.KW*g.C, g.KH
	}
	lanes, panels := ceilDiv(n, s.unit), ceilDiv(part, panel)
	for o := range g.N {
		p, j := o/part*panels+o%part/panel, o%part%panel
		l.bias[p*panel+j], l.scale[p*panel+j] = w.folded(g, o, l.in, s.shift), unit[o]
		for r := range runs {
			from := w.Q[(o*runs+r)*n:][:n]
			first := (p*runs+r)*lanes*panel + j
			if l.single {
				for i, q := range from {
					l.w[2*(first+i>>1*panel)+i&1] = q
				}
				continue
			}
			if s.size() == 1 {
				to := l.w[4*first:]
				for i, q := range from {
					to[i>>2*(4*panel)+i&3] = q
				}
				continue
			}
			for i, q := range from {
				l.put(first+i>>1*panel, i&1, q)
			}
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
