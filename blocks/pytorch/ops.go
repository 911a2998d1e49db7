package pytorch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// An opForm is how one op kind looks in Python. module is nil for functions.
type opForm struct {
	module func(g *graph, i int) *call
	apply  func(s *scope, i int, self string, in []value) value
}

// forms holds every op kind that has a form here; other kinds are errors.
var forms = map[string]opForm{
	"act":          {nil, applyAct},
	"add":          {nil, func(_ *scope, _ int, _ string, in []value) value { return between(in, " + ") }},
	"mul":          {nil, func(_ *scope, _ int, _ string, in []value) value { return between(in, " * ") }},
	"bn":           {bnModule, applyBN},
	"channel_conv": {channelConvModule, applyChannelConv},
	"channel_pool": {nil, applyChannelPool},
	"concat":       {nil, applyConcat},
	"cond_conv":    {condConvModule, applyCondConv},
	"conv":         {convModule, applyConv},
	"global_pool":  {nil, applyGlobalPool},
	"linear":       {linearModule, applyLinear},
	"lrn":          {nil, applyLRN},
	"pool":         {nil, applyPool},
	"resize":       {nil, applyResize},
	"shuffle":      {nil, applyShuffle},
	"slice":        {nil, applySlice},
	"softmax": {nil, func(s *scope, i int, _ string, in []value) value {
		if s.g.net.Nodes[i].Op.(*blocks.Softmax).Log {
			return value{in[0].expr + ".log_softmax(1)", in[0].flat}
		}
		return value{in[0].expr + ".softmax(1)", in[0].flat}
	}},
	"stack":      {nil, applyStack},
	"sum_pixels": {nil, applySumPixels},
}

// opItem is node i by itself.
func (g *graph) opItem(i int) (*item, error) {
	nd := g.net.Nodes[i]
	f, ok := forms[nd.Op.Kind()]
	if !ok {
		return nil, fault.Errorf("pytorch: node %q: op %q has no form in PyTorch", nd.Name, nd.Op.Kind())
	}
	it := &item{nodes: []int{i}, in: nd.Inputs, name: g.scopeName([]int{i})}
	it.apply = func(s *scope, self string, in []value) value { return f.apply(s, i, self, in) }
	if f.module != nil {
		it.made = f.module(g, i)
		it.paths = map[int]string{i: ""}
	}
	_, it.inline = nd.Op.(*blocks.Activation)
	return it, nil
}

// actForms are the functions; %s is what they read.
var actForms = []string{
	blocks.Identity: "%s",
	blocks.ReLU:     "F.relu(%s)",
	blocks.ReLU6:    "F.relu6(%s)",
	blocks.HSwish:   "F.hardswish(%s)",
	blocks.HSigmoid: "F.hardsigmoid(%s)",
	blocks.Swish:    "F.silu(%s)",
	blocks.Sigmoid:  "torch.sigmoid(%s)",
}

func applyAct(s *scope, i int, _ string, in []value) value {
	f := s.g.net.Nodes[i].Op.(*blocks.Activation).Func
	return value{fmt.Sprintf(actForms[f], in[0].expr), in[0].flat}
}

// between writes an operator between values of one rank.
func between(in []value, operator string) value {
	parts, flat := sameRank(in)
	return value{strings.Join(parts, operator), flat}
}

// sameRank returns the values as they are if all are flat, else all as maps.
func sameRank(in []value) (parts []string, flat bool) {
	flat = !slices.ContainsFunc(in, func(v value) bool { return !v.flat })
	for _, v := range in {
		if flat {
			parts = append(parts, v.expr)
		} else {
			parts = append(parts, v.asMap())
		}
	}
	return parts, flat
}

// width is a layer's number of outputs: the number of classes if the layer is a classifier.
func (g *graph) width(i, out int) arg {
	a := pos("cout", out)
	if g.outputs[i] {
		a.lit = numClasses
	}
	return a
}

func convModule(g *graph, i int) *call {
	o := g.net.Nodes[i].Op.(*blocks.Conv)
	k, s, d := o.Window()
	pad, _ := padding(o.Pad)
	return &call{"nn.Conv2d", []arg{
		pos("cin", g.net.InShapes(i)[0].C), g.width(i, o.Out), {lit: pair(k), role: "kernel"}, key("stride", pair(s), "1"),
		key(
			"padding",
			pad,
			"0",
		), key("dilation", pair(d), "1"), num("groups", o.G(), 1), key("bias", pyBool(o.Bias), "True"),
	}}
}

func applyConv(s *scope, i int, self string, in []value) value {
	_, before := padding(s.g.net.Nodes[i].Op.(*blocks.Conv).Pad)
	return padded(before)(s, self, in)
}

func condConvModule(g *graph, i int) *call {
	o := g.net.Nodes[i].Op.(*blocks.CondConv)
	k, s, d := o.Window()
	pad, _ := padding(o.Pad)
	return &call{"CondConv", []arg{
		pos("experts", o.Experts), pos("cin", g.net.InShapes(i)[0].C), pos("cout", o.Out), {lit: pair(k), role: "kernel"},
		key("stride", pair(s), "1"), key("padding", pad, "0"), key("dilation", pair(d), "1"), num("groups", o.G(), 1),
	}}
}

func applyCondConv(s *scope, i int, self string, in []value) value {
	x := in[0].asMap()
	if _, before := padding(s.g.net.Nodes[i].Op.(*blocks.CondConv).Pad); before != "" {
		x = "F.pad(" + x + ", " + before + ")"
	}
	return value{expr: self + "(" + x + ", " + in[1].asFlat() + ")"}
}

// bnModule makes a BatchNorm1d if its input is flat. [graph.flat] knows this before any code is
// written.
func bnModule(g *graph, i int) *call {
	class := "nn.BatchNorm2d"
	if g.flat(g.net.Nodes[i].Inputs[0]) {
		class = "nn.BatchNorm1d"
	}
	return &call{class, []arg{pos("cin", g.net.Nodes[i].Shape.C),
		key("eps", float(g.net.Nodes[i].Op.(*blocks.BatchNorm).Eps()), "1e-05")}}
}

// flat reports whether node i's value is N x C: the output of a linear layer, or of an op that
// keeps its form.
func (g *graph) flat(i int) bool {
	switch g.net.Nodes[i].Op.(type) {
	case *blocks.Linear:
		return true
	case *blocks.BatchNorm, *blocks.Activation, *blocks.Softmax:
		return g.flat(g.net.Nodes[i].Inputs[0])
	}
	return false
}

func applyBN(s *scope, i int, self string, in []value) value {
	if s.g.flat(s.g.net.Nodes[i].Inputs[0]) {
		return value{self + "(" + in[0].asFlat() + ")", true}
	}
	return callModule(s, self, in)
}

func linearModule(g *graph, i int) *call {
	o := g.net.Nodes[i].Op.(*blocks.Linear)
	return &call{"nn.Linear", []arg{pos("cin", g.net.InShapes(i)[0].Elems()), g.width(i, o.Out),
		key("bias", pyBool(o.Bias), "True")}}
}

func applyLinear(_ *scope, _ int, self string, in []value) value {
	return value{self + "(" + in[0].asFlat() + ")", true}
}

func channelConvModule(g *graph, i int) *call {
	k := g.net.Nodes[i].Op.(*blocks.ChannelConv).Kernel
	return &call{"nn.Conv1d", []arg{{lit: "1"}, {lit: "1"}, pos("kernel", k), num("padding", k/2, 0),
		key("bias", "False", "True")}}
}

func applyChannelConv(_ *scope, _ int, self string, in []value) value {
	return value{self + "(" + in[0].asFlat() + ".unsqueeze(1)).squeeze(1)", true}
}

func applyChannelPool(s *scope, i int, _ string, in []value) value {
	method := reductions[s.g.net.Nodes[i].Op.(*blocks.ChannelPool).Pool]
	return value{expr: in[0].asMap() + "." + method + "(1, keepdim=True)"}
}

var reductions = []string{blocks.MaxPool: "amax", blocks.AvgPool: "mean"}

// applyGlobalPool drops the extent where a linear layer follows, or nothing.
func applyGlobalPool(s *scope, i int, _ string, in []value) value {
	method := reductions[s.g.net.Nodes[i].Op.(*blocks.GlobalPool).Pool]
	flat := !slices.ContainsFunc(s.g.consumers[i], func(c int) bool {
		_, ok := opAt[*blocks.Linear](s.g, c)
		return !ok
	})
	if flat {
		return value{in[0].asMap() + "." + method + "((2, 3))", true}
	}
	return value{expr: in[0].asMap() + "." + method + "((2, 3), keepdim=True)"}
}

func applyConcat(_ *scope, _ int, _ string, in []value) value {
	parts, flat := sameRank(in)
	return value{"torch.cat([" + strings.Join(parts, ", ") + "], dim=1)", flat}
}

func applyStack(_ *scope, _ int, _ string, in []value) value {
	parts := make([]string, len(in))
	for k, v := range in {
		parts[k] = v.asMap()
	}
	return value{expr: "torch.cat([" + strings.Join(parts, ", ") + "], dim=2)"}
}

func applySumPixels(_ *scope, _ int, _ string, in []value) value {
	return value{expr: in[0].asMap() + ".sum((2, 3), keepdim=True)"}
}

func applyShuffle(s *scope, i int, _ string, in []value) value {
	o := s.g.net.Nodes[i].Op.(*blocks.ChannelShuffle)
	return value{fmt.Sprintf("channel_shuffle(%s, %d)", in[0].expr, o.Groups), in[0].flat}
}

// applySlice takes a half by chunk. scope.forward joins two slices if they are the two halves of
// one value.
func applySlice(s *scope, i int, _ string, in []value) value {
	o := s.g.net.Nodes[i].Op.(*blocks.ChannelSlice)
	n := o.To - o.From
	if c := s.g.net.InShapes(i)[0].C; c == 2*n && o.From%n == 0 {
		return value{in[0].expr + ".chunk(2, dim=1)[" + strconv.Itoa(o.From/n) + "]", in[0].flat}
	}
	return value{fmt.Sprintf("%s[:, %d:%d]", in[0].expr, o.From, o.To), in[0].flat}
}

func applyLRN(s *scope, i int, _ string, in []value) value {
	o := s.g.net.Nodes[i].Op.(*blocks.LRN)
	return value{expr: fmt.Sprintf("F.local_response_norm(%s, %d, alpha=%s, beta=%s, k=%s)",
		in[0].asMap(), o.Size, float(o.Alpha), float(o.Beta), float(o.Bias))}
}
