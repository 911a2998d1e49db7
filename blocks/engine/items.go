package engine

import (
	"strings"

	"nas/blocks"
)

// itemsRun divides n items of equal work among the threads: pixels, or whatever a
// routine counts.
type itemsRun struct {
	n    int
	cost int64 // of the whole, in multiply-accumulates of equal time
	f    func(from, to int, th *thread)
}

func (r *itemsRun) maxParts() int { return min(r.n, maxParts(r.cost)) }

func (r *itemsRun) run(part, parts int, th *thread) {
	if from, to := cut(r.n, part, parts); from < to {
		th.inSteps(from, to, r.cost/int64(r.n), func(from, to int) { r.f(from, to, th) })
	}
}

// inSteps calls f for from to to: at once, or, in a run that is traced, in steps of some
// microseconds, so that its time is cut into segments. Each item costs as much as cost
// multiply-accumulates.
func (th *thread) inSteps(from, to int, cost int64, f func(from, to int)) {
	if th.watch == nil {
		f(from, to)
		return
	}
	const step = 300_000
	for n := int(max(1, step/max(cost, 1))); from < to; from += n {
		n = min(n, to-from)
		f(from, from+n)
		th.scratch.Work(n * int(cost))
	}
}

// byPixels makes the runner of a unit whose output pixels, over all images, cost each
// as much as ops multiply-accumulates.
func byPixels(t *tensor, batch, ops int, f func(from, to int, th *thread)) *itemsRun {
	n := batch * t.Pixels()
	return &itemsRun{n, int64(n) * int64(ops), f}
}

// row returns the channels of pixel p, counted over all images.
func (t *tensor) row(p int) []float32 { return t.data[p*t.pix:][:t.C] }

// dense tells whether the pixels follow each other without gaps.
func (t *tensor) dense() bool { return t.pix == t.C }

// routineOf returns the routine behind a unit's name, of which a function may be a part,
// as in "unary.gelu"; nil: there is none.
func routineOf(name string) *routine {
	if r := routines[name]; r != nil {
		return r
	}
	if kind, _, ok := strings.Cut(name, "."); ok {
		return routines[kind]
	}
	return nil
}

// lowerPlain registers an op without weights to fold whose unit is named after the op, and
// after its function, if it has any.
func lowerPlain(kind string, strided, reuse bool, function func(op blocks.Op) string) {
	lower(kind, strided, func(c *compiler, i int) {
		name := kind
		if function != nil {
			name += "." + function(c.net.Nodes[i].Op)
		}
		s := c.start(i, name)
		s.strid, s.reuse = strided, reuse
		if in := c.net.Nodes[i].Inputs; len(in) > 1 {
			s.Unit.Second = c.shape(in[1])
		}
		c.emit(s, i, i)
	})
}
