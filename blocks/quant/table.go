package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

// Tabulate returns an activation function of each point of in, in float32, as points of out: entry q - in.Low. It is
// what a runtime computes between a DequantizeLinear and a QuantizeLinear of ONNX. The arithmetic of .tflite files for
// hard-swish, hard-sigmoid and swish is another, by up to a step or two.
func Tabulate(f blocks.ActFunc, in, out integer.Grid) []int32 {
	t := make([]int32, in.High-in.Low+1)
	for i := range t {
		x := in.Real(in.Low + int32(i))
		v := float32(f.Apply(float64(x)))
		if f == blocks.HSwish {
			v = x * float32(blocks.HSigmoid.Apply(float64(x)))
		}
		t[i] = out.Quantize(v)
	}
	return t
}
