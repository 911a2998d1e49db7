package tflite

import (
	"fmt"
	"math"
)

// functions are operators of one input that ONNX has under another name.
var functions = map[string]string{
	"ABS": "Abs", "CEIL": "Ceil", "ELU": "Elu", "EXP": "Exp", "FLOOR": "Floor", "HARD_SWISH": "HardSwish", "LOG": "Log",
	"LOGISTIC": "Sigmoid", "NEG": "Neg", "RELU": "Relu", "ROUND": "Round", "SQRT": "Sqrt", "TANH": "Tanh",
}

// pairFunctions are operators of two inputs, each repeated to the dims of the other as in NumPy.
var pairFunctions = map[string]string{
	"ADD": "Add", "SUB": "Sub", "MUL": "Mul", "DIV": "Div", "MAXIMUM": "Max", "MINIMUM": "Min", "POW": "Pow",
}

func init() {
	for name, kind := range functions {
		translations[name] = func(s *step) ([]string, error) {
			x, err := s.in(0)
			return []string{s.node(kind, []string{x})}, err
		}
	}
	for name, kind := range pairFunctions {
		translations[name] = func(s *step) ([]string, error) { return s.pair(kind) }
	}
	// What they compute is the rounding to the grid of their output.
	translations["QUANTIZE"] = readSame
	translations["DEQUANTIZE"] = readSame
	translations["RELU6"] = readClip(0, 6)
	translations["RELU_N1_TO_1"] = readClip(-1, 1)
	translations["SQUARE"] = func(s *step) ([]string, error) {
		x, err := s.in(0)
		return []string{s.node("Mul", []string{x, x})}, err
	}
	translations["RSQRT"] = func(s *step) ([]string, error) {
		x, err := s.in(0)
		return []string{s.node("Reciprocal", []string{s.inner("Sqrt", []string{x})})}, err
	}
	translations["SQUARED_DIFFERENCE"] = func(s *step) ([]string, error) {
		d, err := s.pair("Sub")
		if err != nil {
			return nil, err
		}
		return []string{s.node("Mul", []string{d[0], d[0]})}, nil
	}
	translations["LEAKY_RELU"] = func(s *step) ([]string, error) {
		x, err := s.in(0)
		return []string{s.node("LeakyRelu", []string{x}, attr("alpha", s.option("alpha")))}, err
	}
	translations["PRELU"] = readPReLU
	translations["GELU"] = readGELU
	translations["SOFTMAX"] = readSoftmax("Softmax")
	translations["LOG_SOFTMAX"] = readSoftmax("LogSoftmax")
	translations["LOCAL_RESPONSE_NORMALIZATION"] = readLRN
}

func (s *step) pair(kind string) ([]string, error) {
	a, err := s.in(0)
	if err != nil {
		return nil, err
	}
	b, err := s.in(1)
	if err != nil {
		return nil, err
	}
	return one(s.activate(s.node(kind, []string{a, b})))
}

func readSame(s *step) ([]string, error) {
	if t := &s.m.Tensors[s.op.Inputs[0]]; t.Data != nil && t.Type == Float16 {
		x, err := s.in(0)
		return []string{s.node("Cast", []string{x}, attr("to", 1))}, err
	}
	return one(s.in(0))
}

func readClip(low, high float32) translation {
	return func(s *step) ([]string, error) {
		x, err := s.in(0)
		if err != nil {
			return nil, err
		}
		return []string{s.clip(x, low, high)}, nil
	}
}

// readPReLU reads slopes of each channel, 1 x 1 x C.
func readPReLU(s *step) ([]string, error) {
	x, err := s.imageOf(0)
	if err != nil {
		return nil, err
	}
	slope, err := s.in(1)
	if err != nil {
		return nil, err
	}
	c := s.dims(0)[3]
	for i, d := range s.dims(1) {
		if last := i == len(s.dims(1))-1; last && d != c || !last && d != 1 {
			return nil, fmt.Errorf("its slopes are of %v, want one for each channel", short(s.dims(1)))
		}
	}
	slope = s.inner("Reshape", []string{slope, s.g.Ints(s.name+".dims", c, 1, 1)})
	return []string{s.back(s.node("PRelu", []string{x, slope}))}, nil
}

// readGELU writes the formula out (Hendrycks and Gimpel, 2016, section 2): ONNX has the operator since opset 20.
func readGELU(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	two := func(kind, a string, v float64) string { return s.inner(kind, []string{a, s.number(float32(v))}) }
	var gate string
	if s.option("approximate") != 0 {
		cube := two("Mul", two("Pow", x, 3), 0.044715)
		gate = s.inner("Tanh", []string{two("Mul", s.inner("Add", []string{x, cube}), math.Sqrt(2/math.Pi))})
	} else {
		gate = s.inner("Erf", []string{two("Div", x, math.Sqrt2)})
	}
	return []string{two("Mul", s.inner("Mul", []string{x, two("Add", gate, 1)}), 0.5)}, nil
}

func readSoftmax(kind string) translation {
	return func(s *step) ([]string, error) {
		x, err := s.in(0)
		if err != nil {
			return nil, err
		}
		if beta := s.option("beta"); kind == "Softmax" && beta != 1 {
			x = s.inner("Mul", []string{x, s.number(float32(beta))})
		}
		return []string{s.node(kind, []string{x}, attr("axis", -1))}, nil
	}
}

// readLRN reads a radius and an alpha that is not divided by the size.
func readLRN(s *step) ([]string, error) {
	x, err := s.imageOf(0)
	if err != nil {
		return nil, err
	}
	size := 2*int(s.option("radius")) + 1
	v := s.node("LRN", []string{x}, attr("size", size), attr("bias", s.option("bias")),
		attr("alpha", s.option("alpha")*float64(size)), attr("beta", s.option("beta")))
	return []string{s.back(v)}, nil
}
