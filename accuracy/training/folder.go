package training

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/pytorch"
	"nas/internal/atomicfile"
	"nas/internal/fault"
)

// archFile is written last: a folder without it is not complete.
const archFile = "arch.json"

// description is what arch.json says.
type description struct {
	Arch    string `json:"arch,omitempty"`
	ArchID  string `json:"arch_id"`
	Recipe  string `json:"recipe"`
	Seed    uint64 `json:"seed"`
	Params  int64  `json:"params"`
	MACs    int64  `json:"macs"`
	Input   [3]int `json:"input"` // height, width, channels
	Classes int    `json:"classes"`
}

// prepare makes the folder of a job, unless it is there from an earlier rung. A folder of another network, recipe or
// seed, or one that was not completed, is made anew.
func (r *Recipe) prepare(j *Job) (fresh bool, err error) {
	in, counts := j.Network.Input(), j.Network.Counts()
	want, err := json.MarshalIndent(description{
		Arch: j.Arch, ArchID: j.ArchID, Recipe: r.hash, Seed: j.Seed, Params: counts.Params, MACs: counts.MACs,
		Input: [3]int{in.H, in.W, in.C}, Classes: j.Network.Output().C,
	}, "", "  ")
	if err != nil {
		return false, fault.Errorf("training: %w", err)
	}
	if have, err := os.ReadFile(filepath.Join(j.Dir, archFile)); err == nil && bytes.Equal(have, want) {
		return false, nil
	}
	if err := os.RemoveAll(j.Dir); err != nil {
		return false, fault.Errorf("training: %w", err)
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return false, fault.Errorf("training: %w", err)
	}
	if err := writeNetwork(j.Dir, j.Network, j.Seed); err != nil {
		return false, err
	}
	for _, name := range r.spec.Files {
		if err := r.copyFile(name, j.Dir); err != nil {
			return false, err
		}
	}
	return true, atomicfile.WriteFile(filepath.Join(j.Dir, archFile), want)
}

// writeNetwork writes the network with weights drawn from a seed, as a PyTorch module and as an ONNX model, and without
// weights as this program's own file.
func writeNetwork(dir string, n *blocks.Network, seed uint64) error {
	m, err := pytorch.New(n)
	if err != nil {
		return fault.Errorf("training: %w", err)
	}
	weights := blocks.NewWeights(n, seed)
	var tensors, model bytes.Buffer
	if err := m.WriteSafetensors(&tensors, weights); err != nil {
		return fault.Errorf("training: %w", err)
	}
	if err := onnx.Write(&model, n, weights, onnx.Options{}); err != nil {
		return fault.Errorf("training: %w", err)
	}
	text, err := json.Marshal(n)
	if err != nil {
		return fault.Errorf("training: %w", err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{
		{"net.py", []byte(m.Source())}, {"net.safetensors", tensors.Bytes()}, {"net.onnx", model.Bytes()},
		{"net.json", text},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o644); err != nil {
			return fault.Errorf("training: %w", err)
		}
	}
	return nil
}

// copyFile puts a file of the recipe into a folder. A program stays one that can be started.
func (r *Recipe) copyFile(name, dir string) error {
	data, err := fs.ReadFile(r.files, name)
	if err != nil {
		return fault.Errorf("training: %w", err)
	}
	mode := fs.FileMode(0o755) // of a file that comes with the program, which has no mode
	if info, err := fs.Stat(r.files, name); err == nil && info.Mode()&0o200 != 0 {
		mode = info.Mode().Perm()
	}
	if err := os.WriteFile(filepath.Join(dir, path.Base(name)), data, mode); err != nil {
		return fault.Errorf("training: %w", err)
	}
	return nil
}

// Weights returns the file of weights that a training left in its folder, once it has been read as weights of n.
func (r *Recipe) Weights(dir string, n *blocks.Network) ([]byte, error) {
	path := filepath.Join(dir, filepath.FromSlash(r.spec.Weights))
	if _, _, err := pytorch.ReadFile(path, n); err != nil {
		return nil, fmt.Errorf("the training left none that can be used: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Errorf("training: %w", err)
	}
	return data, nil
}
