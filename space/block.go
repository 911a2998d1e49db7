package space

import (
	"fmt"

	"nas/blocks"
)

// Kind names a block of an [Arch].
type Kind uint8

// The kinds of blocks. Batch normalisation follows every convolution. The
// documentation of the config takes its descriptions from these comments.
const (
	// One dense KxK convolution.
	Conv Kind = iota
	// A KxK convolution in groups, then a channel shuffle unless it is depthwise
	// (ShuffleNet: Zhang et al., CVPR 2018).
	Grouped
	// A KxK depthwise convolution, then 1x1 (MobileNetV1: Howard et al., 2017; with
	// `activation_after = "depthwise"` the first block of MobileNetV2).
	DS
	// The inverted residual: 1x1 up, KxK depthwise, linear 1x1 down (MobileNetV2:
	// Sandler et al., CVPR 2018).
	MBConv
	// The inverted residual with one dense KxK convolution instead of the first two
	// (EfficientNetV2; Gupta and Tan, 2019).
	Fused
	// The activation, then KxK depthwise and 1x1 with nothing in between (Xception:
	// Chollet, CVPR 2017).
	Xception
	// The universal inverted bottleneck: an optional KxK depthwise, 1x1 up, an optional KxK
	// depthwise, linear 1x1 down (MobileNetV4: Qin et al., ECCV 2024). `kernel = 0` and
	// `kernel_before = 0` leave a depthwise out.
	UIB
	// The bottleneck: 1x1, KxK in `groups`, linear 1x1, and the activation behind the sum with the input
	// (ResNet: He et al., CVPR 2016; ResNeXt: Xie et al., CVPR 2017; RegNet: Radosavovic et al., CVPR 2020).
	// `expansion` is the ratio of its inner to its output channels: 0.25 in ResNet, 0.5 in ResNeXt, 1 in RegNet.
	// Where the shape changes, the input goes through a 1x1 convolution.
	Bottleneck
	// No block, or a 1x1 convolution with the stride where the shape changes.
	skip
)

// kindTable holds what distinguishes the kinds besides their layers.
var kindTable = [...]struct {
	name      string // in configs and arch strings
	residual  bool   // whether it has a residual if the config does not say
	separable bool   // the KxK convolution is depthwise
	pointwise bool   // it has 1x1 convolutions, which may have experts of their own
}{
	Conv:       {name: "conv"},
	Grouped:    {name: "grouped"},
	DS:         {name: "ds", separable: true, pointwise: true},
	MBConv:     {name: "mbconv", residual: true, separable: true, pointwise: true},
	Fused:      {name: "fused", residual: true, pointwise: true},
	Xception:   {name: "xception", residual: true, separable: true},
	UIB:        {name: "uib", residual: true, separable: true, pointwise: true},
	Bottleneck: {name: "bottleneck", residual: true, pointwise: true},
	skip:       {name: "skip"},
}

// kindWords are the names of the kinds, by number.
var kindWords = func() (words []string) {
	for _, row := range kindTable {
		words = append(words, row.name)
	}
	return words
}()

// String returns the name used in configs and arch strings.
func (k Kind) String() string {
	if int(k) >= len(kindTable) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindTable[k].name
}

// Block is one block of an [Arch] with its final numbers. Blocks are comparable. Two
// blocks that build the same ops from the same input are equal: an MBConv without
// expansion is written as DS, a Grouped with one group or a Fused without expansion as
// Conv, a UIB with the second depthwise alone as MBConv and one without a depthwise as Fused
// with kernel size 1 (both unless the expansion is 1), and what has no effect is zero.
//
// The text form of a block is
//
//	block   = kind "_k" K [ "x" width ] "_s" stride [ "_d" dilation ] [ "_b" K before ] [ "_g" groups ]
//	          [ "_x" expanded ] [ "_m" multiplier ] "_c" channels "_" act [ "_" after ]
//	          [ attention ] [ "_q" experts ] [ "_p" pointwise experts ] [ "_res" ]
//	kind    = "conv" | "grouped" | "ds" | "mbconv" | "fused" | "xception" | "uib" | "bottleneck"
//	act     = "identity" | "relu" | "relu6" | "hswish" | "hsigmoid" | "swish" | "sigmoid"
//	after   = "depthwise" | "pointwise" | "both"    always and only in ds
//	attention = "_se" squeeze ":" act ":" gate | "_eca" taps | "_cbam" squeeze
//	                                                only in ds, mbconv, fused, uib and bottleneck
//	gate    = "hsigmoid" | "sigmoid"
//
// All numbers are absolute. A dilation, a multiplier and a number of experts of 1 are
// left out. Grouped always has groups, a bottleneck where they are more than one; mbconv, fused, uib and bottleneck
// always have expanded channels; only ds has a multiplier. Only uib may have kernel size 0, which is no
// convolution, and a KxK convolution before the expansion ("_b"). Experts of the KxK convolution ("_q") occur in
// all kinds but xception, uib and bottleneck, those of the 1x1 convolutions ("_p") in ds, mbconv and fused. "_res"
// says that the input is added to the output.
type Block struct {
	Kind       Kind
	Kernel     int             // spatial extent; UIB: of the second depthwise, 0 means none
	Width      int             // horizontal extent of a kernel of Kernel x Width; 0 means Kernel
	Before     int             // UIB: kernel size of the first depthwise, 0 means none; otherwise 0
	Stride     int             // 1 or more, in both directions
	Dilation   int             // of the KxK convolutions, 1 or more
	Groups     int             // Grouped: 2 or more; Bottleneck: 1 or more; otherwise 1
	Expanded   int             // channels of the expansion, in Bottleneck of the KxK convolution; 0 in kinds without
	Channels   int             // of the output
	Activation blocks.ActFunc  //
	After      blocks.ActPlace // DS only: AfterDepthwise is the linear bottleneck
	Attention  Attention       // before the last 1x1 convolution
	Multiplier int             // DS: depthwise outputs for each input channel, 2 or more; 0 means one
	// Experts, if not 0, is the number of weight sets that the KxK convolution mixes
	// for each image (CondConv: Yang et al., NeurIPS 2019), 2 or more. Not for Xception, UIB and Bottleneck.
	Experts int
	// PointExperts is the same for the 1x1 convolutions of DS, MBConv and Fused.
	PointExperts int
	// Residual: the input is added to the output. Stride 1 and equal channels, but in a Bottleneck.
	Residual bool
}

// afterWords are the words for the position of a DS block's activation, by number.
var afterWords = []string{
	blocks.AfterBoth:      "both",
	blocks.AfterDepthwise: "depthwise",
	blocks.AfterPointwise: "pointwise",
}

// kernelSize is the size of the KxK convolution of b.
func (b *Block) kernelSize() KernelSize {
	if b.Width == 0 {
		return KernelSize(b.Kernel)
	}
	return Rectangle(b.Kernel, b.Width)
}

// setKernel sets the size of the KxK convolution of b.
func (b *Block) setKernel(k KernelSize) {
	h, w := k.extents()
	b.Kernel, b.Width = h, 0
	if h != w {
		b.Width = w
	}
}

// largestExtent is the largest extent of the KxK convolutions of b, 0 if there are none.
func (b *Block) largestExtent() int { return max(b.Kernel, b.Width, b.Before) }

// gatedChannels is the number of channels that the gate of b works on.
func (b *Block) gatedChannels(cin int) int {
	if b.Expanded > 0 {
		return b.Expanded
	}
	return cin * max(1, b.Multiplier)
}

// buildTo is build with the result in b, which saves copying a Block.
func (t *template) buildTo(b *Block, s site, style *style) bool {
	kind, kernel := t.kind(), KernelSize(t[gKernel])
	if kind == skip {
		if s.vanishes() {
			return false
		}
		*b = Block{Kind: Conv, Kernel: 1, Stride: s.stride, Dilation: 1, Groups: 1, Channels: s.cout}
		return true
	}
	before := 0
	if kind == UIB {
		before = int(t[gBefore])
	}
	*b = Block{Kind: kind, Before: before, Stride: s.stride,
		Groups: 1, Channels: s.cout, Activation: blocks.ActFunc(t[gActivation]),
		Residual: kind.has(gResidual) && residual(t[gResidual], kind, s)}
	b.setKernel(kernel)
	b.Dilation = effectiveDilation(int(t[gDilation]), b.largestExtent(), s)
	gated := s.cin // channels that a gate works on; 0: there can be none
	switch kind {
	case Grouped:
		if b.Groups = int(t[gGroups]); b.Groups == 1 {
			b.Kind = Conv
		}
	case DS:
		if m := int(t[gMultiplier]); m > 1 {
			b.Multiplier = m
			gated *= m
		}
		if b.After = blocks.ActPlace(t[gAfter]); b.Activation == blocks.Identity {
			b.After = blocks.AfterDepthwise
		}
	case MBConv:
		if gated = style.expandedChannels(s.cin, t[gExpansion]); gated == s.cin {
			b.Kind, b.After = DS, blocks.AfterDepthwise
		} else {
			b.Expanded = gated
		}
	case Fused:
		if gated = style.expandedChannels(s.cin, t[gExpansion]); gated == s.cin {
			b.Kind, gated = Conv, 0
		} else {
			b.Expanded = gated
		}
	case Bottleneck:
		gated = style.expandedChannels(s.cout, t[gExpansion])
		b.Expanded, b.Groups = gated, int(t[gGroups])
	case UIB:
		gated = style.expandedChannels(s.cin, t[gExpansion])
		b.Expanded = gated
		switch narrow := gated == s.cin; { // MBConv and Fused without expansion are other blocks
		case narrow || before > 0:
		case kernel > 0:
			b.Kind = MBConv
		default:
			b.Kind, b.Kernel = Fused, 1
		}
	}
	if k := AttentionKind(t[gAttention]); kind.has(gSE) && gated > 0 && (k != SE || t[gSE] > 0) {
		b.Attention = newAttention(k, t[gSE], s.cin, gated, style)
	}
	if kind.has(gExperts) {
		b.Experts, b.PointExperts = style.experts(b.Kind, int(t[gExperts]))
	}
	return true
}

// canBe reports whether a block of kind k can have b as its normal form, as far as kinds
// go.
func (k Kind) canBe(b *Block) bool {
	switch k {
	case MBConv:
		return b.Kind == MBConv || b.Kind == DS && b.After == blocks.AfterDepthwise && b.Multiplier == 0
	case Fused, Grouped:
		return b.Kind == k || b.Kind == Conv
	case UIB:
		return b.Kind == k || (b.Kind == MBConv || b.Kind == Fused && b.kernelSize() == 1) && b.Experts+b.PointExperts == 0
	}
	return b.Kind == k
}

// layers returns the block of package blocks that has these numbers.
func (b *Block) layers() blocks.Block {
	se, other := b.Attention.layers()
	switch b.Kind {
	case DS:
		return blocks.DepthwiseSeparable{Out: b.Channels, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
			Dilation: b.Dilation, Act: b.Activation, ActAfter: b.After, SE: se, Attention: other,
			Multiplier: b.Multiplier, Residual: b.Residual, Experts: b.Experts, PointExperts: b.PointExperts}
	case MBConv:
		return blocks.InvertedResidual{Out: b.Channels, Expanded: b.Expanded, Kernel: b.Kernel, Width: b.Width,
			Stride: b.Stride, Dilation: b.Dilation, Act: b.Activation, SE: se, Attention: other, NoResidual: !b.Residual,
			Experts: b.Experts, PointExperts: b.PointExperts}
	case Fused:
		return blocks.FusedInvertedResidual{Out: b.Channels, Expanded: b.Expanded, Kernel: b.Kernel, Width: b.Width,
			Stride: b.Stride, Dilation: b.Dilation, Act: b.Activation, SE: se, Attention: other, NoResidual: !b.Residual,
			Experts: b.Experts, PointExperts: b.PointExperts}
	case UIB:
		if se != nil {
			other = se
		}
		return blocks.UniversalBottleneck{Out: b.Channels, Expanded: b.Expanded, Before: b.Before, Kernel: b.Kernel,
			Width: b.Width, Stride: b.Stride, Dilation: b.Dilation, Act: b.Activation, Attention: other, NoResidual: !b.Residual}
	case Bottleneck:
		if se != nil {
			other = se
		}
		return blocks.Bottleneck{Out: b.Channels, Inner: b.Expanded, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
			Dilation: b.Dilation, Groups: b.Groups, Act: b.Activation, Attention: other, NoResidual: !b.Residual}
	case Xception:
		return blocks.XceptionSeparable{Out: b.Channels, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
			Dilation: b.Dilation, PreAct: b.Activation, Residual: b.Residual}
	}
	conv := blocks.ConvBNAct{Out: b.Channels, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
		Dilation: b.Dilation, Groups: b.Groups, Act: b.Activation, Shuffle: b.Groups > 1 && b.Groups < b.Channels}
	var block blocks.Block = conv
	if b.Experts > 0 {
		block = blocks.Conditional{ConvBNAct: conv, Experts: b.Experts}
	}
	if b.Residual {
		return shortcut{block}
	}
	return block
}

// shortcut adds a block's input to its output.
type shortcut struct{ inner blocks.Block }

func (s shortcut) Build(b *blocks.Builder, in blocks.Value) blocks.Value {
	return b.Apply("add", &blocks.Add{}, s.inner.Build(b, in), in)
}

// pack fills words with the numbers of the block. Different blocks give different words.
// It returns false if a number is larger than any valid block has.
func (b *Block) pack(words *[4]uint64) bool {
	at := &b.Attention
	words[0] = pack3(b.Channels, b.Expanded, b.Groups)
	words[1] = pack3(b.Dilation, at.Squeeze, at.Kernel<<8|b.Width)
	words[2] = pack3(b.Kernel, b.Stride, b.Multiplier<<8|b.Before)
	words[3] = uint64(b.Kind)<<56 | uint64(at.Kind)<<48 | uint64(b.Activation)<<40 | uint64(b.After)<<32 |
		uint64(at.Inner)<<24 | uint64(at.Gate)<<16 | uint64(b.Experts)<<8 | uint64(b.PointExperts)
	if b.Residual {
		words[2] |= 1 << 63
	}
	return fits(
		21,
		b.Channels|b.Expanded|b.Groups|b.Dilation|at.Squeeze|at.Kernel<<8|b.Kernel|b.Stride|b.Multiplier<<8,
	) &&
		fits(8, int(b.Activation)|int(b.After)|int(at.Inner)|int(at.Gate)|b.Experts|b.PointExperts|b.Before|b.Width)
}

// pack3 packs three numbers of 21 bits.
func pack3(a, b, c int) uint64 { return uint64(a)<<42 | uint64(b)<<21 | uint64(c) }

// fits reports whether numbers, whose bits are joined, have no more than so many bits.
func fits(bits, joined int) bool { return uint64(joined)>>bits == 0 }
