package blocks

import (
	"fmt"
	"math"
	"strings"
)

// ActFunc names an activation function. The zero value is the identity.
type ActFunc int

const (
	Identity ActFunc = iota // x
	ReLU                    // max(x, 0)
	ReLU6                   // min(max(x, 0), 6)
	HSwish                  // x * min(max(x+3, 0), 6) / 6 (Howard et al., ICCV 2019, section 5.2)
	HSigmoid                // min(max(x+3, 0), 6) / 6
	Swish                   // x / (1 + exp(-x)) (Ramachandran et al., 2017), also SiLU
	Sigmoid                 // 1 / (1 + exp(-x))
)

// actTable is the one place that knows names and formulas.
var actTable = []struct {
	name string
	f    func(float64) float64
}{
	Identity: {"identity", func(x float64) float64 { return x }},
	ReLU:     {"relu", func(x float64) float64 { return max(x, 0) }},
	ReLU6:    {"relu6", func(x float64) float64 { return min(max(x, 0), 6) }},
	HSwish:   {"hswish", func(x float64) float64 { return x * min(max(x+3, 0), 6) / 6 }},
	HSigmoid: {"hsigmoid", func(x float64) float64 { return min(max(x+3, 0), 6) / 6 }},
	Swish:    {"swish", func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	Sigmoid:  {"sigmoid", func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
}

// ActFuncs returns all activation functions, the identity first.
func ActFuncs() []ActFunc {
	fs := make([]ActFunc, len(actTable))
	for i := range fs {
		fs[i] = ActFunc(i)
	}
	return fs
}

// String returns the name used in configs, arch strings and files.
func (f ActFunc) String() string {
	if f < 0 || int(f) >= len(actTable) {
		return fmt.Sprintf("ActFunc(%d)", int(f))
	}
	return actTable[f].name
}

// Apply evaluates the function. NaN stays NaN.
func (f ActFunc) Apply(x float64) float64 { return actTable[f].f(x) }

// ParseActFunc is the inverse of String.
func ParseActFunc(name string) (ActFunc, error) {
	names := make([]string, len(actTable))
	for i, a := range actTable {
		if a.name == name {
			return ActFunc(i), nil
		}
		names[i] = a.name
	}
	return 0, fmt.Errorf("unknown activation %q, want one of %s", name, strings.Join(names, ", "))
}

// MarshalText writes the name.
func (f ActFunc) MarshalText() ([]byte, error) {
	if f < 0 || int(f) >= len(actTable) {
		return nil, fmt.Errorf("no activation has number %d", int(f))
	}
	return []byte(f.String()), nil
}

// UnmarshalText reads a name.
func (f *ActFunc) UnmarshalText(text []byte) (err error) {
	*f, err = ParseActFunc(string(text))
	return err
}

// Activation applies a function to each value.
type Activation struct {
	Func ActFunc `json:"func"`
}

func init() { Register(func() Op { return new(Activation) }) }

// Kind returns "act".
func (*Activation) Kind() string { return "act" }

// InPlace marks the op as computable within its input.
func (*Activation) InPlace() {}

// OutShape returns the input's shape.
func (o *Activation) OutShape(in []Shape) (Shape, error) {
	if o.Func < 0 || int(o.Func) >= len(actTable) {
		return Shape{}, fmt.Errorf("no activation has number %d", int(o.Func))
	}
	return unary(in)
}

// MACs returns 0.
func (*Activation) MACs([]Shape) int64 { return 0 }

// Params returns nil.
func (*Activation) Params([]Shape) []Param { return nil }

// Eval applies the function.
func (o *Activation) Eval(out Tensor, in []Tensor, _ [][]float32) {
	for i, v := range in[0].Data {
		out.Data[i] = float32(o.Func.Apply(float64(v)))
	}
}

// onnxActs are the forms of the activation functions.
var onnxActs = []func(g ONNXGraph, x ONNXValue) ONNXValue{
	Identity: func(g ONNXGraph, x ONNXValue) ONNXValue { return x },
	ReLU:     func(g ONNXGraph, x ONNXValue) ONNXValue { return g.Node("Relu", []ONNXValue{x}) },
	ReLU6: func(g ONNXGraph, x ONNXValue) ONNXValue {
		return g.Node("Clip", []ONNXValue{x, g.Number("min", 0), g.Number("max", 6)})
	},
	HSwish: func(g ONNXGraph, x ONNXValue) ONNXValue { return g.Node("HardSwish", []ONNXValue{x}) },
	HSigmoid: func(g ONNXGraph, x ONNXValue) ONNXValue {
		return g.Node("HardSigmoid", []ONNXValue{x}, ONNXAttr{"alpha", 1. / 6}, ONNXAttr{"beta", 0.5})
	},
	Swish: func(g ONNXGraph, x ONNXValue) ONNXValue {
		return g.Node("Mul", []ONNXValue{x, g.Node("Sigmoid", []ONNXValue{x})})
	},
	Sigmoid: func(g ONNXGraph, x ONNXValue) ONNXValue { return g.Node("Sigmoid", []ONNXValue{x}) },
}

// WriteONNX writes Relu, Clip, HardSwish, HardSigmoid, Sigmoid or, for swish,
// Sigmoid and Mul; the identity writes nothing.
func (o *Activation) WriteONNX(g ONNXGraph, _ ONNXNode, in []ONNXValue, _ [][]float32) ONNXValue {
	return onnxActs[o.Func](g, in[0])
}
