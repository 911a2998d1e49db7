package onnx

import "fmt"

// weighted are the operators whose input 1 may be weights that nothing but their
// dims depends on.
var weighted = []string{"Conv", "ConvTranspose", "Gemm", "MatMul"}

// largeWeights is the number of values from which on weights are not read where they
// are not asked for.
const largeWeights = 1 << 14

// putOff makes initializers of large Constants, whose data are read where they are used.
func (r *reader) putOff(nodes []*nodeProto) {
	for _, n := range nodes {
		t := n.attrs["value"].t
		if n.op != "Constant" || len(n.out) != 1 || t == nil {
			continue
		}
		if p, err := parseTensorProto(t, false); err == nil && elems(p.dims) >= largeWeights {
			r.initializers[n.out[0]] = t
		}
	}
}

// weight is value for the weights of a layer. Large ones are zeros if weights are not
// asked for; the zeros are never written, nor read, and so take no memory.
func (r *reader) weight(name string) (*value, error) {
	raw, ok := r.initializers[name]
	if _, made := r.values[name]; made || !ok || !r.noWeights {
		return r.value(name)
	}
	t, err := r.undecoded(raw)
	if err != nil {
		return nil, fmt.Errorf("its constant %.200q %w", name, err)
	}
	if t == nil {
		return r.value(name)
	}
	t.name = name
	return &value{k: t}, nil
}

// undecoded checks a large tensor of floats without a look at its data, and returns
// zeros of its dims; nil for another tensor.
func (r *reader) undecoded(raw []byte) (*tensor, error) {
	p, err := parseTensorProto(raw, false)
	if err != nil {
		return nil, err
	}
	if n := elems(p.dims); n < largeWeights || !floating(p.elem) || p.raw == nil && !p.external {
		return nil, nil
	}
	n, err := p.locate(r.outside)
	if err != nil {
		return nil, err
	}
	if r.zeros == nil {
		r.zeros = make([]float32, r.largest())
	}
	if n > len(r.zeros) {
		return nil, nil
	}
	return &tensor{dims: p.dims, elem: p.elem, f: r.zeros[:n:n]}, r.charge(4 * n)
}

// largest is the number of values of the largest initializer whose data are bytes.
func (r *reader) largest() (most int) {
	for _, raw := range r.initializers {
		if p, err := parseTensorProto(raw, false); err == nil && (p.external || len(p.raw) >= elems(p.dims)) {
			most = max(most, min(elems(p.dims), r.budget/4))
		}
	}
	return most
}

// unread tells whether weights are those of a tensor that was not read.
func (r *reader) unread(w []float32) bool {
	return len(r.zeros) > 0 && len(w) > 0 && &w[0] == &r.zeros[0]
}
