package int8loss

import (
	"cmp"
	"slices"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/quant"
	"nas/blocks/tflite"
)

// Report tells where a network loses as integers. Ratios of signal to noise are in decibels, from -150 to 150: 20 is an
// error of a tenth.
type Report struct {
	Name   string `json:"name"`
	Images int    `json:"images"`
	// PerTensor says that all weights of a layer have one scale; Layers and Output are for these weights.
	PerTensor bool `json:"per_tensor"`
	// Equalized says that the ranges of channels were brought together before.
	Equalized bool `json:"equalized"`
	// Output is of the network's outputs with the scales asked for, Other with the other kind of scales.
	Output Output `json:"output"`
	Other  Output `json:"other_scales"`
	// Layers, worst first: by OutputDB.
	Layers []Layer `json:"layers"`
}

// Output compares the outputs of a network of integers with float32.
type Output struct {
	PerTensor bool    `json:"per_tensor"`
	DB        float64 `json:"snr_db"`
	// Same of Places have the same first place as in float32: images, or pixels of maps.
	Same   int `json:"same_first_place"`
	Places int `json:"places"`
}

// Layer is one layer.
type Layer struct {
	Name string `json:"name"`
	Op   string `json:"op"`
	// DB is of the layer's own output, this layer alone rounded: its weights and its output.
	DB float64 `json:"snr_db"`
	// OutputDB is of the network's outputs, this layer alone rounded.
	OutputDB float64 `json:"output_snr_db"`
	// OtherDB and OtherOutputDB are the same with the other kind of scales.
	OtherDB       float64 `json:"other_scales_snr_db"`
	OtherOutputDB float64 `json:"other_scales_output_snr_db"`
	// AccumulatedDB is of the layer's own output, all layers rounded.
	AccumulatedDB float64 `json:"accumulated_snr_db"`
	// WorstChannel has the lowest ratio of the layer's own output.
	WorstChannel   int     `json:"worst_channel"`
	WorstChannelDB float64 `json:"worst_channel_snr_db"`
	Edits          []Edit  `json:"edits,omitempty"`

	unit unit
}

// Options of [Of].
type Options struct {
	tflite.QuantizeOptions     // Images are wanted; Run is set
	Worst                  int // layers for which edits are tried
	// Step is called before each step of Of with what it does, and may return an error to end it.
	Step func(done, total int, what string) error
}

// Of quantises n, and compares.
func Of(n *blocks.Network, w *blocks.Weights, o Options) (*Report, error) {
	o.Run = engine.Activations
	if o.Step == nil {
		o.Step = func(int, int, string) error { return nil }
	}
	m := &measurement{o: o}
	if err := m.quantise(n, w); err != nil {
		return nil, err
	}
	r := &Report{
		Name: n.Name, Images: len(m.images), PerTensor: o.PerTensor, Equalized: o.Equalize,
	}
	var err error
	if r.Output, err = m.output(m.q); err != nil {
		return nil, err
	}
	if r.Other, err = m.output(m.other); err != nil {
		return nil, err
	}
	r.Output.PerTensor, r.Other.PerTensor = o.PerTensor, !o.PerTensor
	if r.Layers, err = m.layers(); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Layers, func(a, b Layer) int { return cmp.Compare(a.OutputDB, b.OutputDB) })
	return r, m.tryEdits(r)
}

// measurement holds what all comparisons of a network need.
type measurement struct {
	o        Options
	q, other *quant.Network
	images   [][]float32
	want     [][][]float32 // of each image, each node of q in float32
	done     int
	total    int
}

// mostValues bounds the activations that are kept: 256 MiB.
const mostValues = 1 << 26

// quantise makes the networks of integers with both kinds of scales, and computes the floats.
func (m *measurement) quantise(n *blocks.Network, w *blocks.Weights) (err error) {
	if m.q, err = tflite.QuantizeNetwork(n, w, m.o.QuantizeOptions); err != nil {
		return err
	}
	other := m.o.QuantizeOptions
	other.PerTensor = !other.PerTensor
	if m.other, err = tflite.QuantizeNetwork(n, w, other); err != nil {
		return err
	}
	size := 0
	for _, nd := range n.Nodes {
		size += nd.Shape.Elems()
	}
	m.images = evenly(m.o.Images, min(max(1, mostValues/size), 8))
	run, err := engine.Activations(m.q.Net, m.q.Weights)
	if err != nil {
		return err
	}
	for _, image := range m.images {
		acts, err := run(image)
		if err != nil {
			return err
		}
		m.want = append(m.want, acts)
	}
	return nil
}

// evenly returns at most k images, an even part of all.
func evenly(images [][]float32, k int) (list [][]float32) {
	k = min(k, len(images))
	for i := range k {
		list = append(list, images[i*len(images)/k])
	}
	return list
}

// plan returns a function that computes nodes of a network in float32.
func plan(n *blocks.Network, w *blocks.Weights, nodes []int) (func(in []float32) ([][]float32, error), error) {
	part := *n
	part.Outputs = nodes
	p, err := engine.Compile(&part, engine.Host(1), engine.Options{})
	if err != nil {
		return nil, err
	}
	size := 0
	for _, i := range nodes {
		size += n.Nodes[i].Shape.Elems()
	}
	return func(in []float32) ([][]float32, error) {
		out := make([]float32, size)
		if err := p.Run(out, in); err != nil {
			return nil, err
		}
		var list [][]float32
		for _, i := range nodes {
			k := n.Nodes[i].Shape.Elems()
			list, out = append(list, out[:k:k]), out[k:]
		}
		return list, nil
	}, p.Bind(w)
}

// output compares the outputs of a network of integers.
func (m *measurement) output(q *quant.Network) (o Output, err error) {
	to := engine.Host(1)
	to.DType = engine.Int8
	p, err := engine.Compile(q.Net, to, engine.Options{})
	if err != nil {
		return o, err
	}
	if err := p.BindInteger(new(engine.Workspace), q); err != nil {
		return o, err
	}
	size := 0
	for _, i := range q.Net.Returned() {
		size += q.Net.Nodes[i].Shape.Elems()
	}
	var r ratio
	out := make([]float32, size)
	for k, image := range m.images {
		if err := p.Run(out, image); err != nil {
			return o, err
		}
		rest := out
		for at, i := range q.Net.Returned() {
			want, c := m.want[k][i], q.Net.Nodes[i].Shape.C
			got := rest[:len(want)]
			rest = rest[len(want):]
			r.add(want, got)
			for j := 0; at == 0 && j < len(want); j += c {
				o.Places++
				// Several values may be the largest, and any of them the first place.
				first := want[j:][:c]
				if mine := got[j:][:c]; mine[index(first)] == slices.Max(mine) {
					o.Same++
				}
			}
		}
	}
	o.DB = r.db()
	return o, nil
}

// index is that of the largest value.
func index(v []float32) int { return slices.Index(v, slices.Max(v)) }
