package quant

import (
	"fmt"
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/internal/fault"
)

// PointTable computes the integers of a function of one value for each integer of in: entry
// q - in.Low. f computes it in float32; rounding is the name of the op fake_quant behind it.
type PointTable func(f func(x []float32) []float32, rounding string, in, out integer.Grid) []int32

// FromRounded returns the integers of a network whose activations ops fake_quant round, as the
// readers of files of 8-bit integers make it. scales are all scales that the file has for
// weights: those of a layer must be integers times one of them, for each output channel. table
// computes ops that are a function of one value, as the file's runtime does; nil means
// [FloatTable].
//
// The result has the nodes of n without fake_quant, and one in place of several that are a function of one value. A
// network that is not rounded before and after each layer, or in another way than with 8 bits, is an error that names
// the node.
func FromRounded(n *blocks.Network, w *blocks.Weights, scales []float32, table PointTable) (*Network, error) {
	if err := w.Check(n); err != nil {
		return nil, fault.Errorf("quant: %w", err)
	}
	if table == nil {
		table = FloatTable
	}
	r := &rounded{n: n, w: w, scales: slices.Sorted(slices.Values(scales)), readers: n.Consumers(), table: table}
	if err := r.copyNodes(); err != nil {
		return nil, fault.Errorf("quant: %w", err)
	}
	for i := range r.q.Net.Nodes {
		if err := r.node(i); err != nil {
			return nil, fault.Errorf("quant: node %q: %w", r.q.Net.Nodes[i].Name, err)
		}
	}
	return r.q, nil
}

// rounded turns a network with fake_quant into one of integers.
type rounded struct {
	n       *blocks.Network
	w       *blocks.Weights
	scales  []float32 // ascending
	readers [][]int   // of the nodes of n
	table   PointTable
	q       *Network
	from    []origin // of the nodes of q
}

// origin says where a node comes from.
type origin struct {
	node     int    // of n
	chain    []int  // nodes of n before it that it is one with, all functions of one value
	rounding string // the name of the op fake_quant behind it
}

// copyNodes makes the network without the ops fake_quant, and gives each node the grid that it is rounded to behind it.
func (r *rounded) copyNodes() error {
	out := &blocks.Network{Name: r.n.Name, Meta: r.n.Meta}
	r.q = &Network{Net: out}
	at := make([]int, len(r.n.Nodes))        // of a node of n in out
	pending := make([][]int, len(r.n.Nodes)) // functions of one value that the reader of a node of n takes along
	var tensors [][][]float32
	add := func(i int, op blocks.Op, v Node) {
		nd := r.n.Nodes[i]
		nd.Op, nd.Inputs, nd.Shared = op, moved(nd.Inputs, at), moved(nd.Shared, at)
		at[i] = len(out.Nodes)
		out.Nodes, r.q.Nodes = append(out.Nodes, nd), append(r.q.Nodes, v)
		r.from = append(r.from, origin{node: i})
		tensors = append(tensors, r.w.Node(i))
	}
	for i, nd := range r.n.Nodes {
		o, rounds := nd.Op.(*blocks.FakeQuant)
		switch {
		case rounds:
			g, err := gridOf(o)
			if err != nil {
				return fmt.Errorf("node %q: %w", nd.Name, err)
			}
			k := at[nd.Inputs[0]]
			switch v := &r.q.Nodes[k]; {
			case v.scaled() && v.Grid == g:
				at[i] = k
			case !v.scaled() && r.alone(nd.Inputs[0]):
				v.Grid, r.from[k].rounding, at[i] = g, nd.Name, k
			default: // a value on one grid moves to another one
				add(i, &blocks.Activation{Func: blocks.Identity}, Node{Grid: g})
				r.from[at[i]].rounding = nd.Name
			}
		case r.pointwise(i) && r.alone(i) && r.pointwise(r.readers[i][0]):
			at[i], pending[i] = at[nd.Inputs[0]], append(slices.Clone(pending[nd.Inputs[0]]), i)
		case len(nd.Inputs) == 1 && pending[nd.Inputs[0]] != nil:
			add(i, &blocks.Activation{Func: blocks.Identity}, Node{})
			r.from[at[i]].chain = pending[nd.Inputs[0]]
			tensors[at[i]] = nil
		default:
			add(i, nd.Op, Node{})
		}
	}
	out.Outputs = moved(r.n.Outputs, at)
	r.q.Weights = blocks.EmptyWeights(out)
	for i, ts := range tensors {
		if ts != nil {
			r.q.Weights.Set(i, ts)
		}
	}
	return out.Infer()
}

// moved returns the new places of nodes; nil stays nil.
func moved(nodes, at []int) []int {
	var to []int
	for _, i := range nodes {
		to = append(to, at[i])
	}
	return to
}

// alone tells whether a single node of n reads node i, and no output is it.
func (r *rounded) alone(i int) bool {
	return len(r.readers[i]) == 1 && !slices.Contains(r.n.Outputs, i)
}

// pointwise tells whether node i of n is a function of one value.
func (r *rounded) pointwise(i int) bool {
	switch o := r.n.Nodes[i].Op.(type) {
	case *blocks.Activation, *blocks.Unary:
		return true
	case *blocks.Affine:
		scale, shift := o.Factors(r.n.Nodes[i].Shape.C, r.w.Node(i))
		return slices.Max(scale) == slices.Min(scale) && slices.Max(shift) == slices.Min(shift)
	}
	return false
}

// gridOf is the grid of a rounding, of signed integers: those of unsigned ones less 128.
func gridOf(o *blocks.FakeQuant) (integer.Grid, error) {
	g := integer.Grid{Scale: float32(o.Scale), Zero: int32(o.Zero), Low: int32(o.Low), High: int32(o.High)}
	if g.Low == 0 && g.High == 255 {
		g.Zero, g.Low, g.High = g.Zero-128, -128, 127
	}
	if g.Low != -128 || g.High != 127 {
		return g, fmt.Errorf("is rounded to integers from %d to %d, want those of 8 bits", o.Low, o.High)
	}
	return g, nil
}

// moves are ops whose output has the grid of their inputs where the file does not round it again.
func moves(op blocks.Op) bool {
	switch o := op.(type) {
	case *blocks.Concat, *blocks.ChannelSlice, *blocks.ChannelShuffle, *blocks.Stack, *blocks.Rearrange, *blocks.Border:
		return true
	case *blocks.Pool:
		return o.Pool == blocks.MaxPool
	case *blocks.GlobalPool:
		return o.Pool == blocks.MaxPool
	case *blocks.Resize:
		return o.Mode == blocks.Nearest
	}
	return false
}

// node completes node i of q, whose inputs are complete.
func (r *rounded) node(i int) error {
	nd, v := &r.q.Net.Nodes[i], &r.q.Nodes[i]
	if i == 0 {
		if !v.scaled() {
			return fmt.Errorf("the input is not rounded")
		}
		return nil
	}
	in := func(k int) *Node { return &r.q.Nodes[nd.Inputs[k]] }
	a, isAct := nd.Op.(*blocks.Activation)
	if !v.scaled() && len(nd.Inputs) > 0 && moves(nd.Op) {
		v.Grid = in(0).Grid
	}
	if !v.scaled() && !r.clamped(i) {
		return fmt.Errorf("its value is not rounded")
	}
	for k, j := range nd.Inputs {
		if !in(k).scaled() && !isAct {
			return fmt.Errorf("it reads %q, which is not rounded", r.q.Net.Nodes[j].Name)
		}
	}
	switch {
	case isAct && !in(0).scaled():
		v.Grid = clampedBy(a.Func, v.Grid)
	case r.pointwise(r.from[i].node) || r.from[i].rounding != "" && isAct:
		v.Table = r.table(r.function(i), r.from[i].rounding, in(0).Grid, v.Grid)
	case isLayer(nd.Op):
		return r.layer(i)
	default:
		v.Float = !HasIntegers(r.q.Net, i)
	}
	return nil
}

// clamped tells whether node i is not rounded because an activation that only clamps, and that alone reads it, is.
func (r *rounded) clamped(i int) bool {
	from := r.from[i].node
	if !r.alone(from) {
		return false
	}
	a, ok := r.n.Nodes[r.readers[from][0]].Op.(*blocks.Activation)
	return ok && (a.Func == blocks.ReLU || a.Func == blocks.ReLU6)
}

// clampedBy is the part of a grid that an activation leaves.
func clampedBy(f blocks.ActFunc, g integer.Grid) integer.Grid {
	n := g
	n.Low = max(g.Low, g.Zero)
	if f == blocks.ReLU6 {
		n.High = min(g.High, g.Quantize(6))
	}
	return n
}

func isLayer(op blocks.Op) bool {
	switch op.(type) {
	case *blocks.Conv, *blocks.Linear, *blocks.ChannelConv:
		return true
	}
	return false
}

// function returns what node i of q computes from one value, nil for the value itself.
func (r *rounded) function(i int) func(x []float32) []float32 {
	nodes := append(slices.Clone(r.from[i].chain), r.from[i].node)
	if _, ok := r.n.Nodes[r.from[i].node].Op.(*blocks.FakeQuant); ok {
		return nil
	}
	return func(x []float32) []float32 {
		for _, k := range nodes {
			// The values are the first channel of so many pixels: constants may have a value for each channel.
			s := blocks.Shape{H: len(x), W: 1, C: r.n.Nodes[k].Shape.C}
			in, out := make([]float32, s.Elems()), make([]float32, s.Elems())
			for p, v := range x {
				in[p*s.C] = v
			}
			r.n.Nodes[k].Op.Eval(blocks.Tensor{Shape: s, Data: out}, []blocks.Tensor{{Shape: s, Data: in}}, r.w.Node(k))
			x = make([]float32, len(x))
			for p := range x {
				x[p] = out[p*s.C]
			}
		}
		return x
	}
}

// FloatTable computes a function of one value in float32, between the reals of in and the points of out.
func FloatTable(f func(x []float32) []float32, _ string, in, out integer.Grid) []int32 {
	n := int(in.High-in.Low) + 1
	t, x := make([]int32, n), make([]float32, n)
	for i := range x {
		t[i] = in.Low + int32(i)
		x[i] = in.Real(t[i])
	}
	if f == nil {
		integer.Rescale(t, t, in, out)
		return t
	}
	for i, v := range f(x) {
		t[i] = out.Quantize(v)
	}
	return t
}

// layer finds the integers of the weights of node i.
func (r *rounded) layer(i int) error {
	nd, ws := &r.q.Net.Nodes[i], r.q.Weights.Node(i)
	outs := nd.Shape.C
	if _, ok := nd.Op.(*blocks.ChannelConv); ok {
		outs = 1
	}
	each := len(ws[0]) / outs
	l := &Layer{Q: make([]int8, len(ws[0])), Scale: make([]float32, outs), Bias: make([]int32, outs)}
	in := r.q.Nodes[nd.Inputs[0]].Grid.Scale
	column := make([]float32, each)
	for o := range outs {
		for k := range column { // weights are [..., N]
			column[k] = ws[0][k*outs+o]
		}
		s, ok := r.scale(column)
		if !slices.ContainsFunc(column, func(v float32) bool { return v != 0 }) {
			s, ok = 1, true
			if len(ws) > 1 && ws[1][o] != 0 { // any that holds the bias
				s = float32(math.Abs(float64(ws[1][o])) / float64(in) / (1 << 20))
			}
		}
		if !ok {
			return fmt.Errorf("the weights of channel %d are not integers of 8 bits times a scale of the file", o)
		}
		l.Scale[o] = s
		for k, v := range column {
			l.Q[o*each+k] = int8(math.RoundToEven(float64(v) / float64(s)))
		}
		if len(ws) > 1 {
			b := math.RoundToEven(float64(ws[1][o]) / (float64(in) * float64(s)))
			if math.Abs(b) > math.MaxInt32/2 {
				return fmt.Errorf("its bias of channel %d is beyond 32 bits", o)
			}
			l.Bias[o] = int32(b)
		}
	}
	if slices.Max(l.Scale) == slices.Min(l.Scale) {
		l.Scale = l.Scale[:1]
	}
	r.q.Nodes[i].Layer = l
	return nil
}

// scale returns the scale of the file of which all values are multiples, at most 128 times.
func (r *rounded) scale(values []float32) (float32, bool) {
	most := float32(0)
	for _, v := range values {
		most = max(most, float32(math.Abs(float64(v))))
	}
	if most == 0 {
		return 1, false
	}
	for m := 128; m >= 1; m-- {
		near := most / float32(m)
		k, _ := slices.BinarySearch(r.scales, near*(1-1e-6))
		for ; k < len(r.scales) && r.scales[k] <= near*(1+1e-6); k++ {
			if multiples(values, r.scales[k]) {
				return r.scales[k], true
			}
		}
	}
	return 0, false
}

// multiples tells whether all values are integers of 8 bits times a scale, to the bit: two scales of a file may be so
// near to each other that nothing else tells them apart.
func multiples(values []float32, scale float32) bool {
	for _, v := range values {
		q := math.RoundToEven(float64(v) / float64(scale))
		if q < -128 || q > 127 || float32(q*float64(scale)) != v {
			return false
		}
	}
	return true
}
