package pytorch

import (
	"slices"
	"strconv"
	"strings"
)

// maxScope bounds the number of items of a naming scope that becomes a class. Larger scopes are
// most of a network.
const maxScope = 24

// A class is a module made for this network.
type class struct {
	name   string
	doc    string
	params []string
	body   *scope
}

// A cluster is items that become one module.
type cluster struct {
	items []*item
	nodes []int
	scope string // what their names have in common
	block bool   // a block of a stage, else a named part of the stem or the head
	body  *scope // where no family holds it
}

// group turns the items of each block, then those of each named part, into one module if no other
// item reads the values inside.
func (g *graph) group(items []*item) []*item {
	place := func(it *item) string {
		nd := g.net.Nodes[it.out()]
		if nd.Block == 0 {
			return ""
		}
		return strconv.Itoa(nd.Stage) + "." + strconv.Itoa(nd.Block)
	}
	part := func(it *item) string {
		if it.list != nil || g.net.Nodes[it.out()].Block > 0 {
			return ""
		}
		parts := strings.Split(it.name, ".")
		k := 1
		if parts[0] == "head" {
			k = 2
		}
		if len(parts) <= k && it.unit == nil || len(parts) < k {
			return ""
		}
		return strings.Join(parts[:k], ".")
	}
	items = g.cluster(items, place, true)
	items = g.sequences(items)
	return g.cluster(items, part, false)
}

// cluster replaces items with the same key by a module. Items with the key "" stay.
func (g *graph) cluster(items []*item, keyOf func(*item) string, block bool) []*item {
	byKey := map[string][]*item{}
	var keys []string
	for _, it := range items {
		if k := keyOf(it); k != "" {
			if byKey[k] == nil {
				keys = append(keys, k)
			}
			byKey[k] = append(byKey[k], it)
		}
	}
	var clusters []*cluster
	replaced := map[*item]bool{}
	var result []*item
	for _, k := range keys {
		c := &cluster{items: byKey[k], block: block}
		for _, it := range c.items {
			c.nodes = append(c.nodes, it.nodes...)
		}
		slices.Sort(c.nodes)
		last := c.items[len(c.items)-1].out()
		if len(c.items) < 2 || c.nodes[len(c.nodes)-1] != last || !g.sealed(c.nodes) || !block && len(c.items) > maxScope {
			continue
		}
		c.scope = g.scopeName(c.nodes)
		it := g.family(c.items, c.nodes)
		if it == nil {
			in := g.reads(c.nodes)
			if !block && len(c.items) < 4 || len(in) > 2 || block && len(in) > 1 {
				continue
			}
			c.body = g.write(c.items, in, c.scope, false)
			it = &item{nodes: c.nodes, in: in, paths: c.body.paths, apply: callModule}
			clusters = append(clusters, c)
		}
		it.name = c.scope
		for _, old := range c.items {
			replaced[old] = true
		}
		result = append(result, it)
	}
	for _, it := range items {
		if !replaced[it] {
			result = append(result, it)
		}
	}
	sortItems(result)
	g.unify(clusters, result)
	return result
}

// sequences joins the blocks of each stage into an nn.Sequential as long as each block reads only
// the one before it and no other item does.
func (g *graph) sequences(items []*item) []*item {
	stage := func(it *item) int {
		nd := g.net.Nodes[it.out()]
		if nd.Block == 0 || nd.Stage == 0 || it.made == nil || len(it.in) != 1 {
			return 0
		}
		return nd.Stage
	}
	var result []*item
	for k := 0; k < len(items); k++ {
		s := stage(items[k])
		if s == 0 {
			result = append(result, items[k])
			continue
		}
		seq := &item{in: items[k].in, name: "stage" + strconv.Itoa(s), paths: map[int]string{}, apply: callModule}
		for n := k; n < len(items) && stage(items[n]) == s; n++ {
			if n > k && (items[n].in[0] != items[n-1].out() ||
				!g.sealed(slices.Concat(items[n-1].nodes, items[n].nodes))) {
				break
			}
			it := items[n]
			// A module that pads its input first cannot stand in a sequence.
			probe := it.apply(&scope{g: g}, "m", []value{{expr: "x"}})
			if probe.expr != "m(x)" || probe.flat {
				break
			}
			for node, path := range it.paths {
				seq.paths[node] = join(strconv.Itoa(len(seq.list)), path)
			}
			seq.list = append(seq.list, it.made)
			seq.nodes = append(seq.nodes, it.nodes...)
		}
		if len(seq.list) == 0 {
			result = append(result, items[k])
			continue
		}
		k += len(seq.list) - 1
		result = append(result, seq)
	}
	return result
}
