package tflite

import (
	"math"
	"strings"
	"testing"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/zoo"
)

// image returns seeded values.
func image(s blocks.Shape) []float32 { return normalImages(s, 1)[0] }

// run computes a network's first output of seeded images.
func run(t *testing.T, n *blocks.Network, w *blocks.Weights) []float32 {
	t.Helper()
	return runImages(t, n, w, [][]float32{image(n.Input())})[0]
}

// differ returns max|a-b| / max|b|.
func differ(a, b []float32) float64 {
	var diff, size float64
	for i := range b {
		diff, size = max(diff, math.Abs(float64(a[i])-float64(b[i]))), max(size, math.Abs(float64(b[i])))
	}
	return diff / size
}

// TestReadBack reads what it writes: the same values, multiply-accumulates and blocks.
func TestReadBack(t *testing.T) {
	for i, name := range []string{
		"mobilenet_v1@res=64", "mobilenet_v2@res=64", "mobilenet_v3_small@res=64", "mobilenet_v4_conv_small@res=64", "mnasnet_a1@res=64",
		"shufflenet_v2@res=64", "pp_lcnet@res=64", "ds_cnn", "fast_scnn@res=64", "deeplabv3_mobilenet_v2@res=65", "squeezenet@res=64",
		"lraspp_mobilenet_v3_large@res=64", "inception_v3@res=139",
	} {
		if testing.Short() && i%3 != 0 {
			continue
		}
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		w := blocks.NewWeights(n, 1)
		m, err := Lower(n, w)
		if err != nil {
			t.Fatal(err)
		}
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(file, onnx.ReadOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if a, b := got.Network.Counts().MACs, n.Counts().MACs; a != b {
			t.Errorf("%s: %d multiply-accumulates, want %d", name, a, b)
		}
		if d := differ(run(t, got.Network, got.Weights), run(t, n, w)); !(d <= 1e-4) {
			t.Errorf("%s: differs by %.2g of the largest output", name, d)
		}
		for _, nd := range got.Network.Nodes { // what has a kernel of its own is read as that
			if k := nd.Op.Kind(); k == "rearrange" || k == "binary" || k == "border" || k == "interpolate" ||
				k == "unary" {
				t.Errorf("%s: node %q is read as %s", name, nd.Name, k)
			}
		}
		blocksOf := func(n *blocks.Network) (count int) {
			for _, nd := range n.Nodes {
				count = max(count, 100*nd.Stage+nd.Block)
			}
			return count
		}
		if a, b := blocksOf(got.Network), blocksOf(n); a != b && name[:12] == "mobilenet_v2" {
			t.Errorf("%s: the last stage and block are %d, want %d", name, a, b)
		}
	}
}

// TestReadRefuses changes one thing of a model that is read.
func TestReadRefuses(t *testing.T) {
	n, err := zoo.Get("ds_cnn")
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(m *Model){
		"a bias type of its own": func(m *Model) { m.Operators[0].Options["quantized_bias_type"] = 2 },
		"padding number 7":       func(m *Model) { m.Operators[1].Options["padding"] = 7 },
		"activation number 5":    func(m *Model) { m.Operators[1].Options["activation"] = 5 },
		"which no operator":      func(m *Model) { m.Operators[1].Inputs[0] = m.Outputs[0] },
		"writes tensor":          func(m *Model) { m.Operators[1].Outputs[0] = m.Inputs[0] },
		"2 inputs":               func(m *Model) { m.Inputs = append(m.Inputs, 1) },
	} {
		m, err := Lower(n, blocks.NewWeights(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		file, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file, onnx.ReadOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, have %v", want, err)
		}
	}
}
