package int8loss

import (
	"math"
	"slices"

	"nas/blocks"
	"nas/blocks/quant"
	"nas/blocks/tflite"
)

// Edit is a change of a network that was tried.
type Edit struct {
	What string `json:"what"`
	// GainDB is by how much the ratio of signal to noise of the network's outputs grows, all layers rounded.
	GainDB float64 `json:"gain_db"`
	// Retrain says that the edit makes another network, which must be trained. It is compared with itself in float32.
	Retrain bool `json:"retrain"`
}

// edited is a network with an edit.
type edited struct {
	what    string
	retrain bool
	net     *blocks.Network
	weights *blocks.Weights
	how     tflite.QuantizeOptions
	float   bool // the layer stays float32
}

// smallestGain is what an edit must bring to be worth a line, in decibels.
const smallestGain = 0.5

// tryEdits tries edits of the worst layers, and keeps those that help, the best first.
func (m *measurement) tryEdits(r *Report) error {
	worst := min(m.o.Worst, len(r.Layers))
	if worst == 0 {
		return nil
	}
	all := make([][]edited, worst)
	m.done, m.total = 0, 1
	for k := range all {
		all[k] = m.editsOf(r.Layers[k].unit)
		m.total += len(all[k])
	}
	base, err := m.whole(m.q, m.q, nil)
	if err != nil {
		return err
	}
	tried := map[string]float64{} // of edits of the whole network
	for k, list := range all {
		l := &r.Layers[k]
		for _, e := range list {
			if err := m.step(l.Name + ": " + e.what); err != nil {
				return err
			}
			m.done++
			db, known := tried[e.what]
			if !known {
				if db, err = m.try(e, l.unit); err != nil {
					return err
				}
			}
			if e.net == m.q.Net && e.weights == m.q.Weights && !e.float {
				tried[e.what] = db
			}
			if gain := db - base; gain >= smallestGain {
				l.Edits = append(l.Edits, Edit{e.what, gain, e.retrain})
			}
		}
		slices.SortStableFunc(l.Edits, func(a, b Edit) int { return int(math.Copysign(1, b.GainDB-a.GainDB)) })
		l.Edits = bestClip(l.Edits)
	}
	return nil
}

// try returns the ratio of the outputs with an edit.
func (m *measurement) try(e edited, u unit) (float64, error) {
	if e.float {
		return m.whole(m.q, m.q, &u)
	}
	q, err := tflite.QuantizeNetwork(e.net, e.weights, e.how)
	if err != nil {
		return 0, err
	}
	if e.retrain {
		return m.whole(q, q, nil)
	}
	return m.whole(q, m.q, nil)
}

// whole rounds all layers of a network but one, and compares its outputs with those of another in float32.
func (m *measurement) whole(q, float *quant.Network, but *unit) (float64, error) {
	on := unitsOf(q)
	if but != nil {
		on = slices.DeleteFunc(on, func(u unit) bool { return u == *but })
	}
	n, w, _ := simulate(q, on, true)
	run, err := plan(n, w, n.Outputs)
	if err != nil {
		return 0, err
	}
	reference, err := plan(float.Net, float.Weights, float.Net.Returned())
	if err != nil {
		return 0, err
	}
	var r ratio
	for _, image := range m.images {
		got, err := run(image)
		if err != nil {
			return 0, err
		}
		want, err := reference(image)
		if err != nil {
			return 0, err
		}
		for i := range want {
			r.add(want[i], got[i])
		}
	}
	return r.db(), nil
}

// editsOf lists the edits that a layer can have.
func (m *measurement) editsOf(u unit) (list []edited) {
	q := m.q
	same := edited{net: q.Net, weights: q.Weights, how: m.o.QuantizeOptions}
	one := func(what string, change func(e *edited)) {
		e := same
		e.what = what
		change(&e)
		list = append(list, e)
	}
	if a, f, ok := m.activationOf(u); ok {
		for _, to := range gentler[f] {
			what := f.String() + " to " + to.String()
			if f == blocks.Sigmoid {
				what = "the gate from " + what
			}
			one(what, func(e *edited) {
				e.retrain, e.net = true, withOp(q.Net, a, &blocks.Activation{Func: to})
			})
		}
	}
	op, isConv := q.Net.Nodes[u.source].Op.(*blocks.Conv)
	if isConv {
		what := "narrow the ranges of its weights"
		if op.Depthwise(q.Net.InShapes(u.source)[0].C) {
			what = "narrow the ranges of its depthwise weights"
		}
		for _, share := range []float64{0.5, 0.25, 0.1, 0.03} {
			one(what, func(e *edited) { e.weights = clipped(q, u.source, share) })
		}
		if m.o.PerTensor {
			one("a scale for each output channel, in the whole network", func(e *edited) { e.how.PerTensor = false })
		}
		if !m.o.Equalize {
			one("equalisation of the whole network", func(e *edited) { e.how.Equalize = true })
		}
	}
	one("keep the layer in float32", func(e *edited) { e.float = true })
	return list
}

// gentler are functions of a smaller range, or of a form with integers, for each function.
var gentler = map[blocks.ActFunc][]blocks.ActFunc{
	blocks.Swish:   {blocks.HSwish, blocks.ReLU6},
	blocks.HSwish:  {blocks.ReLU6},
	blocks.ReLU:    {blocks.ReLU6},
	blocks.Sigmoid: {blocks.HSigmoid},
}

// activationOf returns the activation of a layer: its own node, or the one that alone reads it.
func (m *measurement) activationOf(u unit) (node int, f blocks.ActFunc, ok bool) {
	node = u.value
	if _, is := m.q.Net.Nodes[node].Op.(*blocks.Activation); !is {
		readers := m.q.Net.Consumers()[node]
		if len(readers) != 1 {
			return 0, 0, false
		}
		node = readers[0]
	}
	a, is := m.q.Net.Nodes[node].Op.(*blocks.Activation)
	if !is {
		return 0, 0, false
	}
	return node, a.Func, true
}

// withOp returns a network with another op at a node.
func withOp(n *blocks.Network, node int, op blocks.Op) *blocks.Network {
	c := *n
	c.Nodes = slices.Clone(n.Nodes)
	c.Nodes[node].Op = op
	return &c
}

// clipped returns the weights with those of a layer cut off at a share of their largest magnitude.
func clipped(q *quant.Network, node int, share float64) *blocks.Weights {
	w := blocks.EmptyWeights(q.Net)
	for i := range q.Net.Nodes {
		w.Set(i, q.Weights.Node(i))
	}
	ts := slices.Clone(q.Weights.Node(node))
	ts[0] = slices.Clone(ts[0])
	most := 0.0
	for _, v := range ts[0] {
		most = max(most, math.Abs(float64(v)))
	}
	limit := float32(share * most)
	for i, v := range ts[0] {
		ts[0][i] = min(max(v, -limit), limit)
	}
	w.Set(node, ts)
	return w
}

// bestClip keeps the first of several edits of one name, which are the best first.
func bestClip(list []Edit) (kept []Edit) {
	for _, e := range list {
		if !slices.ContainsFunc(kept, func(k Edit) bool { return k.What == e.What }) {
			kept = append(kept, e)
		}
	}
	return kept
}
