package onnx

import (
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// finish takes the nodes that the outputs need, and names the network.
func (r *reader) finish(name string, outputs []*value) (*blocks.Network, *blocks.Weights, []Tensor, error) {
	ends := make([]int, len(outputs))
	tensors := make([]Tensor, len(outputs))
	for i, v := range outputs {
		w, err := r.returned(v, ends[:i])
		if err != nil {
			return nil, nil, nil, err
		}
		ends[i] = w.node
		tensors[i] = Tensor{Dims: w.extents(), axes: w.axes}
	}
	needed := make([]bool, len(r.nodes))
	needed[0] = true
	for _, e := range ends {
		needed[e] = true
	}
	for i := len(r.nodes) - 1; i > 0; i-- {
		if needed[i] {
			for _, j := range r.nodes[i].Inputs {
				needed[j] = true
			}
		}
	}
	n := &blocks.Network{Name: name}
	at := make([]int, len(r.nodes))
	var weights [][][]float32
	var origin [][]string
	for i, nd := range r.nodes {
		if !needed[i] {
			continue
		}
		at[i] = len(n.Nodes)
		nd.Inputs = slices.Clone(nd.Inputs)
		for k, j := range nd.Inputs {
			nd.Inputs[k] = at[j]
		}
		n.Nodes = append(n.Nodes, nd)
		weights = append(weights, r.weights[i])
		origin = append(origin, r.origin[i])
	}
	for _, e := range ends {
		n.Outputs = append(n.Outputs, at[e])
	}
	for range 2 { // a scale and a shift join each other before they join a normalisation
		n, weights, origin = joinFactors(n, weights, origin)
	}
	if err := n.Infer(); err != nil {
		return nil, nil, nil, err
	}
	share(n, weights, origin)
	for i, e := range n.Outputs {
		tensors[i].Node = e
	}
	if len(n.Outputs) == 1 && n.Outputs[0] == len(n.Nodes)-1 {
		n.Outputs = nil
	}
	if err := n.Infer(); err != nil {
		return nil, nil, nil, err
	}
	w := blocks.EmptyWeights(n)
	for i, ts := range weights {
		w.Set(i, ts)
	}
	return n, w, tensors, w.Check(n)
}

// returned is an output as the whole activation of a node that none of ends is.
func (r *reader) returned(v *value, ends []int) (*value, error) {
	w, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	for k, a := range w.axes {
		for j, l := range a {
			if l.Step == batchStep && (k > 0 || j > 0) {
				return nil, errBatch
			}
		}
	}
	if r.batched && w.batch() == nil {
		return nil, errBatch
	}
	// Axes in another order may stay so: only the layout differs.
	cut := func(a axis) bool { return len(a) > 1 && !a.batched() }
	if !r.whole(w) || slices.ContainsFunc(w.axes, cut) {
		h, ww, c := asShape(w.order())
		if w.rank() == 4 {
			h, ww, c = []int{2}, []int{3}, []int{1}
		}
		if w, err = r.lay(w, h, ww, c); err != nil {
			return nil, err
		}
	}
	if w.node == 0 || slices.Contains(ends, w.node) {
		node, err := r.add("identity", &blocks.Activation{}, nil, w.node)
		if err != nil {
			return nil, err
		}
		w = &value{node: node, axes: w.axes, a: 1}
	}
	return w, nil
}

// share finds the tensors that come from one initializer of the file. Exporters merge
// equal initializers, of which an untrained network has many: ones, and biases of zeros.
// A tensor of one value over is shared only beside a weight that is.
func share(n *blocks.Network, weights [][][]float32, origin [][]string) {
	type tensor struct {
		name, kind string
		k          int // place among the node's tensors
	}
	owner := map[tensor]int{}
	for i := range n.Nodes {
		for k, name := range origin[i] {
			if name == "" || k >= len(weights[i]) {
				continue
			}
			p := tensor{name, n.Nodes[i].Op.Kind(), k}
			j, ok := owner[p]
			if !ok {
				owner[p] = i
				continue
			}
			same := func(a, b []float32) bool { return len(a) > 0 && len(b) > 0 && &a[0] == &b[0] || slices.Equal(a, b) }
			if !slices.Equal(n.Params(i)[k].Dims, n.Params(j)[k].Dims) || !same(weights[i][k], weights[j][k]) {
				continue
			}
			if uniform(weights[i][k]) && (n.Nodes[i].Shared == nil || n.Nodes[i].Shared[0] == 0) {
				continue
			}
			if n.Nodes[i].Shared == nil {
				n.Nodes[i].Shared = make([]int, len(weights[i]))
			}
			n.Nodes[i].Shared[k] = j
			weights[i][k] = weights[j][k]
		}
	}
}

// uniform tells whether all values of t are equal.
func uniform(t []float32) bool {
	return !slices.ContainsFunc(t, func(v float32) bool { return v != t[0] })
}

// joinFactors puts factors into the op before, where nothing else reads it: shifts become
// the bias of a layer, a shift joins a scale, both join a normalisation without.
func joinFactors(
	n *blocks.Network,
	tensors [][][]float32,
	origin [][]string,
) (*blocks.Network, [][][]float32, [][]string) {
	consumers := n.Consumers()
	for _, i := range n.Outputs {
		consumers[i] = append(consumers[i], len(n.Nodes)) // the caller reads it, too
	}
	out := &blocks.Network{Name: n.Name}
	at := make([]int, len(n.Nodes))
	var kept [][][]float32
	var names [][]string
	for i, nd := range n.Nodes {
		if f, ok := nd.Op.(*blocks.Affine); ok && len(consumers[nd.Inputs[0]]) == 1 {
			j := at[nd.Inputs[0]]
			if op := withFactors(out.Nodes[j].Op, f); op != nil {
				// The tensors of a layer or of factors, then the new ones.
				named := slices.Clone(names[j])
				for len(named) < len(kept[j]) {
					named = append(named, "")
				}
				out.Nodes[j].Op, at[i] = op, j
				names[j] = append(named[:len(kept[j])], origin[i]...)
				kept[j] = slices.Concat(kept[j], tensors[i])
				continue
			}
		}
		at[i] = len(out.Nodes)
		nd.Inputs = slices.Clone(nd.Inputs)
		for k, j := range nd.Inputs {
			nd.Inputs[k] = at[j]
		}
		out.Nodes = append(out.Nodes, nd)
		kept = append(kept, tensors[i])
		names = append(names, origin[i])
	}
	for _, i := range n.Outputs {
		out.Outputs = append(out.Outputs, at[i])
	}
	return out, kept, names
}

// withFactors returns an op that does both, its tensors being those of op and then
// those of f; nil where there is none.
func withFactors(op blocks.Op, f *blocks.Affine) blocks.Op {
	shifts := f.Shifts && !f.Scales && f.Scale == 1
	switch o := op.(type) {
	case *blocks.Linear:
		if shifts && !o.Bias {
			return &blocks.Linear{Out: o.Out, Bias: true}
		}
	case *blocks.Conv:
		if shifts && !o.Bias {
			c := *o
			c.Bias = true
			return &c
		}
	case *blocks.Affine:
		if !o.Shifts && o.Shift == 0 && !f.Scales && f.Scale == 1 {
			return &blocks.Affine{Scale: o.Scale, Scales: o.Scales, Shift: f.Shift, Shifts: f.Shifts}
		}
	case *blocks.Normalize:
		if o.Plain && f.Scales && f.Shifts {
			p := *o
			p.Plain = false
			return &p
		}
	}
	return nil
}

// Tensor is an input or an output of the model as the file declares it.
type Tensor struct {
	Name string
	Dims []int // of one run; the first is the batch
	// Batch is the number of images of one run of the model, 0 where the file leaves it
	// open. Of inputs only.
	Batch int
	Node  int // the network's node
	axes  []axis
}

// perImage returns the number of values of one image.
func (t Tensor) perImage() int {
	n := 1
	for k, d := range t.Dims {
		if k == 0 && len(t.axes) > 0 && t.axes[0].batched() {
			d /= t.axes[0][0].N
		}
		n *= d
	}
	return n
}

// Image returns the dims of one image. Of batched tensors the first is for each image of the batch. Others are of a
// model that mixes the images: the batch is part of what it takes and gives.
func (t Tensor) Image() (dims []int, batched bool) {
	dims = slices.Clone(t.Dims)
	if len(t.axes) > 0 && t.axes[0].batched() {
		dims[0] /= t.axes[0][0].N
		return dims, true
	}
	return dims, false
}

// runs calls f for each run of the values of one image that follow each other along the file's last axis: the first
// one's place in the file, its index in the network's H x W x C, the number of values, and the distance between their
// indices.
func (t Tensor) runs(f func(i, at, n, step int)) error {
	dims, steps := []int{1}, []int{1}
	for k, a := range t.axes {
		if k == 0 && a.batched() {
			a = a[1:]
		}
		for _, l := range a {
			if l.Step == batchStep {
				return fault.New("onnx: its layout mixes the images of a batch")
			}
			dims, steps = append(dims, l.N), append(steps, l.Step)
		}
	}
	last := len(dims) - 1
	n, step := dims[last], steps[last]
	walk(dims[:last], steps[:last], 0, func(i, at int) { f(i*n, at, n, step) })
	return nil
}

// FromFile turns one image from the file's layout into the network's H x W x C.
func (t Tensor) FromFile(dst, src []float32) error {
	if len(dst) != t.perImage() || len(src) != len(dst) {
		return fault.Errorf("onnx: %d and %d values, want %d", len(dst), len(src), t.perImage())
	}
	return t.runs(func(i, at, n, step int) {
		for _, v := range src[i:][:n] {
			dst[at] = v
			at += step
		}
	})
}

// ToFile turns one image from the network's H x W x C into the file's layout.
func (t Tensor) ToFile(dst, src []float32) error {
	if len(dst) != t.perImage() || len(src) != len(dst) {
		return fault.Errorf("onnx: %d and %d values, want %d", len(dst), len(src), t.perImage())
	}
	return t.runs(func(i, at, n, step int) {
		for k := range dst[i:][:n] {
			dst[i+k] = src[at]
			at += step
		}
	})
}
