package onnx

import (
	"nas/blocks"
)

// axesInput gives the opset from which on an operator takes its axes as an input.
var axesInput = map[string]int{
	"Squeeze": 13, "Unsqueeze": 13, "ReduceSum": 13,
	"ReduceL1": 18, "ReduceL2": 18, "ReduceLogSum": 18, "ReduceLogSumExp": 18, "ReduceMax": 18, "ReduceMean": 18,
	"ReduceMin": 18, "ReduceProd": 18, "ReduceSumSquare": 18,
}

// operatorSince gives the opset from which on there is an operator or an attribute,
// where the first that is written does not have it.
var operatorSince = map[string]int{
	"DequantizeLinear.axis": 13, "HardSwish": 14, "LayerNormalization": 17, "Resize.antialias": 18, "AveragePool.dilations": 19,
}

// forms write operators in another form where the options or the opset ask for one;
// ok tells whether they do.
var forms map[string]func(g *graph, in []blocks.ONNXValue, attrs []blocks.ONNXAttr) (v blocks.ONNXValue, ok bool)

func init() {
	type inputs = []blocks.ONNXValue
	type attrs = []blocks.ONNXAttr
	forms = map[string]func(*graph, inputs, attrs) (blocks.ONNXValue, bool){
		"HardSwish":          hardSwish,
		"LayerNormalization": layerNorm,
		"Softmax":            softmax("Softmax"),
		"LogSoftmax":         softmax("LogSoftmax"),
		"Resize":             resize,
		"Celu":               celu,
	}
}

// hardSwish is x * HardSigmoid(x): a common converter reads the native operator with
// another slope.
func hardSwish(g *graph, in []blocks.ONNXValue, _ []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
	if g.native {
		return blocks.ONNXValue{}, false
	}
	gate := g.Node("HardSigmoid", in, blocks.ONNXAttr{Name: "alpha", Value: 1. / 6},
		blocks.ONNXAttr{Name: "beta", Value: 0.5})
	return g.Node("Mul", []blocks.ONNXValue{in[0], gate}), true
}

// layerNorm is the formula of LayerNormalization over the last axis, before opset 17.
func layerNorm(g *graph, in []blocks.ONNXValue, attrs []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
	if g.opset >= operatorSince["LayerNormalization"] {
		return blocks.ONNXValue{}, false
	}
	eps := 1e-5
	for _, a := range attrs {
		if a.Name == "epsilon" {
			eps = a.Value.(float64)
		}
	}
	mean := func(x blocks.ONNXValue) blocks.ONNXValue {
		return g.Node("ReduceMean", []blocks.ONNXValue{x}, blocks.ONNXAttr{Name: "axes", Value: []int{3}},
			blocks.ONNXAttr{Name: "keepdims", Value: 1})
	}
	two := func(kind string, a, b blocks.ONNXValue) blocks.ONNXValue {
		return g.Node(kind, []blocks.ONNXValue{a, b})
	}
	d := two("Sub", in[0], mean(in[0]))
	sd := g.Node("Sqrt", []blocks.ONNXValue{two("Add", mean(two("Mul", d, d)), g.Number("epsilon", eps))})
	return two("Add", two("Mul", two("Div", d, sd), in[1]), in[2]), true
}

// softmax works along the last axis before opset 13, where it would join axis 1 and
// all after it.
func softmax(kind string) func(*graph, []blocks.ONNXValue, []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
	return func(g *graph, in []blocks.ONNXValue, _ []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
		if g.opset >= 13 || in[0].Vector {
			return blocks.ONNXValue{}, false
		}
		turn := func(x blocks.ONNXValue, perm ...int) blocks.ONNXValue {
			return g.Node("Transpose", []blocks.ONNXValue{x}, blocks.ONNXAttr{Name: "perm", Value: perm})
		}
		x := g.append(kind, []blocks.ONNXValue{turn(in[0], 0, 2, 3, 1)}, []blocks.ONNXAttr{{Name: "axis", Value: 3}})
		return turn(x, 0, 3, 1, 2), true
	}
}

// celu is alpha * Elu(x/alpha) before opset 12.
func celu(g *graph, in []blocks.ONNXValue, attrs []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
	if g.opset >= 12 {
		return blocks.ONNXValue{}, false
	}
	alpha := g.Number("alpha", attrs[0].Value.(float64))
	x := g.Node("Elu", []blocks.ONNXValue{g.Node("Div", []blocks.ONNXValue{in[0], alpha})})
	return g.Node("Mul", []blocks.ONNXValue{x, alpha}), true
}

// resize gives empty tensors for inputs that opset 13 made optional.
func resize(g *graph, in []blocks.ONNXValue, attrs []blocks.ONNXAttr) (blocks.ONNXValue, bool) {
	if g.opset >= 13 {
		return blocks.ONNXValue{}, false
	}
	all := make([]blocks.ONNXValue, len(in))
	for i, v := range in {
		if v.Name == "" {
			v = g.constant("empty", "", constant{dims: []int{0}, floats: []float32{}})
		}
		all[i] = v
	}
	return g.append("Resize", all, attrs), true
}
