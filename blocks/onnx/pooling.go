package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"nas/blocks"
)

// Operators that pad, pool or resize.

func readPad(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	if mode := c.textAttr("mode", "constant"); mode != "constant" {
		return nil, fmt.Errorf("of mode %.40q", mode)
	}
	fill := c.floatAttr("value", 0)
	if c.arg(2) != nil {
		t, err := c.floats(2)
		if err != nil || len(t.f) != 1 {
			return nil, errors.New("its value must be a constant number")
		}
		fill = float64(t.f[0])
	}
	p := c.attrs["pads"].ints
	if c.arg(1) != nil {
		if p, err = c.ints(1); err != nil {
			return nil, err
		}
	}
	if c.arg(3) != nil { // since opset 18, for some axes only
		axes, err := c.ints(3)
		if err != nil || len(p) != 2*len(axes) {
			return nil, errors.New("its axes must be constants, half as many as its pads")
		}
		all := make([]int, 8)
		for i, a := range axes {
			if a < 0 {
				a += 4
			}
			if a < 0 || a > 3 {
				return nil, fmt.Errorf("along axis %d", axes[i])
			}
			all[a], all[a+4] = p[i], p[len(axes)+i]
		}
		p = all
	}
	if v.view != asMap || len(v.dims) != 4 || len(p) != 8 || p[0]|p[1]|p[4]|p[5] != 0 || slices.Min(p) < 0 ||
		slices.Max(p) > 1<<20 || fill != 0 {
		return nil, fmt.Errorf("by %v with %v, want zeros around height and width of a map", short(p), fill)
	}
	if v.gate || v.a != 1 || v.b != 0 {
		if v, err = r.plain(v); err != nil {
			return nil, err
		}
	}
	w := *v // padding upon padding adds up
	w.done = nil
	w.pad = plus(v.pad, blocks.Pad{Top: p[2], Left: p[3], Bottom: p[6], Right: p[7]})
	w.dims = []int{v.dims[0], v.dims[1], v.dims[2] + p[2] + p[6], v.dims[3] + p[3] + p[7]}
	return []*value{&w}, nil
}

func readPool(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	k := c.attrs["kernel_shape"].ints
	if v.view != asMap || len(v.dims) != 4 || len(k) != 2 || min(k[0], k[1]) < 1 {
		return nil, fmt.Errorf("of %s with kernel_shape %v, want a map and two positive numbers", viewNames[v.view], short(k))
	}
	op := &blocks.Pool{Pool: blocks.MaxPool, Kernel: [2]int{k[0], k[1]}, Ceil: c.intAttr("ceil_mode", 0) != 0}
	if c.op == "AveragePool" {
		op.Pool, op.CountPad = blocks.AvgPool, c.intAttr("count_include_pad", 0) != 0
	}
	var dilation [2]int
	if op.Stride, dilation, op.Pad, err = c.window(op.Kernel, v.dims[2], v.dims[3]); err != nil {
		return nil, err
	}
	if dilation != [2]int{1, 1} || len(c.out) > 1 && c.out[1] != "" {
		return nil, errors.New("with dilation or indices")
	}
	// Zeros of a padding operator count in a mean like any value.
	if bare, p := withoutPad(r, v); p != (blocks.Pad{}) && op.Pool == blocks.AvgPool && !op.Ceil &&
		(op.CountPad || op.Pad == blocks.Pad{}) &&
		max(p.Top, p.Bottom) < k[0] && max(p.Left, p.Right) < k[1] && op.Pad == (blocks.Pad{}) {
		v, op.Pad, op.CountPad = bare, p, true
	}
	if v, err = r.plain(v); err != nil {
		return nil, err
	}
	if op.Pad == (blocks.Pad{}) && k[0] == v.dims[2] && k[1] == v.dims[3] {
		return one(r.add("", &blocks.GlobalPool{Pool: op.Pool}, nil, v))
	}
	if op.Pad == (blocks.Pad{}) {
		op.CountPad = false
	}
	return one(r.add("", op, nil, v))
}

func globalPool(kind blocks.PoolKind) func(r *reader, c call) ([]*value, error) {
	return func(r *reader, c call) ([]*value, error) {
		v, err := r.map0(c)
		if err != nil {
			return nil, err
		}
		if len(v.dims) != 4 {
			return nil, fmt.Errorf("of dims %v, want a map", v.dims)
		}
		return one(r.add("", &blocks.GlobalPool{Pool: kind}, nil, v))
	}
}

// readReduce takes means, maxima and sums over height and width, and means and
// maxima over channels.
func readReduce(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	axes, err := c.axes(1, len(v.dims))
	if err != nil {
		return nil, err
	}
	pixels := len(v.dims) == 4 && slices.Equal(axes, []int{2, 3})
	channels := len(v.dims) == 4 && slices.Equal(axes, []int{1})
	kind := blocks.AvgPool
	if c.op == "ReduceMax" {
		kind = blocks.MaxPool
	}
	var out *value
	switch {
	case pixels && c.op == "ReduceSum":
		out, err = r.add("", &blocks.SumPixels{}, nil, v)
	case pixels:
		out, err = r.add("", &blocks.GlobalPool{Pool: kind}, nil, v)
	case channels && c.op != "ReduceSum":
		out, err = r.add("", &blocks.ChannelPool{Pool: kind}, nil, v)
	default:
		return nil, fmt.Errorf("over axes %v of %v", short(axes), short(v.dims))
	}
	if err == nil && c.intAttr("keepdims", 1) == 0 {
		if pixels {
			out.dims = out.dims[:2]
		} else {
			out.dims, out.view = []int{v.dims[0], v.dims[2], v.dims[3]}, asPlane
		}
	}
	return one(out, err)
}

func readResize(r *reader, c call) ([]*value, error) {
	v, err := r.map0(c)
	if err != nil {
		return nil, err
	}
	if len(v.dims) != 4 {
		return nil, fmt.Errorf("of dims %v, want a map", v.dims)
	}
	s := r.nodes[v.node].Shape
	op := &blocks.Resize{}
	scalesAt, sizesAt := 2, 3
	if c.op == "Upsample" || r.opset < 11 {
		scalesAt, sizesAt = 1, 9
	}
	if sizes := c.arg(sizesAt); sizes != nil {
		d, err := c.ints(sizesAt)
		if err != nil || len(d) != 4 || d[1] != s.C {
			return nil, errors.New("its sizes must be four constants that keep the channels")
		}
		op.H, op.W = d[2], d[3]
	} else {
		t, err := c.floats(scalesAt)
		if err != nil || len(t.f) != 4 || t.f[0] != 1 || t.f[1] != 1 {
			return nil, errors.New("its scales must be four constants that keep batch and channels")
		}
		op.H = int(toInt(math.Floor(float64(s.H) * float64(t.f[2]))))
		op.W = int(toInt(math.Floor(float64(s.W) * float64(t.f[3]))))
		if float64(op.H) != float64(s.H)*float64(t.f[2]) || float64(op.W) != float64(s.W)*float64(t.f[3]) {
			return nil, fmt.Errorf("by scales %v of %v, which give no whole number of pixels", t.f[2:], s)
		}
	}
	if op.H < 1 || op.W < 1 {
		return nil, fmt.Errorf("to %d x %d", op.H, op.W)
	}
	missing := "half_pixel"
	if r.opset < 11 {
		missing = "asymmetric"
	}
	mode, nearest := c.textAttr("mode", "nearest"), c.textAttr("nearest_mode", "round_prefer_floor")
	coordinates := c.textAttr("coordinate_transformation_mode", missing)
	if r.opset < 11 {
		nearest = "floor"
	}
	whole := op.H%s.H == 0 && op.W%s.W == 0
	switch {
	case op.H == s.H && op.W == s.W:
		return []*value{v}, nil
	case mode == "linear" && coordinates == "half_pixel",
		mode == "linear" && coordinates == "pytorch_half_pixel" && (op.H > 1 || s.H == 1) && (op.W > 1 || s.W == 1),
		mode == "linear" && s.H == 1 && s.W == 1:
	case mode == "linear" && coordinates == "align_corners":
		op.AlignCorners = true
	case mode == "nearest" && coordinates == "asymmetric" && nearest == "floor",
		mode == "nearest" && whole && (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel") &&
			(nearest == "round_prefer_floor" || nearest == "round_prefer_ceil"),
		mode == "nearest" && s.H == 1 && s.W == 1:
		op.Mode = blocks.Nearest
	default:
		return nil, fmt.Errorf("of mode %.40q, coordinates %.40q, rounding %.40q from %v to %d x %d",
			mode, coordinates, nearest, s, op.H, op.W)
	}
	return one(r.add("", op, nil, v))
}
