package arena

import "nas/blocks/tflite"

// pointer32 is the size of a pointer on a microcontroller.
const pointer32 = 4

// objects is the size of what TensorFlow Lite Micro keeps whatever the model: allocators, planner, the tensors of input
// and output, in pointers.
const objects = 110

// persistent estimates the part of the arena that lives as long as the interpreter. It is made of small objects with
// pointers, so it depends on the processor: pointer is the size of one. An optimised kernel may keep some bytes more.
func persistent(m *tflite.Model, pointer int) int {
	bytes := objects*pointer + 3*pointer*len(m.Tensors) // TfLiteEvalTensor
	for _, op := range m.Operators {
		bytes += 8 * pointer // NodeAndRegistration
		bytes += kept(op.Name, pointer) + pointer*len(scratch(m, op))
		switch op.Name {
		case "CONV_2D", "DEPTHWISE_CONV_2D": // multiplier and shift of each output channel
			dims := m.Tensors[op.Outputs[0]].Dims
			bytes += 2 * aligned(4*dims[len(dims)-1])
		}
	}
	return bytes
}

// kept is what an operator keeps: its options, and what it works out when it is prepared.
func kept(operator string, pointer int) int {
	switch operator {
	case "CONV_2D", "DEPTHWISE_CONV_2D":
		return 32 + aligned(48+2*pointer+4)
	case "FULLY_CONNECTED":
		return 16 + aligned(40+2*pointer)
	case "ADD", "SUB", "PAD", "PADV2":
		return 8 + 96
	case "MUL", "QUANTIZE", "REDUCE_MAX", "REDUCE_MIN", "SUM", "MEAN":
		return 4 + 64
	case "MAX_POOL_2D", "AVERAGE_POOL_2D", "CONCATENATION":
		return 40 + 48
	case "RESHAPE":
		return 40
	case "TRANSPOSE", "SLICE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR":
		return 8
	}
	return 32
}
