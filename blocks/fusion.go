package blocks

// FeatureFusion is the fusion module of Fast-SCNN (Poudel et al., BMVC 2019, table 3). The coarse
// map is resized to the fine one and goes through a 3x3 depthwise and a 1x1 convolution. The fine
// map goes through a 1x1 convolution. Both are added, and Act follows the sum. The two 1x1
// convolutions have a bias besides their batch normalisation, as in the common implementations.
type FeatureFusion struct {
	Out      int
	Fine     Value
	Dilation int // of the depthwise convolution; 0 means 1
	Act      ActFunc
	Epsilon  float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the module; the output has the extent of Fine.
func (p FeatureFusion) Build(b *Builder, in Value) Value {
	s := b.Shape(p.Fine)
	x := b.Apply("resize", &Resize{H: s.H, W: s.W}, in)
	conv := ConvBNAct{Kernel: 3, Dilation: p.Dilation, Groups: Depthwise, Act: p.Act, Epsilon: p.Epsilon}
	x = Named{"depthwise", conv}.Build(b, x)
	x = b.Apply("coarse.conv", &Conv{Out: p.Out, Kernel: [2]int{1, 1}, Bias: true}, x)
	x = b.Apply("coarse.bn", &BatchNorm{Epsilon: p.Epsilon}, x)
	y := b.Apply("fine.conv", &Conv{Out: p.Out, Kernel: [2]int{1, 1}, Bias: true}, p.Fine)
	y = b.Apply("fine.bn", &BatchNorm{Epsilon: p.Epsilon}, y)
	return b.Act(p.Act, b.Apply("add", &Add{}, x, y))
}
