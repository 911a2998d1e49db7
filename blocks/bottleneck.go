package blocks

// Bottleneck is the residual block of He et al. (CVPR 2016, figure 5 right) with the stride in the KxK convolution
// (torchvision's "v1.5"; the paper has it in the first 1x1): 1x1, KxK in groups, optional attention, linear 1x1, and
// the activation behind the sum with the input. With groups it is the block of ResNeXt (Xie et al., CVPR 2017), with as
// many inner as output channels that of RegNet (Radosavovic et al., CVPR 2020).
type Bottleneck struct {
	Out      int
	Inner    int // channels of the KxK convolution
	Kernel   int // 0 means 1
	Width    int // horizontal kernel size; 0 means Kernel
	Stride   int // 0 means 1
	Dilation int // of the KxK convolution; 0 means 1
	Groups   int // of the KxK convolution, a divisor of Inner; 0 means 1
	Act      ActFunc
	// Attention stands before the last convolution; nil means none.
	Attention Block
	// NoResidual leaves the sum out. Otherwise the input goes through a 1x1 convolution where the stride or the
	// channels change the shape.
	NoResidual bool
	Epsilon    float64 // of the batch normalisations; 0 means 1e-5
}

// Build appends the block.
func (p Bottleneck) Build(b *Builder, in Value) Value {
	x := Named{"reduce", ConvBNAct{Out: p.Inner, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, in)
	x = Named{"conv", ConvBNAct{Out: p.Inner, Kernel: p.Kernel, Width: p.Width, Stride: p.Stride, Dilation: p.Dilation,
		Groups: p.Groups, Act: p.Act, Epsilon: p.Epsilon}}.Build(b, x)
	x = attend(b, nil, p.Attention, x)
	x = Named{"expand", ConvBNAct{Out: p.Out, Epsilon: p.Epsilon}}.Build(b, x)
	if !p.NoResidual {
		if max(p.Stride, 1) > 1 || b.Shape(in).C != p.Out {
			in = Named{"shortcut", ConvBNAct{Out: p.Out, Stride: p.Stride, Epsilon: p.Epsilon}}.Build(b, in)
		}
		x = b.Apply("add", &Add{}, x, in)
	}
	return b.Act(p.Act, x)
}
