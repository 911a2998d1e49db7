package onnx

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"nas/blocks"
)

// The runtime does not optimise these graphs: ONNX Runtime 1.30 puts the zeros of a Pad
// into a MaxPool behind it, which pads with the least number.

// TestRandomOperators reads operators with attributes drawn at random and compares with
// ONNX Runtime: what is read is right. NAS_RANDOM is how many, and NAS_RANDOM_SEED the
// first seed; the test suite does a few.
func TestRandomOperators(t *testing.T) { compareRandom(t, 400, 1) }

// TestRandomGraphs is the same for chains of three to nine operators.
func TestRandomGraphs(t *testing.T) { compareRandom(t, 150, 9) }

func compareRandom(t *testing.T, count, longest int) {
	runtimeDir(t)
	first := uint64(1)
	if s := os.Getenv("NAS_RANDOM"); s != "" {
		count, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("NAS_RANDOM_SEED"); s != "" {
		first, _ = strconv.ParseUint(s, 10, 64)
	}
	dir := t.TempDir()
	read, refused, unable, wrong := 0, map[string]int{}, 0, 0
	const batch = 500
	for from := 0; from < count; from += batch {
		var jobs []job
		var models []*Model
		var texts []string
		var drawn []*generator
		for i := from; i < min(from+batch, count); i++ {
			g := newGenerator(first + uint64(i))
			g.build(longest)
			data := g.model(t)
			m, err := Read(data, ReadOptions{})
			if err != nil {
				refused[g.last]++
				continue
			}
			path := filepath.Join(dir, fmt.Sprint(len(jobs)))
			if err := os.WriteFile(path+".onnx", data, 0o600); err != nil {
				t.Fatal(err)
			}
			jobs = append(jobs, job{Model: path + ".onnx", Input: path + ".in", Output: path + ".out", Dims: g.input,
				Optional: true, Level: "disabled", in: g.values()})
			models, drawn = append(models, m), append(drawn, g)
			texts = append(texts, fmt.Sprintf("seed %d: %s", g.seed, g.text()))
			os.Remove(path + ".out")
		}
		for i, want := range runRuntime(t, jobs) {
			huge := func(v float32) bool { return !(math.Abs(float64(v)) < 1e30) }
			if want == nil || slices.ContainsFunc(want, huge) {
				unable++
				continue
			}
			read++
			got := evalFile(t, models[i], jobs[i].in)[0]
			if _, err := close(got, want, 2e-3); err != nil {
				wrong++
				t.Errorf("%s: %v; wrong from operator %d on", texts[i], err, firstWrong(t, dir, drawn[i], jobs[i]))
			}
		}
	}
	t.Logf("%d right, %d wrong, %d not run by ONNX Runtime, refused: %v", read-wrong, wrong, unable, refused)
	if read < count/3 {
		t.Errorf("only %d of %d were compared", read, count)
	}
}

// firstWrong returns the number of the first operator whose own result is wrong.
func firstWrong(t *testing.T, dir string, g *generator, j job) int {
	for k := 1; k < len(g.ops); k++ {
		part := *g
		part.ops, part.at = g.ops[:k], g.ops[k-1].out[0]
		m, err := Read(part.bytes(), ReadOptions{})
		if err != nil {
			continue
		}
		j.Model = filepath.Join(dir, "part.onnx")
		if err := os.WriteFile(j.Model, part.bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		want := runRuntime(t, []job{j})[0]
		if _, err := close(evalFile(t, m, j.in)[0], want, 2e-3); err != nil {
			return k - 1
		}
	}
	return len(g.ops) - 1
}

// generator draws models.
type generator struct {
	*rand.Rand
	seed      uint64
	opset     int
	input     []int
	dims      []int  // of the tensor at the end
	at        string // its name
	ops       []operator
	constants []constant
	last      string
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 77)), seed: seed, at: "x"}
	g.opset = 13 + g.IntN(6)
	g.input = []int{1 + g.IntN(2)*g.IntN(2), 1 + g.IntN(8), 1 + g.IntN(10), 1 + g.IntN(10)}
	switch g.IntN(8) {
	case 0:
		g.input = g.input[:3]
	case 1:
		g.input = g.input[:2]
	}
	g.dims = slices.Clone(g.input)
	return g
}

// build appends up to most operators; one that the reader refuses is taken back in a chain.
func (g *generator) build(most int) {
	want := 1
	if most > 1 {
		want = 3 + g.IntN(most-2)
	}
	for tries := 0; len(g.ops) < want && len(g.dims) > 1 && tries < 4*want; tries++ {
		ops, constants := g.ops, g.constants
		f := makers[g.IntN(len(makers))]
		g.last = f.name
		f.make(g)
		if len(g.ops) == len(ops) {
			continue
		}
		m, err := Read(g.bytes(), ReadOptions{})
		if err != nil {
			if most > 1 {
				g.ops, g.constants = ops, constants
				g.at = "x"
				if len(ops) > 0 {
					g.at = ops[len(ops)-1].out[0]
				}
			}
			if most == 1 {
				return
			}
			continue
		}
		g.dims = m.Outputs[0].Dims
	}
}

func (g *generator) text() string {
	s := fmt.Sprintf("opset %d, x %v", g.opset, g.input)
	for _, o := range g.ops {
		s += fmt.Sprintf("; %s %v %v", o.kind, o.in, o.attrs)
	}
	for _, c := range g.constants {
		s += fmt.Sprintf("; %s %v %v", c.name, c.dims, c.ints)
	}
	return s
}

func (g *generator) bytes() []byte {
	gr := &graph{operators: g.ops, tensors: g.constants, opset: cmp.Or(g.opset, defaultOpset), input: info{"x", g.input},
		outputs: []info{{g.at, nil}}}
	var b bytes.Buffer
	if err := gr.write(&b, "random", "", nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (g *generator) model(*testing.T) []byte { return g.bytes() }

func (g *generator) values() []float32 {
	n := 1
	for _, d := range g.input {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(g.NormFloat64())
	}
	return v
}

type attr = blocks.ONNXAttr

// op appends an operator on the tensor at the end.
func (g *generator) op(kind string, more []string, attrs ...attr) {
	name := fmt.Sprint("t", len(g.ops))
	g.ops = append(
		g.ops,
		operator{name: name, kind: kind, in: append([]string{g.at}, more...), out: []string{name}, attrs: attrs},
	)
	g.at = name
}

func (g *generator) floats(dims ...int) string {
	n := 1
	for _, d := range dims {
		n *= d
	}
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(g.NormFloat64())
	}
	return g.constant(constant{dims: dims, floats: v})
}

func (g *generator) ints(v ...int) string {
	return g.constant(constant{dims: []int{len(v)}, ints: append([]int{}, v...)})
}

func (g *generator) constant(c constant) string {
	c.name = fmt.Sprint("c", len(g.constants))
	g.constants = append(g.constants, c)
	return c.name
}

func (g *generator) maybe(p float64, a attr) []attr {
	if g.Float64() < p {
		return []attr{a}
	}
	return nil
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// axis is one of the tensor's, perhaps counted from the back.
func (g *generator) axis() int {
	r := len(g.dims)
	return g.IntN(2*r) - r
}

// broadcastable draws dims that fit the tensor's.
func (g *generator) broadcastable() []int {
	d := slices.Clone(g.dims[g.IntN(len(g.dims)+1):])
	for i := range d {
		if g.IntN(2) == 0 {
			d[i] = 1
		}
	}
	if g.IntN(6) == 0 && len(d) == len(g.dims) {
		d = append([]int{1}, d...)
	}
	return d
}

// window draws attributes of a window over the spatial axes.
func (g *generator) window(k []int, dilations bool) []attr {
	var a []attr
	list := func(n int, f func() int) []int {
		v := make([]int, n)
		for i := range v {
			v[i] = f()
		}
		return v
	}
	n := len(k)
	if g.IntN(2) == 0 {
		a = append(a, attr{Name: "strides", Value: list(n, func() int { return 1 + g.IntN(3) })})
	}
	if dilations && g.IntN(3) == 0 {
		a = append(a, attr{Name: "dilations", Value: list(n, func() int { return 1 + g.IntN(2) })})
	}
	switch g.IntN(4) {
	case 0:
		p := list(2*n, func() int { return 0 })
		for i := range p {
			p[i] = g.IntN(max(1, k[i%n]))
		}
		a = append(a, attr{Name: "pads", Value: p})
	case 1:
		a = append(a, attr{Name: "auto_pad", Value: pick(g, "SAME_UPPER", "SAME_LOWER", "VALID")})
	}
	return a
}

func (g *generator) kernel() []int {
	k := make([]int, len(g.dims)-2)
	for i := range k {
		k[i] = 1 + g.IntN(4)
	}
	return k
}

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
	makers = []maker{
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
	}
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
	lo, hi := g.constant(
		constant{floats: []float32{float32(g.NormFloat64()) - 1}},
	), g.constant(
		constant{floats: []float32{float32(g.NormFloat64()) + 2}},
	)
	g.op("Clip", pick(g, []string{lo, hi}, []string{lo}, []string{"", hi}))

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
		g.op("ReduceMean", nil, attr{Name: "axes", Value: []int{g.axis()}}, attr{Name: "keepdims", Value: 1})
		if g.opset >= 18 {
			g.ops = g.ops[:len(g.ops)-1]
			g.at = x
			g.op("Tanh", nil)
		}
	case 2:
		g.op("ReduceSum", []string{g.ints(g.axis())}, attr{Name: "keepdims", Value: 1})
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
	groups := pick(g, 1, 1, g.dims[1])
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
	groups := pick(g, 1, 1, g.dims[1])
	per := 1 + g.IntN(3)
	in := []string{g.floats(append([]int{g.dims[1], per}, k...)...)}
	if g.IntN(2) == 0 {
		in = append(in, g.floats(groups*per))
	}
	a := append(g.window(k, true), attr{Name: "group", Value: groups})
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
	)

}

func drawPool(g *generator) {
	if len(g.dims) < 3 {
		return
	}
	k := g.kernel()
	kind := pick(g, "MaxPool", "AveragePool")
	a := append(g.window(k, kind == "MaxPool"), attr{Name: "kernel_shape", Value: k})
	a = append(a, g.maybe(0.3, attr{Name: "ceil_mode", Value: 1})...)
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
	in := []string{g.ints(p...)}
	if g.IntN(3) == 0 {
		in = append(in, g.constant(constant{floats: []float32{g.Float32()}}))
	}
	g.op("Pad", in, g.maybe(0.5, attr{Name: "mode", Value: pick(g, "constant", "edge", "reflect")})...)

}

func drawReduce(g *generator) {
	axes := []int{g.axis()}
	if g.IntN(2) == 0 && len(g.dims) > 2 {
		axes = []int{2, len(g.dims) - 1}[:1+g.IntN(min(2, len(g.dims)-2))]
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
	)
	if kind == "ReduceSum" || g.opset >= 18 {
		g.op(kind, []string{g.ints(axes...)}, keep)
		return
	}
	g.op(kind, nil, attr{Name: "axes", Value: axes}, keep)

}

func drawSoftmax(g *generator) {
	g.op(pick(g, "Softmax", "LogSoftmax"), nil, attr{Name: "axis", Value: g.axis()})
}

func drawTranspose(g *generator) {
	g.op("Transpose", nil, attr{Name: "perm", Value: g.Perm(len(g.dims))})
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
	g.op("Flatten", nil, attr{Name: "axis", Value: g.IntN(len(g.dims) + 1)})
}

func drawSqueeze(g *generator) {
	g.op("Squeeze", nil)
}

func drawUnsqueeze(g *generator) {
	g.op("Unsqueeze", []string{g.ints(g.IntN(len(g.dims) + 1))})
}

func drawSlice(g *generator) {
	a := g.axis()
	n := g.dims[(a+len(g.dims))%len(g.dims)]
	step := pick(g, 1, 1, 2, -1, -2)
	from, to := g.IntN(n+1), g.IntN(n+2)-n/2
	if step < 0 {
		from, to = n-1-g.IntN(2), -n-1+g.IntN(2)
	}
	g.op("Slice", []string{g.ints(from), g.ints(to), g.ints(a), g.ints(step)})

}

func drawConcat(g *generator) {
	x := g.at
	g.op(pick(g, "Relu", "Tanh"), nil)
	y := g.at
	g.at = x
	g.op("Concat", []string{y, x}[:1+g.IntN(2)], attr{Name: "axis", Value: g.axis()})

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
	g.op("Gather", []string{g.ints(list...)}, attr{Name: "axis", Value: a})

}

func drawExpand(g *generator) {
	d := slices.Clone(g.dims)
	for i := range d {
		if d[i] == 1 && i > 0 {
			d[i] = 1 + g.IntN(3)
		}
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
	g.op("MatMul", []string{g.floats(g.dims[len(g.dims)-1], 1+g.IntN(5))})

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
	switch g.IntN(4) {
	case 0:
		in = append(in, g.floats(out))
	case 1:
		in = append(in, g.floats(1))
	case 2:
		in = append(in, g.floats(1, out))
	}
	g.op(
		"Gemm",
		in,
		append(
			g.maybe(0.5, attr{Name: "alpha", Value: g.Float64()}),
			append(g.maybe(0.5, attr{Name: "beta", Value: g.Float64()}), a)...)...)

}

func drawInstanceNormalization(g *generator) {
	if len(g.dims) < 3 {
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
	g.op("LayerNormalization", []string{g.floats(d...), g.floats(d...)}, attr{Name: "axis", Value: axis})

}

func drawLRN(g *generator) {
	if len(g.dims) == 4 {
		g.op("LRN", nil, attr{Name: "size", Value: 1 + 2*g.IntN(3)})
	}

}

func drawResize(g *generator) {
	if len(g.dims) != 4 {
		return
	}
	a := []attr{{Name: "mode", Value: pick(g, "nearest", "linear", "cubic")},
		{
			Name:  "coordinate_transformation_mode",
			Value: pick(g, "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"),
		}}
	if a[0].Value == "nearest" {
		a = append(
			a,
			attr{Name: "nearest_mode", Value: pick(g, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")},
		)
	}
	if g.opset >= 18 && a[0].Value == "linear" {
		a = append(a, g.maybe(0.3, attr{Name: "antialias", Value: 1})...)
	}
	if a[0].Value == "cubic" {
		a = append(a, g.maybe(0.3, attr{Name: "exclude_outside", Value: 1})...)
	}
	if g.IntN(2) == 0 {
		s := g.constant(
			constant{
				dims:   []int{4},
				floats: []float32{1, 1, pick[float32](g, 0.5, 1, 1.5, 2, 3, 0.7), pick[float32](g, 0.5, 1, 1.5, 2, 3, 0.7)},
			},
		)
		g.op("Resize", []string{"", s}, a...)
	} else {
		g.op("Resize", []string{"", "", g.ints(g.dims[0], g.dims[1], 1+g.IntN(12), 1+g.IntN(12))}, a...)
	}

}
