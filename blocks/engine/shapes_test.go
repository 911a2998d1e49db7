package engine

import (
	"fmt"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
)

// TestKernelShapes: even and rectangular kernels, dense, grouped and depthwise, with and
// without stride, and the blocks of MobileNetV4 agree with the reference.
func TestKernelShapes(t *testing.T) {
	in := blocks.Shape{H: 13, W: 10, C: 8}
	var cases []blocks.Block
	for _, k := range [][2]int{{10, 4}, {2, 2}, {4, 4}, {1, 3}, {3, 1}, {5, 2}, {7, 3}, {1, 2}} {
		for _, stride := range []int{1, 2} {
			for _, groups := range []int{0, 2, blocks.Depthwise} {
				cases = append(cases, blocks.ConvBNAct{Kernel: k[0], Width: k[1], Stride: stride, Groups: groups,
					Act: blocks.ReLU})
			}
			cases = append(cases,
				blocks.InvertedResidual{Out: 8, Expanded: 24, Kernel: k[0], Width: k[1], Stride: stride, Act: blocks.ReLU6},
				blocks.UniversalBottleneck{Out: 8, Expanded: 24, Before: k[1], Kernel: k[0], Width: k[1], Stride: stride,
					Act: blocks.ReLU})
		}
	}
	cases = append(cases,
		blocks.UniversalBottleneck{Out: 8, Expanded: 24, Before: 5, Stride: 2, Act: blocks.ReLU},
		blocks.UniversalBottleneck{Out: 8, Expanded: 24, Stride: 2, Act: blocks.ReLU},
		blocks.ConvBNAct{Kernel: 4, Width: 2, Dilation: 2, Groups: blocks.Depthwise},
		blocks.ConvBNAct{Kernel: 2, Width: 5, Dilation: 3})
	for i, c := range cases {
		b := blocks.NewBuilder(fmt.Sprintf("%T%+v", c, c), in)
		c.Build(b, b.Input())
		n, err := b.Network()
		if err != nil {
			t.Fatal(err)
		}
		w := randomWeights(t, n, uint64(i))
		x := noise(n.Input().Elems(), uint64(i))
		want := oracle(t, n, w, x, 1)
		for _, isa := range kernels.Supported() {
			for _, tg := range []Target{small(isa, 1), target(isa, 2)} {
				near(t, n.Name+" "+isa, mustRun(t, n, w, tg, Options{}, x), want, tolerance)
			}
		}
	}
}
