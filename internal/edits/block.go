package edits

import "nas/blocks"

// removableBlocks are the last of each stage of those blocks that have a shortcut or branches and give a map of the
// shape that they read. A stage keeps its first block.
func removableBlocks(g *graph) (sites []site) {
	type place struct{ stage, block int }
	nodes := map[place][]int{}
	var order []place
	for i := range g.Nodes {
		at := place{g.Nodes[i].Stage, g.Nodes[i].Block}
		if at.block == 0 {
			continue
		}
		if nodes[at] == nil {
			order = append(order, at)
		}
		nodes[at] = append(nodes[at], i)
	}
	last := map[int]site{}
	for _, at := range order {
		if in, out, ok := g.bypass(nodes[at]); ok && at.block > 1 {
			last[at.stage] = site{out, "", "", "the block removed", func(d *draft) { d.same[out] = in }}
		}
	}
	for _, at := range order {
		if s, ok := last[at.stage]; ok && g.Nodes[s.node].Block == at.block {
			sites = append(sites, s)
		}
	}
	return sites
}

// bypass returns the value that a block reads and its output. It is ok if the block reads one value, has one output
// of that shape, and joins branches.
func (g *graph) bypass(block []int) (in, out int, ok bool) {
	inside := map[int]bool{}
	for _, i := range block {
		inside[i] = true
	}
	in, out = -1, -1
	joins := false
	for _, i := range block {
		switch g.Nodes[i].Op.(type) {
		case *blocks.Add, *blocks.Concat:
			joins = true
		case *blocks.Constant:
			return 0, 0, false
		}
		for _, j := range g.Nodes[i].Inputs {
			if !inside[j] {
				if in >= 0 && in != j {
					return 0, 0, false
				}
				in = j
			}
		}
		for _, j := range g.readers[i] {
			if !inside[j] {
				if out >= 0 && out != i {
					return 0, 0, false
				}
				out = i
			}
		}
	}
	ok = joins && in >= 0 && out >= 0 && g.Nodes[in].Shape == g.Nodes[out].Shape
	return in, out, ok
}
