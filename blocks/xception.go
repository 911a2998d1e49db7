package blocks

// XceptionSeparable is the separable convolution of Xception (Chollet, CVPR
// 2017, section 3 and figure 5): the activation first, then a KxK depthwise
// convolution, a 1x1 pointwise one, and batch normalisation; nothing between
// the two.
type XceptionSeparable struct {
	Out      int
	Kernel   int     // 0 means 3
	Width    int     // horizontal kernel size; 0 means Kernel
	Stride   int     // 0 means 1
	Dilation int     // 0 means 1
	PreAct   ActFunc // the zero value is none
	Residual bool    // add the input where stride is 1 and channels are equal
	Epsilon  float64 // of the batch normalisation; 0 means 1e-5
}

// Build appends the block.
func (p XceptionSeparable) Build(b *Builder, in Value) Value {
	k, d, s := p.Kernel, max(p.Dilation, 1), max(p.Stride, 1)
	if k == 0 {
		k = 3
	}
	w := k
	if p.Width > 0 {
		w = p.Width
	}
	c := b.Shape(in).C
	x := b.Act(p.PreAct, in)
	x = b.Apply("depthwise.conv", &Conv{Out: c, Kernel: [2]int{k, w}, Stride: [2]int{s, s}, Dilation: [2]int{d, d},
		Pad: PadSame(k, w, d), Groups: c}, x)
	x = Named{"pointwise", ConvBNAct{Out: p.Out, Epsilon: p.Epsilon}}.Build(b, x)
	if p.Residual {
		x = residual(b, in, x)
	}
	return x
}
