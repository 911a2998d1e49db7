package structure_test

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/structure"
)

// A network whose nodes carry no marks: a stem, an inverted residual, a classifier.
func Example() {
	b := blocks.NewBuilder("small", blocks.Shape{H: 32, W: 32, C: 3})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Stride: 2, Act: blocks.ReLU}.Build(b, b.Input())
	x = blocks.InvertedResidual{Out: 8, Expanded: 16, Act: blocks.ReLU}.Build(b, x)
	x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
	b.Apply("classifier", &blocks.Linear{Out: 4}, x)
	n, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	structure.Mark(n)
	for _, nd := range n.Nodes {
		if nd.Op.Kind() == "conv" || nd.Op.Kind() == "add" || nd.Op.Kind() == "linear" {
			fmt.Printf("stage %d, block %d: %s\n", nd.Stage, nd.Block, nd.Name)
		}
	}
	// Output:
	// stage 0, block 0: conv
	// stage 1, block 1: expand.conv
	// stage 1, block 1: depthwise.conv
	// stage 1, block 1: project.conv
	// stage 1, block 1: add
	// stage 2, block 0: classifier
}
