package netfile

import (
	"os"
	"path/filepath"
	"strings"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/tflite"
	"nas/internal/fault"
)

// models read the files of other programs, by their ending.
var models = map[string]func(path string, o onnx.ReadOptions) (*onnx.Model, error){
	"onnx": readONNX, "tflite": readTFLite,
}

// readModel reads a file of another program, with its weights or without.
func readModel(path string, o Options, weights bool) (*onnx.Model, error) {
	return models[strings.TrimPrefix(filepath.Ext(path), ".")](path, onnx.ReadOptions{
		Shape: o.Shape, Open: o.Open, H: o.H, W: o.W, Outputs: o.Outputs, NoWeights: !weights,
	})
}

// readONNX reads an ONNX file and the files beside it.
func readONNX(path string, o onnx.ReadOptions) (*onnx.Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	external, closeAll := onnx.Beside(filepath.Dir(path))
	defer closeAll()
	o.External = external
	return onnx.ReadFile(f, o)
}

// readTFLite reads a .tflite file, which is below 2 GiB.
func readTFLite(path string, o onnx.ReadOptions) (*onnx.Model, error) {
	file, err := os.ReadFile(path)
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
