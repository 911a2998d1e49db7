package tasks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nas/accuracy/training"
	"nas/internal/atomicfile"
	"nas/internal/fault"
)

// maxWeights bounds the weights of a network, in bytes.
const maxWeights = 1 << 30

// WeightsInfo says what a training left of a network that came to the last rung.
type WeightsInfo struct {
	Sum     string `json:"sum,omitempty"` // SHA-256, as 64 hex digits
	Bytes   int64  `json:"bytes,omitempty"`
	Missing string `json:"missing,omitempty"` // why there are none
}

func (w *WeightsInfo) check() error {
	if w == nil || w.Missing != "" && len(w.Missing) < 4<<10 {
		return nil
	}
	if !isID(w.Sum, 64) || w.Bytes < 1 || w.Bytes > maxWeights {
		return errors.New("sum or length of the weights are not those of weights")
	}
	return nil
}

// infoOf describes weights.
func infoOf(data []byte) *WeightsInfo {
	if len(data) > maxWeights {
		return &WeightsInfo{Missing: fmt.Sprintf("they are %d bytes long, more than %d", len(data), maxWeights)}
	}
	h := sha256.Sum256(data)
	return &WeightsInfo{Sum: hex.EncodeToString(h[:]), Bytes: int64(len(data))}
}

// trained is the result of a training.
type trained struct {
	training.Outcome
	Weights *WeightsInfo `json:"weights,omitempty"`
}

// Weights says what became of the weights of a training; nil for one that should leave none.
func (o *Outcome) Weights() *WeightsInfo {
	var x trained
	if o.Kind != Train || json.Unmarshal(o.Result, &x) != nil {
		return nil
	}
	return x.Weights
}

// LoseWeights makes an outcome say why its weights do not come with it.
func (o *Outcome) LoseWeights(why string) error {
	var x trained
	if err := json.Unmarshal(o.Result, &x); err != nil {
		return err
	}
	x.Weights = &WeightsInfo{Missing: why}
	var err error
	if o.Result, err = json.Marshal(x); err != nil {
		return err
	}
	return o.Seal()
}

// Incoming is a folder for weights that come from other machines, until the outcome that they belong to is used. Names
// in it are sums of contents.
type Incoming struct {
	Dir string
	// Name is where a training leaves weights in the folder of a trial: see [training.Spec]. "" keeps none.
	Name string
}

// IncomingOf is the one of a run, inside of its folder for trainings.
func IncomingOf(trainings, name string) Incoming {
	return Incoming{filepath.Join(trainings, "incoming"), name}
}

func (in *Incoming) path(sum string) string { return filepath.Join(in.Dir, sum+".safetensors") }

// Part stores a part of weights: those of the sum, from an offset on. Parts come in order. from names the sender: parts
// of two are not mixed. The error says why the part is not taken; the sender then begins anew or gives up.
func (in *Incoming) Part(from string, w WeightsInfo, offset int64, data []byte) error {
	if err := w.check(); err != nil || w.Sum == "" {
		return errors.New("sum or length of the weights are not those of weights")
	}
	if offset < 0 || offset+int64(len(data)) > w.Bytes || len(data) == 0 {
		return errors.New("a part of weights is not inside of them")
	}
	if err := os.MkdirAll(in.Dir, 0o755); err != nil {
		return fault.Errorf("tasks: %w", err)
	}
	path := in.path(w.Sum) + "." + from
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fault.Errorf("tasks: %w", err)
	}
	defer f.Close()
	if offset == 0 {
		err = f.Truncate(0)
	} else if info, e := f.Stat(); e != nil || info.Size() != offset {
		return errors.New("a part of weights does not follow the last one")
	}
	if err == nil {
		_, err = f.WriteAt(data, offset)
	}
	if err != nil {
		return fault.Errorf("tasks: weights were not stored: free some space: %w", err)
	}
	if offset+int64(len(data)) < w.Bytes {
		return nil
	}
	h := sha256.New()
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(h, f)
	}
	if err == nil && hex.EncodeToString(h.Sum(nil)) != w.Sum {
		os.Remove(path)
		return errors.New("weights are damaged: their sum is another")
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(path, in.path(w.Sum))
	}
	if err != nil {
		return fault.Errorf("tasks: %w", err)
	}
	return nil
}

// Take stores weights that are in a file.
func (in *Incoming) Take(path string, w *WeightsInfo) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fault.Errorf("tasks: %w", err)
	}
	if have := infoOf(data); *have != *w {
		return fault.Errorf("tasks: %s is not what the outcome says: its length or sum is another", path)
	}
	if err := os.MkdirAll(in.Dir, 0o755); err != nil {
		return fault.Errorf("tasks: %w", err)
	}
	return atomicfile.WriteFile(in.path(w.Sum), data)
}

// Place moves the weights of an outcome to the folder of its trial, as if it had been trained there. It returns why
// there are none, "" if there are, or if the recipe keeps none.
func (in *Incoming) Place(o *Outcome, dir string) (missing string) {
	w := o.Weights()
	if in.Name == "" || w == nil || o.Failed != "" {
		return ""
	}
	if w.Missing != "" {
		return w.Missing
	}
	to := filepath.Join(dir, filepath.FromSlash(in.Name))
	err := os.MkdirAll(filepath.Dir(to), 0o755)
	if err == nil {
		err = os.Rename(in.path(w.Sum), to)
	}
	if errors.Is(err, fs.ErrNotExist) { // they were placed before, and the run was cut off then
		if data, e := os.ReadFile(to); e == nil && infoOf(data).Sum == w.Sum {
			return ""
		}
		return "they did not come"
	}
	if err != nil {
		return err.Error()
	}
	return ""
}
