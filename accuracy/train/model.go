package train

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/internal/fault"
)

// model is a network ready for training: its layers in order, the phases of a step and all memory.
type model struct {
	net      *blocks.Network
	set      *kernels.Set
	batch    int
	layers   []placed  // in order
	values   []float32 // the parameters; what is trained, or another vector of the same layout
	moving   []float32 // the moving statistics
	params   []param   // of values
	movings  []param   // of moving
	grads    [Shards][]float32
	input    *tensor
	logits   *tensor
	dLogits  *tensor
	classes  int
	need     kernels.Need
	prepare  []func() // before each step
	forward  []phase
	backward []phase
	floats   int // of the slab of maps
	local    int // floats of the maps of a worker
	// track takes a statistic of a batch.
	track func(place int, v float64)
}

// placed is a layer of a network.
type placed struct {
	layer
	back bool // its gradients are needed
}

// param is a tensor of the network among the parameters, or the moving statistics.
type param struct {
	node, index int
	at, n       int
	matrix      bool // it has two dimensions or more: weight decay is for it
}

// compile prepares a network for batches of a number of images, a multiple of Shards.
func compile(net *blocks.Network, set *kernels.Set, batch int) (*model, error) {
	m := &model{net: net, set: set, batch: batch}
	if len(net.Returned()) != 1 {
		return nil, fault.Errorf("train: %s has %d outputs: only a classifier, with one, can be trained", net.Name,
			len(net.Returned()))
	}
	last := net.Returned()[0]
	if _, ok := net.Nodes[last].Op.(*blocks.Softmax); ok { // the loss has one of its own
		last = net.Nodes[last].Inputs[0]
	}
	if !net.Nodes[last].Shape.IsVector() {
		return nil, fault.Errorf("train: the output of %s has shape %v: only a classifier, with a value for each class, "+
			"can be trained", net.Name, net.Nodes[last].Shape)
	}
	m.classes = net.Nodes[last].Shape.C
	m.layOut()
	l := newLowering(m, last)
	if err := l.lower(); err != nil {
		return nil, err
	}
	m.input, m.logits, m.dLogits = l.maps[0], l.maps[last], l.grads[last]
	m.schedule(l)
	return m, nil
}

// layOut gives each tensor of the network its place.
func (m *model) layOut() {
	values, moving := 0, 0
	for i := range m.net.Nodes {
		for k, p := range m.net.Params(i) {
			if shared := m.net.Nodes[i].Shared; shared != nil && shared[k] > 0 {
				continue
			}
			q := param{i, k, values, p.Len(), len(p.Dims) > 1}
			if p.Moving {
				q.at = moving
				m.movings = append(m.movings, q)
				moving += p.Len()
				continue
			}
			m.params = append(m.params, q)
			values += p.Len()
		}
	}
	m.values, m.moving = make([]float32, values), make([]float32, moving)
	for i := range m.grads {
		m.grads[i] = make([]float32, values)
	}
}

// place is where a tensor of a node lies.
func (m *model) place(node, index int) int {
	if shared := m.net.Nodes[node].Shared; shared != nil && shared[index] > 0 {
		return m.place(shared[index], index)
	}
	for _, list := range [][]param{m.params, m.movings} {
		for _, p := range list {
			if p.node == node && p.index == index {
				return p.at
			}
		}
	}
	panic(fmt.Sprintf("train: node %d has no tensor %d", node, index))
}

// set fills values and moving from the weights of the network.
func (m *model) setWeights(w *blocks.Weights) {
	for _, p := range m.params {
		copy(m.values[p.at:][:p.n], w.Node(p.node)[p.index])
	}
	for _, p := range m.movings {
		copy(m.moving[p.at:][:p.n], w.Node(p.node)[p.index])
	}
}

// weights are values and moving as the weights of the network. They are views.
func (m *model) weights(values, moving []float32) *blocks.Weights {
	w := blocks.EmptyWeights(m.net)
	for i := range m.net.Nodes {
		if n := len(m.net.Params(i)); n > 0 {
			w.Set(i, make([][]float32, n))
		}
	}
	for i := range m.net.Nodes {
		for k, p := range m.net.Params(i) {
			from := values
			if p.Moving {
				from = moving
			}
			w.Node(i)[k] = from[m.place(i, k):][:p.Len()]
		}
	}
	return w
}
