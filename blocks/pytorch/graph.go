package pytorch

import (
	"slices"
	"strings"

	"nas/blocks"
)

// numClasses is the parameter that sets the width of the last layers.
const numClasses = "num_classes"

// graph is a network that is being written as Python.
type graph struct {
	net       *blocks.Network
	consumers [][]int
	epsilon   string       // of most batch normalisations: the default of the classes
	outputs   map[int]bool // layers whose width is the number of classes
	names     names        // of classes
	classes   []class      // made for this network
}

// An item is a part of a forward function: an op, or a module that stands for several ops. The
// value of its last node is its result.
type item struct {
	nodes []int
	in    []int          // values read, in the order of apply's
	name  string         // what to call it, dotted as nodes are
	made  *call          // how its module is made; nil for functions
	list  []*call        // of an nn.Sequential, instead of made
	paths map[int]string // where in the module the tensors of a node are
	apply func(s *scope, self string, in []value) value

	inline bool      // an activation, which may be written around what it reads
	unit   *convUnit // where it is one
	gate   bool      // an attention: reads a map, returns it weighed
}

func (it *item) out() int { return it.nodes[len(it.nodes)-1] }

// A value is what an expression of a forward function computes.
type value struct {
	expr string
	flat bool // N x C, else N x C x H x W
}

// asMap gives a flat value the extent of one pixel.
func (v value) asMap() string {
	if v.flat {
		return v.expr + "[:, :, None, None]"
	}
	return v.expr
}

// asFlat lays a map out in channel, height, width order.
func (v value) asFlat() string {
	if !v.flat {
		return v.expr + ".flatten(1)"
	}
	return v.expr
}

// callModule applies a module that reads maps and returns one.
func callModule(_ *scope, self string, in []value) value {
	args := make([]string, len(in))
	for k, v := range in {
		args[k] = v.asMap()
	}
	return value{expr: self + "(" + strings.Join(args, ", ") + ")"}
}

func newGraph(n *blocks.Network) *graph {
	g := &graph{net: n, consumers: n.Consumers(), names: names{}}
	for _, i := range n.Outputs {
		g.consumers[i] = append(g.consumers[i], len(n.Nodes)) // the caller
	}
	for _, h := range helpers {
		g.names[h.name] = true
	}
	count := map[string]int{}
	for _, nd := range n.Nodes {
		if bn, ok := nd.Op.(*blocks.BatchNorm); ok {
			e := float(bn.Eps())
			count[e]++
			if count[e] > count[g.epsilon] {
				g.epsilon = e
			}
		}
	}
	if g.epsilon == "" {
		g.epsilon = float(new(blocks.BatchNorm).Eps())
	}
	g.outputs = g.classifiers()
	return g
}

// classifiers returns the layers whose number of outputs is the number of classes. Only additions,
// activations, resizing and pooling may stand between them and the network's output. It returns
// none if there is another op, or if another op reads a value in between, because then the width
// is not free, or if the network has several outputs.
func (g *graph) classifiers() map[int]bool {
	if len(g.net.Outputs) > 1 {
		return nil
	}
	found, between := map[int]bool{}, map[int]bool{}
	todo := slices.Clone(g.net.Returned())
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch op := g.net.Nodes[i].Op.(type) {
		case *blocks.Linear:
			found[i] = true
		case *blocks.Conv:
			if op.G() > 1 {
				return nil
			}
			found[i] = true
		case *blocks.Add, *blocks.Activation, *blocks.Softmax, *blocks.Resize, *blocks.GlobalPool:
			between[i] = true
			todo = append(todo, g.net.Nodes[i].Inputs...)
		default:
			return nil
		}
	}
	for i, readers := range g.consumers {
		other := func(c int) bool { return c < len(g.net.Nodes) && !between[c] }
		if (found[i] || between[i]) && slices.ContainsFunc(readers, other) {
			return nil
		}
	}
	return found
}

// sole returns the node that alone reads node i, or -1.
func (g *graph) sole(i int) int {
	if len(g.consumers[i]) != 1 || g.consumers[i][0] == len(g.net.Nodes) {
		return -1
	}
	return g.consumers[i][0]
}

// sealed reports whether the values of nodes, except for the last one, are used by nodes only: no
// other node reads them, and the network does not return them.
func (g *graph) sealed(nodes []int) bool {
	last := nodes[len(nodes)-1]
	for _, i := range nodes {
		if i == last {
			continue
		}
		if len(g.consumers[i]) == 0 {
			return false
		}
		for _, c := range g.consumers[i] {
			if !slices.Contains(nodes, c) {
				return false
			}
		}
	}
	return true
}

// reads returns the values that nodes read from other nodes, in the order of first use.
func (g *graph) reads(nodes []int) (in []int) {
	for _, i := range nodes {
		for _, j := range g.net.Nodes[i].Inputs {
			if !slices.Contains(nodes, j) && !slices.Contains(in, j) {
				in = append(in, j)
			}
		}
	}
	return in
}

// scopeName returns the common prefix of the names of nodes, in whole dotted parts. For one node
// it is the name without a last part that only repeats the kind of op.
func (g *graph) scopeName(nodes []int) string {
	common := strings.Split(g.net.Nodes[nodes[0]].Name, ".")
	if len(nodes) == 1 {
		switch last := common[len(common)-1]; {
		case len(common) < 2:
		case last == "conv", last == "linear":
			common = common[:len(common)-1]
		default:
			if _, err := blocks.ParseActFunc(last); err == nil {
				common = common[:len(common)-1]
			}
		}
	}
	for _, i := range nodes[1:] {
		parts := strings.Split(g.net.Nodes[i].Name, ".")
		k := 0
		for k < len(parts) && k < len(common) && parts[k] == common[k] {
			k++
		}
		common = common[:k]
	}
	if len(common) == 0 {
		return g.net.Nodes[nodes[0]].Name
	}
	return strings.Join(common, ".")
}

// unitName is the scope of a unit's layers. An activation that follows the layers may have a name
// in the scope of the next unit.
func (g *graph) unitName(it *item) string {
	var layers []int
	for _, i := range it.nodes {
		if _, ok := it.paths[i]; ok {
			layers = append(layers, i)
		}
	}
	return g.scopeName(layers)
}

// within returns name without the scope around it.
func within(name, scope string) string {
	if scope == "" {
		return name
	}
	if rest, ok := strings.CutPrefix(name, scope+"."); ok {
		return rest
	}
	return name
}

// items cuts the network into units and single ops, in order of their results.
func (g *graph) items() ([]*item, error) {
	taken := make([]bool, len(g.net.Nodes))
	taken[0] = true
	var items []*item
	for i := range g.net.Nodes {
		if taken[i] {
			continue
		}
		it := g.unitAt(i, taken)
		if it == nil {
			var err error
			if it, err = g.opItem(i); err != nil {
				return nil, err
			}
		}
		for _, j := range it.nodes {
			taken[j] = true
		}
		items = append(items, it)
	}
	sortItems(items)
	return items, nil
}

func sortItems(items []*item) {
	slices.SortStableFunc(items, func(a, b *item) int { return a.out() - b.out() })
}

// unitAt returns the first unit that starts at node i and consists of free nodes of one block, or
// nil.
func (g *graph) unitAt(i int, taken []bool) *item {
	for _, match := range units {
		it := match(g, i)
		if it == nil || !g.sealed(it.nodes) {
			continue
		}
		if !slices.ContainsFunc(it.nodes, func(j int) bool { return taken[j] || !g.sameBlock(i, j) }) {
			it.name = g.unitName(it)
			return it
		}
	}
	return nil
}
