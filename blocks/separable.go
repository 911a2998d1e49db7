package blocks

// ActPlace says after which half of a depthwise-separable convolution the
// activation stands.
type ActPlace int

const (
	AfterBoth      ActPlace = iota // MobileNetV1
	AfterDepthwise                 // a linear pointwise: the bottleneck of MobileNetV2
	AfterPointwise                 // Xception's order
)

// DepthwiseSeparable is a KxK depthwise convolution and a 1x1 pointwise one,
// each followed by batch normalisation (Howard et al., MobileNets, 2017,
// figure 3). Its cost is 1/Out + 1/K^2 of the standard convolution's.
type DepthwiseSeparable struct {
	Out      int
	Kernel   int // 0 means 3
	Width    int // horizontal kernel size; 0 means Kernel
	Stride   int // 0 means 1
	Dilation int // 0 means 1
	Act      ActFunc
	ActAfter ActPlace
	SE       *SqueezeExcite // between the two convolutions; nil means none
	Residual bool           // add the input where stride is 1 and channels are equal
	Epsilon  float64        // of the batch normalisations; 0 means 1e-5
	// Multiplier is the number of depthwise outputs of each input channel; 0 means 1.
	Multiplier int
	// Attention is another gate in the place of SE ([ECA], [CBAM]); nil means none.
	Attention Block
	// Experts of the depthwise and PointExperts of the 1x1 convolution make it a [Conditional]; 0 means neither.
	Experts, PointExperts int
}

// Build appends the block.
func (p DepthwiseSeparable) Build(b *Builder, in Value) Value {
	dwAct, pwAct := p.Act, p.Act
	switch p.ActAfter {
	case AfterDepthwise:
		pwAct = Identity
	case AfterPointwise:
		dwAct = Identity
	}
	k := p.Kernel
	if k == 0 {
		k = 3
	}
	out := b.Shape(in).C * max(p.Multiplier, 1)
	dw := ConvBNAct{Out: out, Kernel: k, Width: p.Width, Stride: p.Stride, Dilation: p.Dilation, Groups: Depthwise,
		Act: dwAct, Epsilon: p.Epsilon}
	x := Named{"depthwise", mixed(dw, p.Experts)}.Build(b, in)
	x = attend(b, p.SE, p.Attention, x)
	pw := ConvBNAct{Out: p.Out, Act: pwAct, Epsilon: p.Epsilon}
	x = Named{"pointwise", mixed(pw, p.PointExperts)}.Build(b, x)
	if p.Residual {
		x = residual(b, in, x)
	}
	return x
}

// InvertedResidual is MobileNetV2's block (Sandler et al., CVPR 2018, table 1):
// 1x1 expand, KxK depthwise, optional squeeze-and-excite, linear 1x1 project,
// and a residual where stride is 1 and channels are equal.
type InvertedResidual struct {
	Out      int
	Expanded int // channels between; equal to the input's means no expand layer
	Kernel   int // 0 means 3
	Width    int // horizontal kernel size; 0 means Kernel
	Stride   int // 0 means 1
	Dilation int // 0 means 1, of the depthwise convolution
	Act      ActFunc
	SE       *SqueezeExcite
	// Attention is another gate in the place of SE ([ECA], [CBAM]); nil means none.
	Attention Block
	// ProjectAct is an activation after the projection; the zero value keeps
	// the linear bottleneck of the paper.
	ProjectAct ActFunc
	// KeepExpand builds the expand layer even where Expanded equals the input's channels.
	KeepExpand bool
	NoResidual bool
	Epsilon    float64 // of the batch normalisations; 0 means 1e-5
	// Experts of the depthwise and PointExperts of the 1x1 convolutions make them a [Conditional]; 0 means none.
	Experts, PointExperts int
}

// Build appends the block.
func (p InvertedResidual) Build(b *Builder, in Value) Value {
	k := p.Kernel
	if k == 0 {
		k = 3
	}
	x := in
	if p.Expanded != b.Shape(in).C || p.KeepExpand {
		expand := ConvBNAct{Out: p.Expanded, Act: p.Act, Epsilon: p.Epsilon}
		x = Named{"expand", mixed(expand, p.PointExperts)}.Build(b, x)
	}
	dw := ConvBNAct{Kernel: k, Width: p.Width, Stride: p.Stride, Dilation: p.Dilation, Groups: Depthwise,
		Act: p.Act, Epsilon: p.Epsilon}
	x = Named{"depthwise", mixed(dw, p.Experts)}.Build(b, x)
	x = attend(b, p.SE, p.Attention, x)
	project := ConvBNAct{Out: p.Out, Act: p.ProjectAct, Epsilon: p.Epsilon}
	x = Named{"project", mixed(project, p.PointExperts)}.Build(b, x)
	if p.NoResidual {
		return x
	}
	return residual(b, in, x)
}

// FusedInvertedResidual replaces expand and depthwise by one standard KxK
// convolution (Gupta and Tan, EfficientNet-EdgeTPU, 2019; EfficientNetV2, ICML
// 2021, figure 2). With Expanded equal to the input's channels it is a single
// KxK convolution to Out.
type FusedInvertedResidual struct {
	Out      int
	Expanded int
	Kernel   int // 0 means 3
	Width    int // horizontal kernel size; 0 means Kernel
	Stride   int // 0 means 1
	Dilation int // 0 means 1
	Act      ActFunc
	SE       *SqueezeExcite
	// Attention is another gate in the place of SE ([ECA], [CBAM]); nil means none.
	Attention Block
	// NoResidual leaves the residual out where it would otherwise be.
	NoResidual bool
	Epsilon    float64 // of the batch normalisations; 0 means 1e-5
	// Experts of the KxK and PointExperts of the 1x1 convolution make it a [Conditional]; 0 means neither.
	Experts, PointExperts int
}

// Build appends the block.
func (p FusedInvertedResidual) Build(b *Builder, in Value) Value {
	k := p.Kernel
	if k == 0 {
		k = 3
	}
	x := in
	window := ConvBNAct{Out: p.Expanded, Kernel: k, Width: p.Width, Stride: p.Stride, Dilation: p.Dilation, Act: p.Act,
		Epsilon: p.Epsilon}
	if p.Expanded == b.Shape(in).C {
		window.Out = p.Out
		x = Named{"fused", mixed(window, p.Experts)}.Build(b, x)
	} else {
		x = Named{"fused", mixed(window, p.Experts)}.Build(b, x)
		x = attend(b, p.SE, p.Attention, x)
		x = Named{"project", mixed(ConvBNAct{Out: p.Out, Epsilon: p.Epsilon}, p.PointExperts)}.Build(b, x)
	}
	if p.NoResidual {
		return x
	}
	return residual(b, in, x)
}

// attend appends the gates that a block asks for.
func attend(b *Builder, se *SqueezeExcite, other Block, x Value) Value {
	if se != nil {
		x = se.Build(b, x)
	}
	if other != nil {
		x = other.Build(b, x)
	}
	return x
}

// residual adds in to x where the shapes agree.
func residual(b *Builder, in, x Value) Value {
	if b.Shape(in) != b.Shape(x) {
		return x
	}
	return b.Apply("add", &Add{}, x, in)
}
