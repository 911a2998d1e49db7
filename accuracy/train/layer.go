package train

import (
	"nas/blocks"
	"nas/blocks/kernels"
)

// layer is an op of a network, or some that are computed together. Its methods work on a span of images; backward finds
// the gradient of the loss by its output, and gives those by its inputs and parameters.
type layer interface {
	forward(w *worker, s span)
	backward(w *worker, s span)
	// uses lists the tensors that the two touch.
	uses() (forward, backward []*tensor)
}

// staged is a layer that needs sums over the whole batch first: collect and collectBack take the part of a span, and
// combine and combineBack those of all shards.
type staged interface {
	layer
	// sums lists the tensors that collect and collectBack touch.
	sums() (collect, collectBack []*tensor)
	collect(w *worker, s span)
	combine()
	collectBack(w *worker, s span)
	combineBack()
}

// gradient is where a layer puts the gradient by one of its inputs.
type gradient struct {
	t   *tensor // nil: nobody needs it
	add bool    // another layer has put a part there
}

// put sets or adds values of a span, computed elsewhere.
func (g gradient) put(w *worker, s span, v []float32) {
	if g.t == nil {
		return
	}
	d := g.t.of(w, s)
	switch {
	case !g.add && &d[0] == &v[0]: // computed in place
	case !g.add:
		copy(d, v)
	default:
		addTo(w, d, v)
	}
}

// begin returns the gradient of a span, zero unless another layer has put a part there: to add to.
func (g gradient) begin(w *worker, s span) []float32 {
	d := g.t.of(w, s)
	if !g.add {
		clear(d)
	}
	return d
}

// addTo adds v to d.
func addTo(w *worker, d, v []float32) {
	n := len(d)
	m := kernels.Map{W: 1, C: n, Y1: 1}
	view := kernels.Dense(d, 1, 1, n)
	w.set.Add(m, view, view, kernels.Dense(v, 1, 1, n), kernels.None, w.sc)
}

// floats are n floats of the worker's own, different for each k that is used at once: 0 or 1.
func (w *worker) floats(k, n int) []float32 {
	if len(w.tmp[k]) < n {
		w.tmp[k] = kernels.Alloc(n)
	}
	return w.tmp[k][:n]
}

// activations are the kernels of the activation functions.
var activations = map[blocks.ActFunc]kernels.Act{
	blocks.Identity: kernels.None, blocks.ReLU: kernels.ReLU, blocks.ReLU6: kernels.ReLU6, blocks.HSwish: kernels.HSwish,
	blocks.HSigmoid: kernels.HSigmoid, blocks.Swish: kernels.Swish, blocks.Sigmoid: kernels.Sigmoid,
}

// fromOutput tells whether the derivative of an activation can be taken from its output.
func fromOutput(act kernels.Act) bool { return act == kernels.ReLU || act == kernels.ReLU6 }
