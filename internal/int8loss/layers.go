package int8loss

import (
	"slices"

	"nas/blocks/quant"
)

// layers compares each layer.
func (m *measurement) layers() ([]Layer, error) {
	units := unitsOf(m.q)
	m.total = 2*len(units) + 1
	list := make([]Layer, len(units))
	for k, u := range units {
		l := &list[k]
		nd := m.q.Net.Nodes[u.source]
		*l = Layer{Name: nd.Name, Op: nd.Op.Kind(), unit: u}
		if err := m.step(l.Name); err != nil {
			return nil, err
		}
		own, out, err := m.alone(m.q, u)
		if err != nil {
			return nil, err
		}
		l.DB, l.OutputDB = own.all().db(), out.db()
		l.WorstChannel, l.WorstChannelDB = own.worst()
		l.OtherDB, l.OtherOutputDB = l.DB, l.OutputDB
		if a, b := m.q.Nodes[u.source].Layer, m.other.Nodes[u.source].Layer; a != nil && len(a.Scale) != len(b.Scale) {
			if own, out, err = m.alone(m.other, u); err != nil {
				return nil, err
			}
			l.OtherDB, l.OtherOutputDB = own.all().db(), out.db()
		}
		m.done += 2
	}
	if err := m.step("all layers"); err != nil {
		return nil, err
	}
	return list, m.accumulated(units, list)
}

// step tells what is done next.
func (m *measurement) step(what string) error { return m.o.Step(m.done, m.total, what) }

// alone rounds one layer. It compares its value, by channels, and the outputs of the network.
func (m *measurement) alone(q *quant.Network, u unit) (channels, ratio, error) {
	own, out := make(channels, q.Net.Nodes[u.value].Shape.C), ratio{}
	n, w, at := simulate(q, []unit{u}, false)
	nodes := slices.Clone(n.Outputs)
	mine := slices.Index(nodes, at[u.value])
	if mine < 0 {
		mine = len(nodes)
		nodes = append(nodes, at[u.value])
	}
	run, err := plan(n, w, nodes)
	if err != nil {
		return nil, out, err
	}
	for k, image := range m.images {
		got, err := run(image)
		if err != nil {
			return nil, out, err
		}
		own.add(m.want[k][u.value], got[mine])
		for j, i := range q.Net.Returned() {
			out.add(m.want[k][i], got[j])
		}
	}
	return own, out, nil
}

// accumulated rounds all layers and compares the value of each.
func (m *measurement) accumulated(units []unit, list []Layer) error {
	n, w, at := simulate(m.q, units, true)
	var nodes []int
	for _, u := range units {
		nodes = append(nodes, at[u.value])
	}
	run, err := plan(n, w, nodes)
	if err != nil {
		return err
	}
	ratios := make([]ratio, len(units))
	for k, image := range m.images {
		got, err := run(image)
		if err != nil {
			return err
		}
		for i, u := range units {
			ratios[i].add(m.want[k][u.value], got[i])
		}
	}
	for i := range list {
		list[i].AccumulatedDB = ratios[i].db()
	}
	return nil
}
