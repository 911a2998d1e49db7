package space

import "nas/blocks"

// mixture builds a block in which some convolutions mix the weights of several experts. Its
// ops and their names are those of the block without experts, except for these convolutions. The
// residual is not part of it.
type mixture struct{ *Block }

func (m mixture) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	k := m.Block
	first, last := k.Activation, blocks.Identity // the activations behind the KxK and the last convolution
	wide := b.Shape(in).C * max(1, k.Multiplier)
	x, name := in, "depthwise"
	window := blocks.ConvBNAct{Kernel: k.Kernel, Width: k.Width, Stride: k.Stride, Dilation: k.Dilation,
		Groups: blocks.Depthwise}
	switch k.Kind {
	case DS:
		if k.After == blocks.AfterPointwise {
			first = blocks.Identity
		}
		if k.After != blocks.AfterDepthwise {
			last = k.Activation
		}
	case MBConv:
		wide = k.Expanded
		x = experts("expand", blocks.ConvBNAct{Out: wide, Act: k.Activation}, k.PointExperts).Build(b, x)
	case Fused:
		wide, name, window.Groups = k.Expanded, "fused", 0
	default:
		return experts("", k.conv(), k.Experts).Build(b, x)
	}
	window.Out, window.Act = wide, first
	x = experts(name, window, k.Experts).Build(b, x)
	if se, other := k.Attention.layers(); se != nil {
		x = se.Build(b, x)
	} else if other != nil {
		x = other.Build(b, x)
	}
	name = "project"
	if k.Kind == DS {
		name = "pointwise"
	}
	return experts(name, blocks.ConvBNAct{Out: k.Channels, Act: last}, k.PointExperts).Build(b, x)
}

// experts returns a convolution with n experts, or an ordinary one if n is 0.
func experts(name string, c blocks.ConvBNAct, n int) (block blocks.Block) {
	block = c
	if n > 0 {
		block = blocks.Conditional{ConvBNAct: c, Experts: n}
	}
	if name == "" {
		return block
	}
	return blocks.Named{Name: name, Block: block}
}
