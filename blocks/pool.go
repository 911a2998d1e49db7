package blocks

import (
	"fmt"
	"math"
)

// PoolKind says what a pooling window keeps.
type PoolKind int

const (
	MaxPool PoolKind = iota // the largest value
	AvgPool                 // the mean
)

var poolNames = []string{MaxPool: "max", AvgPool: "avg"}

// String returns "max" or "avg".
func (k PoolKind) String() string { return poolNames[k] }

// MarshalText writes the name.
func (k PoolKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads a name.
func (k *PoolKind) UnmarshalText(text []byte) error {
	for i, n := range poolNames {
		if n == string(text) {
			*k = PoolKind(i)
			return nil
		}
	}
	return fmt.Errorf("unknown pooling %q, want max or avg", text)
}

// Pool slides a window over each channel and keeps its maximum or its mean.
// Padding never wins a maximum. A mean divides by the number of taps inside
// the input, or, with CountPad, inside the input and its declared padding; taps
// beyond that, which only Ceil produces, never count.
type Pool struct {
	Pool     PoolKind `json:"pool"`
	Kernel   [2]int   `json:"kernel"`
	Stride   [2]int   `json:"stride,omitzero"`   // {0, 0} means {1, 1}
	Dilation [2]int   `json:"dilation,omitzero"` // {0, 0} means {1, 1}
	Pad      Pad      `json:"pad,omitzero"`
	Ceil     bool     `json:"ceil,omitempty"`      // round the output extent up
	CountPad bool     `json:"count_pad,omitempty"` // average pooling only
}

func init() { Register(func() Op { return new(Pool) }) }

// Kind returns "pool".
func (*Pool) Kind() string { return "pool" }

// Window returns kernel size, stride and dilation with the zero values resolved.
func (o *Pool) Window() (kernel, stride, dilation [2]int) {
	return o.Kernel, orOnes(o.Stride), orOnes(o.Dilation)
}

// OutShape applies the window rule.
func (o *Pool) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	if o.Pool != MaxPool && o.Pool != AvgPool {
		return Shape{}, fmt.Errorf("no pooling has number %d", int(o.Pool))
	}
	k, s, d := o.Window()
	if p := o.Pad; max(p.Top, p.Bottom) > d[0]*(k[0]-1) || max(p.Left, p.Right) > d[1]*(k[1]-1) {
		return Shape{}, fmt.Errorf("padding %+v must stay below the kernel size %v: a window would lie outside the input",
			p, o.Kernel)
	}
	h, w, err := window2(in[0], k, s, d, o.Pad, o.Ceil)
	if err != nil {
		return Shape{}, err
	}
	out := Shape{h, w, in[0].C}
	return out, out.Check()
}

// MACs returns 0.
func (*Pool) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Pool) Params([]Shape) []Param { return nil }

// Eval visits each window.
func (o *Pool) Eval(out Tensor, in []Tensor, _ [][]float32) {
	x := in[0]
	k, s, d := o.Window()
	// taps counts the positions of a window that begins at p and lie from lo to hi.
	taps := func(p, k, d, lo, hi int) (n int) {
		for i := range k {
			if at := p + i*d; at >= lo && at < hi {
				n++
			}
		}
		return n
	}
	for y := range out.Shape.H {
		for px := range out.Shape.W {
			y0, x0 := y*s[0]-o.Pad.Top, px*s[1]-o.Pad.Left
			n := taps(y0, k[0], d[0], 0, x.Shape.H) * taps(x0, k[1], d[1], 0, x.Shape.W)
			if o.CountPad {
				n = taps(y0, k[0], d[0], -o.Pad.Top, x.Shape.H+o.Pad.Bottom) * taps(
					x0,
					k[1],
					d[1],
					-o.Pad.Left,
					x.Shape.W+o.Pad.Right,
				)
			}
			for c := range x.Shape.C {
				m, sum := math.Inf(-1), 0.0
				for i := range k[0] {
					for j := range k[1] {
						iy, ix := y0+i*d[0], x0+j*d[1]
						if iy < 0 || iy >= x.Shape.H || ix < 0 || ix >= x.Shape.W {
							continue
						}
						v := float64(x.At(iy, ix, c))
						m, sum = max(m, v), sum+v
					}
				}
				if o.Pool == AvgPool {
					m = sum / float64(n)
				}
				out.Data[(y*out.Shape.W+px)*x.Shape.C+c] = float32(m)
			}
		}
	}
}

// GlobalPool reduces each channel to one value: its mean, or its maximum.
type GlobalPool struct {
	Pool PoolKind `json:"pool"`
}

func init() { Register(func() Op { return new(GlobalPool) }) }

// Kind returns "global_pool".
func (*GlobalPool) Kind() string { return "global_pool" }

// OutShape returns 1 x 1 x C.
func (o *GlobalPool) OutShape(in []Shape) (Shape, error) {
	if err := wantInputs(in, 1); err != nil {
		return Shape{}, err
	}
	if o.Pool != MaxPool && o.Pool != AvgPool {
		return Shape{}, fmt.Errorf("no pooling has number %d", int(o.Pool))
	}
	return Shape{1, 1, in[0].C}, nil
}

// MACs returns 0.
func (*GlobalPool) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*GlobalPool) Params([]Shape) []Param { return nil }

// Eval reduces channel by channel.
func (o *GlobalPool) Eval(out Tensor, in []Tensor, _ [][]float32) {
	x := in[0]
	for c := range x.Shape.C {
		m, sum := math.Inf(-1), 0.0
		for i := c; i < len(x.Data); i += x.Shape.C {
			m, sum = max(m, float64(x.Data[i])), sum+float64(x.Data[i])
		}
		if o.Pool == AvgPool {
			m = sum / float64(x.Shape.Pixels())
		}
		out.Data[c] = float32(m)
	}
}

// WriteONNX writes MaxPool or AveragePool. Rounding up is written as padding instead of ceil_mode,
// because runtimes disagree about ceil_mode. A mean over the taps inside the input does not count
// this padding. For a mean that counts the declared padding, a Pad operator declares it.
func (o *Pool) WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	k, s, d := o.Window()
	x, p := g.AsMap(in[0]), o.Pad
	beyond := func(out, k, s, size, before, after int) int { return max(0, (out-1)*s+k-size-before-after) }
	bottom := beyond(n.Out.H, d[0]*(k[0]-1)+1, s[0], n.In[0].H, p.Top, p.Bottom)
	right := beyond(n.Out.W, d[1]*(k[1]-1)+1, s[1], n.In[0].W, p.Left, p.Right)
	count := 0
	if o.CountPad && o.Pool == AvgPool {
		if bottom == 0 && right == 0 {
			count = 1
		} else {
			if p != (Pad{}) {
				x = g.Node("Pad", []ONNXValue{x, g.Ints("pads", 0, 0, p.Top, p.Left, 0, 0, p.Bottom, p.Right)})
			}
			p = Pad{}
		}
	}
	p.Bottom += bottom
	p.Right += right
	attrs := []ONNXAttr{{"kernel_shape", k[:]}, onnxPads(p), {"strides", s[:]}}
	if d != [2]int{1, 1} { // in AveragePool since opset 19
		attrs = append(attrs, ONNXAttr{"dilations", d[:]})
	}
	if o.Pool == MaxPool {
		return g.Node("MaxPool", []ONNXValue{x}, attrs...)
	}
	return g.Node("AveragePool", []ONNXValue{x}, append(attrs, ONNXAttr{"count_include_pad", count})...)
}

// WriteONNX writes GlobalAveragePool or GlobalMaxPool.
func (o *GlobalPool) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return g.Node([]string{MaxPool: "GlobalMaxPool", AvgPool: "GlobalAveragePool"}[o.Pool], []ONNXValue{g.AsMap(in[0])})
}
