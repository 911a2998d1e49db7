package blocks

// ConvBNAct is a convolution without bias, batch normalisation and an
// activation: the unit of nearly every network here. Standard, grouped,
// depthwise and pointwise convolutions differ in numbers only.
type ConvBNAct struct {
	Out      int     // output channels; 0 means as many as the input has
	Kernel   int     // kernel size, vertical; 0 means 1
	Width    int     // horizontal kernel size; 0 means that of Kernel
	Stride   int     // 0 means 1
	Dilation int     // 0 means 1
	Groups   int     // 0 means 1; Depthwise means one group for each input channel
	Act      ActFunc // the zero value is none
	Pad      *Pad    // nil means PadSame
	Epsilon  float64 // of the batch normalisation; 0 means 1e-5
	// Shuffle interleaves the channels of the groups at the end, so that the next grouped convolution
	// sees all of them.
	Shuffle bool
}

// Depthwise as ConvBNAct.Groups asks for as many groups as input channels.
const Depthwise = -1

// Build appends conv, bn, the activation, and the shuffle if asked for.
func (p ConvBNAct) Build(b *Builder, in Value) Value {
	op := p.conv(b.Shape(in).C)
	return p.finish(b, op, b.Apply("conv", op, in))
}

// conv returns the convolution over cin channels.
func (p ConvBNAct) conv(cin int) *Conv {
	k, d := max(p.Kernel, 1), max(p.Dilation, 1)
	s := max(p.Stride, 1)
	w := k
	if p.Width > 0 {
		w = p.Width
	}
	op := &Conv{Out: p.Out, Kernel: [2]int{k, w}, Pad: PadSame(k, w, d), Groups: p.Groups}
	if s > 1 {
		op.Stride = [2]int{s, s}
	}
	if d > 1 {
		op.Dilation = [2]int{d, d}
	}
	if op.Out == 0 {
		op.Out = cin
	}
	if op.Groups == Depthwise {
		op.Groups = cin
	}
	if p.Pad != nil {
		op.Pad = *p.Pad
	}
	return op
}

// finish appends what follows the convolution op.
func (p ConvBNAct) finish(b *Builder, op *Conv, x Value) Value {
	x = b.Apply("bn", &BatchNorm{Epsilon: p.Epsilon}, x)
	x = b.Act(p.Act, x)
	if p.Shuffle {
		x = b.Apply("shuffle", &ChannelShuffle{Groups: op.G()}, x)
	}
	return x
}

// Named wraps a block in a naming scope.
type Named struct {
	Name  string
	Block Block
}

// Build appends the block under its name.
func (p Named) Build(b *Builder, in Value) (out Value) {
	b.Scope(p.Name, func() { out = p.Block.Build(b, in) })
	return out
}

// Sequence is blocks one after the other.
type Sequence []Block

// Build appends each block.
func (p Sequence) Build(b *Builder, in Value) Value {
	for _, q := range p {
		in = q.Build(b, in)
	}
	return in
}
