package engine

import (
	"strconv"
	"strings"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/internal/fault"
)

// Unit describes one kernel call in full: two calls with equal units do the
// same work. It is comparable, and its [Unit.Key] is the same in every version
// that can read it, so it serves as a key of tables.
//
// Name is the routine:
//
//	conv        dense, pointwise, grouped convolution
//	dwconv      depthwise convolution, one output for each channel
//	block       1x1 convolution to Mid channels, depthwise, 1x1 convolution, tile by tile
//	expand_dw   the first two of them
//	dw_project  the last two of them
//	stem_block  any convolution (the Stem fields), depthwise, 1x1 convolution
//	stem_dw     the first two of them
//	cond_conv   convolution with weights mixed from Mid experts
//	linear      fully connected layer
//	maxpool avgpool avgpool_pad (padding counts)  globalavg globalmax
//	add mul     two maps
//	scale       a map times one factor a channel
//	scale_map   a map times one factor a pixel
//	affine      batch normalisation, or factors of a file, that could not be folded
//	batchnorm   the same with the statistics of the batch
//	act         an activation by itself
//	copy        a map, or a part of one, into a part of another
//	shuffle     channels of Groups groups dealt out in turn
//	bilinear bilinear_corners nearest  softmax log_softmax
//	layernorm   normalisation of each pixel
//	groupnorm   normalisation of each of Groups groups of channels
//	unary.FUNC  a function of each value; prelu: a slope a channel
//	binary.FUNC a function of two maps (Second), extents of 1 repeated
//	reduce.FUNC channel_pool.FUNC  one number of many
//	matmul      products of two maps' matrices
//	conv_transpose  transpose of a convolution
//	rearrange select border constant  copying
//	interpolate.MODE  any other resizing
//	lrn         local response normalisation
//	fake_quant  rounding to a grid
//	quantize dequantize  between float32 and the bytes of a plan of integers
//	eval.KIND   the reference evaluation of op KIND
type Unit struct {
	Name     string
	In, Out  blocks.Shape // of one image; In is the first input
	Kernel   [2]int       // vertical, horizontal; {0, 0} where there is no window
	Stride   [2]int       // {0, 0} where there is no window
	Dilation [2]int       // {0, 0} where there is no window
	Pad      [2]int       // top, left; bottom and right follow from Out
	Groups   int          // of a convolution, else 0
	Mid      int          // channels of the depthwise part of a fused unit; experts of cond_conv
	Stem     Stem         // of stem_block and stem_dw
	Act      blocks.ActFunc
	// MidAct and DWAct stand behind the first and the depthwise convolution of a
	// fused unit. Act, behind the last, is unused where that is the depthwise one.
	MidAct, DWAct blocks.ActFunc
	Residual      bool         // a map of Out's shape is added before Act
	Batch         int          // images, at least 1
	Second        blocks.Shape // of the second input of binary and matmul
}

// Stem is the first convolution of a fused unit where it is not a pointwise one.
type Stem struct {
	Kernel, Stride, Pad [2]int
	Out                 [2]int // height and width of its output
}

// Key returns the unit as text, for example
//
//	conv 56x56x24>56x56x144 k1x1 s1x1 d1x1 g1 relu6
//	block 112x112x16>56x56x24 k3x3 s2x2 d1x1 p1x1 m96 mid:relu6 dw:relu6
//
// Fields that have their zero value (batch: 1) are left out. [ParseUnit] is the inverse.
func (u Unit) Key() string {
	b := make([]byte, 0, 96)
	b = append(b, u.Name...)
	b = appendShape(append(b, ' '), u.In)
	b = appendShape(append(b, '>'), u.Out)
	for _, f := range pairFields {
		if v := *f.of(&u); v != [2]int{} {
			b = strconv.AppendInt(append(append(b, ' '), f.tag...), int64(v[0]), 10)
			b = strconv.AppendInt(append(b, 'x'), int64(v[1]), 10)
		}
	}
	for _, f := range intFields {
		if v := *f.of(&u); v != f.zero {
			b = strconv.AppendInt(append(append(b, ' '), f.tag...), int64(v), 10)
		}
	}
	for _, f := range actFields {
		if v := *f.of(&u); v != blocks.Identity {
			b = append(append(append(b, ' '), f.tag...), v.String()...)
		}
	}
	if u.Residual {
		b = append(b, " res"...)
	}
	if u.Second != (blocks.Shape{}) {
		b = appendShape(append(b, " with"...), u.Second)
	}
	return string(b)
}

// String returns the key.
func (u Unit) String() string { return u.Key() }

func appendShape(b []byte, s blocks.Shape) []byte {
	b = strconv.AppendInt(b, int64(s.H), 10)
	b = strconv.AppendInt(append(b, 'x'), int64(s.W), 10)
	return strconv.AppendInt(append(b, 'x'), int64(s.C), 10)
}

// The fields of a key, in their order.
var (
	pairFields = []struct {
		tag string
		of  func(*Unit) *[2]int
	}{
		{"stem_k", func(u *Unit) *[2]int { return &u.Stem.Kernel }},
		{"stem_s", func(u *Unit) *[2]int { return &u.Stem.Stride }},
		{"stem_p", func(u *Unit) *[2]int { return &u.Stem.Pad }},
		{"stem_o", func(u *Unit) *[2]int { return &u.Stem.Out }},
		{"k", func(u *Unit) *[2]int { return &u.Kernel }},
		{"s", func(u *Unit) *[2]int { return &u.Stride }},
		{"d", func(u *Unit) *[2]int { return &u.Dilation }},
		{"p", func(u *Unit) *[2]int { return &u.Pad }},
	}
	intFields = []struct {
		tag  string
		zero int
		of   func(*Unit) *int
	}{
		{"g", 0, func(u *Unit) *int { return &u.Groups }},
		{"m", 0, func(u *Unit) *int { return &u.Mid }},
		{"b", 1, func(u *Unit) *int { return &u.Batch }},
	}
	actFields = []struct {
		tag string
		of  func(*Unit) *blocks.ActFunc
	}{
		{"mid:", func(u *Unit) *blocks.ActFunc { return &u.MidAct }},
		{"dw:", func(u *Unit) *blocks.ActFunc { return &u.DWAct }},
		{"", func(u *Unit) *blocks.ActFunc { return &u.Act }},
	}
)

// ParseUnit reads a key. Only what Key writes is accepted.
func ParseUnit(key string) (Unit, error) {
	u := Unit{Batch: 1}
	fields := strings.Split(key, " ")
	if len(fields) < 2 {
		return Unit{}, fault.Errorf("engine: unit %q: want a name and shapes, as in \"conv 8x8x16>8x8x32 k1x1\"", key)
	}
	u.Name = fields[0]
	in, out, _ := strings.Cut(fields[1], ">")
	if !parseShape(in, &u.In) || !parseShape(out, &u.Out) {
		return Unit{}, fault.Errorf("engine: unit %q: %q is not HxWxC>HxWxC", key, fields[1])
	}
	for _, f := range fields[2:] {
		if !u.parseField(f) {
			return Unit{}, fault.Errorf("engine: unit %q: unknown field %q", key, f)
		}
	}
	for _, g := range u.geometries() {
		if g.C > 0 && g.Groups == 0 {
			return Unit{}, fault.Errorf("engine: unit %q: a convolution needs its number of groups, as in g1", key)
		}
	}
	if u.Key() != key {
		return Unit{}, fault.Errorf("engine: unit %q is not in its canonical form %q", key, u.Key())
	}
	return u, nil
}

func (u *Unit) parseField(f string) bool {
	if f == "res" {
		u.Residual = true
		return true
	}
	if shape, ok := strings.CutPrefix(f, "with"); ok && digit(shape) {
		return parseShape(shape, &u.Second)
	}
	for _, a := range actFields {
		if name, ok := strings.CutPrefix(f, a.tag); ok {
			if act, err := blocks.ParseActFunc(name); err == nil {
				*a.of(u) = act
				return true
			}
		}
	}
	for _, p := range pairFields {
		if pair, ok := strings.CutPrefix(f, p.tag); ok && digit(pair) {
			a, b, _ := strings.Cut(pair, "x")
			v := p.of(u)
			return parseInt(a, &v[0]) && parseInt(b, &v[1])
		}
	}
	for _, p := range intFields {
		if n, ok := strings.CutPrefix(f, p.tag); ok && digit(n) {
			return parseInt(n, p.of(u))
		}
	}
	return false
}

func digit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

func parseShape(s string, to *blocks.Shape) bool {
	h, rest, _ := strings.Cut(s, "x")
	w, c, _ := strings.Cut(rest, "x")
	return parseInt(h, &to.H) && parseInt(w, &to.W) && parseInt(c, &to.C)
}

func parseInt(s string, to *int) bool {
	n, err := strconv.Atoi(s)
	*to = n
	return err == nil && n >= 0
}

// geometries returns those of the layers with weights, for one image; C is 0
// where there is none.
func (u *Unit) geometries() [3]kernels.Conv {
	if r := routineOf(u.Name); r != nil && r.geometries != nil {
		return r.geometries(u)
	}
	return [3]kernels.Conv{}
}

// second returns the shape of the second input map, the zero shape if there is none.
func (u *Unit) second() blocks.Shape {
	if r := routineOf(u.Name); r != nil && r.second != nil {
		return r.second(u)
	}
	return blocks.Shape{}
}

// weightsOf is the number of weights of a layer, unpacked.
func weightsOf(g *kernels.Conv) int { return g.KH * g.KW * (g.C / max(g.Groups, 1)) * g.N }

// MACs returns the multiply-accumulates of convolutions, linear layers and the
// mixing of their weights in the call, all images together, taps in the padding counted.
func (u Unit) MACs() int64 {
	var n int64
	for _, g := range u.geometries() {
		if g.C > 0 {
			n += g.MACs()
		}
	}
	r := routineOf(u.Name)
	if r != nil && r.macs != nil {
		n += r.macs(&u)
	}
	if r != nil && r.mixed {
		for _, g := range u.geometries() {
			n += int64(u.Mid * weightsOf(&g))
		}
	}
	return n * int64(u.Batch)
}

// experts is the number of sets of weights from which the unit's are mixed, or 1.
func (u *Unit) experts() int {
	if r := routineOf(u.Name); r != nil && r.mixed {
		return u.Mid
	}
	return 1
}

// BytesIn returns the bytes of all maps read, each once.
func (u *Unit) BytesIn() int64 {
	n := int64(u.In.Elems()) + int64(u.second().Elems())
	if u.Residual {
		n += int64(u.Out.Elems())
	}
	return 4 * n * int64(u.Batch)
}

// BytesOut returns the bytes of the map written.
func (u Unit) BytesOut() int64 { return 4 * int64(u.Out.Elems()) * int64(u.Batch) }

// BytesWeights returns the bytes of weights and biases read, batch normalisation folded.
func (u *Unit) BytesWeights() int64 {
	var n int64
	for _, g := range u.geometries() {
		n += int64(weightsOf(&g)*u.experts()) + int64(g.N)
	}
	return 4 * n
}
