package blocks

import (
	"errors"
	"fmt"
	"slices"

	"nas/internal/fault"
)

// Network is a directed acyclic graph of ops in topological order: every node reads nodes before
// it. Nodes[0] is the only [Input]. Make one with a [Builder]. A Network that was made or changed by
// hand must pass [Network.Infer] before any other method is called.
type Network struct {
	Name  string
	Nodes []Node
	// Outputs are the nodes that the network returns, in that order. Nil means
	// the last node. Counts, times and exports are of what all outputs need.
	Outputs []int
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
	// Shared tells, for each tensor of [Op.Params], the earlier node whose tensor
	// of the same place it is, 0 where it is the node's own. Nil means that all
	// are. A shared tensor counts once.
	Shared []int
	// Stage and Block place the op in the architecture, counted from 1 (stage 0
	// holds the stem; the head's stage follows the last). Block is 0 outside blocks.
	Stage, Block int
}

// Input returns the shape of the network's input.
func (n *Network) Input() Shape { return n.Nodes[0].Shape }

// Returned lists the nodes that the network returns: Outputs, or the last node.
func (n *Network) Returned() []int {
	if n.Outputs != nil {
		return n.Outputs
	}
	return []int{len(n.Nodes) - 1}
}

// Output returns the shape of the network's first output.
func (n *Network) Output() Shape { return n.Nodes[n.Returned()[0]].Shape }

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
		if err := n.checkShared(i); err != nil {
			fail("%w", err)
		}
	}
	if n.Outputs != nil && len(errs) == 0 {
		errs = append(errs, n.checkOutputs())
	}
	return errors.Join(errs...)
}

// checkShared compares the tensors that node i shares with those of their owners.
func (n *Network) checkShared(i int) error {
	nd := &n.Nodes[i]
	if nd.Shared == nil {
		return nil
	}
	mine := n.Params(i)
	if len(nd.Shared) != len(mine) {
		return fmt.Errorf("shares %d tensors, has %d", len(nd.Shared), len(mine))
	}
	for k, j := range nd.Shared {
		if j == 0 {
			continue
		}
		if j < 0 || j >= i {
			return fmt.Errorf("shares a tensor of node %d, want one of 1 to %d", j, i-1)
		}
		theirs := n.Params(j)
		if k >= len(theirs) || !slices.Equal(theirs[k].Dims, mine[k].Dims) {
			return fmt.Errorf("shares tensor %q with node %q, which has none of its dims", mine[k].Name, n.Nodes[j].Name)
		}
	}
	return nil
}

// checkOutputs wants one output or more, each an op of its own.
func (n *Network) checkOutputs() error {
	if len(n.Outputs) == 0 {
		return fault.New("blocks: the network has no output")
	}
	seen := map[int]bool{}
	for _, i := range n.Outputs {
		if i < 1 || i >= len(n.Nodes) || seen[i] {
			return fault.Errorf("blocks: output %d is no node of 1 to %d, or named twice", i, len(n.Nodes)-1)
		}
		seen[i] = true
	}
	return nil
}

// ownParams counts the trainable values of node i that it shares with none before it.
func (n *Network) ownParams(i int, in []Shape) int64 {
	nd := &n.Nodes[i]
	ps := nd.Op.Params(in)
	if nd.Shared == nil {
		return sumParams(ps)
	}
	var sum int64
	for k, p := range ps {
		if nd.Shared[k] == 0 && !p.Moving {
			sum += int64(p.Len())
		}
	}
	return sum
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
