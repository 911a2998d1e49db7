package space

import (
	"strconv"

	"nas/blocks"
)

// Network lowers a to its ops. Nodes carry the numbers of their stage (0 for the stem, one
// more than the last stage for the head) and of their block, from 1. The network's name is
// the ID of a. The error is that of [Arch.Validate].
func (a Arch) Network() (*blocks.Network, error) {
	if err := a.Validate(); err != nil {
		return nil, err
	}
	b := blocks.NewBuilder(a.ID(), a.Input)
	b.Grow(160)
	x := b.Input()
	var low blocks.Value
	maps := map[int]blocks.Value{} // the last output of a block, by stride
	stride := 1
	for i := range a.Stem {
		x = a.Stem[i].build(b, x, 0, i+1)
		stride *= a.Stem[i].Stride
		maps[stride] = x
	}
	for s, st := range a.Stages {
		for i := range st {
			x = st[i].build(b, x, s+1, i+1)
			stride *= st[i].Stride
			maps[stride] = x
		}
		if s+1 == a.Head.Low {
			low = x
		}
	}
	if a.Head.Kind == Features {
		var outs []blocks.Value
		for _, stride := range featureStrides {
			if v, ok := maps[stride]; ok {
				outs = append(outs, v)
			}
		}
		b.Return(outs...)
		return b.Network()
	}
	a.Head.build(b, x, low, len(a.Stages)+1)
	return b.Network()
}

// featureStrides are those of the maps that a network with the head Features returns.
var featureStrides = []int{8, 16, 32}

// build appends the block to x. stage and block are its numbers, as the nodes have them.
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
		lraspp := blocks.LRASPP{Hidden: h.Channels, Classes: h.Classes, Low: low, Act: h.Activation}
		x = blocks.Named{Name: "lraspp", Block: lraspp}.Build(b, x)
	case FastSCNN:
		ds := blocks.DepthwiseSeparable{Out: h.Channels, Act: h.Activation}
		x = blocks.Sequence{
			blocks.Named{Name: "context", Block: blocks.PyramidPooling{Out: h.Channels, Act: h.Activation}},
			blocks.Named{Name: "fusion", Block: blocks.FeatureFusion{Out: h.Channels, Fine: low, Act: h.Activation}},
			blocks.Named{Name: "refine1", Block: ds},
			blocks.Named{Name: "refine2", Block: ds},
		}.Build(b, x)
		x = conv1x1("classifier", h.Classes, x)
	case SSDLite:
		fine := b.Wider(x)
		if h.Hidden > 0 {
			x = blocks.Named{Name: "conv", Block: blocks.ConvBNAct{Out: h.Hidden, Act: h.Activation}}.Build(b, x)
		}
		blocks.SSDLite{Classes: h.Classes, Extra: h.Channels, Fine: fine, Act: h.Activation}.Build(b, x)
		return
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
