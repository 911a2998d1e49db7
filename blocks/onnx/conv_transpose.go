package onnx

import (
	"fmt"
	"slices"
	"strings"

	"nas/blocks"
)

func init() {
	register(map[string]spec{
		"ConvTranspose": {
			attrs: "auto_pad dilations group kernel_shape output_padding output_shape pads strides",
			in:    [2]int{2, 3},
			apply: readConvTranspose,
		},
	})
}

func readConvTranspose(r *reader, c call) ([]*value, error) {
	v, err := c.activation(0)
	if err != nil {
		return nil, err
	}
	w, err := c.floats(1)
	if err != nil {
		return nil, err
	}
	d := v.extents()
	if len(d) < 3 || len(d) > 4 || len(w.dims) != len(d) || slices.Min(w.dims) < 1 {
		return nil, fmt.Errorf("of %v with weights %v, want one or two dimensions", short(d), short(w.dims))
	}
	op, err := c.transposedWindow(w.dims[2:], d[2:])
	if err != nil {
		return nil, err
	}
	if g := op.Groups; g < 1 || w.dims[0] != d[1] || float64(g)*float64(w.dims[1]) > 1<<31 {
		return nil, fmt.Errorf("of %d channels in %d groups with weights %v", d[1], op.Groups, short(w.dims))
	}
	op.Out = w.dims[1] * op.Groups
	if v, err = r.chw(v); err != nil {
		return nil, err
	}
	if err := r.charge(4 * len(w.f)); err != nil {
		return nil, err
	}
	cin, per, taps := w.dims[0], w.dims[1], op.Kernel[0]*op.Kernel[1]
	tensors := [][]float32{w.f}
	if !r.unread(w.f) {
		data := make([]float32, len(w.f))
		for i := range cin {
			for m := range per {
				for t := range taps {
					data[(t*cin+i)*per+m] = w.f[(i*per+m)*taps+t]
				}
			}
		}
		tensors[0] = data
	}
	r.sources = []string{w.name}
	if op.Bias, tensors, err = r.bias(c, tensors, op.Out); err != nil {
		return nil, err
	}
	node, err := r.add("", op, tensors, v.node)
	if err != nil {
		return nil, err
	}
	return []*value{r.mapOf(node, len(d), v.batch())}, nil
}

// transposedWindow reads kernel size, strides, dilations and padding of a
// transposed convolution over spatial extents. The padding may be given by the
// extents of the output instead.
func (c call) transposedWindow(k, spatial []int) (*blocks.ConvTranspose, error) {
	auto := c.textAttr("auto_pad", "NOTSET")
	bare := call{nodeProto: &nodeProto{op: c.op, attrs: map[string]attrProto{}}}
	for name, a := range c.attrs {
		if name != "auto_pad" {
			bare.attrs[name] = a
		}
	}
	s, err := bare.window(k, spatial)
	if err != nil {
		return nil, err
	}
	op := &blocks.ConvTranspose{Kernel: s.kernel, Stride: s.stride, Dilation: s.dilation, Pad: s.pad,
		Groups: c.intAttr("group", 1)}
	if op.Extra, err = c.pair("output_padding", len(spatial), [2]int{}, 0); err != nil {
		return nil, err
	}
	shape := c.attrs["output_shape"].ints
	switch auto {
	case "NOTSET", "":
	case "VALID":
		op.Pad = blocks.Pad{}
	case "SAME_UPPER", "SAME_LOWER":
		if shape == nil {
			for i, n := range spatial {
				shape = append(shape, n*s.stride[i])
			}
		}
	default:
		return nil, fmt.Errorf("auto_pad is %.40q", auto)
	}
	if shape != nil && len(shape) != len(spatial) {
		return nil, fmt.Errorf("output_shape is %v, want %d numbers", short(shape), len(spatial))
	}
	for i, n := range shape {
		total := s.stride[i]*(spatial[i]-1) + op.Extra[i] + (s.kernel[i]-1)*s.dilation[i] + 1 - n
		if total < 0 {
			if strings.HasPrefix(auto, "SAME") {
				return nil, fmt.Errorf("auto_pad %s with kernels below the stride, about which runtimes differ: "+
					"export it with pads", auto)
			}
			op.Extra[i] -= total
			total = 0
		}
		before, after := total-total/2, total/2
		if auto == "SAME_UPPER" {
			before, after = after, before
		}
		if i == 0 {
			op.Pad.Top, op.Pad.Bottom = before, after
		} else {
			op.Pad.Left, op.Pad.Right = before, after
		}
	}
	return op, nil
}
