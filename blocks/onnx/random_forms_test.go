package onnx

import (
	"math"
	"slices"
)

// What exporters write around the operators: arithmetic on shapes and constants, and
// formulas that stand for one layer, some of them with another constant than the layer's.

func init() {
	makers = append(makers, []maker{
		{"folding", drawFolding},
		{"folding", drawFolding},
		{"shape arithmetic", drawShapeArithmetic},
		{"sizes", drawSizes},
		{"look-alike gate", drawGate},
		{"look-alike function", drawLookAlike},
		{"look-alike normalisation", drawStandardised},
		{"look-alike attention", drawEinsumLike},
		{"Split", drawSplit},
		{"later functions", drawLater},
		{"GroupNormalization", drawGroupNormalization},
		{"LpNormalization", drawLpNormalization},
		{"quantised", drawQuantised},
		{"variadic", drawVariadic},
		{"Pow", drawPow},
		{"nothing", drawNothing},
		{"shuffle", drawShuffle},
	}...)
}

func (g *generator) number(v float64) string {
	return g.constant(constant{floats: []float32{float32(v)}})
}

// drawFolding makes a constant by operators on constants, and adds or multiplies it.
func drawFolding(g *generator) {
	x := g.at
	dims := g.broadcastable()
	n := elems(dims)
	list := make([]int, n)
	for i := range list {
		list[i] = g.IntN(300) - 150
	}
	elem := pick(g, elemFloat, elemInt64, elemInt32, elemUint8, elemInt8, elemBool)
	cast := func(to int) { g.op("Cast", nil, attr{Name: "to", Value: to}) }
	g.at = g.constant(constant{dims: dims, ints: list})
	if elem != elemInt64 {
		cast(elem)
	}
	for range 1 + g.IntN(3) {
		elem = g.foldedStep(elem, len(dims))
	}
	switch g.IntN(4) {
	case 0:
		if len(dims) > 0 {
			g.axesOp(pick(g, "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean"),
				[]int{g.IntN(len(dims))}, attr{Name: "keepdims", Value: 1})
		}
	case 1:
		if len(dims) > 0 && len(dims) <= len(g.dims) {
			g.op("Expand", []string{g.ints(g.dims[len(g.dims)-len(dims):]...)})
		}
	}
	if elem != elemFloat {
		cast(elemFloat)
	}
	c := g.at
	g.at = x
	g.op(pick(g, "Add", "Mul", "Sub"), []string{c})
}

// foldedStep appends one operator on constants of an element type and returns the type of the result.
func (g *generator) foldedStep(elem, rank int) int {
	v := pick(g, 1, 2, 3, 7, -2, -3, 100)
	other := g.constant(constant{ints: []int{v}})
	if elem != elemInt64 {
		other = g.node("Cast", []string{other}, attr{Name: "to", Value: elem})
	}
	switch k := g.IntN(14); {
	case elem == elemBool && k < 4:
		g.op("Not", nil)
	case elem == elemBool && k < 8:
		g.op(pick(g, "And", "Or", "Xor", "Equal"), []string{other})
	case k == 0:
		to := pick(g, elemFloat, elemInt64, elemInt32, elemUint8, elemInt8, elemBool)
		g.op("Cast", nil, attr{Name: "to", Value: to})
		return to
	case k == 1:
		g.op(pick(g, "Equal", "Less", "Greater", "GreaterOrEqual", "LessOrEqual"), []string{other})
		return elemBool
	case k == 2 && elem == elemFloat:
		g.op(pick(g, "Floor", "Ceil", "Sqrt", "Exp", "Round", "Sigmoid", "Reciprocal", "Erf", "Tanh"), nil)
	case k == 3:
		g.op(pick(g, "Neg", "Abs", "Relu"), nil)
	case k == 4:
		if elem == elemFloat {
			g.op("Mod", []string{other}, attr{Name: "fmod", Value: 1})
		} else {
			g.op("Mod", []string{other}, g.maybe(0.3, attr{Name: "fmod", Value: 1})...)
		}
	case k == 5 && rank > 0:
		g.op("Slice", []string{g.ints(-1), g.ints(math.MinInt32), g.ints(g.IntN(rank)), g.ints(-1)})
	case k == 6:
		c := g.node("Less", []string{g.at, other})
		g.at = g.node("Where", []string{c, g.at, other})
	case k == 7:
		g.op("Clip", []string{"", other})
	default:
		kinds := []string{"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min"}
		if elem == elemInt64 {
			kinds = kinds[:5] // ONNX Runtime 1.30 looks at the lower 32 bits of some: Min(-3000000000, -3) is -3
		}
		g.op(pick(g, kinds...), []string{other})
	}
	return elem
}

// drawShapeArithmetic reshapes to extents that are computed from the tensor's own.
func drawShapeArithmetic(g *generator) {
	x, r := g.at, len(g.dims)
	shape := g.node("Shape", []string{x})
	if g.opset >= 15 && g.IntN(3) == 0 {
		shape = g.node("Concat", []string{g.node("Shape", []string{x}, attr{Name: "end", Value: -1}),
			g.node("Shape", []string{x}, attr{Name: "start", Value: r - 1})}, attr{Name: "axis", Value: 0})
	}
	extent := func(k int) string {
		return g.node("Gather", []string{shape, g.constant(constant{ints: []int{k}})}, attr{Name: "axis", Value: 0})
	}
	vector := func(s string) string {
		g.at = s
		g.axesOp("Unsqueeze", []int{0})
		return g.at
	}
	k := 1 + g.IntN(r-1)
	var parts []string
	switch g.IntN(4) {
	case 0: // C*H*...
		p := extent(k)
		for i := k + 1; i < r; i++ {
			p = g.node("Mul", []string{p, extent(i)})
		}
		for i := range k {
			parts = append(parts, vector(extent(i)))
		}
		parts = append(parts, vector(p))
	case 1: // -1 for one
		for i := range r {
			if i == k {
				parts = append(parts, g.ints(-1))
			} else {
				parts = append(parts, vector(extent(i)))
			}
		}
	case 2: // groups of channels
		two := g.constant(constant{ints: []int{pick(g, 1, 2, 3)}})
		for i := range r {
			if i == k {
				parts = append(parts, vector(two), vector(g.node("Div", []string{extent(i), two})))
			} else {
				parts = append(parts, vector(extent(i)))
			}
		}
	default:
		if g.opset < 10 {
			return
		}
		parts = []string{g.node("Slice", []string{shape, g.ints(0), g.ints(k), g.ints(0)}), g.ints(-1)}
	}
	all := g.node("Concat", parts, attr{Name: "axis", Value: 0})
	g.at = x
	g.op("Reshape", []string{all})
}

// drawSizes resizes to sizes that are computed from a shape, as exporters of interpolate write it.
func drawSizes(g *generator) {
	if len(g.dims) != 4 || g.opset < 11 {
		return
	}
	x := g.at
	shape := g.node("Shape", []string{x})
	cut := func(from, to int) string {
		return g.node("Slice", []string{shape, g.ints(from), g.ints(to), g.ints(0)})
	}
	g.at = g.node("Cast", []string{cut(2, 4)}, attr{Name: "to", Value: elemFloat})
	g.op("Mul", []string{g.constant(constant{dims: []int{1}, floats: []float32{pick[float32](g, 2, 1.5, 0.7, 2.3)}})})
	g.op("Floor", nil)
	g.op("Cast", nil, attr{Name: "to", Value: elemInt64})
	sizes := g.node("Concat", []string{cut(0, 2), g.at}, attr{Name: "axis", Value: 0})
	empty := ""
	if g.opset < 13 {
		empty = g.constant(constant{dims: []int{0}, floats: []float32{}})
	}
	g.at = x
	g.op("Resize", []string{empty, empty, sizes}, attr{Name: "mode", Value: pick(g, "nearest", "linear")},
		attr{Name: "coordinate_transformation_mode", Value: pick(g, "asymmetric", "pytorch_half_pixel", "align_corners")},
		attr{Name: "nearest_mode", Value: "floor"})
}

// drawGate writes x * clip(x+3, 0, 6) / 6 and its kin, perhaps with other numbers.
func drawGate(g *generator) {
	x := g.at
	lo, hi, shift, by := 0., 6., 3., 6.
	switch g.IntN(8) {
	case 0:
		lo = -0.5
	case 1:
		hi = 5
	case 2:
		shift = pick(g, 2.9, 2.5, -3)
	case 3:
		by = 5
	}
	g.op("Add", []string{g.number(shift)})
	switch {
	case g.opset < 11:
		g.op("Clip", nil, attr{Name: "min", Value: lo}, attr{Name: "max", Value: hi})
	case g.IntN(3) == 0:
		g.op("Relu", nil)
		g.op("Clip", []string{g.number(lo), g.number(hi)})
	case g.IntN(3) == 0 && g.opset >= 8:
		g.op("Max", []string{g.number(lo)})
		g.op("Min", []string{g.number(hi)})
	default:
		g.op("Clip", []string{g.number(lo), g.number(hi)})
	}
	divide := func() {
		if g.IntN(2) == 0 {
			g.op("Div", []string{g.number(by)})
		} else {
			g.op("Mul", []string{g.number(1 / by)})
		}
	}
	switch g.IntN(4) {
	case 0:
		divide()
	case 1:
		divide()
		g.op("Mul", []string{x})
	case 2:
		g.at = g.node("Mul", []string{x, g.at})
		divide()
	default:
		other := g.node("Tanh", []string{x})
		divide()
		g.op("Mul", []string{other})
	}
}

// drawLookAlike writes swish, GELU and Mish, perhaps with other numbers.
func drawLookAlike(g *generator) {
	x := g.at
	odd := pick(g, 1., 1., 1., 1.702, 0.5, -1)
	switch g.IntN(4) {
	case 0:
		if odd != 1 {
			g.op("Mul", []string{g.number(odd)})
		}
		g.op("Sigmoid", nil)
		g.op("Mul", []string{x})
	case 1:
		if g.opset < 9 {
			return
		}
		g.op("Div", []string{g.number(math.Sqrt2 * odd)})
		g.op("Erf", nil)
		g.op("Add", []string{g.number(pick(g, 1., 1., 0.9))})
		g.op("Mul", []string{x})
		g.op("Mul", []string{g.number(pick(g, 0.5, 0.5, 0.4))})
	case 2:
		g.op("Softplus", nil)
		if odd != 1 {
			g.op("Mul", []string{g.number(odd)})
		}
		g.op("Tanh", nil)
		g.op("Mul", []string{x})
	case 3: // GELU by tanh
		g.op("Pow", []string{g.number(3)})
		g.op("Mul", []string{g.number(0.044715 * odd)})
		g.op("Add", []string{x})
		g.op("Mul", []string{g.number(math.Sqrt(2 / math.Pi))})
		g.op("Tanh", nil)
		g.op("Add", []string{g.number(1)})
		g.op("Mul", []string{x})
		g.op("Mul", []string{g.number(0.5)})
	}
}

// drawStandardised writes (x - mean) / sqrt(mean((x - mean)^2) + epsilon), perhaps along other axes.
func drawStandardised(g *generator) {
	x := g.at
	axes := []int{g.axis()}
	if len(g.dims) == 4 && g.IntN(2) == 0 {
		axes = []int{2, 3}
	}
	keep := attr{Name: "keepdims", Value: 1}
	g.axesOp("ReduceMean", axes, keep)
	d := g.node("Sub", []string{x, g.at})
	g.at = d
	switch g.IntN(3) {
	case 0:
		g.op("Pow", []string{g.number(2)})
	case 1:
		g.op("Mul", []string{d})
	default:
		if g.IntN(3) == 0 {
			g.op("Mul", []string{x})
		} else {
			g.op("Pow", []string{g.number(2)})
		}
	}
	if g.IntN(4) == 0 {
		axes = []int{g.axis()}
	}
	g.axesOp(pick(g, "ReduceMean", "ReduceMean", "ReduceSum"), axes, keep)
	g.op("Abs", nil)
	g.op("Add", []string{g.number(pick(g, 1e-5, 1e-3, 1))})
	g.op("Sqrt", nil)
	g.at = g.node("Div", []string{pick(g, d, d, d, x), g.at})
	if g.IntN(2) == 0 {
		g.op("Mul", []string{g.floats(g.broadcastable()...)})
		g.op("Add", []string{g.floats(g.broadcastable()...)})
	}
}

// drawEinsumLike is softmax(a x a^T) x, as attention is written.
func drawEinsumLike(g *generator) {
	r := len(g.dims)
	if r < 3 {
		return
	}
	x := g.at
	p := make([]int, r)
	for i := range p {
		p[i] = i
	}
	p[r-1], p[r-2] = p[r-2], p[r-1]
	g.op("Transpose", nil, attr{Name: "perm", Value: p})
	g.at = g.node("MatMul", []string{x, g.at})
	g.op("Mul", []string{g.number(0.35)})
	g.op("Softmax", nil, attr{Name: "axis", Value: r - 1})
	g.op("MatMul", []string{x})
}

func drawSplit(g *generator) {
	a := g.axis()
	n := g.dims[(a+len(g.dims))%len(g.dims)]
	if n < 2 {
		return
	}
	k := 1 + g.IntN(n-1)
	sizes := []int{k, n - k}
	if n-k > 1 && g.IntN(2) == 0 {
		sizes = []int{k, 1, n - k - 1}
	}
	axis := attr{Name: "axis", Value: a}
	switch {
	case g.opset < 13:
		g.op("Split", nil, axis, attr{Name: "split", Value: sizes})
	case g.opset >= 18 && g.IntN(2) == 0:
		g.op("Split", nil, axis, attr{Name: "num_outputs", Value: len(sizes)})
	default:
		g.op("Split", []string{g.ints(sizes...)}, axis)
	}
	last := &g.ops[len(g.ops)-1]
	for i := range sizes[1:] {
		last.out = append(last.out, last.name+"_"+string(rune('a'+i)))
	}
	outs := slices.Clone(last.out)
	if g.IntN(3) == 0 {
		g.at = g.node("Concat", []string{outs[len(outs)-1], outs[0]}, axis)
		return
	}
	g.at = pick(g, outs...)
	g.op("Neg", nil)
}

// drawLater draws functions that later opsets brought, and settings of earlier ones.
func drawLater(g *generator) {
	switch g.IntN(8) {
	case 0:
		g.op("Gelu", nil, g.maybe(0.6, attr{Name: "approximate", Value: pick(g, "tanh", "none")})...)
	case 1:
		g.op("Mish", nil)
	case 2:
		g.op("Swish", nil, g.maybe(0.5, attr{Name: "alpha", Value: pick(g, 1, 1.5)})...)
	case 3:
		g.op("Shrink", nil, append(g.maybe(0.5, attr{Name: "lambd", Value: g.Float64()}),
			g.maybe(0.5, attr{Name: "bias", Value: g.NormFloat64()})...)...)
	case 4:
		g.op("ThresholdedRelu", nil, attr{Name: "alpha", Value: pick(g, 0.5, 1, -0.5)})
	case 5:
		g.op("Selu", nil, attr{Name: "alpha", Value: g.Float64()}, attr{Name: "gamma", Value: 0.5 + g.Float64()})
	case 6:
		g.op("HardSigmoid", nil, attr{Name: "alpha", Value: pick(g, 0.2, 1, -0.3, 1./6)},
			attr{Name: "beta", Value: pick(g, 0.5, 0, 1, -0.2)})
	case 7:
		d := g.dims[1:]
		slopes := pick(g, []int{d[0]}, []int{1}, slices.Concat(d[:1], slices.Repeat([]int{1}, len(d)-1)), d)
		g.op("PRelu", []string{g.floats(slopes...)})
	}
}

func drawGroupNormalization(g *generator) {
	if g.opset < 18 || len(g.dims) < 3 {
		return
	}
	k := g.groups()
	n := g.dims[1]
	if g.opset < 21 {
		n = k
	}
	g.op("GroupNormalization", []string{g.floats(n), g.floats(n)}, attr{Name: "num_groups", Value: k})
}

func drawLpNormalization(g *generator) {
	if g.IntN(3) == 0 {
		g.op("Relu", nil)
	}
	g.op("LpNormalization", nil, append(g.maybe(0.5, attr{Name: "p", Value: 1 + g.IntN(2)}),
		attr{Name: "axis", Value: g.axis()})...)
}

// drawQuantised puts the tensor on a grid and takes it back.
func drawQuantised(g *generator) {
	if g.opset < 10 {
		return
	}
	zero := g.constant(constant{bytes: []byte{byte(g.IntN(100))}, elem: pick(g, elemUint8, elemInt8)})
	scale := g.number(pick(g, 0.0371, 0.25, 0.011))
	in := []string{scale, zero}[:1+min(1, g.IntN(4))]
	g.op("QuantizeLinear", in)
	g.op("DequantizeLinear", in)
}

func drawVariadic(g *generator) {
	x := g.at
	in := []string{g.node("Tanh", []string{x}), g.floats(g.broadcastable()...), x}
	kind := pick(g, "Sum", "Mean", "Max", "Min")
	if g.opset < 8 {
		in = []string{in[0], in[0], x}
	}
	g.at = pick(g, in...)
	g.op(kind, in[:g.IntN(len(in)+1)])
}

func drawPow(g *generator) {
	x := g.at
	switch g.IntN(5) {
	case 0:
		g.op("Pow", []string{g.number(pick(g, 1., 2, 3, -1, 0, -2))})
	case 1:
		e := g.constant(constant{dims: []int{1, 1, 1, 1, 1}[:1+g.IntN(5)], floats: []float32{pick[float32](g, 1, 2, 3)}})
		g.op("Pow", []string{e})
	case 2:
		g.op("Abs", nil)
		g.op("Pow", []string{g.number(pick(g, 0.5, 1.5, 0.25))})
	case 3:
		g.at = g.number(2)
		g.op("Pow", []string{x})
	case 4:
		g.op("Pow", []string{g.constant(constant{ints: []int{1 + g.IntN(3)}})})
	}
}

func drawNothing(g *generator) {
	switch g.IntN(4) {
	case 0:
		g.op("Dropout", nil)
	case 1:
		g.op("Cast", nil, attr{Name: "to", Value: elemFloat})
	case 2:
		g.op("Cast", nil, attr{Name: "to", Value: elemDouble})
		g.op("Cast", nil, attr{Name: "to", Value: elemFloat})
	case 3:
		g.op("Dropout", []string{g.number(0.4)})
	}
}

// drawShuffle reshapes, transposes and reshapes back, as channels are shuffled and windows cut.
func drawShuffle(g *generator) {
	k := 1 + g.IntN(len(g.dims)-1)
	d := g.dims[k]
	b := 1 + g.IntN(d)
	for d%b != 0 {
		b--
	}
	to := slices.Concat(g.dims[:k], []int{b, d / b}, g.dims[k+1:])
	g.op("Reshape", []string{g.ints(to...)})
	p := g.Perm(len(to) - 1)
	for i := range p {
		p[i]++
	}
	g.op("Transpose", nil, attr{Name: "perm", Value: append([]int{0}, p...)})
	if g.IntN(2) == 0 {
		g.op("Reshape", []string{g.ints(g.dims...)})
	}
}
