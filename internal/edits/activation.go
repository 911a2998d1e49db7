package edits

import "nas/blocks"

// cheaper are activations that cost less, in the order of what networks lose by them.
var cheaper = map[blocks.ActFunc][]blocks.ActFunc{
	blocks.Swish:  {blocks.HSwish, blocks.ReLU6},
	blocks.HSwish: {blocks.ReLU6},
}

// activations are those of maps that a cheaper one can stand for.
func activations(g *graph) (sites []site) {
	for i := range g.Nodes {
		nd := &g.Nodes[i]
		a, ok := nd.Op.(*blocks.Activation)
		if !ok || nd.Shape.IsVector() {
			continue
		}
		for _, f := range cheaper[a.Func] {
			sites = append(sites, site{i, f.String(), "", a.Func.String() + " -> " + f.String(),
				func(d *draft) { d.ops[i] = &blocks.Activation{Func: f} }})
		}
	}
	return sites
}
