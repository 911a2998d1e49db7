package inherit

import (
	"nas/blocks"
	"nas/internal/fault"
)

// Report says what a child took from its parent.
type Report struct {
	Inherited, Values int      // weights and statistics that are the parent's or follow from them; all of the child
	Drawn             []string // layers of the child that took nothing: their values are drawn
	Left              []string // layers of the parent that gave nothing
}

// mapping is one from a parent to a child.
type mapping struct {
	child, parent *blocks.Network
	from, to      *blocks.Weights
	of            []int    // the node of the parent for each of the child, -1: none
	added         []bool   // the node is of a block that the parent does not have
	groups        *groups  // of the parent
	origins       []origin // of the channels of each node of the child
	report        Report
}

// Weights returns weights for a child: those of its parent, from, as far as there is a place for them; the others are
// drawn from a seed. from is not changed. An error names a layer of the child that stands where the parent has one of
// the same kind, and whose weights cannot be made of that one's.
func Weights(child, parent *blocks.Network, from *blocks.Weights, seed uint64) (*blocks.Weights, *Report, error) {
	if err := from.Check(parent); err != nil {
		return nil, nil, err
	}
	if a, b := child.Input().C, parent.Input().C; a != b {
		return nil, nil, fault.Errorf("inherit: the input of %s has %d channels, and that of %s %d: want a parent for the "+
			"same images", child.Name, a, parent.Name, b)
	}
	m := &mapping{child: child, parent: parent, from: from, to: blocks.NewWeights(child, seed),
		groups: groupsOf(parent, from)}
	m.of, m.added = match(child, parent)
	taken := make([]bool, len(parent.Nodes))
	for i := range child.Nodes {
		m.origins = append(m.origins, m.originOf(i))
		n := m.values(i)
		m.report.Values += n
		switch p := m.of[i]; {
		case n == 0:
		case p < 0:
			m.report.Drawn = append(m.report.Drawn, child.Nodes[i].Name)
		default:
			taken[p] = true
			inherited, err := m.take(i, p)
			if err != nil {
				return nil, nil, err
			}
			if m.report.Inherited += inherited; inherited == 0 {
				m.report.Drawn = append(m.report.Drawn, child.Nodes[i].Name)
			}
		}
	}
	if m.report.Inherited == 0 {
		return nil, nil, fault.Errorf("inherit: no layer of %s stands in the place of one of %s: want a parent of the same "+
			"space", child.Name, parent.Name)
	}
	for i := range parent.Nodes {
		if len(from.Node(i)) > 0 && !taken[i] {
			m.report.Left = append(m.report.Left, parent.Nodes[i].Name)
		}
	}
	m.silence()
	m.share()
	return m.to, &m.report, nil
}

// values counts those of a node of the child that no earlier node shares with it.
func (m *mapping) values(i int) (n int) {
	shared := m.child.Nodes[i].Shared
	for k, v := range m.to.Node(i) {
		if shared == nil || shared[k] == 0 {
			n += len(v)
		}
	}
	return n
}

// silence lets each added block with a shortcut begin as if it were not there: what is added to the shortcut is zero,
// by the batch normalisation before it.
func (m *mapping) silence() {
	for i := range m.child.Nodes {
		nd := &m.child.Nodes[i]
		if _, ok := nd.Op.(*blocks.Add); !ok || !m.added[i] {
			continue
		}
		inside := func(j int) bool {
			return m.child.Nodes[j].Stage == nd.Stage && m.child.Nodes[j].Block == nd.Block
		}
		j := nd.Inputs[0]
		if !inside(j) || inside(nd.Inputs[1]) {
			continue // both ways lead through layers
		}
		for inside(j) && m.child.Nodes[j].Op.Kind() == "act" {
			j = m.child.Nodes[j].Inputs[0]
		}
		if _, ok := m.child.Nodes[j].Op.(*blocks.BatchNorm); ok {
			clear(m.to.Node(j)[0])
			clear(m.to.Node(j)[1])
		}
	}
}

// share gives nodes that share a tensor the same one.
func (m *mapping) share() {
	for i := range m.child.Nodes {
		for k, j := range m.child.Nodes[i].Shared {
			if j > 0 {
				m.to.Node(i)[k] = m.to.Node(j)[k]
			}
		}
	}
}
