package edits

import (
	"math"
	"slices"
	"testing"

	"nas/blocks"
	"nas/blocks/inherit"
)

// small is a network with a width of 20 inside its block, and kernels of 5.
func small(t *testing.T) *blocks.Network {
	t.Helper()
	b := blocks.NewBuilder("small", blocks.Shape{H: 12, W: 12, C: 3})
	x := blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	for i := range 2 {
		b.Mark(1, i+1)
		x = blocks.InvertedResidual{Out: 16, Kernel: 5, Stride: 1, Expanded: 40, Act: blocks.ReLU6}.Build(b, x)
	}
	b.Mark(2, 0)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("out", &blocks.Linear{Out: 4, Bias: true}, x)
	n, err := b.Network()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func output(t *testing.T, n *blocks.Network, w *blocks.Weights) []float32 {
	t.Helper()
	if err := w.Check(n); err != nil {
		t.Fatal(err)
	}
	in := make([]float32, n.Input().Elems())
	for i := range in {
		in[i] = float32(math.Sin(float64(i)))
	}
	acts, err := n.Eval(w, in)
	if err != nil {
		t.Fatal(err)
	}
	return acts[len(acts)-1].Data
}

// inherited are the weights that an edited network takes from the one it was.
func inherited(t *testing.T, edited, n *blocks.Network, w *blocks.Weights) *blocks.Weights {
	t.Helper()
	v, _, err := inherit.Weights(edited, n, w, 7)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestWiderComputesTheSame: new channels are read with weights of 0, so a network with wider channels computes what it
// did before. Narrower ones do not.
func TestWiderComputesTheSame(t *testing.T) {
	n := small(t)
	w := blocks.NewWeights(n, 3)
	want := output(t, n, w)
	for edit, same := range map[string]bool{"width-up@1": true, "width-down@1": false, "kernel-3@1": false} {
		m := apply(t, n, edit)
		got := output(t, m, inherited(t, m, n, w))
		off := 0.0
		for i := range want {
			off = max(off, math.Abs(float64(got[i]-want[i])))
		}
		if (off < 1e-5) != same {
			t.Errorf("%s: the output is off by %g, want the same: %v", edit, off, same)
		}
	}
}

// TestSmallerKernelIsTheCentre compares the taps of a kernel made smaller with those in the middle of the larger.
func TestSmallerKernelIsTheCentre(t *testing.T) {
	n := small(t)
	w := blocks.NewWeights(n, 3)
	m := apply(t, n, "kernel-3@1")
	v := inherited(t, m, n, w)
	at := slices.IndexFunc(n.Nodes, func(nd blocks.Node) bool {
		c, ok := nd.Op.(*blocks.Conv)
		return ok && c.Kernel[0] == 5
	})
	large, little := w.Node(at)[0], v.Node(at)[0]
	const channels = 40
	for y := range 3 {
		for x := range 3 {
			for c := range channels {
				if got, want := little[(y*3+x)*channels+c], large[((y+1)*5+x+1)*channels+c]; got != want {
					t.Fatalf("tap %d, %d of channel %d is %g, want %g", y, x, c, got, want)
				}
			}
		}
	}
}
