package tflite

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"nas/blocks"
	"nas/internal/fault"
)

// QuantizeOptions say how a network is quantised. The zero value quantises weights for each output channel, clips
// ranges at the default percentile, and takes ranges from a seeded batch.
type QuantizeOptions struct {
	// PerTensor gives all weights of a layer one scale, as some accelerators want it.
	PerTensor bool
	// Equalize moves scales between neighbouring convolutions first, so that the channels between them have ranges
	// alike (Nagel et al., 2019, section 4.1). The network computes the same for the images that ranges are taken from.
	Equalize bool
	// FloatEdges leaves input and outputs float32: QUANTIZE and DEQUANTIZE stand inside.
	FloatEdges bool
	// Images are what ranges are taken from, each H x W x C; nil means seeded values of the normal distribution.
	Images [][]float32
	Seed   uint64
	// Percentile of the values of a tensor that its range holds on either side, in (50, 100]; 0 means 99.99.
	Percentile float64
	// Run makes a function that returns the activations of all nodes of a network for an image;
	// nil means [blocks.Network.Eval], which is slow.
	Run func(n *blocks.Network, w *blocks.Weights) (func(in []float32) ([][]float32, error), error)
}

const (
	defaultPercentile = 99.99
	seededImages      = 8
	// maxBias keeps a bias within the sums of 32 bits.
	maxBias = 1 << 30
)

// Quantize returns n as a model of 8-bit integers, by the specification of TensorFlow Lite: weights symmetric, from
// -127 to 127, with a scale for each output channel of a convolution and one for a linear layer; activations
// asymmetric with one scale; biases of 32 bits.
//
// An op without an integer form is an error that names it.
func Quantize(n *blocks.Network, w *blocks.Weights, o QuantizeOptions) (*Model, error) {
	g, _, _, err := quantize(n, w, o, false)
	if err != nil {
		return nil, err
	}
	if o.FloatEdges {
		g.m.floatEdges()
	}
	return &g.m, nil
}

// quantize also returns the network with its batch normalisations folded, and its weights. For mixed see [lower].
func quantize(
	n *blocks.Network,
	w *blocks.Weights,
	o QuantizeOptions,
	mixed bool,
) (*graph, *blocks.Network, *blocks.Weights, error) {
	images := o.Images
	if images == nil {
		images = SeededImages(n.Input(), o.Seed)
	}
	if err := w.Check(n); err != nil {
		return nil, nil, nil, fault.Errorf("tflite: %w", err)
	}
	folded, fw := blocks.FoldBatchNorm(n, w)
	run, err := o.run(folded, fw)
	if err != nil {
		return nil, nil, nil, err
	}
	if o.Equalize {
		most, err := channelMaxima(folded, run, images)
		if err != nil {
			return nil, nil, nil, err
		}
		fw = equalize(folded, fw, most)
		if run, err = o.run(folded, fw); err != nil {
			return nil, nil, nil, err
		}
	}
	g, err := lower(folded, fw, mixed)
	if err != nil {
		return nil, nil, nil, err
	}
	for i, op := range g.m.Operators {
		if _, ok := executions[op.Name]; !ok && op.Name != inFloat ||
			slices.ContainsFunc(weightsOf(op), func(t int) bool { return g.m.Tensors[t].Data == nil }) {
			return nil, nil, nil, fault.Errorf(
				"tflite: operator %d, %s of %q, has no form of 8-bit integers: export it as float32",
				i,
				op.Name,
				g.m.Tensors[op.Outputs[0]].Name,
			)
		}
	}
	seen, err := observe(folded, run, images)
	if err != nil {
		return nil, nil, nil, err
	}
	percentile := o.Percentile
	if percentile == 0 {
		percentile = defaultPercentile
	}
	spans, err := g.spans(seen, percentile)
	if err != nil {
		return nil, nil, nil, fault.Errorf("tflite: %w", err)
	}
	m := &g.m
	for i := range m.Tensors {
		if t := &m.Tensors[i]; t.Data == nil {
			scale, zero := spans[i].grid()
			t.Type, t.Scale, t.Zero = Int8, []float32{scale}, []int64{zero}
		}
	}
	q := quantizer{m: m, perTensor: o.PerTensor}
	for i := range m.Operators {
		q.operator(&m.Operators[i])
	}
	return g, folded, fw, nil
}

func (o QuantizeOptions) run(n *blocks.Network, w *blocks.Weights) (func(in []float32) ([][]float32, error), error) {
	if o.Run != nil {
		return o.Run(n, w)
	}
	return func(in []float32) ([][]float32, error) {
		acts, err := n.Eval(w, in)
		v := make([][]float32, len(acts))
		for i := range acts {
			v[i] = acts[i].Data
		}
		return v, err
	}, nil
}

// SeededImages returns the eight images of the standard normal distribution that ranges are taken from without others.
func SeededImages(s blocks.Shape, seed uint64) [][]float32 {
	images, r := make([][]float32, seededImages), rand.New(rand.NewPCG(seed, 0x7f11e))
	for i := range images {
		images[i] = make([]float32, s.Elems())
		for k := range images[i] {
			images[i][k] = float32(r.NormFloat64())
		}
	}
	return images
}

// weightsOf lists an operator's weights and bias.
func weightsOf(op Operator) []int {
	switch op.Name {
	case "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED":
		return op.Inputs[min(1, len(op.Inputs)):]
	}
	return nil
}

// reals returns the values of a constant of float32.
func (t *Tensor) reals() []float32 {
	v := make([]float32, len(t.Data)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return v
}

// quantizer turns the constants of a model into integers.
type quantizer struct {
	m         *Model
	perTensor bool
}

func (q *quantizer) operator(op *Operator) {
	if ws := weightsOf(*op); ws != nil {
		q.layer(op, ws)
		return
	}
	for k, i := range op.Inputs {
		t := &q.m.Tensors[i]
		if t.Data == nil || t.Type != Float32 {
			continue
		}
		// A constant that several operators read has one grid for all but PADV2, whose border has that of its map.
		c := *t
		if op.Name == "PADV2" {
			in := &q.m.Tensors[op.Inputs[0]]
			c.Scale, c.Zero = in.Scale, in.Zero
		} else {
			s := span{}
			for _, v := range c.reals() {
				s = s.join(span{float64(v), float64(v)})
			}
			scale, zero := s.grid()
			c.Scale, c.Zero = []float32{scale}, []int64{zero}
		}
		g := (&Tensor{Type: Int8, Scale: c.Scale, Zero: c.Zero}).grid()
		values := c.reals()
		c.Type, c.Data = Int8, make([]byte, len(values))
		for j, v := range values {
			c.Data[j] = byte(int8(g.Quantize(v)))
		}
		op.Inputs[k] = q.add(i, c)
	}
}

// add appends a tensor under the name of tensor i.
func (q *quantizer) add(i int, t Tensor) int {
	t.Name = q.m.Tensors[i].Name + ".int8"
	q.m.Tensors = append(q.m.Tensors, t)
	return len(q.m.Tensors) - 1
}

// layer quantises weights and bias of a convolution or a linear layer.
func (q *quantizer) layer(op *Operator, ws []int) {
	w, b := &q.m.Tensors[ws[0]], &q.m.Tensors[ws[1]]
	axis := 0
	if op.Name == "DEPTHWISE_CONV_2D" {
		axis = 3
	}
	channels, inner := w.Dims[axis], 1
	for _, d := range w.Dims[axis+1:] {
		inner *= d
	}
	values, bias := w.reals(), b.reals()
	scales := make([]float64, channels)
	for i, v := range values {
		c := i / inner % channels
		scales[c] = max(scales[c], math.Abs(float64(v))/127)
	}
	in := float64(q.m.Tensors[op.Inputs[0]].Scale[0])
	for c := range scales { // a bias must fit 32 bits, and a channel of zeros has a scale
		scales[c] = max(scales[c], math.Abs(float64(bias[c]))/(in*maxBias), 1e-12)
	}
	if q.perTensor || op.Name == "FULLY_CONNECTED" {
		most := slices.Max(scales)
		for c := range scales {
			scales[c] = most
		}
	}
	w.Data, b.Data = make([]byte, len(values)), nil
	for i, v := range values {
		r := math.RoundToEven(float64(v) / scales[i/inner%channels])
		w.Data[i] = byte(int8(max(-127, min(r, 127))))
	}
	var biasScales []float32
	for c, v := range bias {
		s := float32(in) * float32(scales[c])
		r := math.RoundToEven(float64(v) / float64(s))
		b.Data = binary.LittleEndian.AppendUint32(b.Data, uint32(int32(max(-maxBias, min(r, maxBias)))))
		biasScales = append(biasScales, s)
	}
	w.Type, b.Type = Int8, Int32
	if slices.Max(scales) == slices.Min(scales) || channels == 1 {
		w.Scale, b.Scale = []float32{float32(scales[0])}, biasScales[:1]
	} else {
		w.Axis, b.Scale = axis, biasScales
		for _, s := range scales {
			w.Scale = append(w.Scale, float32(s))
		}
	}
	w.Zero, b.Zero = make([]int64, len(w.Scale)), make([]int64, len(b.Scale))
}

// floatEdges puts QUANTIZE behind the input and DEQUANTIZE before the outputs.
func (m *Model) floatEdges() {
	edge := func(at int, name string) int {
		t := m.Tensors[at]
		m.Tensors = append(m.Tensors, Tensor{Name: t.Name, Dims: t.Dims})
		m.Tensors[at].Name += name
		return len(m.Tensors) - 1
	}
	for k, at := range m.Inputs {
		in := edge(at, ".quantized")
		m.Operators = append([]Operator{{Name: "QUANTIZE", Inputs: []int{in}, Outputs: []int{at}}}, m.Operators...)
		m.Inputs[k] = in
	}
	for k, at := range m.Outputs {
		out := edge(at, ".quantized")
		m.Operators = append(m.Operators, Operator{Name: "DEQUANTIZE", Inputs: []int{at}, Outputs: []int{out}})
		m.Outputs[k] = out
	}
}
