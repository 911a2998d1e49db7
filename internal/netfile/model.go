package netfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/blocks/quant"
	"nas/blocks/tflite"
	"nas/internal/boundedfile"
	"nas/internal/fault"
)

// models read the files of other programs, by their ending.
var models = map[string]func(path string, o onnx.ReadOptions) (*onnx.Model, error){
	"onnx": readONNX, "tflite": readTFLite,
}

// readModel reads a file of another program, with its weights or without.
func readModel(path string, o Options, weights bool) (*onnx.Model, error) {
	return models[endingOf(path)](path, o.read(weights))
}

func (o Options) read(weights bool) onnx.ReadOptions {
	return onnx.ReadOptions{Shape: o.Shape, Open: o.Open, H: o.H, W: o.W, Outputs: o.Outputs, NoWeights: !weights}
}

// readONNX reads an ONNX file and the files beside it.
func readONNX(path string, o onnx.ReadOptions) (*onnx.Model, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	external, closeAll := onnx.Beside(filepath.Dir(path))
	defer closeAll()
	o.External = external
	return onnx.ReadFile(f, o)
}

// maxTFLite is the size of the largest .tflite file: its offsets are below 2 GiB.
const maxTFLite = 1<<31 - 1

// tfliteFile is the content of a .tflite file, or the beginning of what is none: that may be a device without an end.
func tfliteFile(path string) ([]byte, error) {
	f, err := boundedfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 8)
	n, err := io.ReadFull(f, head)
	if err == nil && string(head[4:]) != "TFL3" { // the file identifier of FlatBuffers
		return head, nil
	}
	data, err := boundedfile.All(io.MultiReader(bytes.NewReader(head[:n]), f), maxTFLite)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// readTFLite reads a .tflite file.
func readTFLite(path string, o onnx.ReadOptions) (*onnx.Model, error) {
	file, err := tfliteFile(path)
	if err != nil {
		return nil, err
	}
	return tflite.Read(file, o)
}

// weightsLater returns a function that reads the weights of a network that was read from a file of another program.
func weightsLater(path string, o Options, n *blocks.Network) func() (*blocks.Weights, error) {
	return func() (*blocks.Weights, error) {
		m, err := readModel(path, o, true)
		if err == nil {
			err = m.Weights.Check(n) // the file may have been replaced
		}
		if err != nil {
			return nil, fault.Errorf("netfile: %s: %w", path, err)
		}
		return m.Weights, nil
	}
}

// rounds tells whether activations of a network are rounded to integers of 8 bits.
func rounds(n *blocks.Network) bool {
	return slices.ContainsFunc(n.Nodes, func(nd blocks.Node) bool {
		_, ok := nd.Op.(*blocks.FakeQuant)
		return ok
	})
}

// quantisedLater returns a function that reads the integers of a network that was read from a file of 8-bit integers.
func quantisedLater(path string, o Options) func() (*quant.Network, error) {
	return func() (*quant.Network, error) {
		q, err := readQuantised(path, o)
		if err != nil {
			return nil, fault.Errorf("netfile: %s: %w", path, err)
		}
		return q, nil
	}
}

func readQuantised(path string, o Options) (*quant.Network, error) {
	if endingOf(path) == "tflite" {
		file, err := tfliteFile(path)
		if err != nil {
			return nil, err
		}
		return tflite.Integers(file, o.read(true))
	}
	m, err := readModel(path, o, true)
	if err != nil {
		return nil, err
	}
	return quant.FromRounded(m.Network, m.Weights, m.Scales, nil)
}

// integersLater returns a function that reads a .tflite file of integers anew, to run it.
func integersLater(path string) func() (func(in []float32) ([][]float32, error), error) {
	return func() (func(in []float32) ([][]float32, error), error) {
		file, err := tfliteFile(path)
		if err != nil {
			return nil, fault.Errorf("netfile: %w", err)
		}
		m, err := tflite.Decode(file)
		if err != nil {
			return nil, fault.Errorf("netfile: %s: %w", path, err)
		}
		return m.Run, nil
	}
}

// decodeModel reads what other programs write for convolutional networks.
func decodeModel(path string, _ []byte, o Options) (*Network, error) {
	m, err := readModel(path, o, false)
	if err != nil {
		return nil, err
	}
	m.Network.Meta = m.Metadata
	n := &Network{
		Network: m.Network, Weights: weightsLater(path, o, m.Network), Input: &m.Input, Outputs: m.Outputs, Notes: m.Notes,
	}
	if rounds(m.Network) {
		n.Quantised = quantisedLater(path, o)
	}
	if m.Integers {
		n.Integers = integersLater(path)
	}
	return n, nil
}

// ReadWeights reads weights for n from a .safetensors or .npz file: the state
// dict of the Python module that n is written as. wrapper is what training put before
// the names, which was taken off.
func ReadWeights(path string, n *blocks.Network) (w *blocks.Weights, wrapper string, err error) {
	w, wrapper, err = pytorch.ReadFile(path, n)
	var shape *pytorch.ShapeError
	if errors.As(err, &shape) && len(shape.Want) == len(shape.Shape) && len(shape.Want) > 0 &&
		shape.Want[0] == n.Output().C && slices.Equal(shape.Want[1:], shape.Shape[1:]) {
		err = fmt.Errorf("%w: the weights are of a network with %d classes, name that one, such as "+
			"results/mobile:17@classes=%d", err, shape.Shape[0], shape.Shape[0])
	}
	if err == nil {
		err = finite(path, w, n)
	}
	return w, wrapper, err
}

// finite returns an error for a file of weights that are no numbers, as of a training that diverged.
func finite(path string, w *blocks.Weights, n *blocks.Network) error {
	for i, node := range n.Nodes {
		for _, values := range w.Node(i) {
			for _, v := range values {
				if v-v != 0 {
					return fmt.Errorf("%s: the weights of %s hold values that are no finite numbers: the file is damaged, or "+
						"its training diverged: save it again", path, node.Name)
				}
			}
		}
	}
	return nil
}
