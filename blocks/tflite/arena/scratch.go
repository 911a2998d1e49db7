package arena

import "nas/blocks/tflite"

// scratch returns the sizes of the buffers that an operator of TensorFlow Lite Micro's reference kernels uses while it
// runs, in the order in which it asks for them (tensorflow/lite/micro/kernels/reduce_common.cc).
func scratch(m *tflite.Model, op tflite.Operator) []int {
	switch op.Name {
	case "MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN":
	default:
		return nil
	}
	const integer = 4
	elements := func(t int) int {
		n := 1
		for _, d := range m.Tensors[t].Dims {
			n *= d
		}
		return n
	}
	in := m.Tensors[op.Inputs[0]]
	indices := []int{integer * len(in.Dims), integer * elements(op.Inputs[1])}
	if op.Name == "MEAN" && in.Type == tflite.Int8 {
		return append([]int{integer * elements(op.Outputs[0])}, indices...)
	}
	return indices
}
