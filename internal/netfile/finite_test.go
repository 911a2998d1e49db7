package netfile

import (
	"math"
	"strings"
	"testing"

	"nas/blocks"
)

// Weights that are no numbers are told, with the file and the layer.
func TestFinite(t *testing.T) {
	b := blocks.NewBuilder("n", blocks.Shape{H: 8, W: 8, C: 3})
	blocks.DepthwiseSeparable{Out: 8, Kernel: 3, Stride: 1, Act: blocks.ReLU}.Build(b, b.Input())
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	w := blocks.NewWeights(n, 1)
	if err := finite("w.npz", w, n); err != nil {
		t.Error(err)
	}
	for i := range n.Nodes {
		if values := w.Node(i); len(values) > 0 {
			values[0][0] = float32(math.Inf(1))
			break
		}
	}
	if err := finite("w.npz", w, n); err == nil || !strings.Contains(err.Error(), "w.npz: the weights of ") {
		t.Errorf("error is %v", err)
	}
}
