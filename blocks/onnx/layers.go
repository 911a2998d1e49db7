package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

// permute returns weights [M, C, KH*KW] as [KH*KW, C, M].
func permute(w []float32, m, c, taps int) []float32 {
	out := make([]float32, len(w))
	for i := range m {
		for j := range c {
			for t := range taps {
				out[(t*c+j)*m+i] = w[(i*c+j)*taps+t]
			}
		}
	}
	return out
}

// window reads kernel size, strides, dilations and padding of a window over h x w.
func (c call) window(k [2]int, h, w int) (stride, dilation [2]int, p blocks.Pad, err error) {
	stride, dilation = [2]int{1, 1}, [2]int{1, 1}
	for _, a := range []struct {
		name string
		into *[2]int
	}{{"strides", &stride}, {"dilations", &dilation}} {
		if v, ok := c.attrs[a.name]; ok {
			if len(v.ints) != 2 || min(v.ints[0], v.ints[1]) < 1 {
				return stride, dilation, p, fmt.Errorf("%s are %v, want two positive numbers", a.name, short(v.ints))
			}
			*a.into = [2]int{v.ints[0], v.ints[1]}
		}
	}
	switch auto := c.textAttr("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
		if v, ok := c.attrs["pads"]; ok {
			if len(v.ints) != 4 {
				return stride, dilation, p, fmt.Errorf("pads are %v, want four numbers", short(v.ints))
			}
			p = blocks.Pad{Top: v.ints[0], Left: v.ints[1], Bottom: v.ints[2], Right: v.ints[3]}
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		around := func(n, k, s, d int) (before, after int) {
			total := max(0, ((n+s-1)/s-1)*s+(k-1)*d+1-n)
			if auto == "SAME_LOWER" {
				return total - total/2, total / 2
			}
			return total / 2, total - total/2
		}
		p.Top, p.Bottom = around(h, k[0], stride[0], dilation[0])
		p.Left, p.Right = around(w, k[1], stride[1], dilation[1])
	default:
		return stride, dilation, p, fmt.Errorf("auto_pad is %.40q", auto)
	}
	return stride, dilation, p, nil
}

func plus(p, q blocks.Pad) blocks.Pad {
	return blocks.Pad{Top: p.Top + q.Top, Left: p.Left + q.Left, Bottom: p.Bottom + q.Bottom, Right: p.Right + q.Right}
}

// withoutPad returns v before its padding, and the padding.
func withoutPad(r *reader, v *value) (*value, blocks.Pad) {
	if v.pad == (blocks.Pad{}) {
		return v, v.pad
	}
	s := r.nodes[v.node].Shape
	w := *v
	w.pad, w.done = blocks.Pad{}, nil
	w.dims = []int{v.dims[0], s.C, s.H, s.W}
	return &w, v.pad
}

func readConv(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if w := c.arg(1); w != nil && w.view == asKernels {
		return readCondConv(r, c, v, w)
	}
	w, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	if v.view == asTurned {
		return readChannelConv(r, c, v, w)
	}
	if v.view != asMap || len(v.dims) != 4 || len(w.dims) != 4 || min(w.dims[0], w.dims[1], w.dims[2], w.dims[3]) < 1 {
		return nil, fmt.Errorf("of %s of rank %d with weights %v, want two dimensions",
			viewNames[v.view], len(v.dims), short(w.dims))
	}
	op := &blocks.Conv{Out: w.dims[0], Kernel: [2]int{w.dims[2], w.dims[3]}, Groups: c.intAttr("group", 1)}
	if op.Stride, op.Dilation, op.Pad, err = c.window(op.Kernel, v.dims[2], v.dims[3]); err != nil {
		return nil, err
	}
	v, extra := withoutPad(r, v)
	op.Pad = plus(op.Pad, extra)
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	if g := op.Groups; g < 1 || float64(g)*float64(w.dims[1]) != float64(v.dims[1]) {
		return nil, fmt.Errorf("of %d channels in %d groups with weights %v", v.dims[1], op.Groups, short(w.dims))
	}
	if err := r.charge(4 * len(w.f)); err != nil {
		return nil, err
	}
	tensors := [][]float32{permute(w.f, w.dims[0], w.dims[1], w.dims[2]*w.dims[3])}
	if c.arg(2) != nil {
		b, err := c.floats(2)
		if err != nil || len(b.f) != op.Out {
			return nil, fmt.Errorf("its bias must be %d constants", op.Out)
		}
		op.Bias = true
		tensors = append(tensors, b.f)
	}
	return one(r.add("", op, tensors, v))
}

// readChannelConv takes a convolution along the channels of a vector.
func readChannelConv(r *reader, c call, v *value, w *tensor) ([]*value, error) {
	k := len(w.f)
	if p := c.attrs["pads"].ints; k%2 == 0 || !slices.Equal(w.dims, []int{1, 1, k, 1}) ||
		!slices.Equal(p, []int{k / 2, 0, k / 2, 0}) || c.arg(2) != nil {
		return nil, errors.New("along the channels, with weights or padding of a kind that this program does not read")
	}
	out, err := r.add("", &blocks.ChannelConv{Kernel: k}, [][]float32{w.f}, v)
	return one(like(out, v, err))
}

// readCondConv takes a convolution with weights that a linear layer makes of shares.
func readCondConv(r *reader, c call, v, mixed *value) ([]*value, error) {
	lin := r.nodes[mixed.node]
	shares := r.nodes[lin.Inputs[0]].Shape
	d := mixed.dims
	op := &blocks.CondConv{Experts: shares.C, Out: d[0], Kernel: [2]int{d[2], d[3]}, Groups: c.intAttr("group", 1)}
	if v.view != asMap || len(v.dims) != 4 || v.dims[0] != 1 || c.arg(2) != nil {
		return nil, errors.New("with computed weights, of several images or with a bias")
	}
	var err error
	if op.Stride, op.Dilation, op.Pad, err = c.window(op.Kernel, v.dims[2], v.dims[3]); err != nil {
		return nil, err
	}
	v, extra := withoutPad(r, v)
	op.Pad = plus(op.Pad, extra)
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	if g := op.Groups; g < 1 || float64(g)*float64(d[1]) != float64(v.dims[1]) {
		return nil, fmt.Errorf("of %d channels in %d groups with weights %v", v.dims[1], op.Groups, short(d))
	}
	w := r.weights[mixed.node][0]
	if err := r.charge(8 * len(w)); err != nil {
		return nil, err
	}
	each := len(w) / shares.C
	all := make([]float32, 0, len(w))
	for e := range shares.C {
		all = append(all, permute(w[e*each:][:each], d[0], d[1], d[2]*d[3])...)
	}
	return one(r.add("", op, [][]float32{all}, v, &value{node: lin.Inputs[0], dims: []int{1, shares.C}}))
}

func readBatchNorm(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	n := v.dims[1]
	var tensors [][]float32
	for i := 1; i <= 4; i++ {
		t, err := c.floats(i)
		if err != nil {
			return nil, err
		}
		if len(t.f) != n {
			return nil, fmt.Errorf("input %d has %d values for %d channels", i, len(t.f), n)
		}
		tensors = append(tensors, t.f)
	}
	eps := c.floatAttr("epsilon", 1e-5)
	// A float32 of a short decimal fraction stands for the fraction.
	if e := math.Pow(10, math.Round(math.Log10(eps))); float32(e) == float32(eps) {
		eps = e
	}
	if !(eps > 0) {
		return nil, fmt.Errorf("epsilon is %v", eps)
	}
	if eps == fixed {
		eps = math.Nextafter(fixed, 1) // not one of the reader's own
	}
	out, err := r.add("", &blocks.BatchNorm{Epsilon: eps}, tensors, v)
	return one(like(out, v, err))
}

// linear appends a linear layer with weights [out, in] (transposed) or [in, out].
func (r *reader) linear(v *value, w *tensor, transposed bool, alpha float64, bias []float32) (*value, error) {
	if v.view != asFlat && !v.vector() {
		return nil, fmt.Errorf("of %s of rank %d, want N x C", viewNames[v.view], len(v.dims))
	}
	v, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	if len(w.dims) != 2 {
		return nil, fmt.Errorf("with weights %v, want a matrix", short(w.dims))
	}
	n, out := w.dims[0], w.dims[1]
	if transposed {
		n, out = out, n
	}
	s := r.nodes[v.node].Shape
	if n != s.Elems() || out < 1 {
		return nil, fmt.Errorf("with weights %v over %d values", short(w.dims), s.Elems())
	}
	if err := r.charge(4 * len(w.f)); err != nil {
		return nil, err
	}
	m := make([]float32, len(w.f))
	for c := range s.C {
		for p := range s.Pixels() {
			from, to := c*s.Pixels()+p, p*s.C+c // CHW, HWC
			for o := range out {
				x := 0
				if transposed {
					x = o*n + from
				} else {
					x = from*out + o
				}
				m[to*out+o] = float32(alpha * float64(w.f[x]))
			}
		}
	}
	op, tensors := &blocks.Linear{Out: out}, [][]float32{m}
	if bias != nil {
		op.Bias = true
		tensors = append(tensors, bias)
	}
	y, err := r.add("", op, tensors, v)
	if err != nil {
		return nil, err
	}
	y.dims = []int{v.dims[0], out}
	return y, nil
}

func readGemm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	w, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	if c.intAttr("transA", 0) != 0 {
		return nil, errors.New("with transA")
	}
	transposed := c.intAttr("transB", 0) != 0
	var bias []float32
	if c.arg(2) != nil {
		b, err := c.floats(2)
		if err != nil || len(w.dims) != 2 {
			return nil, errors.New("its bias and weights must be constants")
		}
		out := w.dims[1]
		if transposed {
			out = w.dims[0]
		}
		if len(b.f) != 1 && len(b.f) != out || out < 1 {
			return nil, fmt.Errorf("with a bias of %d values for %d outputs", len(b.f), out)
		}
		if err := r.charge(4 * out); err != nil {
			return nil, err
		}
		bias = make([]float32, out)
		for i := range bias {
			bias[i] = float32(c.floatAttr("beta", 1) * float64(b.f[min(i, len(b.f)-1)]))
		}
	}
	return one(r.linear(v, w, transposed, c.floatAttr("alpha", 1), bias))
}

func readMatMul(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	w, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	return one(r.linear(v, w, false, 1, nil))
}

func readSoftmax(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	missing := -1
	if r.opset < 13 {
		missing = 1
	}
	axis := c.intAttr("axis", missing)
	if axis < 0 {
		axis += len(v.dims)
	}
	// Before opset 13 the axes from the given one on are taken together.
	if axis != 1 || (r.opset < 13 && r.nodes[v.node].Shape.Pixels() > 1) {
		return nil, fmt.Errorf("along axis %d", axis)
	}
	out, err := r.add("", &blocks.Softmax{}, nil, v)
	return one(like(out, v, err))
}

func readLRN(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	op := &blocks.LRN{Size: c.intAttr("size", 0), Alpha: c.floatAttr("alpha", 1e-4),
		Beta: c.floatAttr("beta", 0.75), Bias: c.floatAttr("bias", 1)}
	out, err := r.add("", op, nil, v)
	return one(like(out, v, err))
}
