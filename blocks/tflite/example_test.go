package tflite_test

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/tflite"
)

// A convolution with padding that TensorFlow cannot say, as floats and as integers.
func ExampleQuantize() {
	b := blocks.NewBuilder("example", blocks.Shape{H: 8, W: 8, C: 3})
	blocks.ConvBNAct{Out: 4, Kernel: 3, Stride: 2, Act: blocks.ReLU6}.Build(b, b.Input())
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	weights := blocks.NewWeights(net, 1)
	floats, err := tflite.Lower(net, weights)
	if err != nil {
		fmt.Println(err)
		return
	}
	integers, err := tflite.Quantize(net, weights, tflite.QuantizeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range []*tflite.Model{floats, integers} {
		for _, op := range m.Operators {
			out := m.Tensors[op.Outputs[0]]
			fmt.Println(op.Name, out.Dims, len(out.Scale))
		}
	}
	// Output:
	// PAD [1 9 9 3] 0
	// CONV_2D [1 4 4 4] 0
	// PAD [1 9 9 3] 1
	// CONV_2D [1 4 4 4] 1
}

// How a network computes with integers, node by node.
func ExampleQuantizeNetwork() {
	b := blocks.NewBuilder("example", blocks.Shape{H: 8, W: 8, C: 3})
	blocks.ConvBNAct{Out: 4, Kernel: 3, Stride: 2, Act: blocks.HSwish}.Build(b, b.Input())
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := tflite.QuantizeNetwork(net, blocks.NewWeights(net, 1), tflite.QuantizeOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, nd := range q.Nodes {
		fmt.Println(q.Net.Nodes[i].Op.Kind(), nd.Layer != nil, len(nd.Table), nd.Grid.Scale > 0)
	}
	// Output:
	// input false 0 true
	// conv true 0 true
	// act false 256 true
}
