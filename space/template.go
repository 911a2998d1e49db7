package space

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

// hiddenFrom returns the channels of which the expansion of a block is a multiple: of a bottleneck those of its
// output, else of its input.
func (k Kind) hiddenFrom(cin, cout int) int {
	if k == Bottleneck {
		return cout
	}
	return cin
}
