package onnx

import (
	"math"
	"slices"
)

type maker struct {
	name string
	make func(g *generator)
}

// unaryKinds have no attributes and no domain that normal numbers leave.
var unaryKinds = []string{
	"Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "Exp", "Abs", "Neg", "Erf", "Floor", "Ceil", "Sign", "Sin", "Cos", "Identity",
	"Elu", "Selu", "LeakyRelu", "HardSigmoid", "ThresholdedRelu", "Round",
}

var makers []maker

func init() {
	makers = append(makers, []maker{
		{"unary", drawUnary},
		{"HardSwish", drawHardSwish},
		{"settings", drawSettings},
		{"Clip", drawClip},
		{"constant operand", drawConstantOperand},
		{"two activations", drawTwoActivations},
		{"Conv", drawConv},
		{"ConvTranspose", drawConvTranspose},
		{"BatchNormalization", drawBatchNormalization},
		{"pool", drawPool},
		{"global pool", drawGlobalPool},
		{"Pad", drawPad},
		{"reduce", drawReduce},
		{"Softmax", drawSoftmax},
		{"Transpose", drawTranspose},
		{"Reshape", drawReshape},
		{"Flatten", drawFlatten},
		{"Squeeze", drawSqueeze},
		{"Unsqueeze", drawUnsqueeze},
		{"Slice", drawSlice},
		{"Concat", drawConcat},
		{"Gather", drawGather},
		{"Expand", drawExpand},
		{"Tile", drawTile},
		{"space", drawSpace},
		{"MatMul", drawMatMul},
		{"attention", drawAttention},
		{"Gemm", drawGemm},
		{"InstanceNormalization", drawInstanceNormalization},
		{"LayerNormalization", drawLayerNormalization},
		{"LRN", drawLRN},
		{"Resize", drawResize},
	}...)
}

func drawUnary(g *generator) {
	g.op(pick(g, unaryKinds...), nil)
}

func drawHardSwish(g *generator) {
	if g.opset >= 14 {
		g.op("HardSwish", nil)
	}

}

func drawSettings(g *generator) {
	switch g.IntN(4) {
	case 0:
		g.op("LeakyRelu", nil, attr{Name: "alpha", Value: g.Float64()})
	case 1:
		g.op("HardSigmoid", nil, attr{Name: "alpha", Value: g.Float64()}, attr{Name: "beta", Value: g.Float64()})
	case 2:
		g.op("Elu", nil, attr{Name: "alpha", Value: 0.1 + g.Float64()})
	case 3:
		g.op("Celu", nil, attr{Name: "alpha", Value: 0.1 + g.Float64()})
	}

}

func drawClip(g *generator) {
	if g.opset < 11 {
		g.op("Clip", nil, append(g.maybe(0.7, attr{Name: "min", Value: g.NormFloat64() - 1}),
			g.maybe(0.7, attr{Name: "max", Value: g.NormFloat64() + 2})...)...)
		return
	}
	lo, hi := g.constant(constant{floats: []float32{float32(g.NormFloat64()) - 1}}), g.constant(
		constant{floats: []float32{float32(g.NormFloat64()) + 2}},
	)
	g.op("Clip", pick(g, []string{lo, hi}, []string{lo}, []string{"", hi}, nil))

}

func drawConstantOperand(g *generator) {
	c := g.floats(g.broadcastable()...)
	kind := pick(g, "Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu")
	if kind == "PRelu" || g.IntN(2) == 0 {
		g.op(kind, []string{c})
		return
	}
	x := g.at
	g.at = c
	g.op(kind, []string{x})

}

func drawTwoActivations(g *generator) {
	x := g.at
	switch g.IntN(5) {
	case 0:
		g.op("Sigmoid", nil)
	case 1:
		g.axesOp("ReduceMean", []int{g.axis()}, attr{Name: "keepdims", Value: 1})
	case 2:
		g.axesOp("ReduceSum", []int{g.axis()}, attr{Name: "keepdims", Value: 1})
	case 3:
		p := g.Perm(len(g.dims))
		g.op("Transpose", nil, attr{Name: "perm", Value: p})
	case 4:
		g.op("Relu", nil)
	}
	y := g.at
	if g.IntN(2) == 0 {
		x, y = y, x
	}
	g.at = x
	g.op(pick(g, "Add", "Sub", "Mul", "Max", "Min"), []string{y})

}

func drawConv(g *generator) {
	if len(g.dims) < 3 {
		return
	}
	k := g.kernel()
	groups := g.groups()
	out := groups * (1 + g.IntN(4))
	in := []string{g.floats(append([]int{out, g.dims[1] / groups}, k...)...)}
	if g.IntN(2) == 0 {
		in = append(in, g.floats(out))
	}
	a := append(g.window(k, true), attr{Name: "group", Value: groups})
	g.op("Conv", in, append(a, g.maybe(0.5, attr{Name: "kernel_shape", Value: k})...)...)

}

func drawConvTranspose(g *generator) {
	if len(g.dims) < 3 {
		return
	}
	k := g.kernel()
	groups := g.groups()
	per := 1 + g.IntN(3)
	in := []string{g.floats(append([]int{g.dims[1], per}, k...)...)}
	if g.IntN(2) == 0 {
		in = append(in, g.floats(groups*per))
	}
	a := append(g.window(k, true), attr{Name: "group", Value: groups})
	extra := make([]int, len(k))
	for i := range extra {
		extra[i] = g.IntN(3)
	}
	a = append(a, g.maybe(0.2, attr{Name: "output_padding", Value: extra})...)
	if g.IntN(6) == 0 {
		shape := make([]int, len(k))
		for i := range shape {
			shape[i] = g.dims[2+i] + g.IntN(3*g.dims[2+i])
		}
		a = append(a, attr{Name: "output_shape", Value: shape})
	}
	g.op("ConvTranspose", in, a...)

}

func drawBatchNormalization(g *generator) {
	c := g.dims[1]
	v := make([]float32, c)
	for i := range v {
		v[i] = 0.5 + g.Float32()
	}
	g.op(
		"BatchNormalization",
		[]string{g.floats(c), g.floats(c), g.floats(c), g.constant(constant{dims: []int{c}, floats: v})},
		g.maybe(0.5, attr{Name: "epsilon", Value: pick(g, 1e-3, 0.1, 1e-7)})...,
	)

}

func drawPool(g *generator) {
	if len(g.dims) < 3 {
		return
	}
	k := g.kernel()
	if len(k) == 3 {
		k[g.IntN(3)] = 1
	}
	kind := pick(g, "MaxPool", "AveragePool")
	dilated := kind == "MaxPool" && g.opset >= 10 || g.opset >= 19
	a := append(g.window(k, dilated), attr{Name: "kernel_shape", Value: k})
	if g.opset >= 10 {
		a = append(a, g.maybe(0.3, attr{Name: "ceil_mode", Value: 1})...)
	}
	if kind == "AveragePool" {
		a = append(a, g.maybe(0.4, attr{Name: "count_include_pad", Value: 1})...)
	}
	g.op(kind, nil, a...)

}

func drawGlobalPool(g *generator) {
	if len(g.dims) < 3 {
		return
	}
	g.op(pick(g, "GlobalAveragePool", "GlobalMaxPool"), nil)
}

func drawPad(g *generator) {
	r := len(g.dims)
	p := make([]int, 2*r)
	for i := range p {
		if g.IntN(2) == 0 && i%r > 0 {
			p[i] = g.IntN(3)
			if g.IntN(8) == 0 {
				p[i] = -1
			}
		}
	}
	mode := g.maybe(0.5, attr{Name: "mode", Value: pick(g, "constant", "edge", "reflect", "wrap")})
	if g.opset < 11 {
		g.op("Pad", nil, append(append(mode, g.maybe(0.3, attr{Name: "value", Value: g.Float64()})...),
			attr{Name: "pads", Value: p})...)
		return
	}
	in := []string{g.ints(p...), ""}
	if g.IntN(3) == 0 {
		in[1] = g.constant(constant{floats: []float32{g.Float32()}})
	}
	if g.opset >= 18 && g.IntN(3) == 0 {
		a := g.axis()
		in = []string{g.ints(g.IntN(3), g.IntN(3)), in[1], g.ints(a)}
	}
	g.op("Pad", in, mode...)

}

func drawReduce(g *generator) {
	axes := []int{g.axis()}
	if g.IntN(2) == 0 {
		axes = g.Perm(len(g.dims))[:1+g.IntN(len(g.dims))]
		for i := range axes {
			axes[i] -= len(g.dims) * g.IntN(2)
		}
	}
	keep := attr{Name: "keepdims", Value: g.IntN(2)}
	kind := pick(
		g,
		"ReduceMean",
		"ReduceMax",
		"ReduceMin",
		"ReduceL1",
		"ReduceL2",
		"ReduceSumSquare",
		"ReduceSum",
		"ReduceProd",
		"ReduceLogSumExp",
	)
	switch g.IntN(8) {
	case 0:
		g.op(kind, nil, keep)
	case 1:
		if g.opset >= axesInput[kind] {
			g.op(kind, nil, keep, attr{Name: "noop_with_empty_axes", Value: 1})
		}
	default:
		g.axesOp(kind, axes, keep)
	}
}

func drawSoftmax(g *generator) {
	g.op(pick(g, "Softmax", "LogSoftmax"), nil, g.maybe(0.8, attr{Name: "axis", Value: g.axis()})...)
}

func drawTranspose(g *generator) {
	g.op("Transpose", nil, g.maybe(0.9, attr{Name: "perm", Value: g.Perm(len(g.dims))})...)
}

func drawReshape(g *generator) {
	n := elems(g.dims)
	var to []int
	for n > 1 && len(to) < 4 {
		d := 1
		for k := 2; k <= n; k++ {
			if n%k == 0 && g.IntN(2) == 0 {
				d = k
				break
			}
		}
		to = append(to, d)
		n /= d
	}
	to = append(to, n)
	if g.IntN(2) == 0 {
		to[g.IntN(len(to))] = -1
	}
	g.op("Reshape", []string{g.ints(to...)})

}

func drawFlatten(g *generator) {
	g.op("Flatten", nil, g.maybe(0.8, attr{Name: "axis", Value: g.IntN(2*len(g.dims)+1) - len(g.dims)})...)
}

func drawSqueeze(g *generator) {
	var ones []int
	for k, d := range g.dims {
		if d == 1 && g.IntN(2) == 0 {
			ones = append(ones, k-len(g.dims)*g.IntN(2))
		}
	}
	if len(ones) == 0 {
		g.op("Squeeze", nil)
		return
	}
	g.axesOp("Squeeze", ones)
}

func drawUnsqueeze(g *generator) {
	r := len(g.dims) + 1
	axes := []int{g.IntN(2*r) - r}
	if g.IntN(3) == 0 {
		axes = []int{g.IntN(r + 1), -1}
	}
	g.axesOp("Unsqueeze", axes)
}

func drawSlice(g *generator) {
	a := g.axis()
	n := g.dims[(a+len(g.dims))%len(g.dims)]
	step := pick(g, 1, 1, 2, -1, -2)
	from, to := g.IntN(n+1), g.IntN(n+2)-n/2
	if step < 0 {
		from, to = n-1-g.IntN(2), -n-1+g.IntN(2)
	}
	if g.IntN(6) == 0 {
		to = pick(g, math.MaxInt32, math.MaxInt64)
		if step < 0 {
			to = pick(g, math.MinInt32, -math.MaxInt64)
		}
	}
	if g.opset < 10 {
		g.op("Slice", nil, append(g.maybe(0.9, attr{Name: "axes", Value: []int{a}}),
			attr{Name: "starts", Value: []int{from}}, attr{Name: "ends", Value: []int{to}})...)
		return
	}
	if len(g.dims) > 1 && g.IntN(4) == 0 {
		b := (a + len(g.dims) + 1) % len(g.dims)
		g.op("Slice", []string{g.ints(from, -1), g.ints(to, -g.dims[b]-1), g.ints(a, b), g.ints(step, -1)})
		return
	}
	in := []string{g.ints(from), g.ints(to), g.ints(a), g.ints(step)}
	if step == 1 && g.IntN(2) == 0 {
		in = in[:2+g.IntN(2)]
	}
	g.op("Slice", in)

}

func drawConcat(g *generator) {
	x := g.at
	g.op(pick(g, "Relu", "Tanh"), nil)
	y := g.at
	g.at = x
	g.op("Concat", []string{y, x, g.floats(g.dims...)}[:1+g.IntN(3)], attr{Name: "axis", Value: g.axis()})

}

func drawGather(g *generator) {
	a := g.axis()
	n := g.dims[(a+len(g.dims))%len(g.dims)]
	if g.IntN(3) == 0 {
		g.op("Gather", []string{g.constant(constant{ints: []int{g.IntN(n)}})}, attr{Name: "axis", Value: a})
		return
	}
	list := make([]int, 1+g.IntN(4))
	for i := range list {
		list[i] = g.IntN(2*n) - n
	}
	if len(list) == 4 && g.IntN(2) == 0 {
		g.op("Gather", []string{g.constant(constant{dims: []int{2, 2}, ints: list})}, attr{Name: "axis", Value: a})
		return
	}
	g.op("Gather", []string{g.ints(list...)}, attr{Name: "axis", Value: a})

}

func drawExpand(g *generator) {
	d := slices.Clone(g.dims)
	for i := range d {
		if d[i] == 1 && i > 0 {
			d[i] = 1 + g.IntN(3)
		}
	}
	if g.IntN(4) == 0 {
		d = d[g.IntN(len(d)):]
	} else if g.IntN(6) == 0 {
		d = append([]int{1}, d...)
	}
	g.op("Expand", []string{g.ints(d...)})

}

func drawTile(g *generator) {
	d := make([]int, len(g.dims))
	for i := range d {
		d[i] = 1
		if i > 0 {
			d[i] = 1 + g.IntN(2)
		}
	}
	g.op("Tile", []string{g.ints(d...)})

}

func drawSpace(g *generator) {
	if len(g.dims) != 4 {
		return
	}
	b := 1 + g.IntN(3)
	size := attr{Name: "blocksize", Value: b}
	if g.IntN(2) == 0 {
		g.op("SpaceToDepth", nil, size)
	} else {
		g.op("DepthToSpace", nil, append(g.maybe(0.5, attr{Name: "mode", Value: "CRD"}), size)...)
	}

}

func drawMatMul(g *generator) {
	r := len(g.dims)
	switch g.IntN(8) {
	case 0:
		g.at = g.node("MatMul", []string{g.floats(1+g.IntN(4), g.dims[r-2]), g.at})
	case 1:
		g.op("MatMul", []string{g.floats(g.dims[r-1])})
	case 2:
		d := slices.Clone(g.dims)
		d[r-2], d[r-1] = d[r-1], 1+g.IntN(4)
		if g.IntN(2) == 0 {
			d[0] = 1
		}
		g.op("MatMul", []string{g.floats(d...)})
	default:
		g.op("MatMul", []string{g.floats(g.dims[r-1], 1+g.IntN(5))})
	}

}

func drawAttention(g *generator) {
	if len(g.dims) < 3 || len(g.dims) > 5 {
		return
	}
	x := g.at
	r := len(g.dims)
	p := []int{0, 1, 2, 3, 4}[:r]
	p[r-1], p[r-2] = p[r-2], p[r-1]
	g.op("Transpose", nil, attr{Name: "perm", Value: p})
	y := g.at
	if g.IntN(2) == 0 {
		x, y = y, x
	}
	g.at = x
	g.op("MatMul", []string{y})

}

func drawGemm(g *generator) {
	if len(g.dims) != 2 {
		return
	}
	n, out := g.dims[1], 1+g.IntN(5)
	w, a := []int{n, out}, attr{Name: "transB", Value: 0}
	if g.IntN(2) == 0 {
		w, a.Value = []int{out, n}, 1
	}
	in := []string{g.floats(w...)}
	switch g.IntN(7) {
	case 0:
		in = append(in, g.floats(out))
	case 1:
		in = append(in, g.floats(1))
	case 2:
		in = append(in, g.floats(1, out))
	case 3:
		in = append(in, g.floats())
	case 4:
		in = append(in, g.floats(g.dims[0], 1))
	case 5:
		in = append(in, g.floats(g.dims[0], out))
	}
	g.op(
		"Gemm",
		in,
		append(
			g.maybe(0.5, attr{Name: "alpha", Value: g.Float64()}),
			append(g.maybe(0.5, attr{Name: "beta", Value: g.Float64()}), a)...)...)

}

func drawInstanceNormalization(g *generator) {
	// Of a single pixel ONNX Runtime returns rounding errors.
	if len(g.dims) < 3 || elems(g.dims[2:]) == 1 {
		return
	}
	g.op("InstanceNormalization", []string{g.floats(g.dims[1]), g.floats(g.dims[1])})

}

func drawLayerNormalization(g *generator) {
	if g.opset < 17 {
		return
	}
	axis := 1 + g.IntN(len(g.dims)-1)
	d := g.dims[axis:]
	axis -= len(g.dims) * g.IntN(2)
	in := []string{g.floats(d...), g.floats(d...)}[:1+g.IntN(2)]
	g.op("LayerNormalization", in, append(g.maybe(0.3, attr{Name: "epsilon", Value: 0.01}),
		attr{Name: "axis", Value: axis})...)

}

func drawLRN(g *generator) {
	if len(g.dims) == 4 {
		a := []attr{{Name: "size", Value: 1 + g.IntN(6)}}
		for _, name := range []string{"alpha", "beta", "bias"} {
			a = append(a, g.maybe(0.3, attr{Name: name, Value: 0.1 + g.Float64()})...)
		}
		g.op("LRN", nil, a...)
	}

}

func drawResize(g *generator) {
	if len(g.dims) < 3 || len(g.dims) > 4 {
		return
	}
	scales := make([]float32, len(g.dims))
	sizes := slices.Clone(g.dims)
	for i := range scales {
		scales[i] = 1
		if i > 1 && g.IntN(5) > 0 {
			scales[i], sizes[i] = pick[float32](g, 0.5, 1, 1.5, 2, 3, 0.7, 1.3, 4, 0.25), 1+g.IntN(14)
		}
	}
	s := func() string { return g.constant(constant{dims: []int{len(scales)}, floats: scales}) }
	mode := attr{Name: "mode", Value: pick(g, "nearest", "linear", "cubic")}
	switch {
	case g.opset < 9, g.opset < 11 && mode.Value == "cubic":
		return
	case g.opset == 9:
		g.op("Upsample", []string{s()}, mode)
		return
	case g.opset == 10:
		g.op("Resize", []string{s()}, mode)
		return
	}
	a := append([]attr{mode}, g.resizing(mode.Value.(string))...)
	in := []string{"", s()}
	if g.IntN(2) == 0 {
		in = []string{"", "", g.ints(sizes...)}
	}
	if g.opset < 13 {
		in[0] = g.constant(constant{dims: []int{0}, floats: []float32{}})
		if in[1] == "" {
			in[1] = in[0]
		}
	}
	if g.opset >= 18 && g.IntN(4) == 0 {
		two := []int{2, len(g.dims) - 1}[:len(g.dims)-2]
		a = append(a, attr{Name: "axes", Value: two})
		a = append(a, g.maybe(0.7, attr{Name: "keep_aspect_ratio_policy",
			Value: pick(g, "stretch", "not_larger", "not_smaller")})...)
		in = []string{"", "", g.ints(sizes[2:]...)}
	}
	g.op("Resize", in, a...)
}

// resizing draws the attributes of a Resize.
func (g *generator) resizing(mode string) []attr {
	modes := []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"}
	if g.opset >= 19 {
		modes = append(modes, "half_pixel_symmetric")
	}
	if g.opset < 13 {
		modes = append(modes, "tf_half_pixel_for_nn")
	}
	a := g.maybe(0.9, attr{Name: "coordinate_transformation_mode", Value: pick(g, modes...)})
	if mode == "nearest" {
		return append(a, g.maybe(0.9, attr{Name: "nearest_mode",
			Value: pick(g, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")})...)
	}
	if g.opset >= 18 {
		a = append(a, g.maybe(0.3, attr{Name: "antialias", Value: 1})...)
	}
	if mode == "cubic" {
		a = append(a, g.maybe(0.3, attr{Name: "cubic_coeff_a", Value: -0.5})...)
	}
	return append(a, g.maybe(0.3, attr{Name: "exclude_outside", Value: 1})...)
}

// groups is a divisor of the channels.
func (g *generator) groups() int {
	n := g.dims[1]
	k := pick(g, 1, 1, n, 1+g.IntN(n))
	for n%k != 0 {
		k--
	}
	return k
}
