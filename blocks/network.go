package blocks

import (
	"errors"
	"fmt"

	"nas/internal/fault"
)

// Network is a directed acyclic graph of ops in topological order: every node reads nodes before
// it. Nodes[0] is the only [Input]; the last node is the output. Make one with a [Builder]. A
// Network that was made or changed by hand must pass [Network.Infer] before any other method is
// called.
type Network struct {
	Name  string
	Nodes []Node
	// Meta is free text about the network that travels with its files: the arch
	// string, the run that found it, predicted figures. It may be nil.
	Meta map[string]string
}

// Node is one op in its place.
type Node struct {
	Name   string // unique in the network, e.g. "stage2.block1.depthwise.conv"
	Op     Op
	Inputs []int // indices of the nodes read, all smaller than the node's own
	Shape  Shape // of the output; filled in by Infer
	// Stage and Block place the op in the architecture, counted from 1 (stage 0
	// holds the stem; the head's stage follows the last). Block is 0 outside blocks.
	Stage, Block int
}

// Input returns the shape of the network's input.
func (n *Network) Input() Shape { return n.Nodes[0].Shape }

// Output returns the shape of the network's output.
func (n *Network) Output() Shape { return n.Nodes[len(n.Nodes)-1].Shape }

// InShapes returns the shapes that node i reads.
func (n *Network) InShapes(i int) []Shape {
	in := make([]Shape, len(n.Nodes[i].Inputs))
	for k, j := range n.Nodes[i].Inputs {
		in[k] = n.Nodes[j].Shape
	}
	return in
}

// Params returns the parameter tensors of node i.
func (n *Network) Params(i int) []Param { return n.Nodes[i].Op.Params(n.InShapes(i)) }

// Infer checks the graph and fills in every shape. The error names all nodes that are wrong by
// themselves.
func (n *Network) Infer() error {
	if len(n.Nodes) == 0 {
		return fault.New("blocks: a network needs an input node")
	}
	var errs []error
	names := make(map[string]bool, len(n.Nodes))
	for i := range n.Nodes {
		nd := &n.Nodes[i]
		fail := func(format string, a ...any) {
			errs = append(errs, fault.Errorf("blocks: node %q: %w", nd.Name, fmt.Errorf(format, a...)))
		}
		if nd.Op == nil {
			fail("has no op")
			break
		}
		if names[nd.Name] || nd.Name == "" {
			fail("name is empty or taken")
		}
		names[nd.Name] = true
		if _, in := nd.Op.(*Input); in != (i == 0) {
			fail("the input op must be the first node, and only that")
			break
		}
		ok := true
		for _, j := range nd.Inputs {
			if j < 0 || j >= i {
				fail("reads node %d, want one of 0 to %d", j, i-1)
				ok = false
			}
		}
		if !ok {
			break
		}
		s, err := nd.Op.OutShape(n.InShapes(i))
		if err != nil {
			errs = append(errs, fault.Errorf("blocks: node %q: %s: %w", nd.Name, nd.Op.Kind(), err))
			break // later shapes depend on this one
		}
		nd.Shape = s
	}
	return errors.Join(errs...)
}

// Consumers returns, for each node, the nodes that read it, in order.
func (n *Network) Consumers() [][]int {
	cs := make([][]int, len(n.Nodes))
	for i, nd := range n.Nodes {
		for _, j := range nd.Inputs {
			cs[j] = append(cs[j], i)
		}
	}
	return cs
}

// Eval runs the network for one image by the ops' reference evaluations and
// returns every node's activation. It is slow and exact: the oracle of tests.
func (n *Network) Eval(w *Weights, in []float32) ([]Tensor, error) {
	if len(in) != n.Input().Elems() {
		return nil, fault.Errorf("blocks: input has %d values, %v wants %d", len(in), n.Input(), n.Input().Elems())
	}
	acts := make([]Tensor, len(n.Nodes))
	acts[0] = Tensor{n.Input(), in}
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		src := make([]Tensor, len(nd.Inputs))
		for k, j := range nd.Inputs {
			src[k] = acts[j]
		}
		acts[i] = Tensor{nd.Shape, make([]float32, nd.Shape.Elems())}
		nd.Op.Eval(acts[i], src, w.Node(i))
	}
	return acts, nil
}
