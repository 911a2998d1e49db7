package blocks_test

import (
	"fmt"

	"nas/blocks"
)

// A network is built block by block; shapes are inferred, and the one error that
// may have happened comes out at the end.
func Example() {
	b := blocks.NewBuilder("small", blocks.Shape{H: 32, W: 32, C: 3})
	x := blocks.ConvBNAct{Out: 16, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	x = blocks.DepthwiseSeparable{Out: 32, Act: blocks.ReLU6}.Build(b, x)
	x = blocks.InvertedResidual{Out: 32, Expanded: 96, Kernel: 5, Act: blocks.HSwish}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 10, Bias: true}, x)
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	c := net.Counts()
	fmt.Println(net.Input(), "to", net.Output())
	fmt.Println(c.Params, "params,", c.MACs, "MACs")
	// Output:
	// 32x32x3 to 1x1x10
	// 10538 params, 2466112 MACs
}

// What a depthwise-separable convolution saves against a dense one.
func ExampleDepthwiseSeparable() {
	for _, block := range []blocks.Block{
		blocks.ConvBNAct{Out: 128, Kernel: 3},
		blocks.DepthwiseSeparable{Out: 128},
	} {
		b := blocks.NewBuilder("layer", blocks.Shape{H: 56, W: 56, C: 128})
		block.Build(b, b.Input())
		net, err := b.Network()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%T: %d million MACs\n", block, net.Counts().MACs/1e6)
	}
	// Output:
	// blocks.ConvBNAct: 462 million MACs
	// blocks.DepthwiseSeparable: 54 million MACs
}
