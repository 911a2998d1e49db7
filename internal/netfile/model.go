package netfile

import (
	"os"
	"path/filepath"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/internal/fault"
)

// readModel reads an ONNX file and the files beside it, with its weights or without.
func readModel(path string, o Options, weights bool) (*onnx.Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	external, closeAll := onnx.Beside(filepath.Dir(path))
	defer closeAll()
	return onnx.ReadFile(f, onnx.ReadOptions{
		External: external, Shape: o.Shape, Open: o.Open, H: o.H, W: o.W, Outputs: o.Outputs, NoWeights: !weights,
	})
}

// weightsLater returns a function that reads the weights of a network that was read from an ONNX file.
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
