package onnx

import (
	"errors"
	"fmt"
	"maps"
)

func init() {
	register(map[string]spec{
		"If": {attrs: "then_branch else_branch", in: anyInputs, out: many, fold: readIf, apply: readIf},
	})
}

// Exporters write If where an extent is open, round a Squeeze for instance. The condition is known here,
// and the branch stands in place of the If.

// deepest bounds how deep branches stand in each other.
const deepest = 8

// branches are the graphs of an If.
func (n *nodeProto) branches() ([]*modelProto, error) {
	var both []*modelProto
	for _, name := range []string{"else_branch", "then_branch"} {
		g := &modelProto{initializers: map[string][]byte{}}
		if err := g.graph(n.attrs[name].g); err != nil {
			return nil, err
		}
		both = append(both, g)
	}
	return both, nil
}

// capture adds to n's inputs what its branches read of the graph round it.
func (n *nodeProto) capture(depth int) error {
	if depth == deepest {
		return fmt.Errorf("with branches that stand %d deep in each other", depth)
	}
	both, err := n.branches()
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, name := range n.in {
		known[name] = true
	}
	for _, g := range both {
		own := map[string]bool{"": true}
		var read []string
		for name := range maps.Keys(g.initializers) {
			own[name] = true
		}
		for _, b := range g.nodes {
			inner, err := parseNode(b)
			if err != nil {
				return err
			}
			if inner.op == "If" {
				if err := inner.capture(depth + 1); err != nil {
					return err
				}
			}
			read = append(read, inner.in...)
			for _, name := range inner.out {
				own[name] = true
			}
		}
		for _, o := range g.outputs {
			read = append(read, o.name)
		}
		for _, name := range read {
			if !own[name] && !known[name] {
				known[name] = true
				n.in = append(n.in, name)
			}
		}
	}
	return nil
}

// readIf reads the operators of the branch that a constant condition chooses.
func readIf(r *reader, c call) ([]*value, error) {
	cond := c.arg(0)
	if cond == nil || cond.k == nil || cond.k.isFloat() || cond.k.len() != 1 {
		return nil, errors.New("its condition is computed: this program reads constant ones")
	}
	both, err := c.branches()
	if err != nil {
		return nil, err
	}
	g := both[min(1, max(cond.k.i[0], -cond.k.i[0]))]
	var names []string
	for _, o := range g.outputs {
		names = append(names, o.name)
	}
	if len(names) != len(c.out) {
		return nil, fmt.Errorf("its branch has %d outputs, want %d", len(names), len(c.out))
	}
	nodes, err := r.needed(g, names)
	if err != nil {
		return nil, err
	}
	defer r.enter(g, nodes)()
	r.putOff(nodes)
	for _, n := range nodes {
		if err := r.operator(n); err != nil {
			return nil, fmt.Errorf("its branch: %w", err)
		}
	}
	var outs []*value
	for _, name := range names {
		v, err := r.value(name)
		if err != nil {
			return nil, err
		}
		outs = append(outs, v)
	}
	return outs, nil
}

// enter makes the names of a branch its own, which hide those of the graph round it and are gone with the
// branch: two branches may give one name to different tensors. The result leaves the branch.
func (r *reader) enter(g *modelProto, nodes []*nodeProto) (leave func()) {
	at, values, initializers := r.place, map[string]*value{}, map[string][]byte{}
	hide := func(name string) {
		if _, hidden := values[name]; hidden {
			return
		}
		values[name], initializers[name] = r.values[name], r.initializers[name]
		delete(r.values, name)
		delete(r.initializers, name)
	}
	for name := range g.initializers {
		hide(name)
	}
	for _, n := range nodes {
		for _, name := range n.out {
			hide(name)
		}
	}
	maps.Copy(r.initializers, g.initializers)
	return func() {
		r.place = at
		for name, v := range values {
			delete(r.values, name)
			delete(r.initializers, name)
			if v != nil {
				r.values[name] = v
			}
			if raw := initializers[name]; raw != nil {
				r.initializers[name] = raw
			}
		}
	}
}
