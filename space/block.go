package space

import (
	"fmt"

	"nas/blocks"
)

// Kind names a block of an [Arch].
type Kind uint8

// The kinds of blocks. BN follows every convolution; "act" is the block's
// activation.
const (
	Conv     Kind = iota // K x K convolution, act
	Grouped              // K x K convolution in groups, act, channel shuffle (Zhang et al., CVPR 2018) unless depthwise
	DS                   // K x K depthwise, 1x1; act after either or both (Howard et al., 2017)
	MBConv               // 1x1 expansion, act, K x K depthwise, act, 1x1 linear (Sandler et al., CVPR 2018)
	Fused                // K x K expansion, act, 1x1 linear (Gupta and Tan, 2019)
	Xception             // act, K x K depthwise, 1x1: activation first, none inside (Chollet, CVPR 2017)
	skip                 // nothing, or a 1x1 projection where the shape changes; only in a Spec
)

// blockGene numbers the genes of one block, in the order in which they stand in
// a genotype: the kind first, because it decides which of the others live.
type blockGene uint8

const (
	gKind blockGene = iota
	gKernel
	gExpansion
	gDilation
	gActivation
	gAfter
	gGroups
	gAttention
	gSE
	gResidual
	gExperts
	gMultiplier
	blockGenes // their number
)

// blockGeneKeys are the names of the genes in a config.
var blockGeneKeys = [blockGenes]string{
	"block", "kernel", "expansion", "dilation", "activation", "activation_after", "groups", "attention", "se",
	"residual", "experts", "multiplier",
}

const (
	window   = 1<<gKernel | 1<<gDilation | 1<<gActivation | 1<<gResidual
	attended = 1<<gAttention | 1<<gSE
)

// kindTable is the one place that knows names of kinds and the genes they have.
var kindTable = [...]struct {
	name     string
	genes    uint16 // bit per blockGene beyond the kind
	residual bool   // where the config does not say
}{
	Conv:     {"conv", window | 1<<gExperts, false},
	Grouped:  {"grouped", window | 1<<gGroups | 1<<gExperts, false},
	DS:       {"ds", window | 1<<gAfter | attended | 1<<gExperts | 1<<gMultiplier, false},
	MBConv:   {"mbconv", window | 1<<gExpansion | attended | 1<<gExperts, true},
	Fused:    {"fused", window | 1<<gExpansion | attended | 1<<gExperts, true},
	Xception: {"xception", window, true},
	skip:     {"skip", 0, false},
}

// String returns the name used in configs and arch strings.
func (k Kind) String() string {
	if int(k) >= len(kindTable) {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindTable[k].name
}

func (k Kind) has(g blockGene) bool { return g == gKind || kindTable[k].genes>>g&1 == 1 }

func parseKind(name string) (Kind, bool) {
	for k, row := range kindTable {
		if row.name == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// afterNames are the words for the place of a DS block's activation.
var afterNames = [...]string{
	blocks.AfterBoth:      "both",
	blocks.AfterDepthwise: "depthwise",
	blocks.AfterPointwise: "pointwise",
}

func parseAfter(name string) (blocks.ActPlace, bool) {
	for a, n := range afterNames {
		if n == name {
			return blocks.ActPlace(a), true
		}
	}
	return 0, false
}

// AttentionKind names a gate on the channels of a block.
type AttentionKind uint8

// The gates.
const (
	NoAttention AttentionKind = iota
	SE                        // squeeze-and-excite (Hu et al., CVPR 2018)
	ECA                       // efficient channel attention (Wang et al., CVPR 2020)
	CBAM                      // channel and spatial gates (Woo et al., ECCV 2018)
)

var attentionNames = [...]string{NoAttention: "none", SE: "se", ECA: "eca", CBAM: "cbam"}

// String returns "none", "se", "eca" or "cbam".
func (k AttentionKind) String() string {
	if int(k) >= len(attentionNames) {
		return fmt.Sprintf("AttentionKind(%d)", uint8(k))
	}
	return attentionNames[k]
}

func parseAttention(name string) (AttentionKind, bool) {
	for k, n := range attentionNames {
		if n == name {
			return AttentionKind(k), true
		}
	}
	return 0, false
}

// Attention is a gate with its final numbers. The zero value is none.
type Attention struct {
	Kind    AttentionKind
	Squeeze int            // SE and CBAM: channels between the two layers
	Kernel  int            // ECA: taps of the convolution over channels, odd
	Inner   blocks.ActFunc // SE: after the first layer; CBAM always has ReLU
	Gate    blocks.ActFunc // SE: blocks.HSigmoid or blocks.Sigmoid; the others always have Sigmoid
}

// Block is one block of an [Arch] with its final numbers. Blocks are
// comparable, and two blocks that build the same ops from the same input are
// equal: an MBConv without expansion is written as DS, a Grouped with one group
// or a Fused without expansion as Conv, and what has no effect is zero.
type Block struct {
	Kind       Kind
	Kernel     int             // spatial extent, odd
	Stride     int             // 1 or more, both ways
	Dilation   int             // of the KxK convolution, 1 or more
	Groups     int             // Grouped: 2 or more; otherwise 1
	Expanded   int             // MBConv and Fused: channels of the expansion; otherwise 0
	Channels   int             // of the output
	Activation blocks.ActFunc  //
	After      blocks.ActPlace // DS only: AfterDepthwise is the linear bottleneck
	Attention  Attention       // DS and MBConv: after the depthwise; Fused: after the expansion
	Multiplier int             // DS: depthwise outputs for each input channel, 2 or more; 0 means one
	// Experts, if not 0, mixes the weights of the KxK convolution for each image
	// from so many sets (CondConv: Yang et al., NeurIPS 2019); 2 or more. Not for
	// Xception. PointExperts does so for the 1x1 convolutions of DS, MBConv and Fused.
	Experts      int
	PointExperts int
	Residual     bool // the input is added to the output; Stride 1, equal channels
}

// template is a block before its place in a network is known: what one set of
// block genes, or one entry of a choice, says.
type template struct {
	kind       Kind
	after      blocks.ActPlace
	residual   int8 // 1 yes, 0 no, -1 as is usual for the kind
	kernel     int
	dilation   int
	groups     int
	expansion  float64
	activation blocks.ActFunc
	attention  AttentionKind
	se         float64
	experts    int
	multiplier int
}

// site is where a block stands: all that its final numbers depend on besides
// its template.
type site struct {
	cin, cout int
	stride    int
	dilation  int  // factor on the template's dilation, from a limited output stride
	forced    bool // stride is 1 only because of a limited output stride
}

// style is what a stage settles for all its blocks, beyond their genes.
type style struct {
	seFromInput     bool // the ratio is of the block's input channels
	seInner, seGate blocks.ActFunc
	// Where the experts of blocks of several convolutions are.
	kernelExperts, pointExperts bool
}

// absent reports whether a skip vanishes at p: nothing changes shape there.
func (p site) absent() bool { return p.stride == 1 && p.cin == p.cout && !p.forced }

// build gives t its final numbers at p in normal form; ok is false where
// nothing is left of it.
func (t *template) build(p site, style *style) (b Block, ok bool) {
	ok = t.buildTo(&b, p, style)
	return b, ok
}

// buildTo is build into b; a Block is large to hand around.
func (t *template) buildTo(b *Block, p site, style *style) bool {
	if t.kind == skip {
		if p.absent() {
			return false
		}
		*b = Block{Kind: Conv, Kernel: 1, Stride: p.stride, Dilation: 1, Groups: 1, Channels: p.cout}
		return true
	}
	row := &kindTable[t.kind]
	*b = Block{Kind: t.kind, Kernel: t.kernel, Stride: p.stride, Dilation: effectiveDilation(t.dilation, t.kernel, p),
		Groups: 1, Channels: p.cout, Activation: t.activation}
	if row.genes>>gResidual&1 == 1 {
		b.Residual = (t.residual > 0 || t.residual < 0 && row.residual) && p.stride == 1 && p.cin == p.cout
	}
	inner := p.cin // channels at the squeeze-and-excite layer
	switch t.kind {
	case Grouped:
		if b.Groups = t.groups; b.Groups == 1 {
			b.Kind = Conv
		}
	case DS:
		if t.multiplier > 1 {
			b.Multiplier = t.multiplier
			inner *= t.multiplier
		}
		if b.After = t.after; t.activation == blocks.Identity {
			b.After = blocks.AfterDepthwise
		}
	case MBConv:
		if inner = expandedChannels(p.cin, t.expansion); inner == p.cin {
			b.Kind, b.After = DS, blocks.AfterDepthwise
		} else {
			b.Expanded = inner
		}
	case Fused:
		if inner = expandedChannels(p.cin, t.expansion); inner == p.cin {
			b.Kind, inner = Conv, 0
		} else {
			b.Expanded = inner
		}
	}
	if row.genes>>gSE&1 == 1 && inner > 0 && (t.attention != SE || t.se > 0) {
		b.Attention = newAttention(t.attention, t.se, p.cin, inner, style)
	}
	if row.genes>>gExperts&1 == 1 {
		b.Experts, b.PointExperts = style.experts(b.Kind, t.experts)
	}
	return true
}

// newAttention gives a gate on inner channels its final numbers.
func newAttention(k AttentionKind, ratio float64, cin, inner int, style *style) Attention {
	switch k {
	case SE:
		if n := squeezeChannels(ratio, cin, inner, style.seFromInput); n > 0 {
			return Attention{Kind: SE, Squeeze: n, Inner: style.seInner, Gate: style.seGate}
		}
	case ECA:
		return Attention{Kind: ECA, Kernel: blocks.ECAKernel(inner)}
	case CBAM:
		if ratio == 0 {
			ratio = 0.25
		}
		return Attention{Kind: CBAM, Squeeze: squeezeChannels(ratio, cin, inner, style.seFromInput)}
	}
	return Attention{}
}

// experts says which convolutions of a block in normal form have n experts.
func (s *style) experts(k Kind, n int) (kernel, point int) {
	if n < 2 {
		return 0, 0
	}
	if k == Conv || k == Grouped {
		return n, 0
	}
	if s.kernelExperts {
		kernel = n
	}
	if s.pointExperts {
		point = n
	}
	return kernel, point
}

// effectiveDilation is the dilation that a block really gets: a 1x1 kernel has
// none, and a block with a stride keeps its convolution undilated, because a
// stride after a dilation would throw most of the taps' positions away.
func effectiveDilation(d, kernel int, p site) int {
	if kernel == 1 || p.stride > 1 {
		return 1
	}
	return d * p.dilation
}

// expandedChannels is the width inside an inverted residual.
func expandedChannels(cin int, ratio float64) int {
	if ratio == 1 {
		return cin
	}
	return makeDivisible(float64(cin) * ratio)
}

// squeezeChannels sizes a squeeze-and-excite layer: a fraction of the channels
// that it works on made divisible (MobileNetV3), or of the block's input,
// rounded down (MnasNet, EfficientNet).
func squeezeChannels(ratio float64, cin, inner int, fromInput bool) int {
	if ratio == 0 {
		return 0
	}
	if fromInput {
		return max(1, int(float64(cin)*ratio))
	}
	return makeDivisible(float64(inner) * ratio)
}

// scale applies a width multiplier to a number of channels as the config gives
// it. A multiplier of 1 changes nothing.
func scale(channels int, width float64) int {
	if width == 1 {
		return channels
	}
	return makeDivisible(float64(channels) * width)
}

// makeDivisible is the rule for every scaled number of channels: to the nearest
// multiple of 8, never below 90 %.
func makeDivisible(v float64) int { return blocks.MakeDivisible(v, 8) }
