package engine

import (
	"math"

	"nas/blocks"
	"nas/blocks/kernels"
)

func init() {
	lowerPlain("unary", true, true, func(op blocks.Op) string { return string(op.(*blocks.Unary).Func) })
	lowerPlain("prelu", true, true, nil)
	routines["unary"] = &routine{make: makeUnary}
	routines["prelu"] = &routine{make: makePReLU}
}

// every is a number for each of n channels.
func every(x float32, n int) []float32 {
	v := kernels.Alloc(n)
	for i := range v {
		v[i] = x
	}
	return v
}

func makePReLU(b *binding) (runner, need) {
	set, dst, src, slope := b.set, b.dst, b.src[0], b.params[0]
	return byRows(dst, b.unit.Batch, func(m kernels.Map, sc *kernels.Scratch) {
		set.PReLU(m, dst.all(), src.all(), slope, sc)
	}), need{}
}

// span computes a function of some values: len(d) of them, at most unarySpan. d may be x;
// t is working memory of the same length.
type span func(r *unaryRun, d, x, t []float32, sc *kernels.Scratch)

// unarySpan is the number of values at a time: they stay in the first-level cache between
// the passes of a function that takes several.
const unarySpan = 1024

// unaryRun computes a function of each value.
type unaryRun struct {
	op       *blocks.Unary
	set      *kernels.Set
	dst, src *tensor
	f        span
	a, b     float32 // the function's settings
}

func makeUnary(b *binding) (runner, need) {
	o := b.op.(*blocks.Unary)
	dst, src := b.dst, b.src[0]
	r := &unaryRun{op: o, set: b.set, dst: dst, src: src, a: float32(o.Alpha), b: float32(o.Beta)}
	whole := func(f func(m kernels.Map, sc *kernels.Scratch)) (runner, need) {
		return byRows(dst, b.unit.Batch, f), need{}
	}
	if act, ok := unaryActs[o.Func]; ok {
		return whole(func(m kernels.Map, sc *kernels.Scratch) { r.set.Activate(m, dst.all(), src.all(), act, sc) })
	}
	if lo, hi, ok := limits(o); ok {
		return whole(func(m kernels.Map, sc *kernels.Scratch) { r.set.Clamp(m, dst.all(), src.all(), lo, hi, sc) })
	}
	if o.Func == "leaky_relu" {
		slope := every(r.a, dst.C)
		return whole(func(m kernels.Map, sc *kernels.Scratch) { r.set.PReLU(m, dst.all(), src.all(), slope, sc) })
	}
	r.f = spans[o.Func]
	if r.f == nil {
		r.f = (*unaryRun).reference
	}
	return byPixels(dst, b.unit.Batch, 16*dst.C, r.pixels), need{floats: unarySpan}
}

// unaryActs are the functions that are kernels.
var unaryActs = map[blocks.UnaryFunc]kernels.Act{"erf": kernels.Erf, "tanh": kernels.Tanh, "gelu": kernels.GELU}

// limits returns the bounds of a function that only clamps.
func limits(o *blocks.Unary) (lo, hi float32, ok bool) {
	lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	switch o.Func {
	case "at_least":
		return float32(o.Alpha), hi, true
	case "at_most":
		return lo, float32(o.Alpha), true
	case "clip":
		return float32(o.Alpha), float32(o.Beta), true
	}
	return lo, hi, false
}

func (r *unaryRun) pixels(from, to int, th *thread) {
	if r.dst.dense() && r.src.dense() {
		c := r.dst.C
		r.values(r.dst.data[from*c:to*c], r.src.data[from*c:to*c], th)
		return
	}
	for p := from; p < to; p++ {
		r.values(r.dst.row(p), r.src.row(p), th)
	}
}

func (r *unaryRun) values(d, x []float32, th *thread) {
	for len(d) > 0 {
		n := min(len(d), unarySpan)
		r.f(r, d[:n], x[:n], th.buf[:n], th.scratch)
		d, x = d[n:], x[n:]
	}
}

// reference takes the function from the op: functions that are rare.
func (r *unaryRun) reference(d, x, _ []float32, _ *kernels.Scratch) {
	line := func(v []float32) blocks.Tensor {
		return blocks.Tensor{Shape: blocks.Shape{H: 1, W: 1, C: len(v)}, Data: v}
	}
	r.op.Eval(line(d), []blocks.Tensor{line(x)}, nil)
}

// simple is a function that takes a few instructions for a value.
func simple(f func(x, a, b float32) float32) span {
	return func(r *unaryRun, d, x, _ []float32, _ *kernels.Scratch) {
		for i, v := range x {
			d[i] = f(v, r.a, r.b)
		}
	}
}

// round32 is a rounding of float64 on float32, where it is exact too.
func round32(f func(float64) float64) span {
	return simple(func(x, _, _ float32) float32 { return float32(f(float64(x))) })
}

// act applies a kernel to values that lie side by side.
func (r *unaryRun) act(d, x []float32, f kernels.Act, sc *kernels.Scratch) {
	n := len(d)
	r.set.Activate(kernels.Map{W: 1, C: n, Y1: 1}, kernels.Dense(d, 1, 1, n), kernels.Dense(x, 1, 1, n), f, sc)
}
