package edits

import "nas/blocks"

// gates are the products of a map and a gate for each channel that is made of that map: squeeze-and-excite (Hu et al.,
// CVPR 2018) and its relatives. The edit leaves the map.
func gates(g *graph) (sites []site) {
	for i := range g.Nodes {
		nd := &g.Nodes[i]
		if _, ok := nd.Op.(*blocks.Mul); !ok || nd.Shape.IsVector() {
			continue
		}
		from, gate := nd.Inputs[0], nd.Inputs[1]
		if g.Nodes[gate].Shape.IsVector() && g.leadsBack(gate, from) {
			sites = append(sites, site{i, "", "", "squeeze-and-excite removed", func(d *draft) { d.same[i] = from }})
		}
	}
	return sites
}

// leadsBack reports whether the inputs of node i, one behind the other, lead to node to.
func (g *graph) leadsBack(i, to int) bool {
	for i > to && len(g.Nodes[i].Inputs) > 0 {
		i = g.Nodes[i].Inputs[0]
	}
	return i == to
}
