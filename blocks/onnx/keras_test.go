package onnx

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// keras writes a classifier of the zoo as converters write a Keras model: N x H x W x C with a
// Transpose at both ends of the feature maps, padding at the bottom and the right where the stride
// is 2, half of it by operators of their own, the bounds of ReLU6 as constants, and a mean over
// height and width.
func keras(n *blocks.Network) []byte {
	g := &graph{opset: defaultOpset}
	random := rand.New(rand.NewPCG(1, 2))
	weight := func(name string, dims ...int) string {
		values := make([]float32, product(dims))
		for i := range values {
			values[i] = float32(0.1 + random.Float64())
		}
		g.tensors = append(g.tensors, constant{name: name, dims: dims, floats: values})
		return name
	}
	add := func(kind, out string, in []string, attrs ...blocks.ONNXAttr) string {
		g.operators = append(g.operators, operator{name: out, kind: kind, in: in, out: []string{out}, attrs: attrs})
		return out
	}
	attr := func(name string, v any) blocks.ONNXAttr { return blocks.ONNXAttr{Name: name, Value: v} }
	g.tensors = append(g.tensors, constant{name: "zero", floats: []float32{0}},
		constant{name: "six", floats: []float32{6}},
		constant{name: "pads", dims: []int{8}, ints: []int{0, 0, 0, 0, 0, 0, 1, 1}})
	values := []string{add("Transpose", "first", []string{"x"}, attr("perm", []int{0, 3, 1, 2}))}
	strided := 0
	for i, nd := range n.Nodes[1:] {
		name := "model/" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		in := values[nd.Inputs[0]]
		c := n.Nodes[nd.Inputs[0]].Shape.C
		switch op := nd.Op.(type) {
		case *blocks.Conv:
			k, s, _ := op.Window()
			pads := []int{op.Pad.Top, op.Pad.Left, op.Pad.Bottom, op.Pad.Right}
			if s[0] == 2 {
				pads = []int{0, 0, 1, 1}
				if strided++; strided%2 == 1 {
					in, pads = add("Pad", name+"/pad", []string{in, "pads"}), []int{0, 0, 0, 0}
				}
			}
			inputs := []string{in, weight(name+"/w", op.Out, c/op.G(), k[0], k[1])}
			if op.Bias {
				inputs = append(inputs, weight(name+"/b", op.Out))
			}
			add("Conv", name, inputs, attr("pads", pads), attr("strides", s[:]), attr("group", op.G()))
		case *blocks.BatchNorm:
			add("BatchNormalization", name, []string{in, weight(name+"/s", c), weight(name+"/t", c),
				weight(name+"/m", c), weight(name+"/v", c)}, attr("epsilon", 1e-3))
		case *blocks.Activation:
			add("Clip", name, []string{in, "zero", "six"})
		case *blocks.Add:
			add("Add", name, []string{in, values[nd.Inputs[1]]})
		case *blocks.GlobalPool:
			last := add("Transpose", "last", []string{in}, attr("perm", []int{0, 2, 3, 1}))
			add("ReduceMean", name, []string{last}, attr("axes", []int{1, 2}), attr("keepdims", 0))
		case *blocks.Linear:
			product := add("MatMul", name+"/product", []string{in, weight(name+"/w", c, op.Out)})
			add("Add", name, []string{product, weight(name+"/b", op.Out)})
		}
		values = append(values, name)
	}
	s := n.Input()
	g.input = info{"x", []int{1, s.H, s.W, s.C}}
	g.outputs = []info{{values[len(values)-1], []int{1, n.Output().C}}}
	var b bytes.Buffer
	if err := g.write(&b, "keras", "", nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// TestKeras reads a Keras-style MobileNetV2: as the zoo's, but for the side of the padding.
func TestKeras(t *testing.T) {
	want, err := zoo.Get("mobilenet_v2@width=0.35,res=96")
	if err != nil {
		t.Fatal(err)
	}
	folded, _ := blocks.FoldBatchNorm(want, blocks.NewWeights(want, 1))
	for _, n := range []*blocks.Network{want, folded} {
		m, err := Read(keras(n), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := layerMarks(m.Network), layerMarks(want); !slices.Equal(got, want) {
			t.Errorf("stages and blocks are\n%v, want\n%v", got, want)
		}
		if got, want := m.Network.Counts(), n.Counts(); got.MACs != want.MACs || got.Params != want.Params {
			t.Errorf("%d MACs and %d params, want %d and %d", got.MACs, got.Params, want.MACs, want.Params)
		}
		for _, nd := range m.Network.Nodes {
			if k := nd.Op.Kind(); !slices.Contains([]string{"input", "conv", "bn", "act", "add", "global_pool", "linear"}, k) {
				t.Errorf("node %s is a %s", nd.Name, k)
			}
		}
		in := make([]float32, want.Input().Elems())
		acts, err := m.Network.Eval(m.Weights, in)
		if err != nil {
			t.Fatal(err)
		}
		if out := acts[len(acts)-1].Data[0]; math.IsNaN(float64(out)) {
			t.Error("the output is not a number")
		}
	}
}
