package quant

import (
	"reflect"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/internal/fault"
)

// call is one node at work.
type call struct {
	op    blocks.Op
	node  *Node // of the op
	in    [][]int32
	shape []blocks.Shape // of the inputs
	grid  []integer.Grid // of the inputs
	to    blocks.Shape
	out   integer.Grid
	w     [][]float32
}

// routines compute an op with integers. Each file of routines registers its own.
var routines = map[reflect.Type]func(c call, dst []int32){}

// register makes f the routine of ops of type T.
func register[T blocks.Op](f func(op T, c call, dst []int32)) {
	routines[reflect.TypeFor[T]()] = func(c call, dst []int32) { f(c.op.(T), c, dst) }
}

// HasIntegers tells whether node i of a network has integer arithmetic of its own here. A node that is a function of
// one value has none: it is a table.
func HasIntegers(n *blocks.Network, i int) bool {
	nd := n.Nodes[i]
	switch op := nd.Op.(type) {
	case *blocks.Activation:
		return op.Func == blocks.Identity
	case *blocks.Add:
		return len(nd.Inputs) == 2
	case *blocks.Pool:
		_, _, dilation := op.Window()
		return op.Pool == blocks.MaxPool || dilation == [2]int{1, 1} && !(op.CountPad && op.Ceil)
	}
	return routines[reflect.TypeOf(nd.Op)] != nil
}

// Eval computes the integers of every node for one image, H x W x C each; in is rounded to the grid of the input by
// [integer.Grid.Convert]. A node whose grid has scale 0 has nil. A wrong number of values is an error.
func (q *Network) Eval(in []float32) ([][]int32, error) {
	n := q.Net
	if len(in) != n.Input().Elems() {
		return nil, fault.Errorf("quant: input has %d values, %v wants %d", len(in), n.Input(), n.Input().Elems())
	}
	values := make([][]int32, len(n.Nodes))
	values[0] = make([]int32, len(in))
	q.Nodes[0].Grid.Convert(values[0], in)
	for i := 1; i < len(n.Nodes); i++ {
		if q.Nodes[i].scaled() {
			values[i] = make([]int32, n.Nodes[i].Shape.Elems())
			q.node(i, values)
		}
	}
	return values, nil
}

// Run returns what the outputs of [Network.Eval] stand for, in the order of the network's outputs.
func (q *Network) Run(in []float32) ([][]float32, error) {
	values, err := q.Eval(in)
	if err != nil {
		return nil, err
	}
	var outs [][]float32
	for _, i := range q.Net.Returned() {
		outs = append(outs, reals(values[i], q.Nodes[i].Grid))
	}
	return outs, nil
}

// Source returns the node that computes the value of node i: i itself, or the layer before it that clamps for it.
func (q *Network) Source(i int) int {
	for i > 0 && len(q.Net.Nodes[i].Inputs) == 1 && !q.Nodes[q.Net.Nodes[i].Inputs[0]].scaled() {
		i = q.Net.Nodes[i].Inputs[0]
	}
	return i
}

// node computes the integers of node i.
func (q *Network) node(i int, values [][]int32) {
	at := q.Source(i)
	nd := q.Net.Nodes[at]
	c := call{op: nd.Op, node: &q.Nodes[at], to: nd.Shape, out: q.Nodes[i].Grid}
	if q.Weights != nil {
		c.w = q.Weights.Node(at)
	}
	for _, j := range nd.Inputs {
		c.in = append(c.in, values[j])
		c.shape = append(c.shape, q.Net.Nodes[j].Shape)
		c.grid = append(c.grid, q.Nodes[j].Grid)
	}
	switch {
	case c.node.Float:
		c.float(values[i])
	case c.node.Table != nil:
		integer.Lookup(values[i], c.in[0], c.node.Table, c.grid[0])
	default:
		routines[reflect.TypeOf(nd.Op)](c, values[i])
	}
}

// float computes the op in float32.
func (c call) float(dst []int32) {
	out := blocks.Tensor{Shape: c.to, Data: make([]float32, len(dst))}
	var in []blocks.Tensor
	for k, q := range c.in {
		in = append(in, blocks.Tensor{Shape: c.shape[k], Data: reals(q, c.grid[k])})
	}
	c.op.Eval(out, in, c.w)
	c.out.Convert(dst, out.Data)
}

func reals(q []int32, g integer.Grid) []float32 {
	v := make([]float32, len(q))
	for i := range q {
		v[i] = g.Real(q[i])
	}
	return v
}
