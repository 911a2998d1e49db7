package pytorch

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// ReadFile reads the weights of n from a .safetensors or .npz file whose tensors
// have the names and layouts of n's module; see [New].
func ReadFile(path string, n *blocks.Network) (*blocks.Weights, error) {
	m, err := New(n)
	if err != nil {
		return nil, err
	}
	read := m.ReadSafetensors
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".safetensors":
	case ".npz":
		read = m.ReadNPZ
	default:
		return nil, fault.Errorf("pytorch: %s: weights are read from files that end in .safetensors or .npz", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.Errorf("pytorch: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault.Errorf("pytorch: %w", err)
	}
	if info.IsDir() {
		return nil, fault.Errorf("pytorch: %s is a directory: want a file of weights", path)
	}
	w, err := read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return w, nil
}
