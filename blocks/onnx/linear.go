package onnx

import (
	"errors"
	"fmt"
	"slices"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Gemm":   {attrs: "alpha beta transA transB broadcast*", in: [2]int{2, 3}, apply: readGemm},
		"MatMul": {in: twoInputs, fold: foldMatMul, apply: readMatMul},
	})
}

// Matrix products.

// linear appends a layer with weights [in, out], or [out, in] where transposed,
// over the last axis of v.
func (r *reader) linear(
	v *value,
	w *tensor,
	transposed bool,
	alpha float64,
	bias []float32,
	name string,
) (*value, error) {
	if len(w.dims) != 2 || w.dims[0] < 1 || w.dims[1] < 1 {
		return nil, fmt.Errorf("with weights %v, want a matrix", short(w.dims))
	}
	n, out := w.dims[0], w.dims[1]
	if transposed {
		n, out = out, n
	}
	d := v.extents()
	if len(d) < 1 || d[len(d)-1] != n {
		return nil, fmt.Errorf("of %v with weights %v", short(d), short(w.dims))
	}
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	if err := r.charge(4 * len(w.f)); err != nil {
		return nil, err
	}
	m, put := r.reordered(w.f, n, out, transposed, alpha)
	r.sources = []string{w.name, name}
	tensors := [][]float32{m}
	if bias != nil {
		tensors = append(tensors, bias)
	}
	last := len(d) - 1
	if nest, err := v.nest([]int{last}); err == nil && r.whole(v) && nest.extent() == r.nodes[v.node].Shape.Elems() {
		// One vector an image, in whatever order: the weights are put into it.
		i := 0
		walkNest(nest, func(at int) { put(i, at); i++ })
		node, err := r.add("", &blocks.Linear{Out: out, Bias: bias != nil}, tensors, v.node)
		if err != nil {
			return nil, err
		}
		ext := slices.Clone(d)
		ext[last] = out
		axes := dense(ext, []int{last})
		for k := range last {
			axes[k] = nil
		}
		if b := v.batch(); b != nil && last > 0 {
			axes[0] = slices.Clone(b)
		}
		return &value{node: node, axes: axes, a: 1}, nil
	}
	order := slices.DeleteFunc(v.order(), func(k int) bool { return k == last })
	h, ww := order[:max(0, len(order)-1)], order[max(0, len(order)-1):]
	if v, err = r.lay(v, h, ww, []int{last}); err != nil {
		return nil, err
	}
	for i := range n {
		put(i, i)
	}
	node, err := r.add("", &blocks.Conv{Out: out, Kernel: [2]int{1, 1}, Bias: bias != nil}, tensors, v.node)
	if err != nil {
		return nil, err
	}
	return r.relaid(v, node, slices.Concat(h, ww, []int{last}), last, out), nil
}

// reordered returns room for weights [n, out], or [out, n] where transposed, times alpha, and what
// puts the weights of an input there: those of input from to place to.
func (r *reader) reordered(w []float32, n, out int, transposed bool, alpha float64) ([]float32, func(from, to int)) {
	if r.unread(w) {
		return w, func(int, int) {}
	}
	m := make([]float32, len(w))
	return m, func(from, to int) {
		for o := range out {
			x := from*out + o
			if transposed {
				x = o*n + from
			}
			m[to*out+o] = float32(alpha * float64(w[x]))
		}
	}
}

// relaid is v, laid out in order, as the output of a node in which axis k has n values.
func (r *reader) relaid(v *value, node int, order []int, k, n int) *value {
	ext := v.extents()
	b := v.batch()
	if b != nil {
		ext[0] /= b[0].N
	}
	ext[k] = n
	axes := dense(ext, order)
	if b != nil {
		axes[0] = append(slices.Clone(b), axes[0]...)
	}
	return &value{node: node, axes: axes, a: 1}
}

// walkNest calls f with the offset of each value of a nest, in order.
func walkNest(nest axis, f func(at int)) {
	var dims, steps []int
	for _, l := range nest {
		dims, steps = append(dims, l.N), append(steps, l.Step)
	}
	walk(dims, steps, 0, func(_, at int) { f(at) })
}

func readGemm(r *reader, c call) ([]*value, error) {
	a, b := c.arg(0), c.arg(1)
	if a == nil || b == nil || a.rank() != 2 || b.rank() != 2 {
		return nil, errors.New("it takes two matrices")
	}
	alpha, beta := c.floatAttr("alpha", 1), c.floatAttr("beta", 1)
	if a.k == nil && b.k != nil && b.k.f != nil && c.intAttr("transA", 0) == 0 {
		transposed := c.intAttr("transB", 0) != 0
		out := b.k.dims[1]
		if transposed {
			out = b.k.dims[0]
		}
		bias, name, ok, err := r.rowBias(c.arg(2), a.extents()[0], out, beta)
		if err != nil {
			return nil, err
		}
		y, err := r.linear(a, b.k, transposed, alpha, bias, name)
		if err != nil || ok {
			return one(y, err)
		}
		return r.binary("add", y, c.arg(2), 1, beta)
	}
	if a.k == nil && c.intAttr("transA", 0) != 0 {
		a = transposed(a, []int{1, 0})
	} else if a.k != nil && c.intAttr("transA", 0) != 0 {
		return nil, errors.New("of a transposed constant")
	}
	if b.k == nil && c.intAttr("transB", 0) != 0 {
		b = transposed(b, []int{1, 0})
	} else if b.k != nil && c.intAttr("transB", 0) != 0 {
		v, err := r.copied(b.k, []int{b.k.dims[1], b.k.dims[0]}, []int{1, b.k.dims[1]}, 0)
		if err != nil {
			return nil, err
		}
		b = v[0]
	}
	y, err := r.product(a, b)
	if err != nil {
		return nil, err
	}
	if alpha != 1 {
		if y, err = r.affine(y, alpha, 0); err != nil {
			return nil, err
		}
	}
	if c.arg(2) == nil {
		return []*value{y}, nil
	}
	return r.binary("add", y, c.arg(2), 1, beta)
}

// rowBias returns Gemm's third input as one number for each of n outputs; ok is
// false where it is something else, which is then added.
func (r *reader) rowBias(v *value, rows, n int, beta float64) (bias []float32, name string, ok bool, err error) {
	if v == nil {
		return nil, "", true, nil
	}
	if v.k == nil || v.k.f == nil {
		return nil, "", false, nil
	}
	to, err := broadcastDims(v.k.dims, []int{rows, n})
	if err != nil || len(to) != 2 || to[0] != rows || to[1] != n {
		return nil, "", false, fmt.Errorf("with a bias of %v for %d outputs", short(v.k.dims), n)
	}
	if len(v.k.dims) == 2 && v.k.dims[0] != 1 {
		return nil, "", false, nil
	}
	if err := r.charge(4 * n); err != nil {
		return nil, "", false, err
	}
	bias = make([]float32, n)
	walk([]int{n}, broadcastSteps(v.k.dims, []int{n})[:1], 0, func(i, at int) {
		bias[i] = float32(beta * float64(v.k.f[at]))
	})
	return bias, v.k.name, true, nil
}

func readMatMul(r *reader, c call) ([]*value, error) {
	a, b := c.arg(0), c.arg(1)
	if a == nil || b == nil {
		return nil, errors.New("it takes two inputs")
	}
	return one(r.product(a, b))
}

// product multiplies as NumPy's matmul.
func (r *reader) product(a, b *value) (*value, error) {
	if w := b.k; a.k == nil && w != nil && w.f != nil {
		n := len(w.dims)
		if n > 2 && n <= a.rank() && elems(w.dims[:n-2]) == 1 {
			w = &tensor{dims: w.dims[n-2:], f: w.f, elem: w.elem, name: w.name}
		}
		if len(w.dims) == 2 {
			return r.linear(a, w, false, 1, nil, "")
		}
	}
	da, db := a.extents(), b.extents()
	if len(da) < 1 || len(db) < 1 {
		return nil, errors.New("of a single number")
	}
	var err error
	if a, err = r.matrices(a, len(da) == 1, func(n int) []int { return []int{1, n} }); err != nil {
		return nil, err
	}
	if b, err = r.matrices(b, len(db) == 1, func(n int) []int { return []int{n, 1} }); err != nil {
		return nil, err
	}
	ea, eb := a.extents(), b.extents()
	na, nb := len(ea), len(eb)
	if ea[na-1] != eb[nb-2] {
		return nil, fmt.Errorf("of %v and %v", short(da), short(db))
	}
	lead, err := broadcastDims(ea[:na-2], eb[:nb-2])
	if err != nil {
		return nil, err
	}
	out, err := r.multiply(a, b, lead)
	if err != nil {
		return nil, err
	}
	ext := out.extents()
	if len(da) == 1 {
		ext = slices.Delete(ext, len(ext)-2, len(ext)-1)
	}
	if len(db) == 1 {
		ext = ext[:len(ext)-1]
	}
	return r.reshape(out, ext)
}

// matrices makes an operand of a product an activation of rank 2 or more; a
// vector gets a second axis.
func (r *reader) matrices(v *value, vector bool, as func(n int) []int) (*value, error) {
	var err error
	if v.k != nil {
		if v, err = r.constant(v.k); err != nil {
			return nil, err
		}
	}
	if vector {
		return r.reshape(v, as(v.extents()[0]))
	}
	return v, nil
}

// multiply appends the product of matrices, one for each index of the axes lead.
func (r *reader) multiply(a, b *value, lead []int) (*value, error) {
	ea, eb := a.extents(), b.extents()
	rows, cols := ea[len(ea)-2], eb[len(eb)-1]
	batch := a.batch()
	if batch == nil {
		batch = b.batch()
	}
	nodes := make([]int, 2)
	for i, v := range []*value{a, b} {
		e := v.extents()
		n := len(e)
		alone := elems(e[:n-2]) == 1 // one matrix for all
		if batch != nil && v.batch() == nil && !alone {
			return nil, errBatch
		}
		var err error
		if v.batch() != nil || !alone {
			if v, err = r.stretched(v, slices.Concat(lead, e[n-2:])); err != nil {
				return nil, err
			}
			n = v.rank()
		}
		var h []int
		for k := range n - 2 {
			h = append(h, k)
		}
		if v, err = r.lay(v, h, []int{n - 2}, []int{n - 1}); err != nil {
			return nil, err
		}
		nodes[i] = v.node
	}
	node, err := r.add("", &blocks.MatMul{}, nil, nodes...)
	if err != nil {
		return nil, err
	}
	ext := slices.Concat(lead, []int{rows, cols})
	order := make([]int, len(ext))
	for i := range order {
		order[i] = i
	}
	if batch != nil {
		ext[0] /= batch[0].N
	}
	axes := dense(ext, order)
	if batch != nil {
		axes[0] = append(slices.Clone(batch), axes[0]...)
	}
	return &value{node: node, axes: axes, a: 1}, nil
}

func foldMatMul(r *reader, c call) ([]*value, error) {
	ts, err := c.constants()
	if err != nil || len(ts) != 2 || slices.Contains(ts, nil) || !ts[0].isFloat() || !ts[1].isFloat() ||
		len(ts[0].dims) != 2 ||
		len(ts[1].dims) != 2 ||
		ts[0].dims[1] != ts[1].dims[0] {
		return nil, errors.Join(err, errors.New("of constants that are no two matrices"))
	}
	n, k, m := ts[0].dims[0], ts[0].dims[1], ts[1].dims[1]
	if float64(n)*float64(k)*float64(m) > float64(r.budget) {
		return nil, errBudget
	}
	out, err := r.make(ts[0].elem, []int{n, m})
	if err != nil {
		return nil, err
	}
	for i := range n {
		for j := range m {
			var s float64
			for x := range k {
				s += float64(ts[0].f[i*k+x]) * float64(ts[1].f[x*m+j])
			}
			out.f[i*m+j] = float32(s)
		}
	}
	return folded(out), nil
}
