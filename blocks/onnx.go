package blocks

import "math"

// ONNXGraph takes the ONNX operators that an op stands for. blocks/onnx
// implements it; ops only see these few calls, so that this package needs no
// file format and a new op kind needs no change there.
//
// Layout on the ONNX side is N x C x H x W, or N x C for what a linear layer
// returns. Operators are those of opset 17, with axes as an attribute: the graph
// writes them as the opset at hand has them. Ops do not know the number N of
// images: a Reshape copies it with an extent of 0.
type ONNXGraph interface {
	// Node appends an operator with one output. The zero Value stands for an
	// optional input left out. The result is a map or a vector like in[0].
	Node(operator string, in []ONNXValue, attrs ...ONNXAttr) ONNXValue
	// Floats appends a tensor of weights, named after the op's node. name is that of
	// the [Param] that the values come from, if they come from one: a tensor that
	// nodes share is appended once.
	Floats(name string, dims []int, values []float32) ONNXValue
	// Number, Ints and Bytes return a constant that the graph holds once for each
	// name and value: a single float, a list of integers, a single number of 8 bits.
	Number(name string, value float64) ONNXValue
	Ints(name string, values ...int) ONNXValue
	Bytes(name string, signed bool, value int) ONNXValue
	// AsMap turns N x C into N x C x 1 x 1 and leaves maps alone.
	AsMap(v ONNXValue) ONNXValue
	// Images repeats a value of one image for all images, and leaves others alone.
	Images(v ONNXValue) ONNXValue
	// Sizes returns the extents N, C, H, W of a tensor of x's images and shape s.
	Sizes(x ONNXValue, s Shape) ONNXValue
	// Batch is the number of images, 0 if it is left open.
	Batch() int
}

// ONNXValue is a tensor of an ONNX graph.
type ONNXValue struct {
	Name   string
	Vector bool // N x C, else N x C x H x W
	Single bool // N is 1, whatever the batch: the value does not depend on the input
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

// sameImages repeats values of one image unless all are such.
func sameImages(g ONNXGraph, in []ONNXValue) []ONNXValue {
	for _, v := range in {
		if !v.Single {
			all := make([]ONNXValue, len(in))
			for i, v := range in {
				all[i] = g.Images(v)
			}
			return all
		}
	}
	return in
}

// resized appends Resize to the extents of out: by scales, which name no number of
// images, where they give these extents in any arithmetic, else by sizes.
func resized(g ONNXGraph, x ONNXValue, in, out Shape, nearest bool, attrs ...ONNXAttr) ONNXValue {
	x = g.AsMap(x)
	h, okH := scaleOf(in.H, out.H, nearest)
	w, okW := scaleOf(in.W, out.W, nearest)
	if okH && okW {
		return g.Node("Resize", []ONNXValue{x, {}, g.Floats("scales", []int{4}, []float32{1, 1, h, w})}, attrs...)
	}
	return g.Node("Resize", []ONNXValue{x, {}, {}, g.Sizes(x, out)}, attrs...)
}

// scaleOf returns the scale from an extent to another, and whether in times scale,
// rounded down, is out. For nearest it must be out before rounding.
func scaleOf(in, out int, nearest bool) (float32, bool) {
	s := float32(out) / float32(in)
	exact := float64(s)*float64(in) == float64(out)
	if float64(s)*float64(in) < float64(out) {
		s = math.Nextafter32(s, math.MaxFloat32)
	}
	return s, exact || !nearest && float32(in)*s == float32(out)
}

func onnxPads(p Pad) ONNXAttr { return ONNXAttr{"pads", []int{p.Top, p.Left, p.Bottom, p.Right}} }
