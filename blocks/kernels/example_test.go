package kernels_test

import (
	"fmt"

	"nas/blocks/kernels"
)

// A 3x3 convolution that adds up the window, on a map of ones: how many of its
// taps lie inside. Weights and bias are packed once, for all runs.
func Example() {
	g := kernels.Conv{H: 4, W: 4, C: 1, OH: 4, OW: 4, N: 1,
		KH: 3, KW: 3, SH: 1, SW: 1, DH: 1, DW: 1, PadT: 1, PadL: 1, Groups: 1}
	ones := make([]float32, 16)
	for i := range ones {
		ones[i] = 1
	}
	weights := kernels.Alloc(g.PackedLen())
	g.Pack(weights, ones[:9])
	bias := kernels.Alloc(g.BiasLen())
	g.PackBias(bias, []float32{0})

	set := kernels.Best()
	sums := make([]float32, 16)
	dst, src := kernels.Dense(sums, 4, 4, 1), kernels.Dense(ones, 4, 4, 1)
	scratch := kernels.NewScratch(set.ConvNeed(&g))
	set.Conv(&g, weights, bias, dst, src, kernels.Epilogue{}, g.All(), scratch)
	for y := range 4 {
		fmt.Println(sums[4*y:][:4])
	}
	// Output:
	// [4 6 6 4]
	// [6 9 9 6]
	// [6 9 9 6]
	// [4 6 6 4]
}
