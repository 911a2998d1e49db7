package edits

import (
	"slices"

	"nas/blocks"
)

// draft collects changes of a network.
type draft struct {
	n      *blocks.Network
	ops    map[int]blocks.Op     // in place of a node's
	same   map[int]int           // the node whose output stands for that of another
	before map[int][]blocks.Node // new nodes in front of one, in a row that begins with its first input
}

func newDraft(n *blocks.Network) *draft {
	return &draft{n, map[int]blocks.Op{}, map[int]int{}, map[int][]blocks.Node{}}
}

// conv returns a copy of the convolution of node i, to be changed.
func (d *draft) conv(i int) *blocks.Conv {
	if c, ok := d.ops[i].(*blocks.Conv); ok {
		return c
	}
	c := *d.n.Nodes[i].Op.(*blocks.Conv)
	d.ops[i] = &c
	return &c
}

// linear returns a copy of the linear layer of node i, to be changed.
func (d *draft) linear(i int) *blocks.Linear {
	if l, ok := d.ops[i].(*blocks.Linear); ok {
		return l
	}
	l := *d.n.Nodes[i].Op.(*blocks.Linear)
	d.ops[i] = &l
	return &l
}

// standIn is the node whose output is read in place of that of node i.
func (d *draft) standIn(i int) int {
	for {
		j, ok := d.same[i]
		if !ok {
			return i
		}
		i = j
	}
}

// stale are the keys of a network's metadata that say what is not true of an edited one.
var stale = []string{
	"arch", "arch_id", "macs", "params", "score", "score_is", "predicted_latency_ms", "latency_device", "seed",
}

// network makes the network, without the nodes that nothing needs any more.
func (d *draft) network() (*blocks.Network, error) {
	needed := make([]bool, len(d.n.Nodes))
	needed[0] = true
	for _, i := range d.n.Returned() {
		needed[d.standIn(i)] = true
	}
	for i := len(needed) - 1; i >= 0; i-- {
		for _, j := range d.n.Nodes[i].Inputs {
			if needed[i] {
				needed[d.standIn(j)] = true
			}
		}
	}
	out := &blocks.Network{Name: d.n.Name}
	at := make([]int, len(d.n.Nodes))
	for i, nd := range d.n.Nodes {
		if !needed[i] {
			continue
		}
		inputs := make([]int, len(nd.Inputs))
		for k, j := range nd.Inputs {
			inputs[k] = at[d.standIn(j)]
		}
		for _, row := range d.before[i] {
			row.Inputs = inputs[:1:1]
			out.Nodes = append(out.Nodes, row)
			inputs = append([]int{len(out.Nodes) - 1}, inputs[1:]...)
		}
		if op := d.ops[i]; op != nil {
			nd.Op = op
		}
		nd.Inputs = inputs
		if nd.Shared != nil {
			nd.Shared = slices.Clone(nd.Shared)
			for k, j := range nd.Shared {
				nd.Shared[k] = 0
				if j > 0 && needed[j] {
					nd.Shared[k] = at[j]
				}
			}
		}
		at[i] = len(out.Nodes)
		out.Nodes = append(out.Nodes, nd)
	}
	for _, i := range d.n.Outputs {
		out.Outputs = append(out.Outputs, at[d.standIn(i)])
	}
	for key, v := range d.n.Meta {
		if !slices.Contains(stale, key) {
			if out.Meta == nil {
				out.Meta = map[string]string{}
			}
			out.Meta[key] = v
		}
	}
	return out, out.Infer()
}
