package engine

import (
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// Options say what kind of plan is made. The zero value is inference of one image.
type Options struct {
	// Batch is the number of images of a run; 0 means 1.
	Batch int
	// BatchStats normalises with mean and variance of the batch, as in training,
	// instead of folding the moving statistics into the weights.
	BatchStats bool
	// NoBlockFusion keeps every convolution a call of its own.
	NoBlockFusion bool
	// Tap, if not nil, is called during Run just before each activation op, with
	// the op's node and its input, the pre-activations of the whole batch (batch x
	// H x W x C). It must not keep pre. An error ends the run, which returns it.
	// With a Tap no activation is fused. Tap is called by the goroutine that called
	// Run, while no other computes.
	Tap func(node int, pre []float32) error
}

// Call is one kernel call of a plan.
type Call struct {
	Unit Unit
	// Nodes are the network's nodes that the call computes, in ascending order.
	// A node may need several calls (an addition of three), and some need none
	// (the input, a concatenation written in place): those are in no call.
	Nodes []int
	// Stage and Block are those of the first node.
	Stage, Block int
}

// value is the output of a node that exists in memory.
type value struct {
	shape       blocks.Shape
	node        int32 // whose output it is
	real        bool  // floats in a plan of integers
	first, last int32 // steps that write it first and touch it last
	// parent is the value whose storage holds this one, from channel at on; -1: none.
	parent int32
	at     int32
}

// holdsOthers tells whether other values lie inside value v.
func holdsOthers(vals []value, v int32) bool {
	for k := range vals {
		if vals[k].parent == v {
			return true
		}
	}
	return false
}

// step is a call and where its data are.
type step struct {
	Call
	dst   int32
	src   []int32
	res   int32   // residual value, -1: none
	fold  [3]fold // the layers with weights, in order
	strid bool    // the kernel can write some of the channels of a wider map
	reuse bool    // dst may overwrite src[0]
	at    int     // copy: first channel of dst that is written
	from  int     // copy: first channel of src that is read
	tap   int32   // node whose input is shown before the step, -1: none
}

// fold names the nodes whose weights make one layer: a convolution or linear
// layer (-1: none) and the batch normalisation behind it (-1: none).
type fold struct{ layer, bn int32 }

var noFold = fold{-1, -1}

// lowering makes the steps of one op kind.
type lowering struct {
	// lower appends the steps of node i and sets the value of the last node that
	// they compute.
	lower func(c *compiler, i int)
	// strided tells that the kernels can read some of the channels of a wider map.
	strided bool
}

// lowerings by op kind. Each op's file adds its own.
var lowerings = map[string]lowering{}

func lower(kind string, strided bool, f func(c *compiler, i int)) {
	lowerings[kind] = lowering{f, strided}
}

// compiler is the state of one Compile.
type compiler struct {
	net   *blocks.Network
	t     Target
	o     Options
	batch int
	steps []step
	vals  []value
	// Of each node: its value (-1: not computed yet, or inside a fused call),
	// and the nodes that read it, readers[from[i]:from[i+1]].
	val     []int32
	from    []int32
	readers []int32
	done    []bool // computed by the step of an earlier node
	nodes   []int  // storage of Call.Nodes
	ids     []int32
}

// Compile makes the plan of a network for a target. It is cheap: weights are
// touched by Bind only. The network must have been inferred, and must not change
// while the plan is in use.
func Compile(n *blocks.Network, t Target, o Options) (*Plan, error) {
	t.fill()
	if err := t.check(); err != nil {
		return nil, err
	}
	if o.Batch < 0 {
		return nil, fault.Errorf("engine: batch %d is negative", o.Batch)
	}
	if n == nil || len(n.Nodes) < 2 {
		return nil, fault.New("engine: the network has no ops")
	}
	for i := range n.Nodes {
		if n.Nodes[i].Shape.C < 1 {
			return nil, fault.Errorf("engine: node %q has no shape; call Network.Infer first", n.Nodes[i].Name)
		}
	}
	if t.DType == Int8 && (o.BatchStats || o.Tap != nil) {
		return nil, fault.New("engine: statistics of the batch and taps are for plans of float32")
	}
	o.NoBlockFusion = o.NoBlockFusion || t.DType == Int8
	c := &compiler{net: n, t: t, o: o, batch: max(o.Batch, 1)}
	c.index()
	c.newValue(0, n.Nodes[0].Shape)
	out := c.lowerAll()
	return &Plan{net: n, target: t, opts: c.o, batch: c.batch, steps: c.steps, vals: c.vals, out: out}, nil
}

// lowerAll makes the steps of all nodes, and returns the values of the network's outputs.
func (c *compiler) lowerAll() (out []int32) {
	integers := c.t.DType == Int8
	if integers {
		c.enter()
	}
	for i := 1; i < len(c.net.Nodes); i++ {
		if c.done[i] {
			continue
		}
		l, ok := lowerings[c.net.Nodes[i].Op.Kind()]
		switch {
		case integers:
			c.lowerInteger(i, l, ok)
		case ok:
			l.lower(c, i)
		default:
			c.eval(i)
		}
	}
	for _, i := range c.net.Returned() {
		if integers {
			out = append(out, c.leave(i))
		} else {
			out = append(out, c.val[i])
		}
	}
	return out
}

// index sets up the readers of each node.
func (c *compiler) index() {
	ns := c.net.Nodes
	edges := 0
	for i := range ns {
		edges += len(ns[i].Inputs)
	}
	store := make([]int32, 2*len(ns)+1+edges)
	c.val, store = store[:len(ns):len(ns)], store[len(ns):]
	c.from, c.readers = store[:len(ns)+1:len(ns)+1], store[len(ns)+1:]
	c.done = make([]bool, len(ns))
	c.steps = make([]step, 0, len(ns)/3+2)
	c.vals = make([]value, 0, len(ns)/2+3)
	c.nodes = make([]int, 0, len(ns)+16)
	c.ids = make([]int32, 0, len(ns)+16)
	for i := range ns {
		c.val[i] = -1
		for _, j := range ns[i].Inputs {
			c.from[j+1]++
		}
	}
	for i := range ns {
		c.from[i+1] += c.from[i]
	}
	// Fill back to front; each start moves down to the first of its readers.
	for i := range ns {
		c.from[i] = c.from[i+1]
	}
	for i := len(ns) - 1; i >= 0; i-- {
		for k := len(ns[i].Inputs) - 1; k >= 0; k-- {
			j := ns[i].Inputs[k]
			c.from[j]--
			c.readers[c.from[j]] = int32(i)
		}
	}
}

func (c *compiler) readersOf(i int) []int32 { return c.readers[c.from[i]:c.from[i+1]] }

// sole returns the one reader of node i, or -1 if it has none, or several, or is
// the network's output.
func (c *compiler) sole(i int) int {
	if c.from[i+1]-c.from[i] != 1 || slices.Contains(c.net.Outputs, i) {
		return -1
	}
	return int(c.readers[c.from[i]])
}

func (c *compiler) shape(i int) blocks.Shape { return c.net.Nodes[i].Shape }

// input returns the k-th node that node i reads.
func (c *compiler) input(i, k int) int { return c.net.Nodes[i].Inputs[k] }

// value returns the value of node i and notes that the next step touches it.
func (c *compiler) value(i int) int32 {
	v := c.val[i]
	c.touch(v)
	return v
}

func (c *compiler) touch(v int32) { c.vals[v].last = int32(len(c.steps)) }

// newValue makes the value of node i, written by the next step.
func (c *compiler) newValue(i int, s blocks.Shape) int32 {
	v := int32(len(c.vals))
	k := int32(len(c.steps))
	c.vals = append(c.vals, value{shape: s, node: int32(i), first: k, last: k, parent: -1})
	c.val[i] = v
	return v
}

// alias makes node i the same value as node j.
func (c *compiler) alias(i, j int) { c.val[i] = c.val[j] }

// start returns a step that computes node i from its inputs.
func (c *compiler) start(i int, name string) step {
	nd := &c.net.Nodes[i]
	s := step{dst: -1, res: -1, tap: -1, fold: [3]fold{noFold, noFold, noFold}, strid: true}
	s.Unit = Unit{Name: name, In: c.shape(nd.Inputs[0]), Out: nd.Shape, Batch: c.batch}
	s.Stage, s.Block = nd.Stage, nd.Block
	k := len(c.ids)
	for _, j := range nd.Inputs {
		c.ids = append(c.ids, c.value(j))
	}
	s.src = c.ids[k:len(c.ids):len(c.ids)]
	return s
}

// emit appends the step, which computes nodes, the last of them being end.
func (c *compiler) emit(s step, end int, nodes ...int) {
	k := len(c.nodes)
	for _, n := range nodes {
		if n >= 0 {
			c.nodes = append(c.nodes, n)
			c.done[n] = true
		}
	}
	s.Nodes = c.nodes[k:len(c.nodes):len(c.nodes)]
	if s.dst < 0 {
		s.dst = c.newValue(end, c.shape(end))
	}
	c.steps = append(c.steps, s)
}

// act returns the activation that alone reads node i and can be computed with
// it: its node and function, or -1 and the identity.
func (c *compiler) act(i int) (int, blocks.ActFunc) {
	if c.o.Tap == nil {
		if j := c.sole(i); j >= 0 {
			if a, ok := c.net.Nodes[j].Op.(*blocks.Activation); ok {
				return j, a.Func
			}
		}
	}
	return -1, blocks.Identity
}

// last returns the last of the nodes that is not -1.
func last(nodes ...int) int {
	for k := len(nodes) - 1; k >= 0; k-- {
		if nodes[k] >= 0 {
			return nodes[k]
		}
	}
	return -1
}
