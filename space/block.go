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

// blockGene numbers the genes of one block in the order in which they stand in a
// genotype. The kind is the first one because it decides which of the others live.
type blockGene uint8

const (
	gKind blockGene = iota
	gKernel
	gExpansion
	gDilation
	gActivation
	gAfter
	gGroups
	gSE
	gAttention
	gResidual
	gExperts
	gMultiplier
	gBefore
	blockGenes // their number
)

const (
	window   = 1<<gKernel | 1<<gDilation | 1<<gActivation | 1<<gResidual
	attended = 1<<gAttention | 1<<gSE
)

// kindTable holds what distinguishes the kinds besides their layers.
var kindTable = [...]struct {
	name      string // in configs and arch strings
	genes     uint16 // a bit for each blockGene that the kind has besides gKind
	residual  bool   // whether it has a residual if the config does not say
	separable bool   // the KxK convolution is depthwise
	pointwise bool   // it has 1x1 convolutions, which may have experts of their own
}{
	Conv:    {name: "conv", genes: window | 1<<gExperts},
	Grouped: {name: "grouped", genes: window | 1<<gGroups | 1<<gExperts},
	DS: {name: "ds", genes: window | 1<<gAfter | attended | 1<<gExperts | 1<<gMultiplier,
		separable: true, pointwise: true},
	MBConv: {name: "mbconv", genes: window | 1<<gExpansion | attended | 1<<gExperts,
		residual: true, separable: true, pointwise: true},
	Fused:    {name: "fused", genes: window | 1<<gExpansion | attended | 1<<gExperts, residual: true, pointwise: true},
	Xception: {name: "xception", genes: window, residual: true, separable: true},
	UIB: {name: "uib", genes: window | 1<<gBefore | 1<<gExpansion | attended, residual: true, separable: true,
		pointwise: true},
	Bottleneck: {name: "bottleneck", genes: window | 1<<gGroups | 1<<gExpansion | attended, residual: true, pointwise: true},
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

// has reports whether blocks of kind k have gene g.
func (k Kind) has(g blockGene) bool { return g == gKind || kindTable[k].genes>>g&1 == 1 }

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
// always have expanded channels; only ds has a multiplier. Only uib may have kernel size 0, which is no convolution, and a
// KxK convolution before the expansion ("_b"). Experts of the KxK convolution ("_q") occur
// in all kinds but xception, uib and bottleneck, those of the 1x1 convolutions ("_p") in ds, mbconv and fused. "_res"
// says that the input is added to the output.
type Block struct {
	Kind       Kind
	Kernel     int             // spatial extent; UIB: of the second depthwise, 0 means none
	Width      int             // horizontal extent of a kernel of Kernel x Width; 0 means Kernel
	Before     int             // UIB: kernel size of the first depthwise, 0 means none; otherwise 0
	Stride     int             // 1 or more, in both directions
	Dilation   int             // of the KxK convolutions, 1 or more
	Groups     int             // Grouped: 2 or more; Bottleneck: 1 or more; otherwise 1
	Expanded   int             // MBConv, Fused and UIB: channels of the expansion; Bottleneck: of the KxK convolution; otherwise 0
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

// token is one part of the text form of a block: an underscore, a letter and a number, or
// what the gene has instead.
type token struct {
	gene     blockGene // only kinds that have the gene have the token; gKind: all kinds
	prefix   string    // underscore and letter; "": not a number
	what     string    // what the number is, after "want"
	low      int       // the smallest valid number of a Block, and what a missing token means
	least    int       // the smallest number that is written
	high     int       // the largest valid number
	optional bool      // the token may be missing although the kind has the gene
}

// blockTokens are the tokens behind the kind, in order. The order is part of the format.
var blockTokens = [...]token{
	{gKernel, "_k", "a kernel size", 1, 1, maxKernel, false}, // 0 in a UIB
	{gKind, "_s", "a stride", 1, 1, maxKernel, false},
	{gDilation, "_d", "a dilation", 1, 2, maxDilation, true},
	{gBefore, "_b", "a kernel size before the expansion", 0, 1, maxKernel, true},
	{gGroups, "_g", "a number of groups", 1, 2, maxNumber, true},
	{gExpansion, "_x", "expanded channels", 0, 1, maxNumber, false},
	{gMultiplier, "_m", "a depthwise multiplier", 0, 2, maxExperts, true},
	{gKind, "_c", "channels", 1, 1, maxNumber, false},
	{gene: gActivation},
	{gene: gAfter},
	{gene: gAttention},
	{gExperts, "_q", "a number of experts", 0, 2, maxExperts, true},
	{gExperts, "_p", "a number of pointwise experts", 0, 2, maxExperts, true},
	{gene: gResidual},
}

// numbers returns the numbers of the tokens, in the order of blockTokens.
func (b *Block) numbers() [len(blockTokens)]*int {
	return [...]*int{&b.Kernel, &b.Stride, &b.Dilation, &b.Before, &b.Groups, &b.Expanded, &b.Multiplier,
		&b.Channels, nil, nil, nil, &b.Experts, &b.PointExperts, nil}
}

// String returns the text form.
func (b Block) String() string { return string(b.append(nil)) }

func (b *Block) append(p []byte) []byte {
	p = append(p, b.Kind.String()...)
	for i, n := range b.numbers() {
		switch t := &blockTokens[i]; {
		case n != nil:
			if *n >= t.least || t.gene == gKernel {
				p = appendInt(append(p, '_', t.prefix[1]), *n)
			}
			if t.gene == gKernel && b.Width > 0 {
				p = appendInt(append(p, 'x'), b.Width)
			}
		case t.gene == gActivation:
			p = append(append(p, '_'), b.Activation.String()...)
		case t.gene == gAfter && b.Kind == DS:
			p = append(append(p, '_'), afterWords[b.After]...)
		case t.gene == gAttention:
			p = b.Attention.append(p)
		case t.gene == gResidual && b.Residual:
			p = append(p, "_res"...)
		}
	}
	return p
}

// parse reads the token, whose number is n, if kind b.Kind has it.
func (t *token) parse(p *parser, b *Block, n *int) {
	has := b.Kind.has(t.gene)
	switch {
	case n != nil:
		if *n = t.low; has && (!t.optional || p.next(t.prefix)) {
			p.expect(t.prefix)
			if t.gene == gKernel && b.Kind == UIB && p.accept("0") {
				*n = 0
				break
			}
			*n = p.least(t.least, t.what)
			if t.gene == gKernel && p.accept("x") {
				b.Width = p.number("a kernel width")
			}
		}
	case !has:
	case t.gene == gActivation:
		p.expect("_")
		b.Activation = p.activation()
	case t.gene == gAfter:
		p.expect("_")
		b.After = blocks.ActPlace(p.oneOf(afterWords, "where the activation stands"))
	case t.gene == gAttention:
		b.Attention = p.attention()
	case t.gene == gResidual:
		b.Residual = p.accept("_res")
	}
}

// afterWords are the words for the position of a DS block's activation, by number.
var afterWords = []string{
	blocks.AfterBoth:      "both",
	blocks.AfterDepthwise: "depthwise",
	blocks.AfterPointwise: "pointwise",
}

// layers returns the block of package blocks that has these numbers.
func (b *Block) layers() blocks.Block {
	if b.Experts > 0 || b.PointExperts > 0 {
		return b.joined(mixture{b})
	}
	se, other := b.Attention.layers()
	switch b.Kind {
	case DS:
		return blocks.DepthwiseSeparable{Out: b.Channels, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
			Dilation: b.Dilation, Act: b.Activation, ActAfter: b.After, SE: se, Attention: other,
			Multiplier: b.Multiplier, Residual: b.Residual}
	case MBConv:
		return blocks.InvertedResidual{Out: b.Channels, Expanded: b.Expanded, Kernel: b.Kernel, Width: b.Width,
			Stride: b.Stride, Dilation: b.Dilation, Act: b.Activation, SE: se, Attention: other, NoResidual: !b.Residual}
	case Fused:
		return blocks.FusedInvertedResidual{Out: b.Channels, Expanded: b.Expanded, Kernel: b.Kernel, Width: b.Width,
			Stride: b.Stride, Dilation: b.Dilation, Act: b.Activation, SE: se, Attention: other, NoResidual: !b.Residual}
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
	return b.joined(b.conv())
}

// joined returns inner with the residual of the block, if there is one.
func (b *Block) joined(inner blocks.Block) blocks.Block {
	if b.Residual {
		return shortcut{inner}
	}
	return inner
}

// conv is the one convolution of the kinds Conv and Grouped.
func (b *Block) conv() blocks.ConvBNAct {
	return blocks.ConvBNAct{Out: b.Channels, Kernel: b.Kernel, Width: b.Width, Stride: b.Stride,
		Dilation: b.Dilation, Groups: b.Groups, Act: b.Activation, Shuffle: b.Groups > 1 && b.Groups < b.Channels}
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
	return fits(21, b.Channels|b.Expanded|b.Groups|b.Dilation|at.Squeeze|at.Kernel<<8|b.Kernel|b.Stride|b.Multiplier<<8) &&
		fits(8, int(b.Activation)|int(b.After)|int(at.Inner)|int(at.Gate)|b.Experts|b.PointExperts|b.Before|b.Width)
}

// pack3 packs three numbers of 21 bits.
func pack3(a, b, c int) uint64 { return uint64(a)<<42 | uint64(b)<<21 | uint64(c) }

// fits reports whether numbers, whose bits are joined, have no more than so many bits.
func fits(bits, joined int) bool { return uint64(joined)>>bits == 0 }
