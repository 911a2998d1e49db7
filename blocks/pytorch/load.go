package pytorch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// pickled are the endings of what torch.save writes, which is a program for Python's unpickler.
var pickled = []string{".pth", ".pt", ".ckpt", ".bin", ".pkl"}

// conversion are the lines of Python that make a file of weights of a pickled one.
const conversion = `
    import numpy, torch
    d = torch.load(%q, map_location="cpu")
    d = d.state_dict() if hasattr(d, "state_dict") else d.get("state_dict", d.get("model", d))
    numpy.savez(%q, **{k: v.float().numpy() for k, v in d.items() if torch.is_tensor(v)})`

// ReadFile reads the weights of n from a .safetensors or .npz file whose tensors
// have the names and layouts of n's module; see [New]. Where all names begin with what a
// wrapper of training adds, module., _orig_mod. or model., or several of them, wrapper is that, and it is
// taken off.
func ReadFile(path string, n *blocks.Network) (w *blocks.Weights, wrapper string, err error) {
	m, err := New(n)
	if err != nil {
		return nil, "", err
	}
	read := m.ReadSafetensors
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case ext == ".safetensors":
	case ext == ".npz":
		read = m.ReadNPZ
	case slices.Contains(pickled, ext):
		npz := strings.TrimSuffix(path, filepath.Ext(path)) + ".npz"
		return nil, "", fault.Errorf("pytorch: %s: weights are read from files that end in .safetensors or .npz. "+
			"These lines of Python make %s, which can be read:"+conversion, path, npz, path, npz)
	default:
		return nil, "", fault.Errorf("pytorch: %s: weights are read from files that end in .safetensors or .npz", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, "", fault.Errorf("pytorch: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, "", fault.Errorf("pytorch: %w", err)
	}
	if info.IsDir() {
		return nil, "", fault.Errorf("pytorch: %s is a directory: want a file of weights", path)
	}
	w, err = read(f, info.Size())
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return w, m.wrapper, nil
}
