package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"Conv": {
			attrs: "auto_pad dilations group kernel_shape pads strides",
			in:    [2]int{2, 3},
			apply: readConv,
		},
		"BatchNormalization": {
			attrs: "epsilon momentum* spatial=1 training_mode=0 is_test*",
			in:    [2]int{5, 5},
			apply: readBatchNorm,
		},
		"LRN":   {attrs: "alpha beta bias size", in: oneInput, apply: readLRN},
		"PRelu": {in: twoInputs, apply: readPRelu},
	})
}

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

// sliding is the geometry of a window over one or two dimensions, the second
// being 1 where there is one only.
type sliding struct {
	kernel, stride, dilation [2]int
	pad                      blocks.Pad
}

// pair reads a list of one number a dimension.
func (c call) pair(name string, rank int, missing [2]int, least int) ([2]int, error) {
	v, ok := c.attrs[name]
	if !ok || v.ints == nil {
		return missing, nil
	}
	if len(v.ints) != rank || slices.Min(v.ints) < least {
		return missing, fmt.Errorf("%s are %v, want %d numbers of at least %d", name, short(v.ints), rank, least)
	}
	if rank == 1 {
		return [2]int{v.ints[0], missing[1]}, nil
	}
	return [2]int{v.ints[0], v.ints[1]}, nil
}

// window reads strides, dilations and padding of a window of kernel size k over
// spatial extents, of which there are one or two.
func (c call) window(k []int, spatial []int) (s sliding, err error) {
	rank := len(spatial)
	if len(k) != rank || rank < 1 || rank > 2 || slices.Min(k) < 1 {
		return s, fmt.Errorf("of kernel size %v over %d dimensions", short(k), rank)
	}
	if want := c.attrs["kernel_shape"].ints; want != nil && !slices.Equal(want, k) {
		return s, fmt.Errorf("kernel_shape is %v, its weights are of %v", short(want), short(k))
	}
	s.kernel = [2]int{k[0], 1}
	copy(s.kernel[:], k)
	if s.stride, err = c.pair("strides", rank, [2]int{1, 1}, 1); err != nil {
		return s, err
	}
	if s.dilation, err = c.pair("dilations", rank, [2]int{1, 1}, 1); err != nil {
		return s, err
	}
	sides := make([][2]int, 2)
	switch auto := c.textAttr("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
		if p := c.attrs["pads"].ints; p != nil {
			if len(p) != 2*rank || slices.Min(p) < 0 {
				return s, fmt.Errorf("pads are %v, want %d numbers that are not negative", short(p), 2*rank)
			}
			for i := range rank {
				sides[i] = [2]int{p[i], p[rank+i]}
			}
		}
	case "VALID":
	case "SAME_UPPER", "SAME_LOWER":
		for i, n := range spatial {
			total := ((n+s.stride[i]-1)/s.stride[i]-1)*s.stride[i] + (k[i]-1)*s.dilation[i] + 1 - n
			if total < -1 {
				return s, fmt.Errorf("auto_pad %s of windows of %d in steps of %d over %d pixels, about which runtimes "+
					"differ: export it with pads", auto, (k[i]-1)*s.dilation[i]+1, s.stride[i], n)
			}
			total = max(0, total)
			sides[i] = [2]int{total / 2, total - total/2}
			if auto == "SAME_LOWER" {
				slices.Reverse(sides[i][:])
			}
		}
	default:
		return s, fmt.Errorf("auto_pad is %.40q", auto)
	}
	s.pad = blocks.Pad{Top: sides[0][0], Bottom: sides[0][1], Left: sides[1][0], Right: sides[1][1]}
	return s, nil
}

func plus(p, q blocks.Pad) blocks.Pad {
	return blocks.Pad{Top: p.Top + q.Top, Left: p.Left + q.Left, Bottom: p.Bottom + q.Bottom, Right: p.Right + q.Right}
}

// withoutPad returns v before its pending padding, and the padding, where it is
// one of rows and columns only.
func withoutPad(v *value) (*value, blocks.Pad) {
	if v.pads == nil || v.pads[0] != [2]int{} || v.pads[1] != [2]int{} ||
		slices.ContainsFunc(v.pads, func(p [2]int) bool { return min(p[0], p[1]) < 0 }) {
		return v, blocks.Pad{}
	}
	w := *v
	w.pads, w.done, w.laid = nil, nil, nil
	p := blocks.Pad{Top: v.pads[2][0], Bottom: v.pads[2][1]}
	if len(v.pads) > 3 {
		p.Left, p.Right = v.pads[3][0], v.pads[3][1]
	}
	return &w, p
}

func readConv(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if w := c.arg(1); w != nil && w.k == nil {
		return readCondConv(r, c, v, w)
	}
	w, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	d := v.extents()
	if len(d) < 3 || len(d) > 4 || len(w.dims) != len(d) || slices.Min(w.dims) < 1 {
		return nil, fmt.Errorf("of %v with weights %v, want one or two dimensions", short(d), short(w.dims))
	}
	if out, ok, err := readChannelConv(r, c, v, w); ok || err != nil {
		return one(out, err)
	}
	s, err := c.window(w.dims[2:], d[2:])
	if err != nil {
		return nil, err
	}
	op := &blocks.Conv{
		Out:      w.dims[0],
		Kernel:   s.kernel,
		Stride:   s.stride,
		Dilation: s.dilation,
		Groups:   c.intAttr("group", 1),
	}
	v, extra := withoutPad(v)
	op.Pad = plus(s.pad, extra)
	if g := op.Groups; g < 1 || float64(g)*float64(w.dims[1]) != float64(d[1]) {
		return nil, fmt.Errorf("of %d channels in %d groups with weights %v", d[1], op.Groups, short(w.dims))
	}
	if v, err = r.chw(v); err != nil {
		return nil, err
	}
	if err := r.charge(4 * len(w.f)); err != nil {
		return nil, err
	}
	tensors := [][]float32{w.f}
	if !r.unread(w.f) {
		tensors[0] = permute(w.f, w.dims[0], w.dims[1], s.kernel[0]*s.kernel[1])
	}
	r.sources = []string{w.name}
	if op.Bias, tensors, err = r.bias(c, tensors, op.Out); err != nil {
		return nil, err
	}
	node, err := r.add("", op, tensors, v.node)
	if err != nil {
		return nil, err
	}
	return []*value{r.mapOf(node, len(d), v.batch())}, nil
}

// bias appends input 2, one constant for each of n channels, to a layer's tensors, where
// it is there.
func (r *reader) bias(c call, tensors [][]float32, n int) (bool, [][]float32, error) {
	if c.arg(2) == nil {
		return false, tensors, nil
	}
	b, err := c.floats(2)
	if err != nil || len(b.f) != n {
		return false, nil, fmt.Errorf("its bias must be %d constants", n)
	}
	r.sources = append(r.sources, b.name)
	return true, append(tensors, b.f), nil
}

// readChannelConv takes a convolution of one channel along the channels of a
// vector (efficient channel attention): N x 1 x C, or N x 1 x C x 1.
func readChannelConv(r *reader, c call, v *value, w *tensor) (*value, bool, error) {
	k := len(w.f)
	d := v.extents()
	if d[1] != 1 || d[2] == 1 || len(d) == 4 && d[3] != 1 || k%2 == 0 || w.dims[0] != 1 || w.dims[2] != k ||
		v.pads != nil ||
		c.arg(2) != nil {
		return nil, false, nil
	}
	s, err := c.window(w.dims[2:], d[2:])
	if err != nil || s.stride[0] != 1 || s.dilation[0] != 1 || s.pad != (blocks.Pad{Top: k / 2, Bottom: k / 2}) {
		return nil, false, err
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, false, err
	}
	// A sequence of one channel is no vector: there the pixels lie along axis 2.
	if sh := r.nodes[p.node].Shape; !sh.IsVector() || !r.whole(p) {
		return nil, false, nil
	}
	r.sources = []string{w.name}
	out, err := r.each(&blocks.ChannelConv{Kernel: k}, [][]float32{w.f}, p)
	return out, true, err
}

// readCondConv takes a convolution with weights that a linear layer makes of shares.
func readCondConv(r *reader, c call, v, mixed *value) ([]*value, error) {
	mixed, err := r.plain(mixed)
	if err != nil {
		return nil, err
	}
	d := mixed.extents()
	lin := r.nodes[mixed.node]
	l, ok := lin.Op.(*blocks.Linear)
	if !ok || l.Bias || len(d) != 4 || slices.Min(d) < 1 || v.batch() != nil || c.arg(2) != nil || !r.whole(mixed) ||
		!slices.EqualFunc(mixed.axes, dense(d, []int{0, 1, 2, 3}), func(a, b axis) bool { return slices.Equal(a, b) }) {
		return nil, errors.New(
			"with weights that are computed otherwise than a mixture of experts, of several images or with a bias",
		)
	}
	shares := r.nodes[lin.Inputs[0]].Shape
	dv := v.extents()
	if !shares.IsVector() || len(dv) != 4 {
		return nil, errors.New("with weights that are computed from a map")
	}
	s, err := c.window(d[2:], dv[2:])
	if err != nil {
		return nil, err
	}
	op := &blocks.CondConv{
		Experts:  shares.C,
		Out:      d[0],
		Kernel:   s.kernel,
		Stride:   s.stride,
		Dilation: s.dilation,
		Groups:   c.intAttr("group", 1),
	}
	v, extra := withoutPad(v)
	op.Pad = plus(s.pad, extra)
	if v, err = r.chw(v); err != nil {
		return nil, err
	}
	if g := op.Groups; g < 1 || float64(g)*float64(d[1]) != float64(dv[1]) {
		return nil, fmt.Errorf("of %d channels in %d groups with weights %v", dv[1], op.Groups, short(d))
	}
	w := r.weights[mixed.node][0]
	if err := r.charge(8 * len(w)); err != nil {
		return nil, err
	}
	each := len(w) / shares.C
	all := w
	if !r.unread(w) {
		all = make([]float32, 0, len(w))
		for e := range shares.C {
			all = append(all, permute(w[e*each:][:each], d[0], d[1], d[2]*d[3])...)
		}
	}
	node, err := r.add("", op, [][]float32{all}, v.node, lin.Inputs[0])
	if err != nil {
		return nil, err
	}
	return []*value{r.mapOf(node, 4, nil)}, nil
}

// onChannels returns v as a node's activation whose channels are its axis 1.
func (r *reader) onChannels(v *value) (*value, error) {
	if v.rank() < 2 {
		return nil, fmt.Errorf("of rank %d, want N x C and more", v.rank())
	}
	p, err := r.plain(v)
	if err != nil {
		return nil, err
	}
	c := r.nodes[p.node].Shape.C
	if a := p.axes[1]; r.whole(p) && (len(a) == 0 && c == 1 || len(a) == 1 && a[0] == blocks.Stride{N: c, Step: 1}) {
		return p, nil
	}
	order := slices.DeleteFunc(p.order(), func(k int) bool { return k == 1 })
	n := len(order)
	return r.lay(p, order[:max(0, n-1)], order[max(0, n-1):], []int{1})
}

// epsilon reads an epsilon; a float32 of a short decimal fraction stands for the
// fraction.
func (c call) epsilon() (float64, error) {
	eps := decimal(c.floatAttr("epsilon", 1e-5))
	if !(eps > 0) || math.IsInf(eps, 0) {
		return 0, fmt.Errorf("epsilon is %v", eps)
	}
	return eps, nil
}

// decimal returns the power of ten that a float32 stands for, any other number as it is.
func decimal(v float64) float64 {
	if e := math.Pow(10, math.Round(math.Log10(v))); float32(e) == float32(v) {
		return e
	}
	return v
}

// channelTensors returns inputs from first to last, each of n constants.
func (r *reader) channelTensors(c call, first, last, n int) (ts [][]float32, err error) {
	r.sources = nil
	for i := first; i <= last; i++ {
		t, err := c.floats(i)
		if err != nil {
			return nil, err
		}
		if len(t.f) != n {
			return nil, fmt.Errorf("input %d has %d values for %d channels", i, len(t.f), n)
		}
		ts = append(ts, t.f)
		r.sources = append(r.sources, t.name)
	}
	return ts, nil
}

func readBatchNorm(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if v, err = r.onChannels(v); err != nil {
		return nil, err
	}
	eps, err := c.epsilon()
	if err != nil {
		return nil, err
	}
	tensors, err := r.channelTensors(c, 1, 4, r.nodes[v.node].Shape.C)
	if err != nil {
		return nil, err
	}
	return one(r.each(&blocks.BatchNorm{Epsilon: eps}, tensors, v))
}

func readLRN(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if v, err = r.onChannels(v); err != nil {
		return nil, err
	}
	return one(
		r.each(
			&blocks.LRN{
				Size:  c.intAttr("size", 0),
				Alpha: c.floatAttr("alpha", 1e-4),
				Beta:  c.floatAttr("beta", 0.75),
				Bias:  c.floatAttr("bias", 1),
			},
			nil,
			v,
		),
	)
}

func readPRelu(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	t, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	if len(t.f) == 1 {
		return one(r.each(&blocks.Unary{Func: "leaky_relu", Alpha: float64(t.f[0])}, nil, v))
	}
	d := v.extents()
	axis := len(t.dims) - len(d) + 1
	if len(d) < 2 || axis < 0 || axis >= len(t.dims) || t.dims[axis] != d[1] || len(t.f) != d[1] {
		return nil, fmt.Errorf("with slopes %v over %v: want one number, or one for each channel", short(t.dims), short(d))
	}
	if v, err = r.onChannels(v); err != nil {
		return nil, err
	}
	r.sources = []string{t.name}
	return one(r.each(&blocks.PReLU{}, [][]float32{t.f}, v))
}
