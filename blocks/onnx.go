package blocks

// ONNXGraph takes the ONNX operators that an op stands for. blocks/onnx
// implements it; ops only see these few calls, so that this package needs no
// file format and a new op kind needs no change there.
//
// Layout on the ONNX side is N x C x H x W, or N x C for what a linear layer
// returns. Operators are those of opset 17.
type ONNXGraph interface {
	// Node appends an operator with one output. The zero Value stands for an
	// optional input left out. The result is a map or a vector like in[0].
	Node(operator string, in []ONNXValue, attrs ...ONNXAttr) ONNXValue
	// Floats and Ints append a constant tensor, named after the op's node; ints
	// are one-dimensional.
	Floats(name string, dims []int, values []float32) ONNXValue
	Ints(name string, values ...int) ONNXValue
	// Bytes appends a single number of 8 bits.
	Bytes(name string, signed bool, value int) ONNXValue
	// AsMap turns N x C into N x C x 1 x 1 and leaves maps alone.
	AsMap(v ONNXValue) ONNXValue
	// Batch is the number of images, at least 1.
	Batch() int
}

// ONNXValue is a tensor of an ONNX graph.
type ONNXValue struct {
	Name   string
	Vector bool // N x C, else N x C x H x W
}

// ONNXAttr is an operator's attribute. Value is an int, a float64, a string or
// an []int.
type ONNXAttr struct {
	Name  string
	Value any
}

// ONNXWriter is implemented by ops that have an ONNX form. n holds the shapes of the node, in its
// inputs and params its weights as in Eval.
type ONNXWriter interface {
	WriteONNX(g ONNXGraph, n ONNXNode, in []ONNXValue, params [][]float32) ONNXValue
}

// ONNXNode is what WriteONNX may want to know of the node.
type ONNXNode struct {
	In  []Shape
	Out Shape
}

func asMaps(g ONNXGraph, in []ONNXValue) []ONNXValue {
	maps := make([]ONNXValue, len(in))
	for i, v := range in {
		maps[i] = g.AsMap(v)
	}
	return maps
}

// sameRank turns vectors into maps unless all are vectors.
func sameRank(g ONNXGraph, in []ONNXValue) []ONNXValue {
	for _, v := range in {
		if !v.Vector {
			return asMaps(g, in)
		}
	}
	return in
}

func onnxPads(p Pad) ONNXAttr { return ONNXAttr{"pads", []int{p.Top, p.Left, p.Bottom, p.Right}} }
