package tflite

import (
	"fmt"
	"slices"

	"nas/blocks"
)

func init() {
	translations["CONV_2D"] = readConv
	translations["DEPTHWISE_CONV_2D"] = readDepthwise
	translations["TRANSPOSE_CONV"] = readTransposeConv
	translations["FULLY_CONNECTED"] = readFullyConnected
	translations["BATCH_MATMUL"] = readBatchMatMul
	translations["MAX_POOL_2D"] = readPool("MaxPool")
	translations["AVERAGE_POOL_2D"] = readPool("AveragePool")
}

func attr(name string, value any) blocks.ONNXAttr { return blocks.ONNXAttr{Name: name, Value: value} }

// window returns the attributes of a sliding window.
func (s *step) window() ([]blocks.ONNXAttr, error) {
	pad := map[float64]string{Same: "SAME_UPPER", Valid: "VALID"}[s.option("padding")]
	if pad == "" {
		return nil, fmt.Errorf("padding number %v", s.option("padding"))
	}
	return []blocks.ONNXAttr{
		attr("auto_pad", pad),
		attr("strides", []int{int(s.option("stride_h")), int(s.option("stride_w"))}),
	}, nil
}

// weight returns input k, of four dims, with its axes in another order.
func (s *step) weight(k int, perm ...int) (string, []int, error) {
	v, err := s.in(k)
	if err != nil {
		return "", nil, err
	}
	d := s.dims(k)
	if len(d) != 4 {
		return "", nil, fmt.Errorf("its weights are of %v, want four dims", short(d))
	}
	return s.inner("Transpose", []string{v}, attr("perm", perm)), d, nil
}

// convolution appends a Conv of groups, with the bias of input 2 and the activation.
func (s *step) convolution(weight string, groups int) ([]string, error) {
	if s.option("quantized_bias_type") != 0 {
		return nil, fmt.Errorf("a bias type of its own is not read")
	}
	x, err := s.imageOf(0)
	if err != nil {
		return nil, err
	}
	attrs, err := s.window()
	if err != nil {
		return nil, err
	}
	in := []string{x, weight}
	if s.has(2) {
		b, err := s.in(2)
		if err != nil {
			return nil, err
		}
		in = append(in, b)
	}
	dilation := []int{int(s.option("dilation_h")), int(s.option("dilation_w"))}
	v := s.node("Conv", in, append(attrs, attr("dilations", dilation), attr("group", groups))...)
	if v, err = s.activate(v); err != nil {
		return nil, err
	}
	return []string{s.back(v)}, nil
}

// readConv reads weights O x KH x KW x I.
func readConv(s *step) ([]string, error) {
	w, d, err := s.weight(1, 0, 3, 1, 2)
	if err != nil {
		return nil, err
	}
	groups := 1
	if in := s.dims(0); len(in) == 4 && d[3] > 0 && in[3]%d[3] == 0 {
		groups = in[3] / d[3]
	}
	return s.convolution(w, groups)
}

// readDepthwise reads weights 1 x KH x KW x O. The multiplier follows from the numbers of channels.
func readDepthwise(s *step) ([]string, error) {
	s.option("depth_multiplier")
	w, _, err := s.weight(1, 3, 0, 1, 2)
	if err != nil {
		return nil, err
	}
	d := s.dims(0)
	return s.convolution(w, d[len(d)-1])
}

// readTransposeConv reads the output's shape, weights O x KH x KW x I, and the input.
func readTransposeConv(s *step) ([]string, error) {
	x, err := s.imageOf(2)
	if err != nil {
		return nil, err
	}
	w, k, err := s.weight(1, 3, 0, 1, 2)
	if err != nil {
		return nil, err
	}
	out, in := s.outDims(), s.dims(2)
	if len(out) != 4 {
		return nil, fmt.Errorf("output of %v", short(out))
	}
	stride := []int{int(s.option("stride_h")), int(s.option("stride_w"))}
	pads, more := make([]int, 4), make([]int, 2)
	for i := range 2 {
		// All output positions that a kernel touches, without those that the file cuts off.
		total := (in[1+i]-1)*stride[i] + k[1+i] - out[1+i]
		if s.option("padding") == Valid {
			total = min(total, 0)
		}
		pads[i], pads[2+i] = max(total, 0)/2, max(total, 0)-max(total, 0)/2
		more[i] = max(-total, 0)
	}
	args := []string{x, w}
	if s.has(3) {
		b, err := s.in(3)
		if err != nil {
			return nil, err
		}
		args = append(args, b)
	}
	if s.option("quantized_bias_type") != 0 {
		return nil, fmt.Errorf("a bias type of its own is not read")
	}
	v := s.node("ConvTranspose", args, attr("strides", stride), attr("pads", pads), attr("output_padding", more))
	if v, err = s.activate(v); err != nil {
		return nil, err
	}
	return []string{s.back(v)}, nil
}

// readFullyConnected reads weights O x I.
func readFullyConnected(s *step) ([]string, error) {
	if s.option("weights_format") != 0 || s.option("quantized_bias_type") != 0 {
		return nil, fmt.Errorf("shuffled weights and a bias type of its own are not read")
	}
	s.option("keep_num_dims") // the dims of the output say it
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	w, err := s.in(1)
	if err != nil {
		return nil, err
	}
	d := s.dims(1)
	if len(d) != 2 {
		return nil, fmt.Errorf("its weights are of %v, want two dims", short(d))
	}
	var v string
	if out := s.outDims(); len(out) > 2 {
		v = s.node("MatMul", []string{x, s.inner("Transpose", []string{w}, attr("perm", []int{1, 0}))})
		if s.has(2) {
			b, err := s.in(2)
			if err != nil {
				return nil, err
			}
			v = s.inner("Add", []string{v, b})
		}
	} else {
		if len(s.dims(0)) != 2 {
			x = s.inner("Reshape", []string{x, s.g.Ints(s.name+".rows", -1, d[1])})
		}
		in := []string{x, w}
		if s.has(2) {
			b, err := s.in(2)
			if err != nil {
				return nil, err
			}
			in = append(in, b)
		}
		v = s.node("Gemm", in, attr("transB", 1))
	}
	return one(s.activate(v))
}

// readBatchMatMul turns the last two axes of an operand that is adjoint.
func readBatchMatMul(s *step) ([]string, error) {
	var in []string
	for k, name := range []string{"adj_x", "adj_y"} {
		v, err := s.in(k)
		if err != nil {
			return nil, err
		}
		if s.option(name) != 0 {
			n := len(s.dims(k))
			if n < 2 {
				return nil, fmt.Errorf("operand of %v", s.dims(k))
			}
			perm := make([]int, n)
			for i := range perm {
				perm[i] = i
			}
			perm[n-1], perm[n-2] = n-2, n-1
			v = s.inner("Transpose", []string{v}, attr("perm", perm))
		}
		in = append(in, v)
	}
	return []string{s.node("MatMul", in)}, nil
}

// readPool reads a window. A mean divides by the taps inside the input.
func readPool(kind string) translation {
	return func(s *step) ([]string, error) {
		attrs, err := s.window()
		if err != nil {
			return nil, err
		}
		if p := s.paddedMaximum(); p != nil {
			s.op.Inputs = p.Inputs[:1]
			pads, err := (&step{reader: s.reader, op: p}).ints(1)
			if err != nil || len(pads) != 8 || pads[0]+pads[1]+pads[6]+pads[7] != 0 {
				return nil, fmt.Errorf("a border %v around what it reads", pads)
			}
			attrs[0] = attr("pads", []int{pads[2], pads[4], pads[3], pads[5]})
		}
		x, err := s.imageOf(0)
		if err != nil {
			return nil, err
		}
		kernel := []int{int(s.option("filter_h")), int(s.option("filter_w"))}
		v, err := s.activate(s.node(kind, []string{x}, append(attrs, attr("kernel_shape", kernel))...))
		if err != nil {
			return nil, err
		}
		return []string{s.back(v)}, nil
	}
}

// paddedMaximum returns the operator before a maximum over a map with padding that never wins, nil for another one.
func (s *step) paddedMaximum() *Operator {
	if s.op.Name != "MAX_POOL_2D" || s.option("padding") != Valid || len(s.op.Inputs) != 1 {
		return nil
	}
	i := slices.IndexFunc(s.m.Operators, func(o Operator) bool { return slices.Contains(o.Outputs, s.op.Inputs[0]) })
	if i < 0 || s.m.Operators[i].Name != "PADV2" || len(s.m.Operators[i].Inputs) != 3 {
		return nil
	}
	p := &s.m.Operators[i]
	v, err := (&step{reader: s.reader, op: p}).float(2)
	if err != nil || float64(v) > lowest/2 {
		return nil
	}
	return p
}
