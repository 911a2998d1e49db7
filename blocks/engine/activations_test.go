package engine_test

import (
	"math"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/blocks/zoo"
)

// TestActivations compares the activations of all nodes with the reference.
func TestActivations(t *testing.T) {
	n, err := zoo.Get("mobilenet_v3_small@width=0.35,res=32,classes=10")
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	f, err := engine.Activations(n, w)
	if err != nil {
		t.Fatal(err)
	}
	in := make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = float32(math.Sin(float64(i)))
	}
	got, err := f(in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := n.Eval(w, in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		var diff, size float64
		for k, v := range want[i].Data {
			diff, size = max(diff, math.Abs(float64(v-got[i][k]))), max(size, math.Abs(float64(v)))
		}
		if len(got[i]) != len(want[i].Data) || diff > 1e-4*size {
			t.Errorf("node %q differs by %.2g of its largest value", n.Nodes[i].Name, diff/size)
		}
	}
}
