package arena_test

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/tflite"
	"nas/blocks/tflite/arena"
)

// The memory of a convolution of stride 2 whose padding TensorFlow cannot say: PAD copies the input.
func ExampleOf() {
	b := blocks.NewBuilder("example", blocks.Shape{H: 32, W: 32, C: 3})
	blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := tflite.Outline(net)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := arena.Of(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan.Operators, plan.Bytes)
	for _, b := range plan.Buffers {
		fmt.Println(b.First, b.Last, b.Offset, b.Bytes)
	}
	// Output:
	// [PAD CONV_2D] 6352
	// 0 1 3280 3072
	// 1 2 0 3280
	// 2 2 3280 2048
}
