package quant

import (
	"nas/blocks"
	"nas/blocks/kernels/integer"
)

// Network is a network whose activations and weights are integers of 8 bits.
type Network struct {
	Net     *blocks.Network // batch normalisation is folded into the layers before it
	Nodes   []Node          // one for each node of Net
	Weights *blocks.Weights // of Net, in float32; only those of nodes with Float are read
}

// Node tells how a node of the network computes with integers.
type Node struct {
	// Grid is that of the node's value. Low and High are narrowed by a relu or relu6 that is fused into the layer.
	// Scale 0 says that the value never exists by itself: the activation that alone reads it clamps in the layer, and
	// the activation's node has the grid. Two grids that differ in Low and High alone need no rescaling.
	Grid integer.Grid
	// Layer is set for convolutions, linear layers and convolutions over channels, nil else.
	Layer *Layer
	// Table is set for a node that is a function of one value of one input, nil else. Entry q - in.Low is the node's
	// integer where the input's is q; in is the input's grid.
	Table []int32
	// Float says that the node has no integer form. Its inputs are turned to float32, its op is computed, and
	// [integer.Grid.Convert] rounds the result to Grid.
	Float bool
}

// Layer holds the constants of a convolution or a linear layer with N output channels. Zero points of weights are 0.
type Layer struct {
	// Q is [N][KH][KW][C/Groups], of a linear layer [N][C], of a convolution over channels [1][K]; from -127 to 127.
	Q []int8
	// Scale has N values, or one for all output channels.
	Scale []float32
	// Bias has N values in units of input scale x weight scale.
	Bias []int32
}

// scaled says that the node is computed into its own grid.
func (nd *Node) scaled() bool { return nd.Grid.Scale != 0 }
