package space

import (
	"strconv"

	"nas/blocks"
)

// Network lowers a to its ops. Nodes carry the number of the stage (stem 0,
// head one after the last) and of the block in it, from 1. The network's name
// is a's ID. An Arch that has not passed Validate gives an error.
func (a Arch) Network() (*blocks.Network, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	b := blocks.NewBuilder(a.ID(), a.Input)
	b.Grow(160)
	x := b.Input()
	var low blocks.Value
	for i := range a.Stem {
		x = a.Stem[i].build(b, x, 0, i+1)
	}
	for s, st := range a.Stages {
		for i := range st {
			x = st[i].build(b, x, s+1, i+1)
		}
		if s+1 == a.Head.Low {
			low = x
		}
	}
	a.Head.build(b, x, low, len(a.Stages)+1)
	return b.Network()
}

// build appends the block to x as the block-th of its stage, both as nodes have
// them.
func (k *Block) build(b *blocks.Builder, x blocks.Value, stage, block int) blocks.Value {
	b.Mark(stage, block)
	name := "stem"
	switch {
	case stage > 0:
		name = "stage" + strconv.Itoa(stage) + ".block" + strconv.Itoa(block)
	case block > 1:
		name += strconv.Itoa(block)
	}
	return blocks.Named{Name: name, Block: k.layers()}.Build(b, x)
}

// layers returns the block of package blocks that has these numbers.
func (k *Block) layers() blocks.Block {
	if k.Experts > 0 || k.PointExperts > 0 {
		return mixture{k}
	}
	se, other := k.Attention.layers()
	switch k.Kind {
	case DS:
		return blocks.DepthwiseSeparable{Out: k.Channels, Kernel: k.Kernel, Stride: k.Stride, Dilation: k.Dilation,
			Act: k.Activation, ActAfter: k.After, SE: se, Attention: other, Multiplier: k.Multiplier, Residual: k.Residual}
	case MBConv:
		return blocks.InvertedResidual{Out: k.Channels, Expanded: k.Expanded, Kernel: k.Kernel, Stride: k.Stride,
			Dilation: k.Dilation, Act: k.Activation, SE: se, Attention: other, NoResidual: !k.Residual}
	case Fused:
		return blocks.FusedInvertedResidual{Out: k.Channels, Expanded: k.Expanded, Kernel: k.Kernel, Stride: k.Stride,
			Dilation: k.Dilation, Act: k.Activation, SE: se, Attention: other, NoResidual: !k.Residual}
	case Xception:
		return blocks.XceptionSeparable{Out: k.Channels, Kernel: k.Kernel, Stride: k.Stride, Dilation: k.Dilation,
			PreAct: k.Activation, Residual: k.Residual}
	}
	if k.Residual {
		return shortcut{k.conv()}
	}
	return k.conv()
}

// conv is the one convolution of the kinds Conv and Grouped.
func (k *Block) conv() blocks.ConvBNAct {
	return blocks.ConvBNAct{Out: k.Channels, Kernel: k.Kernel, Stride: k.Stride, Dilation: k.Dilation, Groups: k.Groups,
		Act: k.Activation, Shuffle: k.Groups > 1 && k.Groups < k.Channels}
}

// layers returns the gate: a squeeze-and-excite, or another one, or neither.
func (a *Attention) layers() (*blocks.SqueezeExcite, blocks.Block) {
	switch a.Kind {
	case SE:
		return &blocks.SqueezeExcite{Hidden: a.Squeeze, Act: a.Inner, Gate: a.Gate}, nil
	case ECA:
		return nil, blocks.ECA{Kernel: a.Kernel}
	case CBAM:
		return nil, blocks.CBAM{Hidden: a.Squeeze}
	}
	return nil, nil
}

// shortcut adds a block's input to its output.
type shortcut struct{ inner blocks.Block }

func (s shortcut) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	return b.Apply("add", &blocks.Add{}, s.inner.Build(b, in), in)
}

// build appends the head to x, as the last stage.
func (h *Head) build(b *blocks.Builder, x, low blocks.Value, stage int) {
	b.Mark(stage, 0)
	b.Scope("head", func() { h.layers(b, x, low) })
}

func (h *Head) layers(b *blocks.Builder, x, low blocks.Value) {
	input := b.Shape(b.Input())
	conv1x1 := func(name string, out int, in blocks.Value) blocks.Value {
		return b.Apply(name, &blocks.Conv{Out: out, Kernel: [2]int{1, 1}, Bias: true}, in)
	}
	switch h.Kind {
	case ASPP:
		x = blocks.Named{Name: "aspp", Block: blocks.ASPP{Out: h.Channels, Rates: h.Rates, Act: h.Activation}}.Build(b, x)
		x = conv1x1("classifier", h.Classes, x)
	case LRASPP:
		x = blocks.Named{Name: "lraspp", Block: blocks.LRASPP{Hidden: h.Channels, Classes: h.Classes, Low: low, Act: h.Activation}}.Build(b, x)
	case FastSCNN:
		ds := blocks.DepthwiseSeparable{Out: h.Channels, Act: h.Activation}
		x = blocks.Sequence{
			blocks.Named{Name: "context", Block: blocks.PyramidPooling{Out: h.Channels, Act: h.Activation}},
			blocks.Named{Name: "fusion", Block: blocks.FeatureFusion{Out: h.Channels, Fine: low, Act: h.Activation}},
			blocks.Named{Name: "refine1", Block: ds},
			blocks.Named{Name: "refine2", Block: ds},
		}.Build(b, x)
		x = conv1x1("classifier", h.Classes, x)
	default:
		if h.Channels > 0 {
			x = blocks.Named{Name: "conv", Block: blocks.ConvBNAct{Out: h.Channels, Act: h.Activation}}.Build(b, x)
		}
		x = b.Apply("pool", &blocks.GlobalPool{Pool: blocks.AvgPool}, x)
		if h.Hidden > 0 {
			x = b.Apply("hidden", &blocks.Linear{Out: h.Hidden, Bias: true}, x)
			x = b.Act(h.Activation, x)
		}
		b.Apply("classifier", &blocks.Linear{Out: h.Classes, Bias: true}, x)
		return
	}
	b.Apply("resize", &blocks.Resize{H: input.H, W: input.W}, x)
}
