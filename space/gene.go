package space

import (
	"slices"

	"nas/blocks"
)

// geneRow describes one gene of a block. Two things are elsewhere: what the gene does, in
// buildTo, and its token in the text form, in blockTokens.
//
// Values of genes are numbers: the number itself, the position of a word in the domain, 1
// for true and 0 for false.
type geneRow struct {
	key string // in a config
	domain
	byKind bool // the gene has no default: if it is not set, its value is -1 and the kind decides

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
		key: "block", domain: words("mbconv", kindWords),
		of:      plain(func(b *Block) int { return int(b.Kind) }),
		distant: true,
	},
	gKernel: {
		key: "kernel", domain: uibKernelDomain,
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
		key: "expansion",
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
		key: "dilation", domain: integers(1, 1, 64),
		of: plain(func(b *Block) int { return b.Dilation }),
		gives: func(v float64, _ Kind, b *Block, s site, _ *style) bool {
			return effectiveDilation(int(v), b.largestExtent(), s) == b.Dilation
		},
		distant: true,
		label:   "_d", labelAbove: 1,
		shows: func(b *Block, _ int) bool { return b.largestExtent() > 1 && b.Stride == 1 },
	},
	gActivation: {
		key: "activation", domain: actDomain,
		of:      plain(func(b *Block) int { return int(b.Activation) }),
		nearest: func(v *values, b *Block, _ int, _ *style) int { return nearestAct(v[gActivation], b.Activation) },
		distant: true,
		widen:   widenActivation,
	},
	gAfter: {
		key: "activation_after", domain: words("both", afterWords),
		of: plain(func(b *Block) int { return int(b.After) }),
		gives: func(v float64, _ Kind, b *Block, _ site, _ *style) bool {
			return v == float64(b.After) || b.Activation == blocks.Identity
		},
		distant: true,
	},
	gGroups: {
		key: "groups", domain: integers(1, 1, 4096),
		of:    plain(func(b *Block) int { return b.Groups }),
		label: "_g",
	},
	gSE: {
		key: "se",
		domain: domain{initial: 0.0, valid: func(v float64) bool { return v >= 0 && v <= 1 },
			want: "a ratio from 0 (none) to 1, such as 0.25 for a reduction by 4"},
		of:   squeezeRatio,
		free: true,
	},
	gAttention: {
		key: "attention", domain: words("se", attentionWords),
		of:      plain(func(b *Block) int { return int(b.Attention.Kind) }),
		nearest: nearestAttention,
		distant: true,
	},
	gResidual: {
		key: "residual", domain: domain{initial: true, want: "true or false"}, byKind: true,
		of:      func(b *Block, _ int, _ *style) float64 { return bit(b.Residual) },
		gives:   func(v float64, k Kind, b *Block, s site, _ *style) bool { return residual(v, k, s) == b.Residual },
		nearest: nearestResidual,
		shows: func(b *Block, cin int) bool {
			return b.Kind == Bottleneck || b.Stride == 1 && b.Channels == cin
		},
		widen: widenResidual,
	},
	gExperts: {
		key: "experts", domain: domain{initial: 1, valid: between(1, maxExperts), want: "1 (an ordinary convolution) to 64"},
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
		key: "multiplier", domain: integers(1, 1, maxExperts),
		of:      plain(func(b *Block) int { return max(1, b.Multiplier) }),
		distant: true,
		label:   "_m", labelAbove: 1,
	},
	gBefore: {
		key: "kernel_before", domain: integers(0, 0, maxKernel),
		of:      plain(func(b *Block) int { return b.Before }),
		distant: true,
		label:   "_b",
		free:    true, widen: widenBefore,
	},
}

// plain returns a geneRow.of that depends on the block alone.
func plain(number func(*Block) int) func(*Block, int, *style) float64 {
	return func(b *Block, _ int, _ *style) float64 { return float64(number(b)) }
}

// hiddenFrom returns the channels of which the expansion of a block is a multiple: of a bottleneck those of its
// output, else of its input.
func (k Kind) hiddenFrom(cin, cout int) int {
	if k == Bottleneck {
		return cout
	}
	return cin
}

// expansionOf is the ratio of expanded to input channels of a block; of a bottleneck, to output channels.
func expansionOf(b *Block, cin int, _ *style) float64 {
	if b.Expanded == 0 {
		return 1
	}
	return float64(b.Expanded) / float64(b.Kind.hiddenFrom(cin, b.Channels))
}

// squeezeRatio is the ratio of squeeze-and-excite from which b has its squeeze channels.
func squeezeRatio(b *Block, cin int, st *style) float64 {
	if !st.seFromInput && b.Expanded > 0 {
		cin = b.Expanded
	}
	return float64(b.Attention.Squeeze) / float64(cin)
}

// nearestAttention returns the first choice with the kind of gate that b has, else the
// first choice. Squeeze-and-excite with ratio 0 is no gate.
func nearestAttention(v *values, b *Block, cin int, st *style) int {
	ratios := v[gSE]
	none := b.Attention.Kind == NoAttention && ratios[nearest(ratios, squeezeRatio(b, cin, st))] == 0
	for i, k := range v[gAttention] {
		if k := AttentionKind(k); k == b.Attention.Kind || k == SE && none {
			return i
		}
	}
	return 0
}

// attentionLabel is the label of the gate in the name of an entry of a choice.
func attentionLabel(t *template) string {
	k, ratio := AttentionKind(t[gAttention]), t[gSE]
	switch {
	case k == NoAttention || k == SE && ratio == 0:
		return ""
	case k == ECA:
		return "_" + k.String()
	}
	return "_" + k.String() + text(ratio)
}

func widenKernel(values []float64, _ Kind, _ bool) []float64 {
	if slices.Min(values) != 1 {
		values = with(values, 3, 5, 7)
	}
	slices.Sort(values)
	return values
}

func widenBefore(values []float64, _ Kind, _ bool) []float64 {
	values = with(values, 0, 3, 5)
	slices.Sort(values)
	return values
}

func widenExpansion(values []float64, k Kind, _ bool) []float64 {
	if k == Bottleneck { // the groups must divide what comes of it
		return values
	}
	values = with(values, 3, 4, 6)
	slices.Sort(values)
	return values
}

func widenActivation(values []float64, _ Kind, acts bool) []float64 {
	if acts && values[0] != float64(blocks.Identity) {
		values = with(values, float64(blocks.ReLU6), float64(blocks.HSwish))
	}
	return values
}

// widenResidual leaves the gene unset if the blocks have what their kind has by default.
func widenResidual(values []float64, k Kind, _ bool) []float64 {
	if len(values) > 0 && (values[0] == 1) == kindTable[k].residual {
		return nil
	}
	return values
}

// nearestResidual returns the first choice that agrees with b about whether there is a
// residual. An mbconv or fused block counts as one with a residual, because it may lack the
// residual for its shape only.
func nearestResidual(v *values, b *Block, _ int, _ *style) int {
	has := b.Residual || b.Kind == MBConv || b.Kind == Fused
	return max(0, slices.IndexFunc(v[gResidual], func(r float64) bool { return (r != 0) == has }))
}

// values are the choices of the genes of a block, as numbers.
type values [blockGenes][]float64

// pick is a choice for each gene of a block. Elements behind the last gene are 0.
type pick [16]uint8

const _ = uint(len(pick{}) - int(blockGenes)) // there must not be more genes

// template is a block before its site in a network is known: a value for each of its genes.
type template [blockGenes]float64

func (t *template) kind() Kind { return Kind(t[gKind]) }

func (v *values) template(p *pick) (t template) {
	for g := range t {
		t[g] = v[g][p[g]]
	}
	return t
}

// build returns the block that t becomes at s, in normal form. ok is false if t vanishes
// there.
func (t *template) build(s site, style *style) (b Block, ok bool) {
	ok = t.buildTo(&b, s, style)
	return b, ok
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

// residual reports whether a block of kind k at s adds its input to its output, where v
// is the value of its gene.
func residual(v float64, k Kind, s site) bool {
	return (v > 0 || v < 0 && kindTable[k].residual) && (k == Bottleneck || s.stride == 1 && s.cin == s.cout)
}

// experts says which convolutions of a block in normal form have n experts.
func (s *style) experts(k Kind, n int) (kernel, point int) {
	if n < 2 {
		return 0, 0
	}
	if !kindTable[k].pointwise {
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

// effectiveDilation is the dilation that a block really gets. A 1x1 kernel has none. A
// block with a stride keeps its convolution undilated, because a stride behind a dilated
// window would leave out most of what the window sees.
func effectiveDilation(d, kernel int, s site) int {
	if kernel < 2 || s.stride > 1 {
		return 1
	}
	return d * s.dilation
}

// expandedChannels is the width inside a block that is a ratio of n channels.
func (s *style) expandedChannels(n int, ratio float64) int {
	if ratio == 1 {
		return n
	}
	return s.divisor.round(float64(n) * ratio)
}
