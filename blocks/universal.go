package blocks

// UniversalBottleneck is MobileNetV4's universal inverted bottleneck (Qin et al., ECCV 2024, figure 4): an optional
// linear KxK depthwise convolution, 1x1 expand, an optional KxK depthwise convolution, optional attention, linear 1x1
// project, and a residual where stride is 1 and channels are equal. With the second depthwise convolution alone it is
// an inverted residual, with the first alone a ConvNeXt-like block, with both an ExtraDW block, with neither a
// feed-forward network.
type UniversalBottleneck struct {
	Out      int
	Expanded int // channels between the 1x1 convolutions
	Before   int // kernel size of the depthwise convolution before the expansion; 0 means none
	Kernel   int // kernel size of the depthwise convolution behind the expansion; 0 means none
	Width    int // horizontal kernel size; 0 means Kernel
	// Stride is that of the last depthwise convolution, or of the expansion if there is none; 0 means 1.
	Stride     int
	Dilation   int // of the depthwise convolutions; 0 means 1
	Act        ActFunc
	Attention  Block // before the projection; nil means none
	NoResidual bool
	Epsilon    float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the block.
func (p UniversalBottleneck) Build(b *Builder, in Value) Value {
	convs := []Named{{"expand", ConvBNAct{Out: p.Expanded, Act: p.Act, Epsilon: p.Epsilon}}}
	depthwise := ConvBNAct{Dilation: p.Dilation, Groups: Depthwise, Epsilon: p.Epsilon}
	strided := 0 // the convolution that has the stride
	if p.Before > 0 {
		depthwise.Kernel = p.Before
		convs = []Named{{"before", depthwise}, convs[0]}
	}
	if p.Kernel > 0 {
		depthwise.Kernel, depthwise.Width, depthwise.Act = p.Kernel, p.Width, p.Act
		strided = len(convs)
		convs = append(convs, Named{"depthwise", depthwise})
	}
	x := in
	for i, c := range convs {
		if conv := c.Block.(ConvBNAct); i == strided {
			conv.Stride = p.Stride
			c.Block = conv
		}
		x = c.Build(b, x)
	}
	x = attend(b, nil, p.Attention, x)
	x = Named{"project", ConvBNAct{Out: p.Out, Epsilon: p.Epsilon}}.Build(b, x)
	if p.NoResidual {
		return x
	}
	return residual(b, in, x)
}
