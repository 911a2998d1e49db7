package onnx

import (
	"errors"
	"fmt"
	"io"
	"math"

	"nas/blocks"
)

type reader struct {
	opset        int
	nodes        []blocks.Node
	weights      [][][]float32
	origin       [][]string // names of the initializers that the weights came from
	sources      []string   // those of the next node
	names        map[string]bool
	values       map[string]*value
	initializers map[string][]byte
	external     func(string) (*io.SectionReader, error)
	files        map[string]*io.SectionReader
	budget       int // bytes of tensors and nodes that may still be made
	place            // the operator at work
	frontier     []frontierValue
	together     bool // the images of a batch are one
	noWeights    bool
	scales       []float32 // of constants that are integers in the file
	zeros        []float32 // in place of weights that are not read
	batched      bool      // there are several, apart
}

// place is an operator of the file: its name, and the marks that our writer leaves.
type place struct {
	at           string
	stage, block int
}

var errBudget = errors.New("needs far more memory than the file's size explains")

// charge takes bytes from the budget.
func (r *reader) charge(bytes int) error {
	if bytes < 0 || bytes > r.budget {
		return errBudget
	}
	r.budget -= bytes
	return nil
}

// value finds a tensor by name. Initializers are decoded each time, so that
// only those at work are in memory.
func (r *reader) value(name string) (*value, error) {
	if v, ok := r.values[name]; ok {
		return v, nil
	}
	raw, ok := r.initializers[name]
	if !ok {
		return nil, fmt.Errorf("it reads %.200q, which no operator before it makes", name)
	}
	t, err := r.decode(raw)
	if err != nil {
		return nil, fmt.Errorf("its constant %.200q %w", name, err)
	}
	t.name = name
	return &value{k: t}, nil
}

// decode reads a TensorProto, its data perhaps from a file beside the model.
func (r *reader) decode(raw []byte) (*tensor, error) {
	t, err := parseTensor(raw, r.outside)
	if err != nil {
		return nil, err
	}
	return t, r.charge(t.cost)
}

var errBeside = errors.New(
	"keeps its data in another file: read the model from its folder, or save it with its weights inside",
)

// outside returns a part of a file beside the model.
func (r *reader) outside(location string, offset, length int) (*io.SectionReader, error) {
	if r.external == nil {
		return nil, errBeside
	}
	f, ok := r.files[location]
	if !ok {
		var err error
		if f, err = r.external(location); errors.Is(err, errBeside) {
			return nil, err
		} else if err != nil {
			return nil, fmt.Errorf("keeps its data in file %q: %w", location, err)
		}
		r.files[location] = f
		r.budget += 32 * int(min(f.Size(), 1<<40, math.MaxInt/64))
	}
	if size := f.Size(); offset < 0 || int64(offset) > size || length < 0 || int64(length) > size-int64(offset) {
		return nil, fmt.Errorf("wants %d bytes from byte %d on of file %q, which has %d", length, offset, location, size)
	}
	return io.NewSectionReader(f, int64(offset), int64(length)), nil
}

// frontierValue is an activation that an operator reads at which reading ends.
type frontierValue struct {
	name string
	v    *value
}
