package train

import (
	"slices"
	"strings"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/internal/fault"
)

// lowering makes the layers of a network.
type lowering struct {
	m       *model
	last    int       // the node of the logits
	maps    []*tensor // of each node; nil: it is part of another layer
	grads   []*tensor // of each node whose gradient is needed
	needed  []bool    // the gradient by the node's output is needed
	readers []int     // nodes that read a node, up to last
	fused   map[int]int
	written []bool // a later layer puts a part of the gradient there
	live    []bool // the logits depend on it
	all     []*tensor
}

func newLowering(m *model, last int) *lowering {
	n := m.net
	l := &lowering{
		m: m, last: last, maps: make([]*tensor, last+1), grads: make([]*tensor, last+1), needed: make([]bool, last+1),
		readers: make([]int, last+1), fused: map[int]int{}, written: make([]bool, last+1),
		live: make([]bool, last+1),
	}
	l.live[last] = true
	for i := last; i > 0; i-- {
		for _, j := range n.Nodes[i].Inputs {
			l.live[j] = l.live[j] || l.live[i]
		}
	}
	for i := range n.Nodes[:last+1] {
		for _, p := range n.Params(i) {
			l.needed[i] = l.needed[i] || !p.Moving
		}
		for _, j := range n.Nodes[i].Inputs {
			l.needed[i] = l.needed[i] || l.needed[j]
			if l.live[i] {
				l.readers[j]++
			}
		}
	}
	l.readers[last]++
	return l
}

// tensors are all maps and gradients.
func (l *lowering) tensors() []*tensor { return l.all }

// newTensor returns a map of n values.
func (l *lowering) newTensor(n int) *tensor {
	t := &tensor{elems: n}
	l.all = append(l.all, t)
	return t
}

// lower makes the layers, and then, from the last to the first, decides where gradients are kept.
func (l *lowering) lower() error {
	n := l.m.net
	for i := range n.Nodes[:l.last+1] {
		if _, ok := n.Nodes[i].Op.(*blocks.Activation); !ok || !l.live[i] {
			continue
		}
		j := n.Nodes[i].Inputs[0]
		if _, ok := n.Nodes[j].Op.(*blocks.BatchNorm); ok && l.readers[j] == 1 {
			l.fused[j] = i
		}
	}
	for i := range n.Nodes[:l.last+1] {
		if _, ok := l.fused[i]; ok || !l.live[i] {
			continue // its map is that of the activation, or there is none
		}
		l.maps[i] = l.newTensor(n.Nodes[i].Shape.Elems())
	}
	l.keepGradients()
	for i := l.last; i > 0; i-- {
		if !l.live[i] {
			continue
		}
		o, err := l.layer(i)
		if err != nil {
			return err
		}
		if o != nil {
			l.m.layers = append(l.m.layers, placed{o, l.needed[i]})
		}
	}
	slices.Reverse(l.m.layers)
	return nil
}

// keepGradients gives each node the place of its gradient. Activations and sums leave that by an input which nobody
// else reads where that by their output was.
func (l *lowering) keepGradients() {
	n := l.m.net
	for i := l.last; i > 0; i-- {
		if !l.live[i] {
			continue
		}
		if l.grads[i] == nil && l.needed[i] {
			l.grads[i] = l.newTensor(n.Nodes[i].Shape.Elems())
		}
		switch n.Nodes[i].Op.(type) {
		case *blocks.Activation, *blocks.Add:
			for _, j := range n.Nodes[i].Inputs {
				if j > 0 && l.readers[j] == 1 && l.needed[j] {
					l.grads[j] = l.grads[i]
					break
				}
			}
		}
	}
}

// gradient is the place for the gradient by a node, for a layer that reads it. Layers ask from the last to the first.
func (l *lowering) gradient(node int) gradient {
	if !l.needed[node] {
		return gradient{}
	}
	g := gradient{l.grads[node], l.written[node]}
	l.written[node] = true
	return g
}

// node is a node of the network that becomes a layer.
type node struct {
	*blocks.Node
	i         int
	shapes    []blocks.Shape // of the inputs
	in        []*tensor
	out, dOut *tensor
}

// layer makes the layer of a node; nil for one that is part of another.
func (l *lowering) layer(i int) (layer, error) {
	n := &node{Node: &l.m.net.Nodes[i], i: i, shapes: l.m.net.InShapes(i), out: l.maps[i], dOut: l.grads[i]}
	for _, j := range n.Inputs {
		n.in = append(n.in, l.maps[j])
	}
	if make, ok := lowerings[n.Op.Kind()]; ok {
		return make(l, n)
	}
	return nil, fault.Errorf("train: node %q of %s is an op %q, which cannot be trained here; nas export --format pytorch"+
		" writes the network for PyTorch; ops that can be trained: %s", n.Name, l.m.net.Name, n.Op.Kind(), trainable())
}

// lowerings are what makes the layers, by the kinds of ops.
var lowerings = map[string]func(l *lowering, n *node) (layer, error){
	"conv": lowerConv, "linear": lowerLinear, "bn": lowerNorm, "act": lowerAct, "add": lowerAdd, "mul": lowerMul,
	"pool": lowerPool, "global_pool": lowerGlobalPool, "resize": lowerResize, "sum_pixels": lowerSumPixels,
	"concat": lowerConcat, "stack": lowerStack, "shuffle": lowerShuffle, "slice": lowerSlice, "select": lowerSelect,
	"channel_pool": lowerChannelPool, "channel_conv": lowerChannelConv,
}

// trainable lists the kinds of ops that can be trained.
func trainable() string {
	var names []string
	for _, k := range blocks.Kinds() {
		if lowerings[k] != nil {
			names = append(names, k)
		}
	}
	return strings.Join(names, ", ")
}

func lowerConv(l *lowering, n *node) (layer, error) {
	op, s := n.Op.(*blocks.Conv), n.shapes[0]
	k, stride, d := op.Window()
	if op.Pad.Top > d[0]*(k[0]-1) || op.Pad.Left > d[1]*(k[1]-1) {
		return nil, fault.Errorf("train: node %q of %s has a padding beyond its kernel, which cannot be trained here",
			n.Name, l.m.net.Name)
	}
	g := kernels.Conv{H: s.H, W: s.W, C: s.C, OH: n.Shape.H, OW: n.Shape.W, N: n.Shape.C, KH: k[0], KW: k[1],
		SH: stride[0], SW: stride[1], DH: d[0], DW: d[1], PadT: op.Pad.Top, PadL: op.Pad.Left, Groups: op.G()}
	return l.conv(n, g, op.Bias), nil
}

func lowerLinear(l *lowering, n *node) (layer, error) {
	g := kernels.Linear{Batch: 1, K: n.shapes[0].Elems(), N: n.Shape.C}.Conv()
	return l.conv(n, g, n.Op.(*blocks.Linear).Bias), nil
}

func (l *lowering) conv(n *node, g kernels.Conv, hasBias bool) layer {
	bias := -1
	if hasBias {
		bias = l.m.place(n.i, 1)
	}
	dIn := l.gradient(n.Inputs[0])
	c := newConv(l.m, g, l.m.place(n.i, 0), bias, dIn.t != nil)
	c.in, c.out, c.dIn, c.dOut = n.in[0], n.out, dIn, n.dOut
	return c
}

func lowerNorm(l *lowering, n *node) (layer, error) {
	o := newNorm(l.m, n.shapes[0].C, n.shapes[0].Pixels())
	o.epsilon = n.Op.(*blocks.BatchNorm).Eps()
	o.in, o.out, o.dOut = n.in[0], n.out, n.dOut
	if j, ok := l.fused[n.i]; ok {
		o.out, o.dOut = l.maps[j], l.grads[j]
		o.act = activations[l.m.net.Nodes[j].Op.(*blocks.Activation).Func]
	}
	o.dIn = l.gradient(n.Inputs[0])
	o.scale, o.shift, o.mean, o.variance = l.m.place(n.i, 0), l.m.place(n.i, 1), l.m.place(n.i, 2), l.m.place(n.i, 3)
	return o, nil
}

func lowerAct(l *lowering, n *node) (layer, error) {
	if j, ok := l.fused[n.Inputs[0]]; ok && j == n.i {
		return nil, nil
	}
	f, ok := activations[n.Op.(*blocks.Activation).Func]
	if !ok {
		return nil, fault.Errorf("train: activation %v has no kernel", n.Op.(*blocks.Activation).Func)
	}
	return &act{f: f, in: n.in[0], out: n.out, dIn: l.gradient(n.Inputs[0]), dOut: n.dOut}, nil
}

func lowerAdd(l *lowering, n *node) (layer, error) {
	o := &sum{in: n.in, out: n.out, dOut: n.dOut}
	for _, j := range n.Inputs {
		o.dIn = append(o.dIn, l.gradient(j))
	}
	return o, nil
}

func lowerMul(l *lowering, n *node) (layer, error) {
	s := n.shapes[0]
	o := &product{pixels: s.Pixels(), c: s.C, a: n.in[0], b: n.in[1], out: n.out, dOut: n.dOut}
	o.zeros = make([]float32, s.C)
	o.dB = l.gradient(n.Inputs[1]) // which is computed first
	o.dA = l.gradient(n.Inputs[0])
	return o, nil
}
