package space

import "nas/blocks"

// Ints, Kernels, Floats, Strings and Bools are genes: one value or a list of choices.
type (
	Ints    []int
	Kernels []KernelSize
	Floats  []float64
	Strings []string
	Bools   []bool
)

// StageSpec is a row of blocks with equal output channels. Only the first block has the
// stride.
type StageSpec struct {
	// Block is the kind of block. Default mbconv.
	Block Strings `toml:"block" example:"['mbconv', 'fused']"`
	// Channels is the number of output channels before the width multiplier applies. No
	// default.
	Channels Ints `toml:"channels" example:"[24, 32]"`
	// Stride is the stride of the first block, 1 to 8. Default 1.
	Stride Ints `toml:"stride" unit:"pixels" example:"2"`
	// Depth is the number of blocks, 1 to 64. Default 1.
	Depth Ints `toml:"depth" example:"[1, 2, 3, 4]"`
	// Kernel is the spatial extent K of the depthwise, or the only, convolution, 1 to 31, or
	// [height, width]. In a uib block it is that of the depthwise behind the expansion, and 0 means none.
	// Default 3.
	Kernel Kernels `toml:"kernel" unit:"pixels" example:"[3, 5, [7, 1]]"`
	// Expansion is the ratio of hidden to input channels of mbconv, fused and uib blocks, and of inner to output
	// channels of a bottleneck block. Default 6; a bottleneck block needs one.
	Expansion Floats `toml:"expansion" example:"[3, 4, 6]"`
	// Dilation is the dilation of the KxK convolution, 1 to 64. It has no effect in a block
	// with a stride. Default 1.
	Dilation Ints `toml:"dilation" unit:"pixels" example:"[1, 2]"`
	// Activation is the function behind all convolutions of a block but a linear last one.
	// Default relu6.
	Activation Strings `toml:"activation" example:"['relu6', 'hswish']"`
	// ActivationAfter says which convolution of a ds block the activation follows:
	// "depthwise", "pointwise" or "both". Default both.
	ActivationAfter Strings `toml:"activation_after" example:"'depthwise'" with:"block = 'ds'"`
	// Groups is the number of groups of the KxK convolution of a grouped or bottleneck block, 1 to 4096. It
	// must divide the input and output channels, of a bottleneck block the inner ones. Default: 1, but a grouped
	// block needs one.
	Groups Ints `toml:"groups" example:"[2, 4]" with:"block = 'grouped'"`
	// SE is the ratio of squeeze-and-excite; 0 means none. Default 0.
	SE Floats `toml:"se" example:"[0, 0.25]"`
	// Residual says whether the input is added to the output where the stride is 1 and the
	// channels are equal, in a bottleneck block also elsewhere. Default: mbconv, fused, xception, uib and
	// bottleneck do.
	Residual Bools `toml:"residual" example:"[true, false]"`
	// Attention is what weighs the channels of ds, mbconv, fused, uib and bottleneck blocks: "se" where the
	// ratio is not 0, "eca", "cbam" (ratio 0 means 0.25) or "none". Default se.
	Attention Strings `toml:"attention" example:"['none', 'eca']"`
	// Experts is the number of weight sets that a convolution mixes for each image
	// (CondConv), 1 to 64. Default 1, an ordinary convolution.
	Experts Ints `toml:"experts" example:"[1, 4]"`
	// Multiplier is the number of depthwise outputs for each input channel of a ds block, 1
	// to 64. Default 1.
	Multiplier Ints `toml:"multiplier" example:"[1, 2]" with:"block = 'ds'"`
	// KernelBefore is the spatial extent of the depthwise convolution before the expansion
	// of a uib block, 1 to 31. Default 0, none.
	KernelBefore Ints `toml:"kernel_before" json:",omitempty" unit:"pixels" example:"[0, 3, 5]" with:"block = 'uib'"`
	// Choice makes whole blocks one gene. The keys above then hold one value at most: the
	// default of the entries.
	Choice []ChoiceSpec `toml:"choice" example:"[{block = 'skip'}, {block = 'mbconv', kernel = 5}]" bad:"[]"`
	// Per is "block" (each block of the stage has genes of its own) or "stage" (all share
	// one set). Default block.
	Per string `toml:"per" example:"'stage'"`
	// ExpertsIn says which convolutions of ds, mbconv and fused blocks have experts:
	// "depthwise" (the KxK one, also where it is not depthwise), "pointwise" or "both".
	// Default depthwise.
	ExpertsIn string `toml:"experts_in" example:"'both'"`
	// SEFrom says what the ratio SE multiplies: the "expanded" channels, rounded to a
	// multiple as all scaled channels are (MobileNetV3), or the block's "input" channels,
	// rounded down (MnasNet, EfficientNet). Default expanded.
	SEFrom string `toml:"se_from" example:"'input'"`
	// SEActivation is the function behind the first of the two layers of squeeze-and-excite.
	// Default relu.
	SEActivation string `toml:"se_activation" example:"'swish'"`
	// SEGate is the function behind the second one. Default hsigmoid.
	SEGate string `toml:"se_gate" example:"'sigmoid'"`
}

// ChoiceSpec is a whole block. The stage has the values of the keys that are not set.
type ChoiceSpec struct {
	Block           Strings `toml:"block"`
	Kernel          Kernels `toml:"kernel"`
	Expansion       Floats  `toml:"expansion"`
	Dilation        Ints    `toml:"dilation"`
	Activation      Strings `toml:"activation"`
	ActivationAfter Strings `toml:"activation_after"`
	Groups          Ints    `toml:"groups"`
	SE              Floats  `toml:"se"`
	Residual        Bools   `toml:"residual"`
	Attention       Strings `toml:"attention"`
	Experts         Ints    `toml:"experts"`
	Multiplier      Ints    `toml:"multiplier"`
	KernelBefore    Ints    `toml:"kernel_before" json:",omitempty"`
}

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

// geneRow describes one gene of a block. Its key in a config is a field of [StageSpec], its token in the text form a
// row of blockTokens. What the gene does is in block.go.
//
// Values of genes are numbers: the number itself, the position of a word in the domain, 1
// for true and 0 for false.
type geneRow struct {
	key string // in a config
	domain
	byKind bool  // the gene has no default: if it is not set, its value is -1 and the kind decides
	kinds  kinds // that have the gene

	// of returns the value of the gene in block b, which has cin input channels.
	of func(b *Block, cin int, st *style) float64
	// gives reports whether value v, in a block of kind k at s, results in what b has.
	// The default is that v equals of(b).
	gives func(v float64, k Kind, b *Block, s site, st *style) bool
	// nearest returns the choice that is nearest to what b has. The default is the
	// nearest number; of words the same one, else the first.
	nearest func(v *values, b *Block, cin int, st *style) int
	// same reports whether two blocks agree in the gene. The default is that of(x)
	// equals of(y).
	same    func(x, y *Block) bool
	distant bool // disagreement counts in the distance of two blocks

	// label precedes the value in the name of an entry of a choice; values up to
	// labelAbove are left out.
	label      string
	labelAbove float64

	// How Around treats the gene: free genes may differ between the blocks of a stage.
	// shows reports whether the value can be seen in a block, by default always. widen
	// returns the choices, given the values of the blocks, by default these values;
	// acts says whether the activation may change.
	free  bool
	shows func(b *Block, cin int) bool
	widen func(values []float64, k Kind, acts bool) []float64
}

// geneTable has a row for each gene of a block.
var geneTable = [blockGenes]geneRow{
	gKind: {
		key: "block", kinds: append(kinds{skip}, windowed...), domain: words("mbconv", kindWords),
		of:      plain(func(b *Block) int { return int(b.Kind) }),
		distant: true,
	},
	gKernel: {
		key: "kernel", kinds: windowed, domain: uibKernelDomain,
		of: plain(func(b *Block) int { return int(b.kernelSize()) }),
		gives: func(v float64, k Kind, b *Block, _ site, _ *style) bool {
			if k == UIB && b.Kind == Fused { // a UIB without a depthwise
				return v == 0
			}
			return v == float64(b.kernelSize())
		},
		nearest: func(v *values, b *Block, _ int, _ *style) int { return nearestKernel(v[gKernel], b.kernelSize()) },
		label:   "_k",
		free:    true, widen: widenKernel,
	},
	gExpansion: {
		key: "expansion", kinds: kinds{Fused, MBConv, UIB, Bottleneck},
		domain: domain{initial: 6.0, valid: func(v float64) bool { return v > 0 && v <= 32 },
			want: "a ratio above 0, at most 32"},
		of: expansionOf,
		gives: func(v float64, k Kind, b *Block, s site, st *style) bool {
			x := st.expandedChannels(k.hiddenFrom(s.cin, s.cout), v)
			return x == b.Expanded || b.Expanded == 0 && x == s.cin
		},
		label: "_e",
		free:  true, widen: widenExpansion,
	},
	gDilation: {
		key: "dilation", kinds: windowed, domain: integers(1, 1, 64),
		of: plain(func(b *Block) int { return b.Dilation }),
		gives: func(v float64, _ Kind, b *Block, s site, _ *style) bool {
			return effectiveDilation(int(v), b.largestExtent(), s) == b.Dilation
		},
		distant: true,
		label:   "_d", labelAbove: 1,
		shows: func(b *Block, _ int) bool { return b.largestExtent() > 1 && b.Stride == 1 },
	},
	gActivation: {
		key: "activation", kinds: windowed, domain: actDomain,
		of:      plain(func(b *Block) int { return int(b.Activation) }),
		nearest: func(v *values, b *Block, _ int, _ *style) int { return nearestAct(v[gActivation], b.Activation) },
		distant: true,
		widen:   widenActivation,
	},
	gAfter: {
		key: "activation_after", kinds: kinds{DS}, domain: words("both", afterWords),
		of: plain(func(b *Block) int { return int(b.After) }),
		gives: func(v float64, _ Kind, b *Block, _ site, _ *style) bool {
			return v == float64(b.After) || b.Activation == blocks.Identity
		},
		distant: true,
	},
	gGroups: {
		key: "groups", kinds: kinds{Grouped, Bottleneck}, domain: integers(1, 1, 4096),
		of:    plain(func(b *Block) int { return b.Groups }),
		label: "_g",
	},
	gSE: {
		key: "se", kinds: gated,
		domain: domain{initial: 0.0, valid: func(v float64) bool { return v >= 0 && v <= 1 },
			want: "a ratio from 0 (none) to 1, such as 0.25 for a reduction by 4"},
		of:   squeezeRatio,
		free: true,
	},
	gAttention: {
		key: "attention", kinds: gated, domain: words("se", attentionWords),
		of:      plain(func(b *Block) int { return int(b.Attention.Kind) }),
		nearest: nearestAttention,
		distant: true,
	},
	gResidual: {
		key: "residual", kinds: windowed, domain: domain{initial: true, want: "true or false"}, byKind: true,
		of:      func(b *Block, _ int, _ *style) float64 { return bit(b.Residual) },
		gives:   func(v float64, k Kind, b *Block, s site, _ *style) bool { return residual(v, k, s) == b.Residual },
		nearest: nearestResidual,
		shows: func(b *Block, cin int) bool {
			return b.Kind == Bottleneck || b.Stride == 1 && b.Channels == cin
		},
		widen: widenResidual,
	},
	gExperts: {
		key: "experts", kinds: kinds{Conv, Grouped, DS, MBConv, Fused}, domain: domain{initial: 1, valid: between(1, maxExperts), want: "1 (an ordinary convolution) to 64"},
		of: plain(func(b *Block) int { return max(1, b.Experts, b.PointExperts) }),
		gives: func(v float64, _ Kind, b *Block, _ site, st *style) bool {
			n, m := st.experts(b.Kind, int(v))
			return n == b.Experts && m == b.PointExperts
		},
		same:    func(x, y *Block) bool { return x.Experts == y.Experts && x.PointExperts == y.PointExperts },
		distant: true,
		label:   "_q", labelAbove: 1,
	},
	gMultiplier: {
		key: "multiplier", kinds: kinds{DS}, domain: integers(1, 1, maxExperts),
		of:      plain(func(b *Block) int { return max(1, b.Multiplier) }),
		distant: true,
		label:   "_m", labelAbove: 1,
	},
	gBefore: {
		key: "kernel_before", kinds: kinds{UIB}, domain: integers(0, 0, maxKernel),
		of:      plain(func(b *Block) int { return b.Before }),
		distant: true,
		label:   "_b",
		free:    true, widen: widenBefore,
	},
}

// kinds is a set of kinds of blocks.
type kinds []Kind

var (
	windowed = kinds{Conv, Grouped, DS, MBConv, Fused, Xception, UIB, Bottleneck} // with a KxK convolution
	gated    = kinds{DS, MBConv, Fused, UIB, Bottleneck}                          // with a gate on channels
)

// kindGenes has, for each kind, a bit for each gene.
var kindGenes [skip + 1]uint16

func init() {
	for g := range geneTable {
		for _, k := range geneTable[g].kinds {
			kindGenes[k] |= 1 << g
		}
	}
}

// has reports whether blocks of kind k have gene g.
func (k Kind) has(g blockGene) bool { return kindGenes[k]>>g&1 == 1 }

// blockTokens are the tokens behind the kind, in order. The order is part of the format.
var blockTokens = [...]token{
	{gene: gKernel, prefix: "_k", what: "a kernel size", low: 1, least: 1, high: maxKernel}, // 0 in a UIB
	{gene: gKind, prefix: "_s", what: "a stride", low: 1, least: 1, high: maxKernel},
	{gene: gDilation, prefix: "_d", what: "a dilation", low: 1, least: 2, high: maxDilation, optional: true},
	{gene: gBefore, prefix: "_b", what: "a kernel size before the expansion", low: 0, least: 1, high: maxKernel, optional: true},
	{gene: gGroups, prefix: "_g", what: "a number of groups", low: 1, least: 2, high: maxNumber, optional: true},
	{gene: gExpansion, prefix: "_x", what: "expanded channels", low: 0, least: 1, high: maxNumber},
	{gene: gMultiplier, prefix: "_m", what: "a depthwise multiplier", low: 0, least: 2, high: maxExperts, optional: true},
	{gene: gKind, prefix: "_c", what: "channels", low: 1, least: 1, high: maxNumber},
	{gene: gActivation, prefix: "_", what: "activation", words: actWords},
	{gene: gAfter, prefix: "_", what: "position of the activation", words: afterWords},
	{gene: gAttention},
	{gene: gExperts, prefix: "_q", what: "a number of experts", low: 0, least: 2, high: maxExperts, optional: true},
	{gene: gExperts, prefix: "_p", what: "a number of pointwise experts", low: 0, least: 2, high: maxExperts, optional: true},
	{gene: gResidual},
}

// numbers returns the numbers of the tokens, in the order of blockTokens; of a word its position.
func (b *Block) numbers() [len(blockTokens)]*int {
	return [...]*int{&b.Kernel, &b.Stride, &b.Dilation, &b.Before, &b.Groups, &b.Expanded, &b.Multiplier, &b.Channels,
		(*int)(&b.Activation), (*int)(&b.After), nil, &b.Experts, &b.PointExperts, nil}
}
