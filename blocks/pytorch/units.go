package pytorch

import (
	"slices"
	"strconv"

	"nas/blocks"
)

// units recognise small patterns that become one module each. They are tried in order at every
// node, which is the first one of the pattern.
var units = []func(g *graph, i int) *item{squeezeExcite, eca, cbam, condConv, convBNAct}

// convUnit holds the numbers of a ConvBNAct that the patterns of blocks need.
type convUnit struct {
	cin, out                         int
	kernel, stride, dilation, groups int
	act                              blocks.ActFunc
	plain                            bool // square, padding as usual, no bias, the usual epsilon
}

func (u *convUnit) pointwise() bool {
	return u.plain && u.kernel == 1 && u.stride == 1 && u.dilation == 1 && u.groups == 1
}

func (u *convUnit) depthwise() bool { return u.plain && u.groups == u.cin && u.cin > 1 }

// actClasses are the modules of the activation functions.
var actClasses = []string{
	blocks.Identity: "nn.Identity",
	blocks.ReLU:     "nn.ReLU",
	blocks.ReLU6:    "nn.ReLU6",
	blocks.HSwish:   "nn.Hardswish",
	blocks.HSigmoid: "nn.Hardsigmoid",
	blocks.Swish:    "nn.SiLU",
	blocks.Sigmoid:  "nn.Sigmoid",
}

// act returns node i's function, if it is an activation.
func (g *graph) act(i int) (blocks.ActFunc, bool) {
	if i < 0 {
		return 0, false
	}
	o, ok := g.net.Nodes[i].Op.(*blocks.Activation)
	if !ok || int(o.Func) >= len(actClasses) {
		return 0, false
	}
	return o.Func, true
}

// opAt returns node i's op if it has type T. The caller, the reader behind all nodes, has none.
func opAt[T blocks.Op](g *graph, i int) (op T, ok bool) {
	if i < 0 || i == len(g.net.Nodes) {
		return op, false
	}
	op, ok = g.net.Nodes[i].Op.(T)
	return op, ok
}

// sameBlock reports whether two nodes belong to one block.
func (g *graph) sameBlock(i, j int) bool {
	a, b := g.net.Nodes[i], g.net.Nodes[j]
	return a.Stage == b.Stage && a.Block == b.Block
}

// normalised returns the batch normalisation and the activation after node i, and their nodes. The
// list of nodes is empty if there is no batch normalisation. An activation that starts the next
// block is left to that block.
func (g *graph) normalised(i int) (nodes []int, bn *blocks.BatchNorm, f blocks.ActFunc) {
	j := g.sole(i)
	bn, ok := opAt[*blocks.BatchNorm](g, j)
	if !ok {
		return nil, nil, 0
	}
	nodes = []int{j}
	k := g.sole(j)
	if f, ok := g.act(k); ok && g.sameBlock(j, k) {
		return append(nodes, k), bn, f
	}
	return nodes, bn, blocks.Identity
}

func convBNAct(g *graph, i int) *item {
	o, ok := opAt[*blocks.Conv](g, i)
	if !ok {
		return nil
	}
	after, bn, f := g.normalised(i)
	if after == nil {
		return nil
	}
	cin := g.net.InShapes(i)[0].C
	k, s, d := o.Window()
	pad, before := padding(o.Pad)
	same := o.Pad == blocks.PadSame(k[0], k[1], d[0]) && k[0] == k[1] && k[0]%2 == 1 && d[0] == d[1]
	if same {
		pad = "None"
	}
	eps := float(bn.Eps())
	return &item{
		nodes: append([]int{i}, after...),
		in:    []int{g.net.Nodes[i].Inputs[0]},
		made: &call{"ConvBNAct", []arg{
			pos("cin", cin), pos("cout", o.Out), key("kernel", pair(k), "1"), key("stride", pair(s), "1"),
			key("dilation", pair(d), "1"), num("groups", o.G(), 1), key("padding", pad, "None"),
			key("bias", pyBool(o.Bias), "False"), key("act", actClasses[f], "nn.Identity"), key("eps", eps, g.epsilon),
		}},
		paths: map[int]string{i: "conv", after[0]: "bn"},
		apply: padded(before),
		unit: &convUnit{cin: cin, out: o.Out, kernel: k[0], stride: s[0], dilation: d[0], groups: o.G(), act: f,
			plain: same && s[0] == s[1] && !o.Bias && eps == g.epsilon},
	}
}

// padding returns the padding argument of a convolution's constructor and, if the sides differ,
// the argument of F.pad instead.
func padding(p blocks.Pad) (arg, before string) {
	if p.Top == p.Bottom && p.Left == p.Right {
		return pair([2]int{p.Top, p.Left}), ""
	}
	return "0", padArgs(p)
}

// padded applies a module to a map that is padded first.
func padded(pad string) func(s *scope, self string, in []value) value {
	if pad == "" {
		return callModule
	}
	return func(_ *scope, self string, in []value) value {
		return value{expr: self + "(F.pad(" + in[0].asMap() + ", " + pad + "))"}
	}
}

// isPointwise reports whether node i is a 1x1 convolution without stride, padding or groups, with
// or without bias.
func (g *graph) isPointwise(i int, bias bool) bool {
	o, ok := opAt[*blocks.Conv](g, i)
	if !ok {
		return false
	}
	_, s, _ := o.Window()
	return o.Pointwise() && o.G() == 1 && s == [2]int{1, 1} && o.Pad == blocks.Pad{} && o.Bias == bias
}

// isScale reports whether node i multiplies x by gate.
func (g *graph) isScale(i, x, gate int) bool {
	_, ok := opAt[*blocks.Mul](g, i)
	return ok && slices.Equal(g.net.Nodes[i].Inputs, []int{x, gate})
}

// isMean reports whether node i is a global mean.
func (g *graph) isMean(i int) bool {
	p, ok := opAt[*blocks.GlobalPool](g, i)
	return ok && p.Pool == blocks.AvgPool
}

func squeezeExcite(g *graph, i int) *item {
	if !g.isMean(i) {
		return nil
	}
	x := g.net.Nodes[i].Inputs[0]
	reduce := g.sole(i)
	if !g.isPointwise(reduce, true) {
		return nil
	}
	a := g.sole(reduce)
	act, ok1 := g.act(a)
	if !ok1 {
		return nil
	}
	expand := g.sole(a)
	if !g.isPointwise(expand, true) {
		return nil
	}
	b := g.sole(expand)
	gate, ok2 := g.act(b)
	if !ok2 || !g.isScale(g.sole(b), x, b) || g.net.Nodes[x].Shape.C != g.net.Nodes[expand].Shape.C {
		return nil
	}
	return &item{
		nodes: []int{i, reduce, a, expand, b, g.sole(b)},
		in:    []int{x},
		made: &call{"SqueezeExcite", []arg{pos("channels", g.net.Nodes[x].Shape.C),
			pos("hidden", g.net.Nodes[reduce].Shape.C),
			key("act", actClasses[act], "nn.ReLU"), key("gate", actClasses[gate], "nn.Sigmoid")}},
		paths: map[int]string{reduce: "reduce", expand: "expand"},
		apply: callModule,
		gate:  true,
	}
}

func eca(g *graph, i int) *item {
	if !g.isMean(i) {
		return nil
	}
	x, conv := g.net.Nodes[i].Inputs[0], g.sole(i)
	c, ok := opAt[*blocks.ChannelConv](g, conv)
	if !ok {
		return nil
	}
	b := g.sole(conv)
	gate, ok := g.act(b)
	if !ok || !g.isScale(g.sole(b), x, b) {
		return nil
	}
	return &item{
		nodes: []int{i, conv, b, g.sole(b)},
		in:    []int{x},
		made:  &call{"ECA", []arg{pos("kernel", c.Kernel), key("gate", actClasses[gate], "nn.Sigmoid")}},
		paths: map[int]string{conv: "conv"},
		apply: callModule,
		gate:  true,
	}
}

// cbam follows the order in which blocks.CBAM appends its ops.
func cbam(g *graph, i int) *item {
	const length = 15
	if !g.isMean(i) || i+length > len(g.net.Nodes) {
		return nil
	}
	nodes := make([]int, length)
	for k := range nodes {
		nodes[k] = i + k
	}
	in := func(k int) []int { return g.net.Nodes[i+k].Inputs }
	x := in(0)[0]
	peak, ok1 := opAt[*blocks.GlobalPool](g, i+1)
	_, ok2 := opAt[*blocks.Stack](g, i+2)
	act, ok3 := g.act(i + 4)
	_, ok4 := opAt[*blocks.SumPixels](g, i+5)
	gate, ok5 := g.act(i + 7)
	mean, ok6 := opAt[*blocks.ChannelPool](g, i+9)
	most, ok7 := opAt[*blocks.ChannelPool](g, i+10)
	_, ok8 := opAt[*blocks.Concat](g, i+11)
	conv, ok9 := opAt[*blocks.Conv](g, i+12)
	last, ok10 := g.act(i + 13)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7 && ok8 && ok9 && ok10) {
		return nil
	}
	k := conv.Kernel[0]
	want := &blocks.Conv{Out: 1, Kernel: [2]int{k, k}, Pad: blocks.PadSame(k, k, 1)}
	switch {
	case last != gate || peak.Pool != blocks.MaxPool || mean.Pool != blocks.AvgPool || most.Pool != blocks.MaxPool,
		*conv != *want || k%2 == 0 || !g.isPointwise(i+3, false) || !g.isPointwise(i+6, false),
		in(1)[0] != x, !slices.Equal(in(2), []int{i, i + 1}), in(3)[0] != i+2, in(4)[0] != i+3, in(5)[0] != i+4,
		in(6)[0] != i+5, in(7)[0] != i+6, !g.isScale(i+8, x, i+7), in(9)[0] != i+8, in(10)[0] != i+8,
		!slices.Equal(in(11), []int{i + 9, i + 10}), in(12)[0] != i+11, in(13)[0] != i+12, !g.isScale(i+14, i+8, i+13):
		return nil
	}
	return &item{
		nodes: nodes,
		in:    []int{x},
		made: &call{"CBAM", []arg{pos("channels", g.net.Nodes[x].Shape.C), pos("hidden", g.net.Nodes[i+3].Shape.C),
			num("kernel", k, 7),
			key("act", actClasses[act], "nn.ReLU"), key("gate", actClasses[gate], "nn.Sigmoid")}},
		paths: map[int]string{i + 3: "reduce", i + 6: "expand", i + 12: "spatial"},
		apply: callModule,
		gate:  true,
	}
}

// condConv is blocks.Conditional: routing, mixed convolution, bn, activation.
func condConv(g *graph, i int) *item {
	if !g.isMean(i) {
		return nil
	}
	x, routing := g.net.Nodes[i].Inputs[0], g.sole(i)
	if l, ok := opAt[*blocks.Linear](g, routing); !ok || !l.Bias {
		return nil
	}
	share := g.sole(routing)
	if f, ok := g.act(share); !ok || f != blocks.Sigmoid {
		return nil
	}
	conv := g.sole(share)
	o, ok := opAt[*blocks.CondConv](g, conv)
	if !ok || !slices.Equal(g.net.Nodes[conv].Inputs, []int{x, share}) {
		return nil
	}
	k, s, d := o.Window()
	after, bn, f := g.normalised(conv)
	if after == nil || k[0] != k[1] || k[0]%2 == 0 || s[0] != s[1] || d[0] != d[1] ||
		o.Pad != blocks.PadSame(k[0], k[1], d[0]) {
		return nil
	}
	return &item{
		nodes: append([]int{i, routing, share, conv}, after...),
		in:    []int{x},
		made: &call{"CondConvBNAct", []arg{pos("cin", g.net.Nodes[x].Shape.C), pos("cout", o.Out),
			key("experts", strconv.Itoa(o.Experts), ""),
			num("kernel", k[0], 1), num("stride", s[0], 1), num("dilation", d[0], 1), num("groups", o.G(), 1),
			key("act", actClasses[f], "nn.Identity"), key("eps", float(bn.Eps()), g.epsilon)}},
		paths: map[int]string{routing: "routing", conv: "conv", after[0]: "bn"},
		apply: callModule,
	}
}
