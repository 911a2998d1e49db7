package engine

import "nas/blocks"

// Plans of [Int8] hold bytes between the ops. The network's edges stay float32: the first
// call, "quantize", rounds the input to its grid, and the last ones, "dequantize", say what
// the outputs stand for. An op without kernels on bytes is a call "eval." and its kind, as in
// other plans: the reference evaluation of package quant.
//
// Every call gives exactly what package quant gives. A convolution's epilogue
// rounds its sums; an activation that is no limit replaces each byte by its entry of a table;
// then the residual is added. Nothing is fused beyond that: at a byte a value the maps of
// most networks stay in the second-level cache.

// Units at the ends of a plan of integers: from the network's input, to its outputs. Parts of a network that are
// compiled by themselves have them, too.
const (
	EnterUnit = "quantize"
	LeaveUnit = "dequantize"
)

// integerForms are the op kinds that have kernels on bytes, with what these ask of a node; nil: nothing.
var integerForms = map[string]func(c *compiler, i int) bool{
	"conv":        nil,
	"linear":      nil,
	"act":         nil,
	"add":         func(c *compiler, i int) bool { return len(c.net.Nodes[i].Inputs) == 2 },
	"mul":         func(c *compiler, i int) bool { return c.shape(i).C == c.shape(c.input(i, 1)).C },
	"pool":        func(c *compiler, i int) bool { return !c.net.Nodes[i].Op.(*blocks.Pool).CountPad },
	"global_pool": nil,
	"concat":      nil,
	"slice":       nil,
	"shuffle":     nil,
	"resize":      nil,
	"softmax":     nil,
	"unary":       nil,
}

// lowerInteger lowers node i to kernel calls on bytes, or to its reference evaluation.
func (c *compiler) lowerInteger(i int, l lowering, known bool) {
	kind := c.net.Nodes[i].Op.Kind()
	asks, ok := integerForms[kind]
	if !known || !ok || asks != nil && !asks(c, i) {
		c.eval(i)
		return
	}
	l.lower(c, i)
}

// enter makes the integers of the network's input.
func (c *compiler) enter() {
	in := &c.net.Nodes[0]
	s := step{dst: -1, res: -1, tap: -1, fold: [3]fold{noFold, noFold, noFold}}
	s.Unit = Unit{Name: EnterUnit, In: in.Shape, Out: in.Shape, Batch: c.batch}
	s.src = append(s.src, c.value(0))
	c.vals[0].real = true
	c.emit(s, 0, 0)
}

// leave makes floats of the value of node i and returns them.
func (c *compiler) leave(i int) int32 {
	nd := &c.net.Nodes[i]
	s := step{dst: -1, res: -1, tap: -1, fold: [3]fold{noFold, noFold, noFold}}
	s.Unit = Unit{Name: LeaveUnit, In: nd.Shape, Out: nd.Shape, Batch: c.batch}
	s.Stage, s.Block = nd.Stage, nd.Block
	s.src = append(s.src, c.value(i))
	v := c.val[i]
	s.dst = c.newValue(i, nd.Shape)
	c.vals[s.dst].real, c.val[i] = true, v
	c.emit(s, i)
	return s.dst
}
