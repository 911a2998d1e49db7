package netfile

import (
	"bytes"
	"maps"
	"slices"
	"strconv"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
	"nas/internal/buildinfo"
)

// encodeONNX writes NCHW input and the weights in the file.
func encodeONNX(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	size := 1<<16 + len(n.Nodes)<<10
	for i := range n.Nodes {
		for _, t := range w.Node(i) {
			size += 4 * len(t)
		}
	}
	var b bytes.Buffer
	b.Grow(size) // growing on the way would take twice as much
	o := form.ONNX
	o.Metadata, o.Version = n.Meta, buildinfo.Release()
	if form.Integers == nil {
		err = onnx.Write(&b, n, w, o)
		return b.Bytes(), err
	}
	quantise := *form.Integers
	quantise.Run = engine.Activations
	q, err := tflite.QuantizeNetwork(n, w, quantise)
	if err != nil {
		return nil, err
	}
	err = onnx.WriteQuantized(&b, q, o)
	return b.Bytes(), err
}

// encodeTFLite writes a .tflite file. What the network knows of itself is metadata of the file.
func encodeTFLite(n *blocks.Network, weights func() (*blocks.Weights, error), form Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	var m *tflite.Model
	if form.Integers == nil {
		m, err = tflite.Lower(n, w)
	} else {
		o := *form.Integers
		o.Run = engine.Activations
		m, err = tflite.Quantize(n, w, o)
		if err == nil && !o.FloatEdges { // for microcontrollers
			m, _, err = arena.BestOrder(m)
		}
	}
	if err != nil {
		return nil, err
	}
	counts := n.Counts()
	meta := map[string]string{
		"params": strconv.FormatInt(counts.Params, 10), "macs": strconv.FormatInt(counts.MACs, 10),
		"producer": "nas " + buildinfo.Release(),
	}
	maps.Copy(meta, n.Meta)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		m.Metadata = append(m.Metadata, tflite.Metadata{Name: k, Data: []byte(meta[k])})
	}
	return tflite.Encode(m)
}

// encodePyTorch writes a Python module; its weights stand in a file beside it.
func encodePyTorch(n *blocks.Network, _ func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	var b bytes.Buffer
	err := pytorch.Write(&b, n)
	return b.Bytes(), err
}

// encodeSafetensors writes the state dict of the Python module.
func encodeSafetensors(n *blocks.Network, weights func() (*blocks.Weights, error), _ Form) ([]byte, error) {
	w, err := weights()
	if err != nil {
		return nil, err
	}
	m, err := pytorch.New(n)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = m.WriteSafetensors(&b, w)
	return b.Bytes(), err
}
