package pytorch

import (
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
	"nas/internal/fault"
)

// maxNames bounds how many names an error lists.
const maxNames = 3

// stored is a tensor in a file that has been opened, not yet read.
type stored struct {
	shape []int
	// read fills dst, which has as many values as shape says.
	read func(dst []float32) error
}

// values returns the tensor in PyTorch's order.
func (t *Tensor) values(w *blocks.Weights) []float32 {
	ours := w.Node(t.node)[t.param]
	if t.form.order == nil {
		return ours
	}
	v := make([]float32, len(ours))
	t.form.visit(func(theirs, k int) { v[theirs] = ours[k] })
	return v
}

// A ShapeError says that a tensor of a file has another shape than that of the module.
type ShapeError struct {
	Tensor, Network string
	Shape, Want     []int // in the file, in the module of the network
}

// Error says both shapes.
func (e *ShapeError) Error() string {
	return fmt.Sprintf("tensor %q has shape %v, %s wants %v", e.Tensor, e.Shape, e.Network, e.Want)
}

// wrappers are what goes before the names of a module's tensors where training wraps it: DataParallel,
// torch.compile, and modules of Lightning.
var wrappers = []string{"module.", "_orig_mod.", "model."}

// unwrap takes off what wrappers have put before all names.
func (m *Module) unwrap(file map[string]stored) map[string]stored {
	m.wrapper = ""
	next := func(w string) bool {
		for name := range file {
			if !strings.HasPrefix(name, m.wrapper+w) {
				return false
			}
		}
		return len(file) > 0
	}
	for k := slices.IndexFunc(wrappers, next); k >= 0; k = slices.IndexFunc(wrappers, next) {
		m.wrapper += wrappers[k]
	}
	out := make(map[string]stored, len(file))
	for name, s := range file {
		out[strings.TrimPrefix(name, m.wrapper)] = s
	}
	return out
}

// fill reads the module's tensors. Each of them must be there in its shape. Other tensors are
// errors, except for the counters of training steps that PyTorch keeps with batch normalisations.
func (m *Module) fill(file map[string]stored) (*blocks.Weights, error) {
	known := make(map[string]bool, len(m.Tensors))
	var missing []string
	m.wrapper = ""
	if len(m.Tensors) > 0 && file[m.Tensors[0].Name].read == nil {
		file = m.unwrap(file)
	}
	for _, t := range m.Tensors {
		known[t.Name] = true
		if _, ok := file[t.Name]; !ok {
			missing = append(missing, t.Name)
		}
	}
	var extra []string
	for name := range file {
		if !known[name] && !strings.HasSuffix(name, ".num_batches_tracked") {
			extra = append(extra, name)
		}
	}
	if len(missing) > 0 || len(extra) > 0 {
		problems := strings.TrimSuffix(list(missing, "missing")+list(extra, "not expected"), "; ")
		return nil, fault.Errorf("pytorch: the weights are of another network than %s: %s", m.net.Name, problems)
	}
	w := blocks.EmptyWeights(m.net)
	for i := range m.net.Nodes {
		if n := len(m.net.Params(i)); n > 0 {
			w.Set(i, make([][]float32, n))
		}
	}
	for k := range m.Tensors {
		t := &m.Tensors[k]
		s := file[t.Name]
		if !slices.Equal(s.shape, t.Shape) {
			return nil, &ShapeError{Tensor: t.Name, Network: m.net.Name, Shape: s.shape, Want: t.Shape}
		}
		theirs := make([]float32, t.form.len())
		if err := s.read(theirs); err != nil {
			return nil, fault.Errorf("pytorch: tensor %q of shape %v: %w", t.Name, t.Shape, err)
		}
		ours := theirs
		if t.form.order != nil {
			ours = make([]float32, len(theirs))
			t.form.visit(func(a, b int) { ours[b] = theirs[a] })
		}
		w.Node(t.node)[t.param] = ours
	}
	return w, nil
}

// list names the first few of the tensors that an error is about.
func list(tensors []string, what string) string {
	if len(tensors) == 0 {
		return ""
	}
	slices.Sort(tensors)
	text := fmt.Sprintf("%d tensors %s", len(tensors), what)
	if len(tensors) == 1 {
		text = "tensor " + what
	}
	text += ": " + strings.Join(tensors[:min(len(tensors), maxNames)], ", ")
	if len(tensors) > maxNames {
		text += " ..."
	}
	return text + "; "
}
