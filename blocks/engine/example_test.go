package engine_test

import (
	"fmt"

	"nas/blocks"
	"nas/blocks/engine"
)

// The plan of a block for a small ARM core, listed on whatever machine this is.
func ExampleCompile() {
	b := blocks.NewBuilder("example", blocks.Shape{H: 56, W: 56, C: 24})
	x := blocks.InvertedResidual{Out: 24, Expanded: 144, Act: blocks.ReLU6}.Build(b, b.Input())
	blocks.InvertedResidual{Out: 40, Expanded: 48, Kernel: 5, Stride: 2, Act: blocks.HSwish,
		SE: &blocks.SqueezeExcite{Hidden: 12, Gate: blocks.HSigmoid}}.Build(b, x)
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	phone := engine.Target{ISA: "neon", L1: 64 << 10, L2: 512 << 10, L3: 4 << 20}
	plan, err := engine.Compile(net, phone, engine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range plan.Kernels() {
		fmt.Println(c.Unit, c.Unit.MACs())
	}
	// Output:
	// block 56x56x24>56x56x24 k3x3 s1x1 d1x1 p1x1 m144 mid:relu6 dw:relu6 res 25740288
	// expand_dw 56x56x24>28x28x48 k5x5 s2x2 d1x1 p2x2 m48 mid:hswish dw:hswish 4553472
	// globalavg 28x28x48>1x1x48 0
	// conv 1x1x48>1x1x12 k1x1 s1x1 d1x1 g1 relu 576
	// conv 1x1x12>1x1x48 k1x1 s1x1 d1x1 g1 hsigmoid 576
	// scale 28x28x48>28x28x48 0
	// conv 28x28x48>28x28x40 k1x1 s1x1 d1x1 g1 1505280
}
