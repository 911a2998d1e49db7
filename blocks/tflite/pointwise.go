package tflite

import (
	"fmt"
	"math"

	"nas/blocks"
)

func init() {
	register(lowerActivation)
	register(lowerBatchNorm)
	register(lowerAffine)
	register(func(g *graph, _ *blocks.Add, c call) (value, error) { return g.pairs("ADD", c), nil })
	register(func(g *graph, _ *blocks.Mul, c call) (value, error) { return g.pairs("MUL", c), nil })
	register(lowerSoftmax)
	register(lowerLRN)
}

// errOption says that an op is written, but not with what it has here.
func errOption(what string) error {
	return fmt.Errorf("%s has no form in .tflite files: export it as ONNX", what)
}

// like appends an operator whose output has the dims of x.
func (g *graph) like(name string, x value, in []int, o Options) value {
	x.tensor = g.op(name, in, o, x.dims())
	return x
}

// activations are the operators of each function.
var activations = []func(g *graph, x value) value{
	blocks.Identity: func(g *graph, x value) value { return x },
	blocks.ReLU:     func(g *graph, x value) value { return g.like("RELU", x, []int{x.tensor}, nil) },
	blocks.ReLU6:    func(g *graph, x value) value { return g.like("RELU6", x, []int{x.tensor}, nil) },
	blocks.HSwish:   func(g *graph, x value) value { return g.like("HARD_SWISH", x, []int{x.tensor}, nil) },
	blocks.HSigmoid: func(g *graph, x value) value {
		x = g.like("ADD", x, []int{x.tensor, g.number(3)}, Options{"activation": Relu6})
		return g.like("MUL", x, []int{x.tensor, g.number(1. / 6)}, nil)
	},
	blocks.Swish: func(g *graph, x value) value {
		gate := g.like("LOGISTIC", x, []int{x.tensor}, nil)
		return g.like("MUL", x, []int{x.tensor, gate.tensor}, nil)
	},
	blocks.Sigmoid: func(g *graph, x value) value { return g.like("LOGISTIC", x, []int{x.tensor}, nil) },
}

// fusedActivations are values of the field that convolutions and additions have.
var fusedActivations = map[blocks.ActFunc]float64{blocks.ReLU: Relu, blocks.ReLU6: Relu6}

// lowerActivation sets the field of the operator before it, or writes one of its own.
func lowerActivation(g *graph, op *blocks.Activation, c call) (value, error) {
	x := c.in[0]
	if f, ok := fusedActivations[op.Func]; ok && c.alone {
		if p := g.producer(x.tensor); p != nil && p.fuses() {
			if p.Options == nil {
				p.Options = Options{}
			}
			p.Options["activation"] = f
			return x, nil
		}
	}
	return activations[op.Func](g, x), nil
}

// fuses tells whether the operator has a field for an activation, which is free. Pooling is not
// asked: converters write none there, and runtimes test it little.
func (o *Operator) fuses() bool {
	switch o.Name {
	case "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD":
		return o.Options["activation"] == None
	}
	return false
}

// scaled writes x * scale + shift with one factor for each channel.
func (g *graph) scaled(x value, scale, shift []float32) value {
	c := []int{len(scale)}
	x = g.like("MUL", x, []int{x.tensor, g.weight("scale", c, scale)}, nil)
	return g.like("ADD", x, []int{x.tensor, g.weight("shift", c, shift)}, nil)
}

// lowerBatchNorm writes what no layer could take: MUL and ADD.
func lowerBatchNorm(g *graph, op *blocks.BatchNorm, c call) (value, error) {
	n := c.out.C
	scale, shift := make([]float32, n), make([]float32, n)
	for i := range n {
		f := float64(c.params[0][i]) / math.Sqrt(float64(c.params[3][i])+op.Eps())
		scale[i], shift[i] = float32(f), float32(float64(c.params[1][i])-float64(c.params[2][i])*f)
	}
	return g.scaled(c.in[0], scale, shift), nil
}

func lowerAffine(g *graph, op *blocks.Affine, c call) (value, error) {
	scale, shift := op.Factors(c.out.C, c.params)
	return g.scaled(c.in[0], scale, shift), nil
}

// pairs writes a chain of operators of two inputs.
func (g *graph) pairs(name string, c call) value {
	in, vector := g.sameRank(c.in)
	v := in[0]
	for _, w := range in[1:] {
		s := blocks.Shape{H: max(v.shape.H, w.shape.H), W: max(v.shape.W, w.shape.W), C: max(v.shape.C, w.shape.C)}
		next := value{shape: s, vector: vector}
		next.tensor = g.op(name, []int{v.tensor, w.tensor}, Options{}, next.dims())
		v = next
	}
	return v
}

func lowerSoftmax(g *graph, op *blocks.Softmax, c call) (value, error) {
	x := c.in[0]
	if op.Log {
		return g.like("LOG_SOFTMAX", x, []int{x.tensor}, nil), nil
	}
	return g.like("SOFTMAX", x, []int{x.tensor}, Options{"beta": 1}), nil
}

// lowerLRN writes the operator of TensorFlow, whose alpha is not divided by the size.
func lowerLRN(g *graph, op *blocks.LRN, c call) (value, error) {
	x := g.asMap(c.in[0])
	o := Options{"radius": float64(op.Size / 2), "bias": op.Bias, "alpha": op.Alpha / float64(op.Size), "beta": op.Beta}
	return g.like("LOCAL_RESPONSE_NORMALIZATION", x, []int{x.tensor}, o), nil
}
