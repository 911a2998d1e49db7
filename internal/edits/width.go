package edits

import (
	"fmt"
	"slices"

	"nas/blocks"
)

// width is a number of channels that several nodes have in common, and that one can change without any other.
type width struct {
	channels int
	makers   []int // convolutions and linear layers that give so many channels
	nodes    []int // all that have them, in order
	spatial  bool  // one of them is a map
	depth    bool  // one of them is a depthwise convolution
	joins    bool  // one of them is a sum of two maps
}

// change gives the width another number of channels.
func (w *width) change(d *draft, channels int) {
	for _, i := range w.makers {
		switch op := d.n.Nodes[i].Op.(type) {
		case *blocks.Linear:
			d.linear(i).Out = channels
		case *blocks.Conv:
			c := d.conv(i)
			c.Out = channels
			if op.Groups > 1 { // depthwise
				c.Groups = channels
			}
		}
	}
}

// allWidths finds the widths: values are of one width where an op gives as many channels as it reads, value by value.
// A width that the input, an output or an op of another kind has is fixed, and left out.
func (g *graph) allWidths() []width {
	if g.widths != nil {
		return g.widths
	}
	root := make([]int, len(g.Nodes))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			i = root[i]
		}
		return i
	}
	fixed := map[int]bool{0: true}
	var firm []int // nodes whose width must stay
	for i := range g.Nodes {
		nd := &g.Nodes[i]
		switch op := nd.Op.(type) {
		case *blocks.Input:
		case *blocks.Conv:
			in := g.Nodes[nd.Inputs[0]].Shape.C
			switch {
			case op.G() == 1:
			case op.Depthwise(in) && op.Out == in:
				root[find(i)] = find(nd.Inputs[0])
			default:
				firm = append(firm, i, nd.Inputs[0])
			}
		case *blocks.Linear:
		case *blocks.BatchNorm, *blocks.Activation, *blocks.Add, *blocks.Mul, *blocks.Pool, *blocks.GlobalPool:
			for _, j := range nd.Inputs {
				if g.Nodes[j].Shape.C == nd.Shape.C {
					root[find(i)] = find(j)
				}
			}
		default:
			firm = append(append(firm, i), nd.Inputs...)
		}
	}
	for _, i := range append(firm, g.Returned()...) {
		fixed[find(i)] = true
	}
	at := map[int]int{}
	g.widths = []width{}
	for i := range g.Nodes {
		r := find(i)
		if fixed[r] {
			continue
		}
		k, ok := at[r]
		if !ok {
			k = len(g.widths)
			at[r] = k
			g.widths = append(g.widths, width{channels: g.Nodes[i].Shape.C})
		}
		g.widths[k].add(g, i)
	}
	return g.widths
}

func (w *width) add(g *graph, i int) {
	w.nodes = append(w.nodes, i)
	w.spatial = w.spatial || !g.Nodes[i].Shape.IsVector()
	switch op := g.Nodes[i].Op.(type) {
	case *blocks.Conv:
		w.makers = append(w.makers, i)
		w.depth = w.depth || op.Groups > 1
	case *blocks.Linear:
		w.makers = append(w.makers, i)
	case *blocks.Add:
		w.joins = true
	}
}

// within reports whether all of the width lies in one block and is read there, and no sum is part of it.
func (w *width) within(g *graph) bool {
	first := &g.Nodes[w.nodes[0]]
	outside := func(i int) bool { return g.Nodes[i].Stage != first.Stage || g.Nodes[i].Block != first.Block }
	return first.Block > 0 && !w.joins && !slices.ContainsFunc(w.nodes, func(i int) bool {
		return outside(i) || slices.ContainsFunc(g.readers[i], outside)
	})
}

// shares are the parts of a width that edits leave.
var shares = []struct {
	name  string
	share float64
}{{"3/4", 0.75}, {"1/2", 0.5}}

// narrower are the sites of a width that gets smaller; what says what it is the width of.
func (w *width) narrower(what string) (sites []site) {
	for _, s := range shares {
		to := blocks.MakeDivisible(s.share*float64(w.channels), 8)
		if to >= w.channels {
			continue
		}
		sites = append(sites, site{w.nodes[0], s.name, what, fmt.Sprintf("%d -> %d", w.channels, to),
			func(d *draft) { w.change(d, to) }})
	}
	return sites
}

// expansions are the widths inside blocks: of inverted residuals those that the first 1x1 convolution expands to, of
// bottlenecks those of the inner convolutions.
func expansions(g *graph) (sites []site) {
	for i := range g.allWidths() {
		if w := &g.widths[i]; w.spatial && w.within(g) && w.channels >= 32 {
			sites = append(sites, w.narrower("channels inside ")...)
		}
	}
	return sites
}

// headWidths are the widths behind the last block.
func headWidths(g *graph) (sites []site) {
	last := lastStage(g.Network)
	for i := range g.allWidths() {
		w := &g.widths[i]
		if nd := &g.Nodes[w.nodes[0]]; nd.Block == 0 && nd.Stage == last && last > 0 && w.channels >= 256 {
			sites = append(sites, w.narrower("channels ")...)
		}
	}
	return sites
}

// wholeWidths are widths that do not fill tiles of 16 channels. One of the next multiples of 16 often takes less time
// for each channel, and sometimes less in all.
func wholeWidths(g *graph) (sites []site) {
	for i := range g.allWidths() {
		w := &g.widths[i]
		if !w.spatial || w.channels < 16 || w.channels%16 == 0 {
			continue
		}
		for k, to := range []int{(w.channels + 15) / 16 * 16, w.channels / 16 * 16} {
			sites = append(sites, site{w.nodes[0], []string{"up", "down"}[k], "channels ",
				fmt.Sprintf("%d -> %d", w.channels, to), func(d *draft) { w.change(d, to) }})
		}
	}
	return sites
}
