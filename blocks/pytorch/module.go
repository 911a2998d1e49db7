package pytorch

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// A Module is a network as a PyTorch module: its Python text, and the names and
// layouts of its tensors.
type Module struct {
	// Class is the name of the module's class.
	Class string
	// Tensors are the trainable tensors and the statistics of batch
	// normalisations, in the order of the network's nodes.
	Tensors []Tensor

	net     *blocks.Network
	source  string
	wrapper string // what went before the names of the file that was read last
}

// A Tensor is one entry of a module's state dict.
type Tensor struct {
	Name  string
	Shape []int

	node, param int
	form        tensorForm
}

// New writes n as a PyTorch module. An op without a form in PyTorch is an error
// that names the node and the op. The same network gives the same text.
func New(n *blocks.Network) (*Module, error) {
	if len(n.Nodes) < 2 {
		return nil, fault.New("pytorch: the network has no ops")
	}
	g := newGraph(n)
	items, err := g.items()
	if err != nil {
		return nil, err
	}
	items = g.group(items)
	top := g.write(items, []int{0}, "", true)
	m := &Module{Class: g.className(className(n.Name, "Network")), net: n}
	for i, nd := range n.Nodes {
		for k, f := range g.tensorForms(i) {
			path, ok := top.paths[i]
			if !ok {
				return nil, fault.Errorf("pytorch: node %q: op %q has weights and no module", nd.Name, nd.Op.Kind())
			}
			m.Tensors = append(m.Tensors, Tensor{Name: join(path, f.name), Shape: f.shape, node: i, param: k, form: f})
		}
	}
	top.ties = m.ties()
	m.source = g.source(m.Class, top)
	return m, nil
}

// ties returns the assignments that make one weight of those that several layers share. What is
// as long as the channels, such as a bias, stays a layer's own: exporters also join what is equal
// by chance.
func (m *Module) ties() (lines []string) {
	type place struct{ node, param int }
	attrs := map[place]string{}
	for _, t := range m.Tensors {
		at := place{t.node, t.param}
		attrs[at] = "self" + index.ReplaceAllString("."+t.Name, "[$1]")
		shared := m.net.Nodes[t.node].Shared
		if shared == nil || shared[t.param] == 0 || len(t.Shape) < 2 {
			continue
		}
		lines = append(lines, attrs[at]+" = "+attrs[place{shared[t.param], t.param}])
	}
	return lines
}

// index finds the number of a module in a sequence.
var index = regexp.MustCompile(`\.(\d+)\b`)

// Source returns the Python file.
func (m *Module) Source() string { return m.source }

// Write writes n as a Python file: the [Module.Source] of [New]. Its errors are those of New and of w.
func Write(w io.Writer, n *blocks.Network) error {
	m, err := New(n)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, m.Source()); err != nil {
		return fault.Errorf("pytorch: writing %s: %w", n.Name, err)
	}
	return nil
}

//go:embed classes/*.py
var classFiles embed.FS

// helpers are the classes and functions that a file may need, in the order in
// which they must stand there.
var helpers = readHelpers("ConvBNAct", "SqueezeExcite", "ECA", "CBAM", "CondConv", "CondConvBNAct",
	"InvertedResidual", "DepthwiseSeparable", "FusedInvertedResidual", "ResidualConv", "Bottleneck",
	"channel_shuffle", "avg_pool_inside", "Affine", "Constant", "extended", "interpolate", "rearrange", "shrink")

var loader = readHelpers("load_safetensors")[0].text

type helper struct{ name, text string }

func readHelpers(names ...string) (hs []helper) {
	for _, name := range names {
		text, err := classFiles.ReadFile("classes/" + name + ".py")
		if err != nil {
			panic("pytorch: " + err.Error())
		}
		hs = append(hs, helper{name, string(text)})
	}
	return hs
}

// source puts the file together.
func (g *graph) source(name string, top *scope) string {
	var parts []string
	outputs := ""
	if len(g.outputs) > 0 {
		for i := range g.outputs {
			outputs = strconv.Itoa(g.net.Nodes[i].Shape.C)
		}
		outputs = numClasses + "=" + outputs
	}
	for _, c := range g.classes {
		parts = append(parts, classText(c.name, c.doc, strings.Join(c.params, ", "), c.body))
	}
	var outs []string
	for _, i := range g.net.Returned() {
		out := g.net.Nodes[i].Shape
		text := "N x " + strconv.Itoa(out.C)
		if !out.IsVector() {
			text += fmt.Sprintf(" x %d x %d", out.H, out.W)
		}
		outs = append(outs, text)
	}
	doc := "Returns " + strings.Join(outs, ", ")
	in := g.net.Input()
	doc += fmt.Sprintf(" for images N x %d x %d x %d.", in.C, in.H, in.W)
	parts = append(parts, classText(name, doc, outputs, top), loader)

	for _, h := range slices.Backward(helpers) {
		if slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(p, h.name+"(") }) {
			parts = append([]string{strings.ReplaceAll(h.text, "eps=1e-05", "eps="+g.epsilon)}, parts...)
		}
	}
	parts = append([]string{g.header(name, strings.Join(parts, "\n"))}, parts...)
	return strings.Join(parts, "\n\n")
}

// classText writes one class.
func classText(name, doc, params string, s *scope) string {
	var b strings.Builder
	if params != "" {
		params = ", " + params
	}
	fmt.Fprintf(&b, "class %s(nn.Module):\n    \"\"\"%s\"\"\"\n\n    def __init__(self%s):\n"+
		"        super().__init__()\n", name, doc, params)
	const indent = "        "
	for _, m := range s.members {
		if m.list == nil {
			b.WriteString(m.made.wrapped(indent, "self."+m.attr+" = ", ""))
			continue
		}
		b.WriteString(indent + "self." + m.attr + " = nn.Sequential(\n")
		for k := 0; k < len(m.list); {
			times := 1
			for k+times < len(m.list) && m.list[k+times].String() == m.list[k].String() {
				times++
			}
			if times < 2 {
				b.WriteString(m.list[k].wrapped(indent+"    ", "", ","))
			} else {
				b.WriteString(repeated(m.list[k], indent+"    ", times))
			}
			k += times
		}
		b.WriteString(indent + ")\n")
	}
	for _, l := range s.ties {
		b.WriteString(indent + l + "\n")
	}
	fmt.Fprintf(&b, "\n    def forward(self, %s):\n", strings.Join(s.params, ", "))
	for _, l := range s.forward() {
		b.WriteString(indent + l + "\n")
	}
	return b.String()
}

// repeated writes the same module several times.
func repeated(c *call, indent string, times int) string {
	loop := fmt.Sprintf("for _ in range(%d)", times)
	line := indent + "*(" + c.String() + " " + loop + "),\n"
	if len(line) <= lineLimit+1 {
		return line
	}
	return indent + "*(\n" + c.wrapped(indent+"    ", "", "") + indent + "    " + loop + "\n" + indent + "),\n"
}

// metaLines are the entries of Network.Meta that the docstring repeats. Where
// there are two keys the second says what the first is of.
var metaLines = []struct{ label, key, of string }{
	{"Predicted latency in ms", "predicted_latency_ms", "latency_device"}, {"Score", "score", "score_is"},
	{"Trial", "trial", ""}, {"Seed", "seed", ""}, {"Arch ID", "arch_id", ""}, {"Arch", "arch", ""},
}

// WeightsFile is the key of a network's Meta under which the docstring finds the
// name of the file that holds the state dict; without it "weights.safetensors".
const WeightsFile = "weights_file"

// usesF finds uses of torch.nn.functional.
var usesF = regexp.MustCompile(`\bF\.`)

// header is the docstring and the imports of what the code uses.
func (g *graph) header(class, code string) string {
	c, in := g.net.Counts(), g.net.Input()
	var b strings.Builder
	fmt.Fprintf(&b, "\"\"\"%s as a PyTorch module, written by nas.\n\n", inDocstring(g.net.Name))
	fmt.Fprintf(&b, "Input: N x %d x %d x %d\nParameters: %s\nMultiply-accumulates of an image: %s\n",
		in.C, in.H, in.W, thousands(c.Params), thousands(c.MACs))
	for _, l := range metaLines {
		v := inDocstring(g.net.Meta[l.key])
		if v == "" {
			continue
		}
		if of := inDocstring(g.net.Meta[l.of]); of != "" {
			v += ", " + of
		}
		b.WriteString(folded(l.label + ": " + v))
	}
	weights := cmp.Or(inDocstring(g.net.Meta[WeightsFile]), "weights.safetensors")
	fmt.Fprintf(&b, "\n    model = %s()\n"+
		"    model.load_state_dict(load_safetensors(\"%s\"))  # the file beside this one\n\"\"\"\n\n", class, weights)
	b.WriteString("import json\n\nimport torch\n")
	if usesF.MatchString(code) {
		b.WriteString("import torch.nn.functional as F\n")
	}
	b.WriteString("from torch import nn\n")
	return b.String()
}

// folded breaks a line of a docstring where it is longer than code may be.
func folded(text string) string {
	var b strings.Builder
	width := 0
	for k, word := range strings.Fields(text) {
		switch {
		case k == 0:
		case width+1+len(word) > lineLimit:
			b.WriteString("\n   ")
			width = 3
			fallthrough
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String() + "\n"
}

// inDocstring makes text safe between triple quotes, on one line.
func inDocstring(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.NewReplacer(`\`, `\\`, `"`, `'`).Replace(text)
}

// thousands writes a number with a comma every three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for k := len(s) - 3; k > 0; k -= 3 {
		s = s[:k] + "," + s[k:]
	}
	return s
}
