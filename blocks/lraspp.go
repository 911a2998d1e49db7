package blocks

// LRASPP is the segmentation head of MobileNetV3 (Howard et al., ICCV 2019, figure 10). The last
// map goes through a 1x1 convolution, is multiplied by a gate computed from its global mean, and
// is resized to the finer map Low. Both maps get a 1x1 classifier with bias, and the results are
// summed. The gate pools the whole map, as torchvision's does, instead of the paper's 49x49
// windows.
type LRASPP struct {
	Hidden  int   // channels of the 1x1 convolution
	Classes int   //
	Low     Value // the finer map, at 1/8 of the input in the paper
	Act     ActFunc
	Epsilon float64 // of the batch normalisation; 0 means 1e-5
}

// Build appends the head; the output has the extent of Low.
func (p LRASPP) Build(b *Builder, in Value) Value {
	x := Named{"high", ConvBNAct{Out: p.Hidden, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, in)
	g := b.Apply("gate.pool", &GlobalPool{Pool: AvgPool}, in)
	g = b.Apply("gate.conv", &Conv{Out: p.Hidden, Kernel: [2]int{1, 1}}, g)
	g = b.Apply("gate.sigmoid", &Activation{Func: Sigmoid}, g)
	x = b.Apply("scale", &Mul{}, x, g)
	s := b.Shape(p.Low)
	x = b.Apply("resize", &Resize{H: s.H, W: s.W}, x)
	x = b.Apply("high.classifier", &Conv{Out: p.Classes, Kernel: [2]int{1, 1}, Bias: true}, x)
	y := b.Apply("low.classifier", &Conv{Out: p.Classes, Kernel: [2]int{1, 1}, Bias: true}, p.Low)
	return b.Apply("add", &Add{}, x, y)
}
