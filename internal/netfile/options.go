package netfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/quant"
	"nas/internal/fault"
)

// Network is a network of a file, with what only the file says.
type Network struct {
	*blocks.Network
	// Weights reads the weights of an ONNX file; it is nil for other formats.
	Weights func() (*blocks.Weights, error)
	// Input and Outputs are the tensors of an ONNX file as it declares them; Input
	// is nil for other formats, whose tensors are H x W x C.
	Input   *onnx.Tensor
	Outputs []onnx.Tensor
	Notes   []string // what was understood otherwise than the file has it
	// Quantised reads the integers of a file of 8-bit integers, for the engine, node by node of the network without its
	// ops fake_quant; it is nil for other files. A file that is not of integers from input to output is an error.
	Quantised func() (*quant.Network, error)
	// Integers makes a function that computes the outputs of one image by the integer arithmetic of a file of 8-bit
	// integers, all in the orders that the file declares; it is nil for other files.
	Integers func() (func(in []float32) ([][]float32, error), error)
}

// Options say how a file of another program is read. The zero value takes what the
// file says.
type Options struct {
	Shape   []int    // dims of the input in the file's order; 0 and -1 keep the file's
	Open    []int    // dims of the input in the file's order where it leaves them open
	H, W    int      // height and width where the file leaves them open
	Outputs []string // the outputs to keep; nil means all
}

// Cut splits "model.onnx@res=224,output=features" into a path and options. A file
// of the whole name comes first: then there are no options.
func Cut(text string) (path string, o Options, err error) {
	i := strings.LastIndexByte(text, '@')
	if i < 0 || !IsFile(text[:i]) {
		return text, o, nil
	}
	path = text[:i]
	for _, part := range strings.Split(text[i+1:], ",") {
		key, v, _ := strings.Cut(part, "=")
		switch key {
		case "res":
			d, err := Dims(v)
			if err != nil || len(d) > 2 || slices.Min(d) < 1 {
				return "", o, fault.Errorf("netfile: %s: res = %q, want a number as 224 or 192x256", text, v)
			}
			o.H, o.W = d[0], d[len(d)-1]
		case "shape":
			if o.Shape, err = Dims(v); err != nil {
				return "", o, fault.Errorf("netfile: %s: shape: %w", text, err)
			}
		case "output":
			o.Outputs = append(o.Outputs, v)
		default:
			return "", o, fault.Errorf("netfile: %s: unknown option %q of a file, want res=224, shape=1x3x224x224 or "+
				"output=NAME",
				text, key)
		}
	}
	return path, o, nil
}

// Dims reads extents written as 1x3x224x224 or 1,3,224,224.
func Dims(text string) ([]int, error) {
	var out []int
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == 'x' || r == ',' }) {
		d, err := strconv.Atoi(s)
		if err != nil || d < -1 || d > 1<<30 {
			return nil, fmt.Errorf("%q is no extent: want numbers as 1x3x224x224", s)
		}
		out = append(out, d)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%q has no extents: want numbers as 1x3x224x224", text)
	}
	return out, nil
}
