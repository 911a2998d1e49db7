package onnx

import (
	"bytes"
	"strings"
	"testing"

	"nas/blocks"
)

// model encodes operators by hand, on an input x of 1 x 4 x 6 x 5; the last output is y.
func model(t testing.TB, ops []operator, constants ...constant) []byte {
	t.Helper()
	g := &graph{operators: ops, tensors: constants, opset: defaultOpset, input: info{"x", []int{1, 4, 6, 5}},
		outputs: []info{{"y", []int{1}}}}
	var b bytes.Buffer
	if err := g.write(&b, "hand-made", "", nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func op(kind string, in []string, attrs ...blocks.ONNXAttr) operator {
	return operator{name: "the_node", kind: kind, in: in, out: []string{"y"}, attrs: attrs}
}

func TestReadRefuses(t *testing.T) {
	x := []string{"x"}
	ints := func(name string, v ...int) constant { return constant{name: name, dims: []int{len(v)}, ints: v} }
	weights := func(d ...int) constant {
		n := 1
		for _, k := range d {
			n *= k
		}
		return constant{name: "w", dims: d, floats: make([]float32, n)}
	}
	type A = blocks.ONNXAttr
	for _, c := range []struct {
		op        operator
		constants []constant
		want      string
	}{
		{op("Einsum", x), nil, "does not read it"},
		{op("Relu", []string{"z"}), nil, `"z"`},
		{op("Relu", nil), nil, "it has 0 inputs, want 1"},
		{op("Relu", x, A{Name: "alpha", Value: 1.}), nil, `attribute "alpha"`},
		{op("Mish", x), nil, "opset 17, which has no such operator"},
		{op("Conv", []string{"x", "w"}), []constant{weights(8, 3, 3, 3)}, "of 4 channels in 1 groups"},
		{op("Conv", []string{"x", "w"}), []constant{weights(8, 4, 3)}, "want one or two dimensions"},
		{op("Conv", []string{"x", "w"}), []constant{weights(8, 4, 9, 9)}, "does not fit"},
		{op("Conv", []string{"x", "w"}, A{Name: "pads", Value: []int{1, 1}}), []constant{weights(8, 4, 1, 1)}, "want 4 numbers"},
		{op("Conv", []string{"x", "w"}, A{Name: "pads", Value: []int{-1, 0, 0, 0}}), []constant{weights(8, 4, 1, 1)}, "not negative"},
		{op("Conv", []string{"x", "w"}, A{Name: "strides", Value: 2}), []constant{weights(8, 4, 1, 1)}, "a whole number, want a list"},
		{op("Conv", []string{"x", "w"}, A{Name: "group", Value: "one"}), []constant{weights(8, 4, 1, 1)}, "a text, want a whole number"},
		{op("LeakyRelu", x, A{Name: "alpha", Value: 1}), nil, "a whole number, want a float"},
		{op("Conv", []string{"x", "w"}, A{Name: "kernel_shape", Value: []int{3, 3}}), []constant{weights(8, 4, 1, 1)}, "kernel_shape"},
		{op("Conv", []string{"x", "w"}, A{Name: "auto_pad", Value: "SOMEHOW"}), []constant{weights(8, 4, 1, 1)}, "SOMEHOW"},
		{op("Conv", []string{"x", "w"}, A{Name: "auto_pad", Value: "SAME_UPPER"}, A{Name: "strides", Value: []int{3, 1}}),
			[]constant{weights(8, 4, 1, 1)}, "windows of 1 in steps of 3 over 6 pixels"},
		{op("Conv", []string{"x", "x"}), nil, "weights that are computed"},
		{op("BatchNormalization", []string{"x", "w", "w", "w", "w"}, A{Name: "training_mode", Value: 1}), []constant{weights(4)}, "training_mode is 1"},
		{op("Add", []string{"x", "w"}), []constant{weights(3)}, "do not fit"},
		{op("Add", []string{"x", "w"}), []constant{ints("w", 1)}, "integers"},
		{op("Gemm", []string{"x", "w"}), []constant{weights(8, 120)}, "two matrices"},
		{op("Transpose", x, A{Name: "perm", Value: []int{0, 2, 2, 1}}), nil, "[0 2 2 1]"},
		{op("Reshape", []string{"x", "s"}), []constant{ints("s", 1, 7, -1)}, "from [1 4 6 5] to [1 7 -1]"},
		{op("Reshape", []string{"x", "x"}), nil, "integers"},
		{op("Softmax", x, A{Name: "axis", Value: 4}), nil, "axis 4"},
		{op("Resize", []string{"x", "", "", "s"}, A{Name: "coordinate_transformation_mode", Value: "tf_crop_and_resize"}), []constant{ints("s", 1, 4, 9, 9)}, "tf_crop"},
		{op("Resize", []string{"x", "", "", "s"}, A{Name: "mode", Value: "quintic"}), []constant{ints("s", 1, 4, 9, 9)}, "quintic"},
		{op("Resize", []string{"x", "", "", "s"}, A{Name: "nearest_mode", Value: "up"}), []constant{ints("s", 1, 4, 9, 9)}, `"up"`},
		{op("Resize", []string{"x", "", "", "s"}), []constant{ints("s", 1, 8, 9, 9)}, "height and width"},
		{op("Resize", []string{"x", "", "w"}, A{Name: "coordinate_transformation_mode", Value: "asymmetric"}, A{Name: "nearest_mode", Value: "floor"}),
			[]constant{{name: "w", dims: []int{4}, floats: []float32{1, 1, 1.2, 1}}}, "sizes in place of scales"},
		{op("Resize", []string{"x", "", "w"}), []constant{{name: "w", dims: []int{4}, floats: []float32{1, 1, 1.1, 1}}}, "of 6 pixels to as many"},
		{op("Pad", []string{"x", "s"}, A{Name: "mode", Value: "mirror"}), []constant{ints("s", 0, 0, 1, 1, 0, 0, 1, 1)}, "mirror"},
		{op("Pad", []string{"x", "s"}, A{Name: "mode", Value: "reflect"}), []constant{ints("s", 0, 0, 9, 0, 0, 0, 0, 0)}, "border"},
		{op("MaxPool", []string{"x"}), nil, "kernel size []"},
		{operator{name: "the_node", kind: "MaxPool", in: x, out: []string{"v", "y"}, attrs: []A{{Name: "kernel_shape", Value: []int{2, 2}}}}, nil, `output 1, "y", is read`},
		{op("Concat", []string{"x", "x"}, A{Name: "axis", Value: 4}), nil, "axis 4"},
		{op("Split", []string{"x", "s"}, A{Name: "axis", Value: 1}), []constant{ints("s", 1, 1)}, "of 4 elements into parts of [1 1]"},
		{op("Slice", []string{"x", "s", "e", "a"}), []constant{ints("s", 3), ints("e", 3), ints("a", 2)}, "leave nothing"},
		{op("ReduceMean", x, A{Name: "axes", Value: []int{1, 7}}), nil, "axis 7"},
		{op("Gather", []string{"x", "x"}), nil, "indices"},
		{op("ReduceProd", []string{"s"}), []constant{ints("s", 1<<30, 1<<30)}, "1152921504606846976, which the element type"},
		{op("TopK", []string{"x", "s"}), []constant{ints("s", 1)}, "reading ends"},
	} {
		m, err := Read(model(t, []operator{c.op}, c.constants...), ReadOptions{})
		if c.want == "reading ends" {
			// Reading ends before it, and the activation in front is the output.
			if err != nil || len(m.Notes) != 1 || !strings.Contains(m.Notes[0], c.want) ||
				!strings.Contains(m.Notes[0], `"the_node"`) {
				t.Errorf("%s: %+v, %v", c.op.kind, m, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is read, want an error with %q", c.op.kind, c.want)
			continue
		}
		for _, w := range []string{"onnx: ", c.want, c.op.kind, `"the_node"`} {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", c.op.kind, err, w)
			}
		}
	}
}

// A normalisation knows of padding that was put off: images of zeros in front are no part of the one image.
func TestReadRefusesPaddedBatch(t *testing.T) {
	pads := constant{name: "p", dims: []int{8}, ints: []int{1, 0, 0, 0, 0, 0, 0, 0}}
	four := constant{name: "w", dims: []int{4}, floats: make([]float32, 4)}
	pad := operator{name: "pad", kind: "Pad", in: []string{"x", "p"}, out: []string{"v"}}
	norm := op("InstanceNormalization", []string{"v", "w", "w"})
	_, err := Read(model(t, []operator{pad, norm}, pads, four), ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), "mixes the images") {
		t.Errorf("%v", err)
	}
}

// A node without a name is named by its place in the file, and an output that nothing reads is of no account.
func TestReadNodesWithoutNames(t *testing.T) {
	relu := operator{name: "first", kind: "Relu", in: []string{"x"}, out: []string{"v"}}
	_, err := Read(model(t, []operator{relu, {kind: "Einsum", in: []string{"v"}, out: []string{"y"}}}), ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), `operator Einsum of node 1, which has no name and makes "y"`) {
		t.Errorf("%v", err)
	}
	pool := []blocks.ONNXAttr{{Name: "kernel_shape", Value: []int{2, 2}}}
	four := constant{name: "w", dims: []int{4}, floats: make([]float32, 4)}
	for _, o := range []operator{
		{kind: "MaxPool", in: []string{"x"}, attrs: pool},
		{kind: "Dropout", in: []string{"x"}},
		{kind: "BatchNormalization", in: []string{"x", "w", "w", "w", "w"}},
	} {
		o.out = []string{"y", "mask"}
		if m, err := Read(model(t, []operator{o}, four), ReadOptions{}); err != nil || len(m.Outputs) != 1 {
			t.Errorf("%s: %v, %v", o.kind, m, err)
		}
	}
}

func TestReadRefusesFiles(t *testing.T) {
	good := model(t, []operator{op("Relu", []string{"x"})})
	if _, err := Read(good, ReadOptions{}); err != nil {
		t.Fatal(err)
	}
	graphOf := func(parts ...message) message {
		var g message
		for _, p := range parts {
			g = append(g, p...)
		}
		m := message(nil).sub(modelGraph, g)
		return m.sub(modelOpsetImport, message(nil).int(opsetVersion, 17))
	}
	input := func(name string, elem int, dims ...int) message {
		var shape message
		for _, d := range dims {
			if d > 0 {
				shape = shape.sub(shapeDim, message(nil).int(dimValue, d))
			} else {
				shape = shape.sub(shapeDim, nil)
			}
		}
		typ := message(nil).sub(typeTensor, message(nil).int(tensorTypeElem, elem).sub(tensorTypeShape, shape))
		return message(nil).sub(graphInput, message(nil).text(infoName, name).sub(infoType, typ))
	}
	relu := message(nil).sub(graphNode, op("Relu", []string{"x"}).message())
	out := message(nil).sub(graphOutput, message(nil).text(infoName, "y"))
	node := func(kind, out string, in ...string) message {
		return message(nil).sub(graphNode, operator{kind: kind, in: in, out: []string{out}}.message())
	}
	two := append(input("x", 1, 1, 3, 8, 8), input("z", 1, 1, 3, 8, 8)...)
	tensor := message(nil).int(tensorDims, 1).int(tensorType, elemFloat).text(tensorName, "w").int(tensorLocation, 1)
	external := message(nil).sub(graphInitializer, tensor)
	entry := func(key, value string) message {
		return message(nil).sub(graphInitializer, tensor.sub(tensorExternal, message(nil).text(1, key).text(2, value)))
	}
	add := message(nil).sub(graphNode, op("Add", []string{"x", "w"}).message())
	for name, c := range map[string]struct {
		data []byte
		o    ReadOptions
		want string
	}{
		"nothing":                 {nil, ReadOptions{}, "no ONNX graph"},
		"text":                    {[]byte("hello, this is not a model"), ReadOptions{}, "no ONNX model"},
		"a cut file":              {good[:len(good)/2], ReadOptions{}, "cut off"},
		"no opset":                {message(nil).sub(modelGraph, append(input("x", 1, 1, 3, 8, 8), relu...)), ReadOptions{}, "opset 0"},
		"no input":                {graphOf(relu, out), ReadOptions{}, "no input"},
		"two inputs":              {graphOf(two, node("Add", "y", "x", "z"), out), ReadOptions{}, `2 inputs, ["x" "z"]`},
		"integers in":             {graphOf(input("x", 7, 1, 3, 8, 8), relu, out), ReadOptions{}, "floating point"},
		"a list in":               {graphOf(input("x", 1, 3), relu, out), ReadOptions{}, "N x C x H x W"},
		"five dims in":            {graphOf(input("x", 1, 1, 3, 8, 8, 8), relu, out), ReadOptions{}, "N x C x H x W"},
		"open extent":             {graphOf(input("x", 1, 1, 3, -1, -1), relu, out), ReadOptions{}, "extents open"},
		"an extent that is fixed": {graphOf(input("x", 1, 1, 3, 8, 8), relu, out), ReadOptions{Shape: []int{1, 3, 9, 8}}, "the file fixes dim 2"},
		"too few dims given":      {graphOf(input("x", 1, 1, 3, 8, 8), relu, out), ReadOptions{Shape: []int{8, 8}}, "has 4 dims"},
		"no output":               {graphOf(input("x", 1, 1, 3, 8, 8), relu), ReadOptions{}, "no output"},
		"an output not there":     {graphOf(input("x", 1, 1, 3, 8, 8), relu, out), ReadOptions{Outputs: []string{"q"}}, `"q"`},
		"weights in a file":       {graphOf(input("x", 1, 1, 3, 8, 8), external, add, out), ReadOptions{}, "another file"},
		"an offset of words":      {graphOf(input("x", 1, 1, 3, 8, 8), entry("offset", "zero"), add, out), ReadOptions{}, `offset "zero"`},
		"too long a length":       {graphOf(input("x", 1, 1, 3, 8, 8), entry("length", "99999999999999999999"), add, out), ReadOptions{}, "number of bytes"},
		"an impossible extent":    {graphOf(input("x", 1, 1, 3, 1<<40, 1<<40), relu, out), ReadOptions{}, "2^31"},
		"far too much to make": {graphOf(input("x", 1, 1, 1<<30, 1, 1), message(nil).sub(graphInitializer, message(nil).int(tensorType, elemFloat).text(tensorName, "w").sub(tensorRaw, []byte{0, 0, 128, 63})),
			message(nil).sub(graphNode, op("LayerNormalization", []string{"x", "w"}, blocks.ONNXAttr{Name: "axis", Value: 1}).message()), out), ReadOptions{}, "memory"},
	} {
		_, err := Read(c.data, c.o)
		if err == nil || !strings.HasPrefix(err.Error(), "onnx: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
	for name, data := range map[string][]byte{
		"an input that nothing needs": graphOf(two, relu, out),
		"an input that another output needs": graphOf(two, node("Relu", "u", "x"), node("Add", "v", "z", "x"), node("Abs", "y", "z"),
			out),
	} {
		if m, err := Read(data, ReadOptions{}); err != nil || len(m.Outputs) != 1 {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
	m, err := Read(graphOf(input("x", 1, -1, 3, -1, -1), relu, out), ReadOptions{H: 10, W: 12})
	if err != nil || m.Network.Input() != (blocks.Shape{H: 10, W: 12, C: 3}) {
		t.Errorf("an extent that is given: %v, %v", m, err)
	}
}

// Two groupings of the same channels look alike only in memory: the product is one
// of every channel with every other.
func TestReadTellsGroupingsApart(t *testing.T) {
	ints := func(name string, v ...int) constant { return constant{name: name, dims: []int{len(v)}, ints: v} }
	data := model(t, []operator{
		{name: "a", kind: "Reshape", in: []string{"x", "s"}, out: []string{"a"}},
		{name: "b", kind: "Reshape", in: []string{"x", "t"}, out: []string{"b"}},
		{name: "c", kind: "Mul", in: []string{"a", "b"}, out: []string{"c"}},
		{name: "d", kind: "Reshape", in: []string{"c", "u"}, out: []string{"y"}},
	}, ints("s", 1, 4, 1, 6, 5), ints("t", 1, 1, 4, 6, 5), ints("u", 1, 16, 6, 5))
	m, err := Read(data, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 120)
	for i := range x {
		x[i] = float32(i%7) - 3
	}
	y := evalFile(t, m, x)[0]
	for i := range 4 {
		for j := range 4 {
			for p := range 30 {
				if got, want := y[(i*4+j)*30+p], x[i*30+p]*x[j*30+p]; got != want {
					t.Fatalf("channels %d and %d, pixel %d: %v, want %v", i, j, p, got, want)
				}
			}
		}
	}
}
