package space

import (
	"slices"

	"nas/blocks"
)

// squeezeRatio is the ratio of squeeze-and-excite from which b has its squeeze channels.
func squeezeRatio(b *Block, cin int, st *style) float64 {
	if !st.seFromInput && b.Expanded > 0 {
		cin = b.Expanded
	}
	return float64(b.Attention.Squeeze) / float64(cin)
}

// expansionOf is the ratio of expanded to input channels of a block; of a bottleneck, to output channels.
func expansionOf(b *Block, cin int, _ *style) float64 {
	if b.Expanded == 0 {
		return 1
	}
	return float64(b.Expanded) / float64(b.Kind.hiddenFrom(cin, b.Channels))
}

// plain returns a geneRow.of that depends on the block alone.
func plain(number func(*Block) int) func(*Block, int, *style) float64 {
	return func(b *Block, _ int, _ *style) float64 { return float64(number(b)) }
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

// nearestResidual returns the first choice that agrees with b about whether there is a
// residual. An mbconv or fused block counts as one with a residual, because it may lack the
// residual for its shape only.
func nearestResidual(v *values, b *Block, _ int, _ *style) int {
	has := b.Residual || b.Kind == MBConv || b.Kind == Fused
	return max(0, slices.IndexFunc(v[gResidual], func(r float64) bool { return (r != 0) == has }))
}
