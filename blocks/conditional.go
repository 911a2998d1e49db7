package blocks

// Conditional is a ConvBNAct whose weights are mixed for each image from those of Experts
// convolutions. A linear layer and a sigmoid compute the coefficients from the input's global mean
// (Yang et al., CondConv, NeurIPS 2019, section 3). Its MACs are those of routing, Cin x Experts,
// of mixing, Experts x weights, and of one convolution.
type Conditional struct {
	ConvBNAct
	Experts int // at least 1
}

// Build appends routing, convolution, batch normalisation and activation.
func (p Conditional) Build(b *Builder, in Value) Value {
	r := b.Apply("routing.pool", &GlobalPool{Pool: AvgPool}, in)
	r = b.Apply("routing.linear", &Linear{Out: p.Experts, Bias: true}, r)
	r = b.Apply("routing.sigmoid", &Activation{Func: Sigmoid}, r)
	c := p.ConvBNAct.conv(b.Shape(in).C)
	x := b.Apply("conv", &CondConv{Experts: p.Experts, Out: c.Out, Kernel: c.Kernel, Stride: c.Stride,
		Dilation: c.Dilation, Pad: c.Pad, Groups: c.Groups}, in, r)
	return p.ConvBNAct.finish(b, c, x)
}

// mixed returns c with so many experts, or c itself if there are none.
func mixed(c ConvBNAct, experts int) Block {
	if experts > 0 {
		return Conditional{ConvBNAct: c, Experts: experts}
	}
	return c
}
