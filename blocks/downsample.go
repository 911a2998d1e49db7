package blocks

// LearningToDownsample is the first module of Fast-SCNN (Poudel et al., BMVC
// 2019, section 3.2.1): a 3x3 convolution and two depthwise-separable ones, all
// of stride 2, without an activation between depthwise and pointwise.
type LearningToDownsample struct {
	Channels [3]int // 32, 48, 64 in the paper
	Act      ActFunc
	Epsilon  float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the module; the output has an eighth of the extent.
func (p LearningToDownsample) Build(b *Builder, in Value) Value {
	separable := func(out int) Block {
		return DepthwiseSeparable{Out: out, Stride: 2, Act: p.Act, ActAfter: AfterPointwise, Epsilon: p.Epsilon}
	}
	return Sequence{
		Named{"conv", ConvBNAct{Out: p.Channels[0], Kernel: 3, Stride: 2, Act: p.Act, Epsilon: p.Epsilon}},
		Named{"separable1", separable(p.Channels[1])},
		Named{"separable2", separable(p.Channels[2])},
	}.Build(b, in)
}
