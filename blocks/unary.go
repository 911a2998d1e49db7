package blocks

import (
	"fmt"
	"math"
)

// UnaryFunc names a function of one number with up to two settings.
type UnaryFunc string

// unaryFuncs is the one place that knows the functions. attrs names the ONNX
// attributes that Alpha and Beta stand for; an operator without one is written
// with ONNX's operators one by one.
var unaryFuncs = map[UnaryFunc]struct {
	f     func(x, alpha, beta float64) float64
	onnx  string
	attrs []string
}{
	"leaky_relu": {func(x, a, _ float64) float64 { return max(x, 0) + a*min(x, 0) }, "LeakyRelu", []string{"alpha"}},
	"elu": {
		func(x, a, _ float64) float64 { return max(x, 0) + a*math.Expm1(min(x, 0)) },
		"Elu",
		[]string{"alpha"},
	},
	"celu": {func(x, a, _ float64) float64 { return max(x, 0) + a*math.Expm1(min(x, 0)/a) }, "Celu",
		[]string{"alpha"}},
	"selu": {func(x, a, g float64) float64 { return g * (max(x, 0) + a*math.Expm1(min(x, 0))) }, "Selu",
		[]string{"alpha", "gamma"}},
	"thresholded_relu": {func(x, a, _ float64) float64 {
		if x > a {
			return x
		}
		return 0
	}, "ThresholdedRelu", []string{"alpha"}},
	"shrink": {func(x, lambda, bias float64) float64 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		}
		return 0
	}, "Shrink", []string{"lambd", "bias"}},
	"at_least": {func(x, a, _ float64) float64 { return max(x, a) }, "", nil},
	"at_most":  {func(x, a, _ float64) float64 { return min(x, a) }, "", nil},
	"clip":     {func(x, a, b float64) float64 { return min(max(x, a), b) }, "", nil},
	"tanh":     {func(x, _, _ float64) float64 { return math.Tanh(x) }, "Tanh", nil},
	"erf":      {func(x, _, _ float64) float64 { return math.Erf(x) }, "Erf", nil},
	"gelu":     {func(x, _, _ float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }, "", nil},
	"gelu_tanh": {
		func(x, _, _ float64) float64 { return x / 2 * (1 + math.Tanh(geluScale*(x+geluCube*x*x*x))) },
		"",
		nil,
	},
	"mish":       {func(x, _, _ float64) float64 { return x * math.Tanh(softplus(x)) }, "", nil},
	"softplus":   {func(x, _, _ float64) float64 { return softplus(x) }, "Softplus", nil},
	"softsign":   {func(x, _, _ float64) float64 { return x / (1 + math.Abs(x)) }, "Softsign", nil},
	"exp":        {func(x, _, _ float64) float64 { return math.Exp(x) }, "Exp", nil},
	"log":        {func(x, _, _ float64) float64 { return math.Log(x) }, "Log", nil},
	"sqrt":       {func(x, _, _ float64) float64 { return math.Sqrt(x) }, "Sqrt", nil},
	"neg":        {func(x, _, _ float64) float64 { return -x }, "Neg", nil},
	"abs":        {func(x, _, _ float64) float64 { return math.Abs(x) }, "Abs", nil},
	"reciprocal": {func(x, _, _ float64) float64 { return 1 / x }, "Reciprocal", nil},
	"floor":      {func(x, _, _ float64) float64 { return math.Floor(x) }, "Floor", nil},
	"ceil":       {func(x, _, _ float64) float64 { return math.Ceil(x) }, "Ceil", nil},
	"round":      {func(x, _, _ float64) float64 { return math.RoundToEven(x) }, "Round", nil},
	"sign": {func(x, _, _ float64) float64 {
		switch {
		case x > 0:
			return 1
		case x < 0:
			return -1
		}
		return x // 0 and NaN
	}, "Sign", nil},
	"sin":   {func(x, _, _ float64) float64 { return math.Sin(x) }, "Sin", nil},
	"cos":   {func(x, _, _ float64) float64 { return math.Cos(x) }, "Cos", nil},
	"tan":   {func(x, _, _ float64) float64 { return math.Tan(x) }, "Tan", nil},
	"asin":  {func(x, _, _ float64) float64 { return math.Asin(x) }, "Asin", nil},
	"acos":  {func(x, _, _ float64) float64 { return math.Acos(x) }, "Acos", nil},
	"atan":  {func(x, _, _ float64) float64 { return math.Atan(x) }, "Atan", nil},
	"sinh":  {func(x, _, _ float64) float64 { return math.Sinh(x) }, "Sinh", nil},
	"cosh":  {func(x, _, _ float64) float64 { return math.Cosh(x) }, "Cosh", nil},
	"asinh": {func(x, _, _ float64) float64 { return math.Asinh(x) }, "Asinh", nil},
	"acosh": {func(x, _, _ float64) float64 { return math.Acosh(x) }, "Acosh", nil},
	"atanh": {func(x, _, _ float64) float64 { return math.Atanh(x) }, "Atanh", nil},
}

// The constants of GELU's tanh form (Hendrycks and Gimpel, 2016, section 2).
const (
	geluScale = 0.7978845608028654 // sqrt(2/pi)
	geluCube  = 0.044715
)

// softplus is log(1 + exp(x)) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// Unary applies a function to each value: those that networks from outside use
// besides the functions of [Activation], which the spaces can choose from.
type Unary struct {
	Func UnaryFunc `json:"func"`
	// Alpha is the slope of leaky_relu, the limit of at_least, at_most and clip (its
	// lower one), alpha of elu, celu, selu and thresholded_relu, lambda of shrink.
	Alpha float64 `json:"alpha,omitempty"`
	// Beta is clip's upper limit, gamma of selu, bias of shrink.
	Beta float64 `json:"beta,omitempty"`
}

func init() { Register(func() Op { return new(Unary) }) }

// Kind returns "unary".
func (*Unary) Kind() string { return "unary" }

// InPlace marks the op as computable within its input.
func (*Unary) InPlace() {}

// hasUnaryFunc tells whether a function of that name is known.
func hasUnaryFunc(f UnaryFunc) bool { _, ok := unaryFuncs[f]; return ok }

// OutShape returns the input's shape.
func (o *Unary) OutShape(in []Shape) (Shape, error) {
	if !hasUnaryFunc(o.Func) {
		return Shape{}, fmt.Errorf("no function of one number is called %q", o.Func)
	}
	if math.IsNaN(o.Alpha) || math.IsNaN(o.Beta) || math.IsInf(o.Alpha, 0) || math.IsInf(o.Beta, 0) {
		return Shape{}, fmt.Errorf("%s with settings %v and %v", o.Func, o.Alpha, o.Beta)
	}
	return unary(in)
}

// MACs returns 0.
func (*Unary) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Unary) Params([]Shape) []Param { return nil }

// Eval applies the function.
func (o *Unary) Eval(out Tensor, in []Tensor, _ [][]float32) {
	f := unaryFuncs[o.Func].f
	for i, v := range in[0].Data {
		out.Data[i] = float32(f(float64(v), o.Alpha, o.Beta))
	}
}

// WriteONNX writes the operator, or for GELU and Mish, which are none before
// opset 20 and 18, their formula.
func (o *Unary) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	x := in[0]
	two := func(operator string, a, b ONNXValue) ONNXValue {
		v := g.Node(operator, []ONNXValue{a, b})
		v.Vector = x.Vector
		return v
	}
	switch o.Func {
	case "at_least":
		return g.Node("Clip", []ONNXValue{x, g.Number("min", o.Alpha)})
	case "at_most":
		return g.Node("Clip", []ONNXValue{x, {}, g.Number("max", o.Alpha)})
	case "clip":
		return g.Node("Clip", []ONNXValue{x, g.Number("min", o.Alpha), g.Number("max", o.Beta)})
	case "gelu":
		e := g.Node("Erf", []ONNXValue{two("Mul", x, g.Number("scale", 1/math.Sqrt2))})
		return two("Mul", two("Mul", x, g.Number("half", 0.5)), two("Add", e, g.Number("one", 1)))
	case "gelu_tanh":
		cube := two("Mul", two("Mul", two("Mul", x, x), x), g.Number("cube", geluCube))
		e := g.Node("Tanh", []ONNXValue{two("Mul", two("Add", x, cube), g.Number("scale", geluScale))})
		return two("Mul", two("Mul", x, g.Number("half", 0.5)), two("Add", e, g.Number("one", 1)))
	case "mish":
		return two("Mul", x, g.Node("Tanh", []ONNXValue{g.Node("Softplus", []ONNXValue{x})}))
	}
	f := unaryFuncs[o.Func]
	var attrs []ONNXAttr
	for i, name := range f.attrs {
		attrs = append(attrs, ONNXAttr{name, []float64{o.Alpha, o.Beta}[i]})
	}
	return g.Node(f.onnx, []ONNXValue{x}, attrs...)
}
