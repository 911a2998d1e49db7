package engine

import (
	"math"

	"nas/blocks"
)

func init() {
	lowerPlain("reduce", true, false, func(op blocks.Op) string { return string(op.(*blocks.Reduce).Func) })
	lowerPlain("channel_pool", true, false, func(op blocks.Op) string {
		if op.(*blocks.ChannelPool).Pool == blocks.MaxPool {
			return "max"
		}
		return "mean"
	})
	routines["reduce"] = &routine{make: makeReduce}
	routines["channel_pool"] = &routine{make: makeReduce}
}

// reduction makes one number of many: of n values, from sums of float64.
type reduction struct {
	start float64
	// along adds a row of values to one sum, across adds each of them to its own.
	along  func(s float64, x []float32) float64
	across func(s []float64, x []float32)
	end    func(s float64, n int) float64 // nil: the sum itself
}

var reductions = map[blocks.ReduceFunc]reduction{
	"mean": {0, addAlong, addAcross, func(s float64, n int) float64 { return s / float64(n) }},
	"sum":  {0, addAlong, addAcross, nil},
	"max": {math.Inf(-1), func(s float64, x []float32) float64 {
		m := float32(s)
		for _, v := range x {
			if !(v <= m) { // NaN stays
				m = v
			}
			if m != m {
				return math.NaN()
			}
		}
		return float64(m)
	}, stepAcross(math.Max), nil},
	"min":        {math.Inf(1), stepAlong(math.Min), stepAcross(math.Min), nil},
	"prod":       {1, stepAlong(product), stepAcross(product), nil},
	"l1":         {0, stepAlong(magnitude), stepAcross(magnitude), nil},
	"l2":         {0, squareAlong, squareAcross, func(s float64, _ int) float64 { return math.Sqrt(s) }},
	"sum_square": {0, squareAlong, squareAcross, nil},
}

func product(s, v float64) float64   { return s * v }
func magnitude(s, v float64) float64 { return s + math.Abs(v) }

func addAlong(s float64, x []float32) float64 {
	var s0, s1, s2, s3 float64
	for ; len(x) >= 4; x = x[4:] {
		s0 += float64(x[0])
		s1 += float64(x[1])
		s2 += float64(x[2])
		s3 += float64(x[3])
	}
	for _, v := range x {
		s += float64(v)
	}
	return s + ((s0 + s1) + (s2 + s3))
}

func addAcross(s []float64, x []float32) {
	for i, v := range x {
		s[i] += float64(v)
	}
}

func squareAlong(s float64, x []float32) float64 {
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return s
}

func squareAcross(s []float64, x []float32) {
	for i, v := range x {
		s[i] += float64(v) * float64(v)
	}
}

func stepAlong(f func(s, v float64) float64) func(s float64, x []float32) float64 {
	return func(s float64, x []float32) float64 {
		for _, v := range x {
			s = f(s, float64(v))
		}
		return s
	}
}

func stepAcross(f func(s, v float64) float64) func(s []float64, x []float32) {
	return func(s []float64, x []float32) {
		for i, v := range x {
			s[i] = f(s[i], float64(v))
		}
	}
}

// reduceRun reduces extents of a map to 1. Threads divide along the first extent that
// stays; a map that becomes one number is one thread's.
type reduceRun struct {
	reduction
	dst, src *tensor
	images   int
	axis, n  int       // extent that threads divide, and its length
	sums     []float64 // of a pixel, for each thread
}

func makeReduce(b *binding) (runner, need) {
	f := blocks.ReduceFunc("mean")
	switch o := b.op.(type) {
	case *blocks.Reduce:
		f = o.Func
	case *blocks.ChannelPool:
		if o.Pool == blocks.MaxPool {
			f = "max"
		}
	}
	r := &reduceRun{reduction: reductions[f], dst: b.dst, src: b.src[0], images: b.unit.Batch, n: 1,
		sums: make([]float64, b.target.Threads*b.dst.C)}
	for axis, n := range [3]int{b.dst.H, b.dst.W, b.dst.C} {
		if r.n == 1 {
			r.axis, r.n = axis, n
		}
	}
	return r, need{}
}

func (r *reduceRun) maxParts() int {
	return min(r.n, maxParts(int64(r.images*r.src.Elems())*16))
}

func (r *reduceRun) run(part, parts int, th *thread) {
	t := r.dst
	from, to := [3]int{}, [3]int{t.H, t.W, t.C}
	from[r.axis], to[r.axis] = cut(r.n, part, parts)
	sums := r.sums[th.index*t.C:][:to[2]-from[2]]
	if len(sums) == 0 {
		return
	}
	for k := range r.images {
		for y := from[0]; y < to[0]; y++ {
			for x := from[1]; x < to[1]; x++ {
				r.pixel(sums, k, y, x, from[2])
				d := t.row((k*t.H+y)*t.W + x)[from[2]:to[2]]
				for i, v := range sums {
					if r.end != nil {
						v = r.end(v, r.src.Elems()/t.Elems())
					}
					d[i] = float32(v)
				}
			}
		}
	}
}

// pixel sums what makes up output pixel (y, x) of image k, from channel c on.
func (r *reduceRun) pixel(sums []float64, k, y, x, c int) {
	s, t := r.src, r.dst
	for i := range sums {
		sums[i] = r.start
	}
	ya, yb := along(y, s.H, t.H)
	xa, xb := along(x, s.W, t.W)
	wide := t.C == 1 && s.dense() && xb-xa == s.W // whole rows are one number's
	for y := ya; y < yb; y++ {
		p := (k*s.H + y) * s.W
		if wide {
			sums[0] = r.along(sums[0], s.data[p*s.C:(p+s.W)*s.C])
			continue
		}
		for x := xa; x < xb; x++ {
			if row := s.row(p + x); t.C == 1 {
				sums[0] = r.along(sums[0], row)
			} else {
				r.across(sums, row[c:c+len(sums)])
			}
		}
	}
}

// along returns the inputs of output i along an extent of n, of which the output has m.
func along(i, n, m int) (from, to int) {
	if m == 1 {
		return 0, n
	}
	return i, i + 1
}
