package int8

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"nas/blocks/kernels"
	"nas/blocks/kernels/integer"
)

// eachSet runs f with every set that this machine runs.
func eachSet(t *testing.T, f func(t *testing.T, s *Set)) {
	t.Helper()
	for _, name := range Supported() {
		t.Run(name, func(t *testing.T) {
			s, err := ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			f(t, s)
		})
	}
}

// guard is the byte around and between the pixels of maps under test.
const guard = 0xa5

// memory is a map in guarded memory, at an odd address now and then.
type memory struct {
	View
	all     []byte
	h, w, c int
}

// newMap returns an h x w x c map whose pixels are gap bytes apart, of values from some kind of distribution.
func newMap(r *rand.Rand, h, w, c, gap int) memory {
	pix := c + gap
	n, front := h*w*pix, 64+r.IntN(4)
	all := make([]byte, front+n+Slack)
	for i := range all {
		all[i] = guard
	}
	m := memory{View{Data: all[front : front+n], Row: w * pix, Pix: pix}, all, h, w, c}
	kind := r.IntN(4)
	for p := range h * w {
		for i := range c {
			m.Data[p*pix+i] = randomByte(r, kind)
		}
	}
	return m
}

// randomByte is of one of four kinds: any byte, extremes only, small ones, 255.
func randomByte(r *rand.Rand, kind int) byte {
	switch kind {
	case 0:
		return byte(-r.IntN(2))
	case 1:
		return byte(r.IntN(8))
	case 2:
		return 255
	}
	return byte(r.IntN(256))
}

// randomGrid has a scale of 2^-6 to 2^2.
func randomGrid(r *rand.Rand) Grid {
	return Grid{Scale: float32(math.Exp2(8*r.Float64() - 6)), Zero: randomByte(r, r.IntN(4))}
}

// randomOutput stores on a grid, at times with limits or a table.
func randomOutput(r *rand.Rand, g Grid) Output {
	o := g.Full()
	if r.IntN(2) == 0 {
		a, b := byte(r.IntN(256)), byte(r.IntN(256))
		o.Low, o.High = min(a, b), max(a, b)
	}
	if r.IntN(3) == 0 {
		o.Table = randomTable(r)
	}
	return o
}

func randomTable(r *rand.Rand) *[256]uint8 {
	var t [256]uint8
	for i := range t {
		t[i] = byte(r.IntN(256))
	}
	return &t
}

// ints is the map as the reference has it.
func (m *memory) ints() []int32 {
	q := make([]int32, m.h*m.w*m.c)
	for i := range q {
		q[i] = int32(m.Data[i/m.c*m.Pix+i%m.c])
	}
	return q
}

// reference is the grid as the reference has it.
func (g Grid) reference(low, high uint8) integer.Grid {
	return integer.Grid{Scale: g.Scale, Zero: int32(g.Zero), Low: int32(low), High: int32(high)}
}

// holds fails unless m holds want, replaced by table, and no byte beside it was written.
func (m *memory) holds(t *testing.T, what string, want []int32, table *[256]uint8) {
	t.Helper()
	for i, b := range m.all {
		o := i - (len(m.all) - Slack - len(m.Data))
		if o >= 0 && o < len(m.Data) && o%m.Pix < m.c {
			w := byte(want[o/m.Pix*m.c+o%m.Pix])
			if table != nil {
				w = table[w]
			}
			if b != w {
				t.Fatalf("%s: pixel %d channel %d is %d, want %d", what, o/m.Pix, o%m.Pix, b, w)
			}
		} else if b != guard {
			t.Fatalf("%s: written beside the map, at byte %d of %d", what, o, len(m.Data))
		}
	}
}

// randomLayer is a convolution of one of the kinds that have drivers of their own.
func randomConv(r *rand.Rand) kernels.Conv {
	g := kernels.Conv{H: 1 + r.IntN(12), W: 1 + r.IntN(12), KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
	g.C, g.N = 1+r.IntN(70), 1+r.IntN(70)
	switch r.IntN(6) {
	case 0: // pointwise
		g.SH, g.SW = 1+r.IntN(2), 1+r.IntN(2)
		if r.IntN(2) == 0 {
			g.SH, g.SW = 1, 1
		}
		if r.IntN(4) == 0 { // a linear layer
			g.H, g.W, g.C, g.N = 1, 1, 1+r.IntN(300), 1+r.IntN(150)
		}
	case 1: // depthwise with a square kernel
		g.KH = 1 + 2*r.IntN(4)
		g.KW, g.SH = g.KH, 1+r.IntN(2)
		g.SW, g.N, g.Groups = g.SH, g.C, g.C
	case 2: // any depthwise
		g.KH, g.KW, g.SH, g.SW = 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(3), 1+r.IntN(3)
		g.DH, g.DW, g.N, g.Groups = 1+r.IntN(2), 1+r.IntN(2), g.C, g.C
	case 3: // stem
		g.C = 1 + r.IntN(4)
		g.KH, g.KW, g.SH, g.SW = 1+r.IntN(5), 1+r.IntN(5), 1+r.IntN(2), 1+r.IntN(2)
	case 4: // grouped
		g.Groups = 1 + r.IntN(4)
		g.C, g.N = g.Groups*(1+r.IntN(20)), g.Groups*(1+r.IntN(40))
		g.KH, g.KW = 1+r.IntN(3), 1+r.IntN(3)
	default: // any
		g.KH, g.KW, g.SH, g.SW = 1+r.IntN(5), 1+r.IntN(5), 1+r.IntN(3), 1+r.IntN(3)
		g.DH, g.DW = 1+r.IntN(3), 1+r.IntN(3)
	}
	g.PadT, g.PadL = r.IntN((g.KH-1)*g.DH+1), r.IntN((g.KW-1)*g.DW+1)
	bottom, right := r.IntN((g.KH-1)*g.DH+1), r.IntN((g.KW-1)*g.DW+1)
	g.OH = max(1, (g.H+g.PadT+bottom-(g.KH-1)*g.DH-1)/g.SH+1)
	g.OW = max(1, (g.W+g.PadL+right-(g.KW-1)*g.DW-1)/g.SW+1)
	return g
}

func describe(g *kernels.Conv) string {
	return fmt.Sprintf("%dx%dx%d->%dx%dx%d k%dx%d s%dx%d d%dx%d p%d,%d g%d", g.H, g.W, g.C, g.OH, g.OW, g.N,
		g.KH, g.KW, g.SH, g.SW, g.DH, g.DW, g.PadT, g.PadL, g.Groups)
}

// randomWeights has scales that make outputs spread over the grid, and sometimes ones that make them all leave it.
func randomWeights(r *rand.Rand, g *kernels.Conv, in, out Grid) Weights {
	each := g.C / g.Groups
	w := Weights{Q: make([]int8, g.N*g.KH*g.KW*each), Scale: make([]float32, 1)}
	kind := r.IntN(4)
	for i := range w.Q {
		switch kind {
		case 0:
			w.Q[i] = int8(-128 + 255*r.IntN(2))
		case 1:
			w.Q[i] = -128
		default:
			w.Q[i] = int8(r.IntN(256) - 128)
		}
	}
	if r.IntN(4) > 0 {
		w.Scale = make([]float32, g.N)
	}
	spread := 200 / (100 * 100 * math.Sqrt(float64(g.KH*g.KW*each))) // of a sum in units of the output
	if r.IntN(8) == 0 {
		spread *= 1e6
	}
	for i := range w.Scale {
		w.Scale[i] = float32(spread*(0.5+r.Float64())) * out.Scale / in.Scale
		if r.IntN(8) == 0 { // a power of two: sums meet halves
			_, e := math.Frexp(float64(w.Scale[i] * in.Scale / out.Scale))
			w.Scale[i] = float32(math.Ldexp(1, e)) * out.Scale / in.Scale
		}
	}
	if r.IntN(4) > 0 {
		w.Bias = make([]int32, g.N)
		for i := range w.Bias {
			w.Bias[i] = int32(r.IntN(20000) - 10000)
		}
	}
	return w
}

// reference computes the layer by package integer, without the table.
func reference(g *kernels.Conv, w Weights, src []int32, in Grid, out Output) []int32 {
	each := g.C / g.Groups
	win := integer.Window{H: g.H, W: g.W, C: g.C, OutH: g.OH, OutW: g.OW, OutC: g.N, KH: g.KH, KW: g.KW,
		StrideH: g.SH, StrideW: g.SW, DilH: g.DH, DilW: g.DW, Top: g.PadT, Left: g.PadL, Groups: g.Groups}
	iw := integer.Weights{Q: make([]int32, len(w.Q)), Out: g.KH * g.KW * each, Tap: each, In: 1, Scale: w.Scale,
		Bias: w.Bias}
	for i, q := range w.Q {
		iw.Q[i] = int32(q)
	}
	dst := make([]int32, g.OH*g.OW*g.N)
	integer.Conv(dst, src, win, iw, in.reference(0, 255), out.reference(out.Low, out.High))
	return dst
}
