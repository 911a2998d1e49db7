package int8_test

import (
	"fmt"

	"nas/blocks/kernels"
	kernels8 "nas/blocks/kernels/int8"
)

// A pixel of two channels becomes one of two: the sum and the difference of the channels.
func Example() {
	set, err := kernels8.For("generic")
	if err != nil {
		panic(err)
	}
	in, out := kernels8.Grid{Scale: 0.5, Zero: 128}, kernels8.Grid{Scale: 1, Zero: 10}
	g := kernels.Conv{H: 1, W: 1, C: 2, OH: 1, OW: 1, N: 2, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
	w := kernels8.Weights{Q: []int8{100, 100, 100, -100}, Scale: []float32{0.01}}
	l := set.Layer(kernels8.Alloc, g, w, in, out.Full())
	src, dst := kernels8.Dense(kernels8.Alloc(2), 1, 1, 2), kernels8.Dense(kernels8.Alloc(2), 1, 1, 2)
	set.Quantize(src.Data, []float32{5, 3}, in)
	set.Conv(l, dst, src, g.All(), kernels8.NewScratch(set.Need(l)))
	real := make([]float32, 2)
	set.Dequantize(real, dst.Data, out)
	fmt.Println(src.Data, dst.Data, real)
	// Output: [138 134] [18 12] [8 2]
}
