package onnx

import (
	"fmt"
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
	if len(d) < 3 || len(d) > 4 {
		return nil, fmt.Errorf("of rank %d, want one or two dimensions", len(d))
	}
	k := c.attrs["kernel_shape"].ints
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
