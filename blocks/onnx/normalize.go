package onnx

import (
	"fmt"
	"slices"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"InstanceNormalization": {attrs: "epsilon", in: [2]int{3, 3}, apply: readInstanceNorm},
		"GroupNormalization": {
			attrs: "epsilon num_groups stash_type*",
			in:    [2]int{3, 3},
			since: 18,
			apply: readGroupNorm,
		},
		"LayerNormalization": {attrs: "axis epsilon stash_type*", in: [2]int{2, 3}, apply: readLayerNorm},
		"LpNormalization":    {attrs: "axis p", in: oneInput, apply: readLpNorm},
		"Softmax":            {attrs: "axis", in: oneInput, apply: readSoftmax},
		"LogSoftmax":         {attrs: "axis", in: oneInput, apply: readSoftmax},
	})
}

// Normalisations with the statistics of the activation itself.

// readLayerNorm normalises over the last axes, from attribute axis on.
func readLayerNorm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	rank := v.rank()
	axis, err := oneAxis(c.intAttr("axis", -1), rank)
	if err != nil {
		return nil, err
	}
	var axes []int
	n := 1
	d := v.extents()
	for k := axis; k < rank; k++ {
		axes = append(axes, k)
		n *= d[k]
	}
	if axis == 0 && v.axes[0].batched() {
		return nil, errBatch
	}
	eps, err := c.epsilon()
	if err != nil {
		return nil, err
	}
	r.sources = nil
	var tensors [][]float32
	for i, missing := range []float64{1, 0} {
		if c.arg(i+1) == nil {
			t, err := r.filled(n, missing)
			if err != nil {
				return nil, err
			}
			tensors = append(tensors, t)
			r.sources = append(r.sources, "")
			continue
		}
		t, err := c.floats(i + 1)
		if err != nil {
			return nil, err
		}
		to, err := broadcastDims(t.dims, d[axis:])
		if err != nil || !slices.Equal(to, d[axis:]) {
			return nil, fmt.Errorf("with factors %v over %v", short(t.dims), short(d[axis:]))
		}
		full, err := r.copied(t, to, broadcastSteps(t.dims, to), 0)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, full[0].k.f)
		r.sources = append(r.sources, t.name)
	}
	order := slices.DeleteFunc(v.order(), func(k int) bool { return k >= axis })
	m := len(order)
	sources := r.sources
	if v, err = r.lay(v, order[:max(0, m-1)], order[max(0, m-1):], axes); err != nil {
		return nil, err
	}
	r.sources = sources
	return one(r.each(&blocks.Normalize{Epsilon: eps}, tensors, v))
}

// standardised recognises layer normalisation in the quotient d / s, as exporters write it where
// ONNX has no operator for it: d = x - mean(x), s = sqrt(mean(d*d) + epsilon). It returns nil for
// another quotient.
func (r *reader) standardised(d, s *value) (*value, error) {
	if !d.isPlain() || !s.isPlain() || d.quant != nil || d.from != 0 || !r.whole(d) {
		return nil, nil
	}
	input := func(node int, is func(op blocks.Op) bool) int {
		if node < 0 || !is(r.nodes[node].Op) {
			return -1
		}
		return r.nodes[node].Inputs[0]
	}
	isMean := func(op blocks.Op) bool {
		p, ok := op.(*blocks.ChannelPool)
		q, is := op.(*blocks.Reduce)
		return ok && p.Pool == blocks.AvgPool || is && *q == blocks.Reduce{Func: "mean", C: true}
	}
	root := input(s.node, func(op blocks.Op) bool { f, ok := op.(*blocks.Unary); return ok && f.Func == "sqrt" })
	if root < 0 {
		return nil, nil
	}
	eps := r.under(&value{node: root, a: 1})
	square := input(eps.node, isMean)
	if square < 0 || eps.a != 1 || !(eps.b > 0) {
		return nil, nil
	}
	twice := r.nodes[square].Inputs
	if _, ok := r.nodes[square].Op.(*blocks.Mul); !ok || twice[0] != d.node || twice[1] != d.node {
		return nil, nil
	}
	x := input(d.node, func(op blocks.Op) bool { f, ok := op.(*blocks.Binary); return ok && f.Func == "sub" })
	if x < 0 || input(r.nodes[d.node].Inputs[1], isMean) != x {
		return nil, nil
	}
	return r.each(&blocks.Normalize{Epsilon: decimal(eps.b), Plain: true}, nil, &value{node: x, axes: d.axes, a: 1})
}

func readInstanceNorm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if v.rank() < 3 {
		return nil, fmt.Errorf("of rank %d, want N x C x L or N x C x H x W", v.rank())
	}
	eps, err := c.epsilon()
	if err != nil {
		return nil, err
	}
	if err := v.oneImage(); err != nil {
		return nil, err
	}
	n := v.extents()[1]
	tensors, err := r.channelTensors(c, 1, 2, n)
	if err != nil {
		return nil, err
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	// Groups of channels seen as instances: the map as it lies.
	ch := r.nodes[p.node].Shape.C
	if a := p.axes[1]; n < ch && ch%n == 0 && r.whole(p) &&
		(n == 1 || len(a) == 1 && a[0] == blocks.Stride{N: n, Step: ch / n}) {
		equal := func(t []float32, v float32) bool {
			return !slices.ContainsFunc(t, func(x float32) bool { return x != v })
		}
		if equal(tensors[0], 1) && equal(tensors[1], 0) { // the factors of the channels come behind
			r.sources = nil
			return one(r.each(&blocks.Normalize{Groups: n, Epsilon: eps, Plain: true}, nil, p))
		}
		var all [2][]float32
		for i, t := range tensors {
			if all[i], err = r.filled(ch, 0); err != nil {
				return nil, err
			}
			for k := range all[i] {
				all[i][k] = t[k/(ch/n)]
			}
		}
		r.sources = nil
		return one(r.each(&blocks.Normalize{Groups: n, Epsilon: eps}, all[:], p))
	}
	sources := r.sources
	if v, err = r.onChannels(p); err != nil {
		return nil, err
	}
	r.sources = sources
	return one(r.each(&blocks.Normalize{Groups: n, Epsilon: eps}, tensors, v))
}

// readGroupNorm has factors for each group in opset 18, for each channel since 21.
func readGroupNorm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if v.rank() < 3 {
		return nil, fmt.Errorf("of rank %d, want N x C x L or N x C x H x W", v.rank())
	}
	eps, err := c.epsilon()
	if err != nil {
		return nil, err
	}
	if err := v.oneImage(); err != nil {
		return nil, err
	}
	n, groups := v.extents()[1], c.intAttr("num_groups", 0)
	if groups < 1 || n%groups != 0 {
		return nil, fmt.Errorf("of %d channels in %d groups", n, groups)
	}
	many := n
	if r.opset < 21 {
		many = groups
	}
	tensors, err := r.channelTensors(c, 1, 2, many)
	if err != nil {
		return nil, err
	}
	sources := r.sources
	if many != n {
		for i, t := range tensors {
			all, err := r.filled(n, 0)
			if err != nil {
				return nil, err
			}
			for k := range all {
				all[k] = t[k/(n/groups)]
			}
			tensors[i] = all
		}
		sources = nil
	}
	if v, err = r.onChannels(v); err != nil {
		return nil, err
	}
	r.sources = sources
	return one(r.each(&blocks.Normalize{Groups: groups, Epsilon: eps}, tensors, v))
}

// readLpNorm divides by the norm along an axis.
func readLpNorm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	axis, err := oneAxis(c.intAttr("axis", -1), v.rank())
	if err != nil {
		return nil, err
	}
	f, least := blocks.ReduceFunc("l2"), 0x1p-75 // its square is 0 as a float32
	switch p := c.intAttr("p", 2); p {
	case 1:
		f, least = "l1", 0x1p-126
	case 2:
	default:
		return nil, fmt.Errorf("of p = %d", p)
	}
	norm, err := r.reduce(v, f, []int{axis}, true)
	if err != nil {
		return nil, err
	}
	// Zeros stay zeros.
	if norm, err = r.each(&blocks.Unary{Func: "at_least", Alpha: least}, nil, norm); err != nil {
		return nil, err
	}
	return r.binary("div", v, norm, 1, 1)
}

func readSoftmax(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	missing := -1
	if r.opset < 13 {
		missing = 1
	}
	rank := v.rank()
	axis, err := oneAxis(c.intAttr("axis", missing), rank)
	if err != nil {
		return nil, err
	}
	axes := []int{axis}
	if r.opset < 13 { // the axes from the given one on are taken together
		for k := axis + 1; k < rank; k++ {
			axes = append(axes, k)
		}
	}
	if slices.Contains(axes, 0) && v.axes[0].batched() {
		return nil, errBatch
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	ch := r.nodes[p.node].Shape.C
	if a := p.axes[axis]; !(len(axes) == 1 && r.whole(p) && len(a) == 1 && a[0] == blocks.Stride{N: ch, Step: 1}) {
		order := slices.DeleteFunc(p.order(), func(k int) bool { return slices.Contains(axes, k) })
		n := len(order)
		if p, err = r.lay(p, order[:max(0, n-1)], order[max(0, n-1):], axes); err != nil {
			return nil, err
		}
	}
	return one(r.each(&blocks.Softmax{Log: c.op == "LogSoftmax"}, nil, p))
}
