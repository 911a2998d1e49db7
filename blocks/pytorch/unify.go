package pytorch

import (
	"slices"
	"strconv"
	"strings"
)

// unify makes classes for clusters without a family. Clusters that do the same with different
// numbers share a class. Numbers that differ become parameters; numbers that are always the same
// stay in the class.
func (g *graph) unify(clusters []*cluster, items []*item) {
	byKey := map[string][]*cluster{}
	var keys []string
	for _, c := range clusters {
		k := c.body.skeleton()
		if byKey[k] == nil {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], c)
	}
	blocks := 0
	for _, k := range keys {
		if byKey[k][0].block {
			blocks++
		}
	}
	letter := 'A'
	for _, k := range keys {
		same := byKey[k]
		base := ""
		if same[0].block {
			base = className(g.net.Name, "") + "Block"
			if blocks > 1 && blocks <= 26 {
				base += string(letter)
				letter++
			}
		} else {
			parts := strings.Split(same[0].scope, ".")
			base = className(parts[len(parts)-1], "Part")
		}
		g.parametrise(g.className(base), same, items)
	}
}

// className returns a free name for a class.
func (g *graph) className(base string) string {
	name := base
	for i := 2; g.names[name]; i++ {
		name = base + strconv.Itoa(i)
	}
	g.names[name] = true
	return name
}

// skeleton is the class's text without literals in its constructor.
func (s *scope) skeleton() string {
	var b strings.Builder
	for _, m := range s.members {
		b.WriteString(m.attr + "=" + m.made.skeleton() + "\n")
	}
	b.WriteString(strings.Join(s.params, ",") + "\n")
	b.WriteString(strings.Join(s.forward(), "\n"))
	return b.String()
}

// leaves returns the literals of the constructor, and the attributes they are of.
func (s *scope) leaves() (args []*arg, attrs []string) {
	for _, m := range s.members {
		m.made.leaves(func(a *arg) {
			args = append(args, a)
			attrs = append(attrs, m.attr)
		})
	}
	return args, attrs
}

// parametrise writes the class of clusters with one skeleton, and the calls that construct its
// modules.
func (g *graph) parametrise(name string, same []*cluster, items []*item) {
	first := same[0]
	args, attrs := first.body.leaves()
	columns := make([][]string, len(args))
	for _, c := range same {
		theirs, _ := c.body.leaves()
		for k, a := range theirs {
			columns[k] = append(columns[k], a.lit)
		}
	}
	var cin, cout []string
	for _, c := range same {
		cin = append(cin, strconv.Itoa(g.net.Nodes[g.reads(c.nodes)[0]].Shape.C))
		cout = append(cout, strconv.Itoa(g.net.Nodes[c.nodes[len(c.nodes)-1]].Shape.C))
	}
	params := parameters(args, attrs, columns, cin, cout)

	cl := class{name: name, body: first.body, doc: first.doc(len(same))}
	used := names{}
	for _, p := range params {
		if !used[p.name] {
			used[p.name] = true
			cl.params = append(cl.params, p.name)
		}
	}
	for n, c := range same {
		made := &call{fn: name}
		for _, p := range cl.params {
			k := slices.IndexFunc(params, func(q parameter) bool { return q.name == p })
			a := arg{key: p, lit: params[k].column[n]}
			if p == "cin" || p == "cout" || p == "channels" {
				a.key = "" // these stand first, see parameters
			}
			made.args = append(made.args, a)
		}
		for _, it := range items {
			if it.out() == c.nodes[len(c.nodes)-1] {
				it.made = made
			}
		}
	}
	// The first cluster's own text becomes the class's.
	for _, p := range params {
		for _, k := range p.leaves {
			args[k].lit, args[k].def = p.name, ""
		}
	}
	g.classes = append(g.classes, cl)
}

// A parameter replaces all literals that have the same value in every module.
type parameter struct {
	name   string
	column []string // its value in each module
	leaves []int
}

// parameters returns the parameters of a class, channels first.
func parameters(args []*arg, attrs []string, columns [][]string, cin, cout []string) []parameter {
	var params []parameter
	taken := names{}
	add := func(wanted string, column []string) *parameter {
		name := wanted
		if wanted != numClasses { // a word that is otherwise reserved
			name = taken.unique(wanted)
		}
		params = append(params, parameter{name: name, column: column})
		return &params[len(params)-1]
	}
	vary := func(k int) bool {
		differs := func(v string) bool { return v != columns[k][0] }
		return columns[k][0] == numClasses || slices.ContainsFunc(columns[k], differs)
	}
	isChannels := func(k int) bool {
		return args[k].role != "kernel" && args[k].role != "stride" && args[k].role != "dilation"
	}
	done := make([]bool, len(args))
	take := func(name string, column []string) {
		var p *parameter
		for k := range args {
			if !done[k] && vary(k) && isChannels(k) && slices.Equal(columns[k], column) {
				if p == nil {
					p = add(name, column)
				}
				p.leaves = append(p.leaves, k)
				done[k] = true
			}
		}
	}
	if slices.Equal(cin, cout) {
		take("channels", cin)
	} else {
		take("cin", cin)
		take("cout", cout)
	}
	// A width is named after the layer that has it as its output, not after one that reads it.
	for _, inputs := range []bool{false, true} {
		for k, a := range args {
			if done[k] || !vary(k) || (a.role == "cin") != inputs {
				continue
			}
			name := attrs[k] + "_" + strings.Replace(a.role, "cout", "channels", 1)
			if columns[k][0] == numClasses {
				name = numClasses
			}
			p := add(name, columns[k])
			for n := range args {
				sameSort := isChannels(k) == isChannels(n) && (isChannels(k) || args[n].role == a.role)
				if !done[n] && sameSort && slices.Equal(columns[n], columns[k]) {
					p.leaves = append(p.leaves, n)
					done[n] = true
				}
			}
		}
	}
	return params
}

// doc describes a class by the places where its modules are used.
func (c *cluster) doc(times int) string {
	if !c.block {
		return "The part " + inDocstring(c.scope) + " of the network."
	}
	if times == 1 {
		return "The block " + inDocstring(c.scope) + "."
	}
	return "A block of which the network has " + strconv.Itoa(times) + "."
}
