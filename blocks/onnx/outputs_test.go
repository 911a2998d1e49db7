package onnx

import (
	"bytes"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/zoo"
)

// TestWriteOutputs writes a network of several outputs, of which others are read and one is a
// vector, with a convolution that is used twice, and reads it back.
func TestWriteOutputs(t *testing.T) {
	n := build(t, "several", blocks.Shape{H: 6, W: 5, C: 3}, func(b *blocks.Builder, x blocks.Value) {
		conv := &blocks.Conv{Out: 3, Kernel: [2]int{3, 3}, Pad: blocks.PadAll(1), Bias: true}
		x = b.Apply("first", conv, x)
		x = b.Act(blocks.ReLU, x)
		x = b.Apply("second", conv, x)
		b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		b.Apply("fc", &blocks.Linear{Out: 2}, x)
	})
	n.Nodes[3].Shared = []int{1, 1}
	n.Outputs = []int{4, 1, 5}
	if err := n.Infer(); err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	w.Set(3, w.Node(1))
	for _, fold := range []bool{false, true} {
		var file bytes.Buffer
		if err := Write(&file, n, w, Options{FoldBN: fold}); err != nil {
			t.Fatal(err)
		}
		m, err := Read(file.Bytes(), ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, o := range m.Outputs {
			names = append(names, o.Name)
		}
		if !slices.Equal(names, []string{"pool", "first", "fc"}) {
			t.Errorf("outputs are %q", names)
		}
		if got, want := m.Network.Counts(), n.Counts(); got.Params != want.Params || got.MACs != want.MACs {
			t.Errorf("read back it has %d params and %d MACs, want %d and %d", got.Params, got.MACs, want.Params, want.MACs)
		}
		in := make([]float32, n.Input().Elems())
		for i := range in {
			in[i] = float32(i%7) - 3
		}
		a, err := n.Eval(w, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Network.Eval(m.Weights, in)
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range n.Outputs {
			if !slices.Equal(a[i].Data, b[m.Network.Returned()[k]].Data) {
				t.Errorf("output %d differs", k)
			}
		}
	}
}

// TestStructure writes networks of the zoo without the marks of stages and blocks and with other
// names, with and without batch normalisation, and finds the marks again.
func TestStructure(t *testing.T) {
	for _, spec := range []string{"mobilenet_v1@width=0.25", "mobilenet_v2@width=0.35,res=96",
		"mobilenet_v3_small@width=0.5", "mnasnet_b1@width=0.5", "efficientnet_b0@res=64", "shufflenet_v2@width=0.5",
		"squeezenet_1_1"} {
		want, err := zoo.Get(spec)
		if err != nil {
			t.Fatal(err)
		}
		bare := *want
		bare.Nodes = slices.Clone(want.Nodes)
		for i := range bare.Nodes {
			nd := &bare.Nodes[i]
			nd.Stage, nd.Block, nd.Name = 0, 0, nd.Op.Kind()+string(rune('a'+i%26))+string(rune('0'+i/26))
		}
		for _, fold := range []bool{false, true} {
			var file bytes.Buffer
			if err := Write(&file, &bare, blocks.NewWeights(&bare, 1), Options{FoldBN: fold}); err != nil {
				t.Fatal(err)
			}
			m, err := Read(file.Bytes(), ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := layerMarks(m.Network), layerMarks(want); !slices.Equal(got, want) {
				t.Errorf("%s, folded %v: stages and blocks are\n%v, want\n%v", spec, fold, got, want)
			}
		}
	}
}

// layerMarks returns stage and block of the convolutions and linear layers.
func layerMarks(n *blocks.Network) (marks [][2]int) {
	for _, nd := range n.Nodes {
		if k := nd.Op.Kind(); k == "conv" || k == "linear" {
			marks = append(marks, [2]int{nd.Stage, nd.Block})
		}
	}
	return marks
}
