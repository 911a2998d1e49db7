package timing

import "nas/blocks"

// referenceNetwork is the reference kernel: pointwise and depthwise convolutions
// of ordinary shapes whose data stay in a second-level cache, about a fifth of a
// millisecond on a fast core. It slows down when the clock falls and when a
// neighbour shares the core's units, as networks do.
func referenceNetwork() *blocks.Network {
	b := blocks.NewBuilder("reference", blocks.Shape{H: 14, W: 14, C: 64})
	x := b.Input()
	for range 2 {
		x = blocks.InvertedResidual{Out: 64, Kernel: 3, Stride: 1, Expanded: 192, Act: blocks.ReLU6}.Build(b, x)
	}
	n, err := b.Network()
	if err != nil {
		panic(err) // a constant
	}
	return n
}
