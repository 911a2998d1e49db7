package blocks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nas/internal/fault"
)

// Builder appends ops to a network and infers shapes as it goes. After the first error, calls do
// nothing and Network returns the error. So the code of a network is a plain sequence of calls
// with one check at the end.
type Builder struct {
	net          Network
	scope        string // names of the scopes that are open, each with a dot behind it
	names        map[string]int
	stage, block int
	err          error
	in           []Shape // scratch
	inputs       []int   // backing of Node.Inputs
}

// Value is the output of a node of the network that is being built.
type Value int

// NewBuilder starts a network with its input.
func NewBuilder(name string, input Shape) *Builder {
	b := &Builder{names: map[string]int{}}
	b.net.Name = name
	b.Apply("input", &Input{Shape: input})
	return b
}

// Grow makes room for n more ops at once, as slices.Grow does.
func (b *Builder) Grow(n int) {
	b.net.Nodes = slices.Grow(b.net.Nodes, n)
	b.inputs = slices.Grow(b.inputs, n)
	names := make(map[string]int, len(b.names)+n)
	maps.Copy(names, b.names)
	b.names = names
}

// Input returns the network's input.
func (b *Builder) Input() Value { return 0 }

// Shape returns the shape of a value; the zero Shape after an error.
func (b *Builder) Shape(v Value) Shape {
	if b.err != nil {
		return Shape{}
	}
	return b.net.Nodes[v].Shape
}

// Err returns the first error.
func (b *Builder) Err() error { return b.err }

// fail makes err the builder's error unless it has one.
func (b *Builder) fail(err error) {
	if b.err == nil && err != nil {
		b.err = fault.Errorf("blocks: %s: %w", strings.TrimSuffix(b.net.Name+"."+b.scope, "."), err)
	}
}

// Mark sets the stage and block of the ops that follow.
func (b *Builder) Mark(stage, block int) { b.stage, b.block = stage, block }

// Scope runs f with name put before the names of the ops it appends.
func (b *Builder) Scope(name string, f func()) {
	outer := b.scope
	b.scope += name + "."
	f()
	b.scope = outer
}

// Apply appends an op and returns its output. The node's name is the scopes
// and the name joined by dots; a name already taken gets a number.
func (b *Builder) Apply(name string, op Op, in ...Value) Value {
	if b.err != nil {
		return 0
	}
	name = b.scope + name
	if k := b.names[name]; k > 0 {
		b.names[name]++
		name = fmt.Sprintf("%s_%d", name, k+1)
	}
	b.names[name] = 1
	nd := Node{Name: name, Op: op, Stage: b.stage, Block: b.block}
	b.in = b.in[:0]
	if len(in) > 0 {
		start := len(b.inputs)
		for _, v := range in {
			if v < 0 || int(v) >= len(b.net.Nodes) {
				b.fail(fmt.Errorf("node %q reads value %d, which does not exist", name, v))
				return 0
			}
			b.inputs = append(b.inputs, int(v))
			b.in = append(b.in, b.net.Nodes[v].Shape)
		}
		nd.Inputs = b.inputs[start:len(b.inputs):len(b.inputs)]
	}
	s, err := op.OutShape(b.in)
	if err != nil {
		b.err = fault.Errorf("blocks: %s: node %q: %s: %w", b.net.Name, name, op.Kind(), err)
		return 0
	}
	nd.Shape = s
	b.net.Nodes = append(b.net.Nodes, nd)
	return Value(len(b.net.Nodes) - 1)
}

// Return makes values the outputs of the network, in this order. Each must be the output of another op.
func (b *Builder) Return(values ...Value) {
	b.net.Outputs = nil
	for _, v := range values {
		b.net.Outputs = append(b.net.Outputs, int(v))
	}
}

// Wider returns the last value before v of twice the extent of v, or one less where that is odd: the finer map of a
// head with two scales. That there is none is an error of the builder.
func (b *Builder) Wider(v Value) Value {
	if b.err != nil {
		return 0
	}
	half := func(n int) int { return (n + 1) / 2 }
	s := b.net.Nodes[v].Shape
	for i := int(v) - 1; i > 0; i-- {
		if w := b.net.Nodes[i].Shape; half(w.H) == s.H && half(w.W) == s.W && w.H > s.H {
			return Value(i)
		}
	}
	b.fail(fmt.Errorf("no map of twice the extent of %v", s))
	return 0
}

// Network returns the finished network, or the first error. Its output is the last op appended, unless Return named
// others.
func (b *Builder) Network() (*Network, error) {
	if b.err != nil {
		return nil, b.err
	}
	if len(b.net.Nodes) < 2 {
		return nil, fault.New("blocks: " + b.net.Name + ": the network has no ops")
	}
	n := b.net
	if n.Outputs != nil {
		if err := n.checkOutputs(); err != nil {
			b.fail(err)
			return nil, b.err
		}
	}
	return &n, nil
}

// Block is a part of a network that a Builder can append: a plain struct of
// numbers, one for each block of the literature.
type Block interface {
	// Build appends the block's ops to b, reading in, and returns its output.
	Build(b *Builder, in Value) Value
}

// Act appends an activation, unless f is the identity.
func (b *Builder) Act(f ActFunc, in Value) Value {
	if f == Identity {
		return in
	}
	return b.Apply(f.String(), &Activation{Func: f}, in)
}
