package engine

import "nas/blocks"

// eval lowers an op of any kind to its own reference evaluation.
func (c *compiler) eval(i int) {
	s := c.start(i, "eval."+c.net.Nodes[i].Op.Kind())
	s.strid = false
	c.emit(s, i, i)
}

// evalRun runs an op's reference evaluation, image by image.
type evalRun struct {
	op     blocks.Op
	params [][]float32
	dst    *tensor
	src    []*tensor
	in     []blocks.Tensor
	batch  int
}

func makeEval(b *binding) (runner, need) {
	return &evalRun{b.op, b.params, b.dst, b.src, make([]blocks.Tensor, len(b.src)), b.unit.Batch}, need{}
}

func (r *evalRun) maxParts() int { return 1 }

func (r *evalRun) run(_, _ int, _ *thread) {
	slice := func(t *tensor, k int) blocks.Tensor {
		n := t.Elems()
		return blocks.Tensor{Shape: t.Shape, Data: t.data[k*n:][:n]}
	}
	for k := range r.batch {
		for i, t := range r.src {
			r.in[i] = slice(t, k)
		}
		r.op.Eval(slice(r.dst, k), r.in, r.params)
	}
}
