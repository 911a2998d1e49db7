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

// A layer whose input is added to its output; its weights lie in memory that many layers share.
func ExampleSet_ConvAdd() {
	set, _ := kernels8.ByName("generic")
	grid := kernels8.Grid{Scale: 0.5}
	g := kernels.Conv{H: 2, W: 2, C: 1, OH: 2, OW: 2, N: 1, KH: 1, KW: 1, SH: 1, SW: 1, DH: 1, DW: 1, Groups: 1}
	memory := kernels8.Alloc(kernels8.LayerLen(&g))
	take := func(n int) (b []byte) {
		b, memory = memory[:n], memory[n:]
		return b
	}
	l := set.Layer(take, g, kernels8.Weights{Q: []int8{3}, Scale: []float32{1}}, grid, grid.Full())
	src := kernels8.Dense(kernels8.Alloc(4), 2, 2, 1)
	copy(src.Data, []byte{1, 2, 3, 4})
	dst := kernels8.Dense(kernels8.Alloc(4), 2, 2, 1)
	sc := kernels8.NewScratch(kernels8.Need{})
	sc.Grow(set.Need(l).Max(kernels8.PoolNeed(1)))
	set.ConvAdd(l, dst, src, src, kernels8.NewSum(grid, grid, grid.Full()), g.All(), sc)
	fmt.Println(set.Name(), dst.Data)
	// Output: generic [4 8 12 16]
}

// What stands between the layers: gates of squeeze-and-excite, activations by table, pooling.
func ExampleSet_Mul() {
	set, _ := kernels8.For("generic")
	grid, gate := kernels8.Grid{Scale: 0.1, Zero: 100}, kernels8.Grid{Scale: 1. / 256}
	m := kernels.Map{W: 2, C: 1, Y1: 2}
	g := kernels.Pool{H: 2, W: 2, C: 1, OH: 1, OW: 1, KH: 2, KW: 2, SH: 2, SW: 2}
	all := kernels.Range{Y1: 1, N1: 1}
	x := kernels8.Dense(kernels8.Alloc(4), 2, 2, 1)
	copy(x.Data, []byte{90, 100, 110, 120})
	sc := kernels8.NewScratch(kernels8.PoolNeed(1))
	mean := kernels8.Dense(kernels8.Alloc(1), 1, 1, 1)
	set.Mean(mean.Data, x, 2, 2, 1, grid, gate.Full(), sc) // 0.5
	set.Scale(m, x, x, mean.Data, kernels8.NewProduct(grid, gate, grid.Full()))
	set.Mul(m, x, x, x, kernels8.NewProduct(grid, grid, grid.Full()))
	set.Add(m, x, x, x, kernels8.NewSum(grid, grid, grid.Full()))
	fmt.Println(mean.Data, x.Data)
	set.Rescale(m, x, x, grid, kernels8.Output{Grid: gate, Low: 10, High: 255})
	var negative [256]uint8
	for q := range negative {
		negative[q] = uint8(255 - q)
	}
	set.Lookup(m, x, x, &negative)
	fmt.Println(x.Data)
	set.MaxPool(&g, mean, x, all, sc)
	fmt.Println(mean.Data)
	set.AvgPool(&g, 0, mean, x, all, sc)
	fmt.Println(mean.Data)
	// Output:
	// [128] [106 100 106 120]
	// [101 245 101 0]
	// [245]
	// [112]
}

// Every set has a loop of dot products on registers, against which a layer's rate is held.
func ExampleSupported() {
	for _, name := range kernels8.Supported() {
		set, err := kernels8.ByName(name)
		if err != nil {
			panic(err)
		}
		if set.Name() == "generic" {
			fmt.Println(set.Peak(10))
		}
	}
	// Output: 80
}
