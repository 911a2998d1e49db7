package pytorch

import (
	"slices"
	"strings"

	"nas/blocks"
)

// families recognise the blocks of the literature. Each gets the items of a block that reads one
// value, and returns the module for them or nil.
var families = []func(g *graph, items []*item) *item{bottleneck, separable, residualConv}

// family returns the module for the items of one block.
func (g *graph) family(items []*item, nodes []int) *item {
	if in := g.reads(nodes); len(in) != 1 {
		return nil
	}
	for _, match := range families {
		if it := match(g, items); it != nil {
			it.nodes, it.in, it.apply = nodes, g.reads(nodes), callModule
			return it
		}
	}
	return nil
}

// place records the path of one part's tensors within a block's module.
func (it *item) place(part *item, name string) {
	for node, path := range part.paths {
		it.paths[node] = join(name, path)
	}
}

func join(a, b string) string {
	if b == "" {
		return a
	}
	return a + "." + b
}

// chain reports whether each item reads the one before it, and no other item reads that one.
func (g *graph) chain(items []*item) bool {
	for k, it := range items[1:] {
		if len(it.in) != 1 || it.in[0] != items[k].out() {
			return false
		}
	}
	return len(items[0].in) == 1
}

// isAdd reports whether an item adds the values a and b.
func (g *graph) isAdd(it *item, a, b int) bool {
	_, ok := opAt[*blocks.Add](g, it.out())
	return ok && (slices.Equal(it.in, []int{a, b}) || slices.Equal(it.in, []int{b, a}))
}

// withoutAdd takes the residual connection off the end of a block.
func (g *graph) withoutAdd(items []*item) (rest []*item, residual bool) {
	k := len(items) - 1
	if k > 0 && len(items[0].in) == 1 && g.isAdd(items[k], items[k-1].out(), items[0].in[0]) {
		return items[:k], true
	}
	return items, false
}

// shapeOf spells a chain with one letter for each item: p pointwise, d depthwise, c another
// convolution, a attention, ? anything else.
func shapeOf(items []*item) string {
	var b strings.Builder
	for _, it := range items {
		switch u := it.unit; {
		case it.gate:
			b.WriteByte('a')
		case u == nil || !u.plain:
			b.WriteByte('?')
		case u.depthwise():
			b.WriteByte('d')
		case u.pointwise():
			b.WriteByte('p')
		case u.groups == 1:
			b.WriteByte('c')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// separable matches inverted residuals, plain or fused, and depthwise-separable
// convolutions, with or without attention and residual.
func separable(g *graph, items []*item) *item {
	items, residual := g.withoutAdd(items)
	if !g.chain(items) {
		return nil
	}
	shape := shapeOf(items)
	first, last := items[0], items[len(items)-1]
	it := &item{paths: map[int]string{}}
	var attention []arg
	if k := strings.IndexByte(shape, 'a'); k > 0 {
		attention = []arg{{key: "attention", sub: items[k].made}}
		it.place(items[k], "attention")
	}
	tail := append(attention, key("residual", pyBool(residual), "False"))
	middle := first
	switch shape {
	case "pdp", "pdap":
		middle = items[1]
		if first.unit.act != middle.unit.act || middle.unit.out != middle.unit.cin {
			return nil
		}
		it.place(first, "expand")
	case "dp", "dap", "cp", "cap":
	default:
		return nil
	}
	u := middle.unit
	args := []arg{pos("cin", first.unit.cin), pos("cout", last.unit.out)}
	window := []arg{num("kernel", u.kernel, 3), num("stride", u.stride, 1), num("dilation", u.dilation, 1)}
	switch {
	case shape[0] == 'c':
		if last.unit.act != blocks.Identity {
			return nil
		}
		it.place(first, "fused")
		it.place(last, "project")
		args = append(append(args, pos("expanded", u.out)), window...)
		args = append(args, key("act", actClasses[u.act], "nn.SiLU"))
		it.made = &call{"FusedInvertedResidual", append(args, tail...)}
	case shape[0] == 'd' && (u.out != u.cin || last.unit.act != blocks.Identity || u.act == blocks.Identity):
		it.place(first, "depthwise")
		it.place(last, "pointwise")
		args = append(append(args, window...), num("multiplier", u.out/u.cin, 1),
			key("act", actClasses[u.act], "nn.ReLU"), key("pointwise_act", actClasses[last.unit.act], "nn.Identity"))
		it.made = &call{"DepthwiseSeparable", append(args, tail...)}
	default:
		it.place(middle, "depthwise")
		it.place(last, "project")
		if middle != first {
			args = append(args, pos("expanded", u.cin))
		}
		args = append(append(args, window...),
			key("act", actClasses[u.act], "nn.ReLU6"), key("project_act", actClasses[last.unit.act], "nn.Identity"))
		it.made = &call{"InvertedResidual", append(args, tail...)}
	}
	return it
}

// residualConv matches one convolution added to its input.
func residualConv(g *graph, items []*item) *item {
	rest, residual := g.withoutAdd(items)
	if !residual || len(rest) != 1 || rest[0].unit == nil || !rest[0].unit.plain {
		return nil
	}
	u := rest[0].unit
	it := &item{paths: map[int]string{}, made: &call{"ResidualConv", []arg{
		pos("channels", u.cin), num("kernel", u.kernel, 3), num("dilation", u.dilation, 1),
		num("groups", u.groups, 1), key("act", actClasses[u.act], "nn.ReLU")}}}
	it.place(rest[0], "conv")
	return it
}

// bottleneck matches the block of He et al.: three convolutions, the sum of their output and the
// input or a projection of it, and an activation.
func bottleneck(g *graph, items []*item) *item {
	n := len(items)
	if n < 5 || n > 6 || shapeOf(items[:1]) != "p" || shapeOf(items[2:3]) != "p" || !g.chain(items[:3]) {
		return nil
	}
	a, b, c := items[0].unit, items[1].unit, items[2].unit
	x, y := items[0].in[0], items[2].out()
	act, ok := g.act(items[n-1].out())
	if b == nil || !b.plain || b.out != b.cin || !ok || act != a.act || act != b.act || c.act != blocks.Identity ||
		items[n-1].in[0] != items[n-2].out() {
		return nil
	}
	it := &item{paths: map[int]string{}}
	for k, name := range []string{"reduce", "conv", "expand"} {
		it.place(items[k], name)
	}
	if n == 6 {
		s := items[3].unit
		if s == nil || !s.plain || s.kernel != 1 || s.groups != 1 || s.dilation != 1 || s.stride != b.stride ||
			s.act != blocks.Identity || items[3].in[0] != x {
			return nil
		}
		it.place(items[3], "shortcut")
		x = items[3].out()
	}
	if !g.isAdd(items[n-2], y, x) {
		return nil
	}
	it.made = &call{"Bottleneck", []arg{pos("cin", a.cin), pos("inner", a.out), pos("cout", c.out),
		num("kernel", b.kernel, 3), num("stride", b.stride, 1), num("dilation", b.dilation, 1),
		num("groups", b.groups, 1), key("act", actClasses[act], "nn.ReLU"),
		key("project", pyBool(n == 6), "False")}}
	return it
}
