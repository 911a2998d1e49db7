package pytorch

import (
	"fmt"
	"slices"
	"strings"
)

// A scope is one class being written: what its constructor makes and what its
// forward function does.
type scope struct {
	g       *graph
	top     bool
	shapes  map[string][2]int // extents of maps whose variables are never changed
	sized   bool              // the extent of the network's input is wanted
	members []member
	ties    []string // assignments behind the members
	lines   []line
	params  []string
	paths   map[int]string // of each node's tensors, within the class
}

// A member is an attribute: a module, or an nn.Sequential of several.
type member struct {
	attr string
	made *call
	list []*call
}

// A line is "to = expr  # note"; the last one returns, and has no to.
type line struct{ to, expr, note string }

// write turns items, which read the values inputs, into a scope. scope is the prefix of the items'
// names that the name of the class stands for.
func (g *graph) write(items []*item, inputs []int, prefix string, top bool) *scope {
	s := &scope{g: g, top: top, shapes: map[string][2]int{}, paths: map[int]string{}}
	var outputs []int // where the last line is not the only output
	if r := g.net.Returned(); top && !slices.Equal(r, []int{items[len(items)-1].out()}) {
		outputs = r
	}
	readers := readersOf(items, outputs)
	attrs, vars := names{}, names{}
	for _, h := range helpers {
		vars[h.name] = true
	}
	values := map[int]value{}
	chain := "x" // the variable of values that only the next item reads
	for k, v := range inputs {
		name := "x"
		if k > 0 {
			name = vars.unique("skip")
		}
		if len(readers[v]) > 1 || readers[v][0] > 0 || k > 0 {
			shape := g.net.Nodes[v].Shape
			s.shapes[name] = [2]int{shape.H, shape.W}
			if k == 0 {
				chain = "y"
			}
		}
		s.params = append(s.params, name)
		values[v] = value{expr: name}
	}
	for k, it := range items {
		attr := ""
		if it.made != nil || it.list != nil {
			attr = attrs.unique(memberName(within(it.name, prefix)))
			s.members = append(s.members, member{attr, it.made, it.list})
			for node, path := range it.paths {
				s.paths[node] = join(attr, path)
			}
			attr = "self." + attr
		}
		in := make([]value, len(it.in))
		for n, v := range it.in {
			in[n] = values[v]
		}
		v := it.out()
		inline := it.inline && k > 0 && it.in[0] == items[k-1].out() && len(readers[it.in[0]]) == 1
		if inline {
			in[0].expr = s.lines[len(s.lines)-1].expr
		}
		result := it.apply(s, attr, in)
		l := line{chain, result.expr, ""}
		if top && it.list != nil {
			if sh := g.net.Nodes[v].Shape; !sh.IsVector() {
				l.note = fmt.Sprintf("  # %d x %d x %d", sh.C, sh.H, sh.W)
			}
		}
		switch {
		case k == len(items)-1 && outputs == nil:
			l = line{"", g.returned(result, v, top), ""}
		case !slices.Equal(readers[v], []int{k + 1}) || k == len(items)-1:
			l.to = vars.unique(within(it.name, prefix))
		}
		if inline {
			s.lines[len(s.lines)-1] = l
		} else {
			s.lines = append(s.lines, l)
		}
		values[v] = value{l.to, result.flat}
	}
	if outputs != nil {
		results := make([]string, len(outputs))
		for k, v := range outputs {
			results[k] = g.returned(values[v], v, top)
		}
		s.lines = append(s.lines, line{"", strings.Join(results, ", "), ""})
	}
	return s
}

// readersOf returns the items that read each value, in order. The caller reads the outputs behind
// all items.
func readersOf(items []*item, outputs []int) map[int][]int {
	readers := map[int][]int{}
	for k, it := range items {
		for _, v := range it.in {
			if !slices.Contains(readers[v], k) {
				readers[v] = append(readers[v], k)
			}
		}
	}
	for _, v := range outputs {
		readers[v] = append(readers[v], len(items))
	}
	return readers
}

// returned is the result of a class: a map, but N x C for a network whose output is a vector.
func (g *graph) returned(v value, node int, top bool) string {
	if !top {
		if v.flat && strings.Contains(v.expr, " ") {
			v.expr = "(" + v.expr + ")"
		}
		return v.asMap()
	}
	if g.net.Nodes[node].Shape.IsVector() {
		if !v.flat && strings.Contains(v.expr, " ") {
			v.expr = "(" + v.expr + ")"
		}
		return v.asFlat()
	}
	return v.asMap()
}

// memberName shortens names of the head if the rest is still unambiguous.
func memberName(name string) string {
	rest, ok := strings.CutPrefix(name, "head.")
	if !ok || rest == "conv" || rest == "bn" {
		return name
	}
	return rest
}

// size returns an extent as code: that of a map which is at hand, so that the network takes images
// of other sizes, else two numbers.
func (s *scope) size(h, w int) string {
	if in := s.g.net.Input(); s.top && in.H == h && in.W == w {
		s.sized = true
		return "size"
	}
	for _, p := range s.params {
		if s.shapes[p] == [2]int{h, w} {
			return p + ".shape[2:]"
		}
	}
	return fmt.Sprintf("(%d, %d)", h, w)
}

// forward returns the lines of the forward function.
func (s *scope) forward() []string {
	var out []string
	if s.sized {
		out = append(out, "size = x.shape[2:]")
	}
	for k := 0; k < len(s.lines); k++ {
		l := s.lines[k]
		switch {
		case l.to == "":
			out = append(out, "return "+l.expr)
		case k+1 < len(s.lines) && s.lines[k+1].to != "" && halves(l.expr, s.lines[k+1].expr):
			out = append(out, l.to+", "+s.lines[k+1].to+" = "+strings.TrimSuffix(l.expr, "[0]"))
			k++
		default:
			out = append(out, l.to+" = "+l.expr+l.note)
		}
	}
	return out
}

// halves reports whether a and b are the two halves of one value.
func halves(a, b string) bool {
	rest, ok := strings.CutSuffix(a, ".chunk(2, dim=1)[0]")
	return ok && b == rest+".chunk(2, dim=1)[1]"
}
