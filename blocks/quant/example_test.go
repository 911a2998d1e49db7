package quant_test

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/kernels/integer"
	"nas/blocks/quant"
)

// A convolution that doubles, with a relu that clamps in it.
func Example() {
	b := blocks.NewBuilder("twice", blocks.Shape{H: 1, W: 3, C: 1})
	x := b.Apply("conv", &blocks.Conv{Out: 1, Kernel: [2]int{1, 1}}, b.Input())
	b.Apply("relu", &blocks.Activation{Func: blocks.ReLU}, x)
	n, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	quarters := integer.Grid{Scale: 0.25, Low: -128, High: 127}
	positive := quarters
	positive.Low = positive.Zero
	q := &quant.Network{Net: n, Nodes: []quant.Node{
		{Grid: quarters},
		{Layer: &quant.Layer{Q: []int8{4}, Scale: []float32{0.5}, Bias: []int32{0}}},
		{Grid: positive},
	}}
	in := []float32{-1, 0.5, 3}
	values, err := q.Eval(in)
	if err != nil {
		fmt.Println(err)
		return
	}
	reals, err := q.Run(in)
	fmt.Println(values, reals, err)
	// Output: [[-4 2 12] [] [0 4 24]] [[0 1 6]] <nil>
}
