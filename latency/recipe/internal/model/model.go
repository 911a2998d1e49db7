// Package model writes the files of networks that recipes time.
package model

import (
	"bytes"
	"os"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/onnx"
	"nas/blocks/tflite"
	"nas/internal/fault"
	"nas/latency/timing"
)

// Form says what is written: the fields of the same names of [nas/latency/recipe.Spec].
type Form struct {
	Format, DType, Quant, IO string
	converted                bool // another program changes the files
}

// The values of [Form.DType] for which this program writes models.
const (
	float32Type = "float32"
	int8Type    = "int8"
)

// Check fills in what is left out, and calls bad for what is wrong. converted says that another program changes the
// files.
func (f *Form) Check(converted bool, bad func(key, format string, a ...any)) {
	if f.Format == "" {
		f.Format = "onnx"
	}
	if f.DType == "" {
		f.DType = float32Type
	}
	if f.Format != "onnx" && f.Format != "tflite" {
		bad("format", "%q, want \"onnx\" or \"tflite\"", f.Format)
	}
	f.converted = converted
	switch {
	case f.DType == float32Type || f.DType == int8Type:
	case f.Format == "tflite":
		bad("dtype", "%q, want \"float32\" or \"int8\"", f.DType)
	case !converted:
		bad("dtype", "%q, want \"float32\" or \"int8\", or name under convert a program that makes this type", f.DType)
	}
	for _, k := range []struct{ key, v, first, second string }{
		{"quant", f.Quant, "per_channel", "per_tensor"}, {"io", f.IO, "float", int8Type},
	} {
		switch {
		case k.v != "" && k.v != k.first && k.v != k.second:
			bad(k.key, "%q, want %q or %q", k.v, k.first, k.second)
		case k.v != "" && !f.integers():
			bad(k.key, "is of dtype = \"int8\" only, where no other program converts ONNX files")
		case k.v == int8Type && f.Format == "onnx":
			bad(k.key, "is \"float\" in ONNX files")
		}
	}
}

// integers tells whether this program writes 8-bit integers. ONNX files are converted from float32.
func (f *Form) integers() bool {
	return f.DType == int8Type && (f.Format == "tflite" || !f.converted)
}

// Write writes a network with random weights in the format of the recipe.
func (f *Form) Write(path string, n *blocks.Network) error {
	data, err := f.encode(n)
	if err == nil {
		err = os.WriteFile(path, data, 0o600)
	}
	if err != nil {
		return fault.Errorf("latency: writing network %s: %w", n.Name, err)
	}
	return nil
}

// encode returns the file of a network. The values of activations do not change the time that integers take: one
// image is enough for their ranges.
func (f *Form) encode(n *blocks.Network) ([]byte, error) {
	w := timing.RandomWeights(n)
	image := make([]float32, n.Input().Elems())
	for i := range image {
		image[i] = float32(i%17)/8 - 1
	}
	o := tflite.QuantizeOptions{
		PerTensor: f.Quant == "per_tensor", FloatEdges: f.IO != int8Type,
		Images: [][]float32{image}, Run: engine.Activations,
	}
	if f.Format == "onnx" {
		var b bytes.Buffer
		if !f.integers() {
			err := onnx.Write(&b, n, w, onnx.Options{FoldBN: true})
			return b.Bytes(), err
		}
		q, err := tflite.QuantizeNetwork(n, w, o)
		if err != nil {
			return nil, err
		}
		err = onnx.WriteQuantized(&b, q, onnx.Options{})
		return b.Bytes(), err
	}
	var m *tflite.Model
	var err error
	if f.integers() {
		m, err = tflite.Quantize(n, w, o)
	} else {
		m, err = tflite.Lower(n, w)
	}
	if err != nil {
		return nil, err
	}
	return tflite.Encode(m)
}
