package tflite

import (
	"reflect"
	"slices"

	"nas/blocks"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// call is one node under translation.
type call struct {
	op     blocks.Op
	in     []value
	shapes []blocks.Shape // of the inputs
	out    blocks.Shape
	params [][]float32
	// alone tells that nothing but this node reads its first input.
	alone bool
}

// lowering writes a node's operators and returns its value.
type lowering func(g *graph, c call) (value, error)

// lowerings tells how an op is written. Each file of operators registers its own.
var lowerings = map[reflect.Type]lowering{}

// register makes f the lowering of ops of type T.
func register[T blocks.Op](f func(g *graph, op T, c call) (value, error)) {
	lowerings[reflect.TypeFor[T]()] = func(g *graph, c call) (value, error) { return f(g, c.op.(T), c) }
}

// Lower returns n with its weights as a model of float32. Batch normalisations go into the layers before
// them, and activations into the operators before them where these have a field for it. The tensors of the
// activations have the names of n's nodes. A tensor that nodes share is stored once for each.
//
// An op that has no built-in operators is an error that names node and op.
func Lower(n *blocks.Network, weights *blocks.Weights) (*Model, error) {
	g, err := lower(n, weights, false)
	if err != nil {
		return nil, err
	}
	return &g.m, nil
}

// lower also tells which node of n, with its batch normalisations folded, each tensor is the value of. With mixed, a
// node without integer arithmetic is written as one operator [inFloat], which files do not have.
func lower(n *blocks.Network, weights *blocks.Weights, mixed bool) (*graph, error) {
	if err := weights.Check(n); err != nil {
		return nil, fault.Errorf("tflite: %w", err)
	}
	name := n.Name
	n, weights = blocks.FoldBatchNorm(n, weights)
	g := &graph{constants: map[string]int{}, names: map[string]int{}, nodes: map[int]int{}}
	g.m.Description = name
	consumers, returned := n.Consumers(), n.Returned()
	values := make([]value, len(n.Nodes))
	s := n.Input()
	values[0] = value{tensor: g.tensor(Tensor{Name: g.unique("input"), Dims: mapDims(s)}), shape: s}
	g.m.Inputs, g.nodes[values[0].tensor], g.first = []int{values[0].tensor}, 0, []int{0}
	for i := 1; i < len(n.Nodes); i++ {
		nd := n.Nodes[i]
		f := lowerings[reflect.TypeOf(nd.Op)]
		if mixed && !hasIntegers(n, i) {
			f = lowerInFloat
		}
		if f == nil {
			kind := nd.Op.Kind()
			if u, ok := nd.Op.(*blocks.Unary); ok {
				kind = string(u.Func)
			}
			return nil, fault.Errorf("tflite: node %q: op %q has no form in .tflite files: export it as ONNX", nd.Name, kind)
		}
		c := call{op: nd.Op, shapes: n.InShapes(i), out: nd.Shape, params: weights.Node(i)}
		for _, j := range nd.Inputs {
			c.in = append(c.in, values[j])
		}
		if len(nd.Inputs) > 0 {
			first := nd.Inputs[0]
			c.alone = len(consumers[first]) == 1 && !slices.Contains(returned, first)
		}
		g.node = nd.Name
		before := len(g.m.Tensors)
		g.first = append(g.first, len(g.m.Operators))
		v, err := f(g, c)
		if err != nil {
			return nil, fault.Errorf("tflite: node %q: op %q: %w", nd.Name, nd.Op.Kind(), err)
		}
		values[i], g.nodes[v.tensor] = v, i
		g.name(before, v.tensor, nd.Name)
	}
	g.values, g.first = values, append(g.first, len(g.m.Operators))
	for _, i := range returned {
		g.m.Outputs = append(g.m.Outputs, g.output(values[i]))
	}
	return g, nil
}

// name names the tensors that the node at work has made: its value has the node's name.
func (g *graph) name(from, end int, name string) {
	if t := &g.m.Tensors[end]; t.Data == nil && !slices.Contains(g.m.Inputs, end) {
		t.Name = g.unique(name)
	}
	for i := from; i < len(g.m.Tensors); i++ {
		if t := &g.m.Tensors[i]; t.Name == "" {
			t.Name = g.unique(name + ".inner")
		}
	}
}

// output returns a tensor that an operator computes and that is no output yet: N x C for a vector.
func (g *graph) output(v value) int {
	switch {
	case v.shape.IsVector() && !v.vector:
		v = value{tensor: g.reshape(v, v.shape, []int{1, v.shape.C}).tensor, shape: v.shape, vector: true}
	case g.producer(v.tensor) == nil || slices.Contains(g.m.Outputs, v.tensor):
		v = g.reshape(v, v.shape, v.dims())
	default:
		return v.tensor
	}
	g.m.Tensors[v.tensor].Name = g.unique("output")
	return v.tensor
}

// inFloat is an operator that no file has: one node of a network, computed in float32.
const inFloat = "float"

func lowerInFloat(g *graph, c call) (value, error) {
	return g.mapOp(inFloat, tensorsOf(c.in), nil, c.out), nil
}

// hasIntegers tells whether node i has operators of integers, or is a table.
func hasIntegers(n *blocks.Network, i int) bool {
	nd := n.Nodes[i]
	return quant.HasIntegers(n, i) || lowerings[reflect.TypeOf(nd.Op)] != nil && isTable(nd)
}

// isTable tells whether a node is a function of one value of one input.
func isTable(nd blocks.Node) bool {
	switch op := nd.Op.(type) {
	case *blocks.Activation:
		return true
	case *blocks.Affine:
		return !op.Scales && !op.Shifts
	}
	return false
}
