package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"MaxPool": {
			attrs: "auto_pad ceil_mode dilations kernel_shape pads storage_order=0 strides",
			in:    oneInput,
			apply: readPool,
		},
		"AveragePool": {
			attrs: "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides",
			in:    oneInput,
			apply: readPool,
		},
		"GlobalAveragePool": {in: oneInput, apply: globalPool(blocks.AvgPool)},
		"GlobalMaxPool":     {in: oneInput, apply: globalPool(blocks.MaxPool)},
		"Pad":               {attrs: "mode pads paddings value", in: [2]int{1, 4}, apply: readPad},
	})
}

// Operators that pad and pool.

func readPad(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	mode := c.textAttr("mode", "constant")
	if !slices.Contains([]string{"constant", "edge", "reflect", "wrap"}, mode) {
		return nil, fmt.Errorf("of mode %.40q", mode)
	}
	fill := c.floatAttr("value", 0)
	if c.arg(2) != nil {
		if fill, err = c.number(2, 0); err != nil {
			return nil, err
		}
	}
	p := c.attrs["pads"].ints
	if c.arg(1) != nil {
		if p, err = c.ints(1); err != nil {
			return nil, err
		}
	}
	rank := v.rank()
	axes := make([]int, 0, rank)
	for i := range rank {
		axes = append(axes, i)
	}
	if c.arg(3) != nil { // since opset 18, for some axes only
		if axes, err = c.ints(3); err != nil {
			return nil, err
		}
	}
	if len(p) != 2*len(axes) {
		return nil, fmt.Errorf("by %v of rank %d", short(p), rank)
	}
	pads := make([][2]int, rank)
	any := false
	for i, a := range axes {
		k, err := oneAxis(a, rank)
		if err != nil {
			return nil, err
		}
		pads[k] = [2]int{p[i], p[len(axes)+i]}
		if max(pads[k][0], pads[k][1]) > 1<<20 {
			return nil, fmt.Errorf("by %v", short(p))
		}
		any = any || pads[k] != [2]int{}
		if mode != "constant" && min(pads[k][0], pads[k][1]) < 0 && max(pads[k][0], pads[k][1]) > 0 {
			return nil, fmt.Errorf("of mode %s by %v, which cuts and pads axis %d, about which runtimes differ: "+
				"export it as a Slice and a Pad", mode, short(p), k)
		}
	}
	if !any {
		return []*value{v}, nil
	}
	if pads[0] != [2]int{} && v.axes[0].batched() {
		return nil, errBatch
	}
	negative := slices.ContainsFunc(pads, func(q [2]int) bool { return min(q[0], q[1]) < 0 })
	if mode != "constant" || fill != 0 || negative {
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
		return one(r.bordered(v, pads, map[bool]string{true: "", false: mode}[mode == "constant"], fill))
	}
	// Zeros are put off: a layer with padding of its own may take them in.
	if v.scaled() {
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	w := *v
	w.done, w.laid = nil, nil
	w.pads = pads
	for i, q := range v.pads {
		w.pads[i][0] += q[0]
		w.pads[i][1] += q[1]
	}
	return []*value{&w}, nil
}

func readPool(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	d := v.extents()
	k := c.attrs["kernel_shape"].ints
	if len(d) > 4 && len(k) == len(d)-2 {
		return r.poolSome(c, v)
	}
	if len(d) < 3 || len(d) > 4 {
		return nil, fmt.Errorf("of rank %d, want one or two dimensions", len(d))
	}
	s, err := c.window(k, d[2:])
	if err != nil {
		return nil, err
	}
	if auto := c.textAttr("auto_pad", ""); s.dilation != [2]int{1, 1} && strings.HasPrefix(auto, "SAME") {
		return nil, fmt.Errorf("dilated with auto_pad %s, about which runtimes differ: export it with pads", auto)
	}
	if s.kernel == [2]int{1, 1} && s.stride == [2]int{1, 1} && s.pad == (blocks.Pad{}) {
		return one(r.plain(v)) // adaptive pooling to the extent that is there
	}
	if c.intAttr("ceil_mode", 0) == 0 {
		s.pad.Bottom = s.reached(0, d[2], s.pad.Top, s.pad.Bottom)
		if len(d) > 3 {
			s.pad.Right = s.reached(1, d[3], s.pad.Left, s.pad.Right)
		}
	}
	op := &blocks.Pool{
		Pool:     blocks.MaxPool,
		Kernel:   s.kernel,
		Stride:   s.stride,
		Dilation: s.dilation,
		Pad:      s.pad,
		Ceil:     c.intAttr("ceil_mode", 0) != 0,
	}
	if c.op == "AveragePool" {
		op.Pool, op.CountPad = blocks.AvgPool, c.intAttr("count_include_pad", 0) != 0
	}
	// Zeros of a padding operator count in a mean like any value.
	none := blocks.Pad{}
	if bare, p := withoutPad(v); p != none && op.Pool == blocks.AvgPool && !op.Ceil && op.Pad == none &&
		max(p.Top, p.Bottom) < s.kernel[0] && max(p.Left, p.Right) < s.kernel[1] &&
		s.dilation == [2]int{1, 1} {
		v, op.Pad, op.CountPad = bare, p, true
	}
	if v, err = r.chw(v); err != nil {
		return nil, err
	}
	sh := r.nodes[v.node].Shape
	var node int
	if op.Pad == (blocks.Pad{}) && s.kernel == [2]int{sh.H, sh.W} && s.dilation == [2]int{1, 1} {
		node, err = r.add("", &blocks.GlobalPool{Pool: op.Pool}, nil, v.node)
	} else {
		if op.Pad == (blocks.Pad{}) {
			op.CountPad = false
		}
		node, err = r.add("", op, nil, v.node)
	}
	if err != nil {
		return nil, err
	}
	return []*value{r.mapOf(node, len(d), v.batch())}, nil
}

// reached is the padding behind n pixels, without what no window reaches where it is as large as a window:
// exporters without ceil_mode pad so far that the last window is whole, and then some.
func (s sliding) reached(i, n, before, behind int) int {
	size := (s.kernel[i]-1)*s.dilation[i] + 1
	rest := n + before + behind - size
	if behind < size || rest < 0 {
		return behind
	}
	return max(0, behind-rest%s.stride[i])
}

// poolSome pools over more than two dimensions, of which one or two have a window: the others are
// seen as channels.
func (r *reader) poolSome(c call, v *value) ([]*value, error) {
	d := v.extents()
	bare := call{nodeProto: &nodeProto{op: c.op, attrs: maps.Clone(c.attrs), out: c.out}}
	n := len(d) - 2
	for _, name := range []string{"kernel_shape", "strides", "dilations", "pads"} {
		a, ok := c.attrs[name]
		if ok && len(a.ints)%n != 0 || len(a.ints) > 2*n {
			return nil, fmt.Errorf("%s are %v, want %d numbers", name, short(a.ints), n)
		}
		a.ints = nil
		bare.attrs[name] = a
	}
	active, rest := []int{}, []int{0, 1}
	for i := range n {
		trivial := true
		for _, name := range []string{"kernel_shape", "strides", "dilations", "pads"} {
			for k, x := range c.attrs[name].ints {
				trivial = trivial && (k%n != i || x == map[bool]int{true: 0, false: 1}[name == "pads"])
			}
		}
		if trivial {
			rest = append(rest, 2+i)
		} else {
			active = append(active, i)
		}
	}
	if len(active) < 1 || len(active) > 2 {
		return nil, fmt.Errorf("of rank %d, want windows along one or two dimensions", len(d))
	}
	perm, shape, back := slices.Clone(rest), []int{d[0], 1}, make([]int, len(d))
	for _, k := range rest[1:] {
		shape[1] *= d[k]
	}
	for _, i := range active {
		perm, shape = append(perm, 2+i), append(shape, d[2+i])
	}
	for name, a := range bare.attrs {
		if _, ok := c.attrs[name]; !ok {
			delete(bare.attrs, name)
			continue
		}
		for k, x := range c.attrs[name].ints {
			if slices.Contains(active, k%n) {
				a.ints = append(a.ints, x)
			}
		}
		bare.attrs[name] = a
	}
	v, err := r.reshape(transposed(v, perm), shape)
	if err != nil {
		return nil, err
	}
	bare.in = []*value{v}
	out, err := readPool(r, bare)
	if err != nil {
		return nil, err
	}
	var ext []int
	for i, k := range perm {
		back[k] = i
		if i < len(rest) {
			ext = append(ext, d[k])
		}
	}
	out[0], err = r.reshape(out[0], append(ext, out[0].extents()[2:]...))
	if err != nil {
		return nil, err
	}
	return []*value{transposed(out[0], back)}, nil
}

func globalPool(kind blocks.PoolKind) apply {
	return func(r *reader, c call) ([]*value, error) {
		v, err := c.activation(0)
		if err != nil {
			return nil, err
		}
		rank := v.rank()
		if rank < 3 {
			return nil, fmt.Errorf("of rank %d, want N x C x L or N x C x H x W", rank)
		}
		if v, err = r.chw(v); err != nil {
			return nil, err
		}
		node, err := r.add("", &blocks.GlobalPool{Pool: kind}, nil, v.node)
		if err != nil {
			return nil, err
		}
		return []*value{r.mapOf(node, rank, v.batch())}, nil
	}
}
