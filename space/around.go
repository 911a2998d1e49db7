package space

import (
	"math"
	"slices"

	"nas/blocks"
)

// Vary says what [Around] may change besides depths, kernel sizes, expansion
// ratios and channels. A score that cannot see one of them would always take the
// cheapest, so leave it out for such a score.
type Vary struct {
	SE         bool // squeeze-and-excite may come and go
	Activation bool // relu6 and hswish beside what is there
}

// Around describes the space around a network: for each stage one block less to
// one more, kernel sizes 3, 5 and 7, expansion ratios 3, 4 and 6 and channels of
// three quarters to five quarters (in multiples of 8), besides what the network
// itself has. Input, stem and head stay as they are.
//
// A stage of a space is a row of blocks alike. The second result is a with its
// blocks divided so: the same network, and [Space.Nearest] of it is its genotype in
// the space, except where a block's numbers follow no ratio.
func Around(a Arch, v Vary) (Spec, Arch) {
	b := a
	b.Stem, b.Stages = nil, nil
	spec := Spec{
		Input: []int{a.Input.H, a.Input.W, a.Input.C}, Classes: a.Head.Classes,
		Stem: StemSpec{Channels: Ints{0}, Scale: "never"},
		Head: HeadSpec{Kind: a.Head.Kind.String(), Channels: Ints{a.Head.Channels}, Scale: "never"},
	}
	rows := slices.Concat([][]Block{a.Stem}, a.Stages)
	cin := a.Input.C
	if len(a.Stem) > 0 && a.Stem[0].plainStem() {
		s := a.Stem[0]
		spec.Stem = StemSpec{Channels: Ints{s.Channels}, Kernel: Ints{s.Kernel}, Stride: Ints{s.Stride}, Activation: Strings{s.Activation.String()}, Scale: "never"}
		b.Stem, rows[0], cin = a.Stem[:1], a.Stem[1:], s.Channels
	}
	ends := make([]int, len(rows)) // of a's stages, in stages of b
	for i, row := range rows {
		for len(row) > 0 {
			n := 1
			for n < len(row) && alike(row[:n+1], cin) {
				n++
			}
			spec.Stage = append(spec.Stage, stageAround(row[:n], cin, v))
			b.Stages = append(b.Stages, row[:n:n])
			cin, row = row[0].Channels, row[n:]
		}
		ends[i] = len(b.Stages)
	}
	h := &a.Head
	row := headTable[h.Kind]
	if row.hidden {
		spec.Head.Hidden = Ints{h.Hidden}
	}
	if row.rates {
		spec.Head.Rates = append([]int{}, h.Rates...)
	}
	if row.low {
		b.Head.Low = ends[h.Low]
		spec.Head.Low = b.Head.Low
	}
	if h.acts() {
		spec.Head.Activation = Strings{h.Activation.String()}
	}
	return spec, b
}

// plainStem tells whether a block is what a [StemSpec] can say.
func (b *Block) plainStem() bool {
	return b.Kind == Conv && b.Dilation == 1 && b.Experts == 0 && !b.Residual
}

// alike tells whether blocks can be one stage, cin being the input channels of
// the first: all but their kernel sizes and widths inside is common to them.
func alike(row []Block, cin int) bool {
	x := row[0]
	residual, dilation := int8(-1), 0
	_, _, ok := gateRatio(row, cin)
	for i := range row {
		b := &row[i]
		if i > 0 && (b.Stride != 1 || b.Channels != x.Channels) || b.Kind != x.Kind || b.Activation != x.Activation || b.After != x.After ||
			b.Groups != x.Groups || b.Multiplier != x.Multiplier || b.Experts != x.Experts || b.PointExperts != x.PointExperts ||
			b.Attention.Kind != x.Attention.Kind || b.Attention.Inner != x.Attention.Inner || b.Attention.Gate != x.Attention.Gate {
			return false
		}
		if b.Kernel > 1 && b.Stride == 1 { // it could be dilated
			if dilation > 0 && b.Dilation != dilation {
				return false
			}
			dilation = b.Dilation
		}
		if (i > 0 || cin == b.Channels) && b.Stride == 1 { // it could have a residual
			is := int8(0)
			if b.Residual {
				is = 1
			}
			if residual >= 0 && is != residual {
				return false
			}
			residual = is
		}
	}
	return ok
}

// stageAround is the stage of one row of blocks.
func stageAround(row []Block, cin int, v Vary) StageSpec {
	x := row[0]
	s := StageSpec{Block: Strings{x.Kind.String()}, Channels: Ints{x.Channels}, Stride: Ints{x.Stride}}
	for _, n := range []int{len(row) - 1, len(row), len(row) + 1} {
		if n >= 1 && n <= maxDepth {
			s.Depth = append(s.Depth, n)
		}
	}
	if x.Kind != Grouped { // whose groups must divide the channels
		for _, f := range []float64{0.75, 1.25} {
			s.Channels = with(s.Channels, makeDivisible(f*float64(x.Channels)))
		}
	}
	slices.Sort(s.Channels)
	in := cin
	spatial, dilation, residual := true, 1, Bools(nil)
	for i := range row {
		b := &row[i]
		s.Kernel = with(s.Kernel, b.Kernel)
		spatial = spatial && b.Kernel > 1
		dilation = max(dilation, b.Dilation)
		if x.Kind.has(gExpansion) {
			s.Expansion = with(s.Expansion, ratio(b, in))
		}
		if b.Stride == 1 && in == b.Channels && b.Residual != kindTable[x.Kind].residual {
			residual = Bools{b.Residual}
		}
		in = b.Channels
	}
	if spatial {
		s.Kernel = with(with(with(s.Kernel, 3), 5), 7)
	}
	slices.Sort(s.Kernel)
	if dilation > 1 {
		s.Dilation = Ints{dilation}
	}
	if x.Kind.has(gResidual) {
		s.Residual = residual
	}
	if x.Kind.has(gExpansion) {
		for _, e := range []float64{3, 4, 6} {
			s.Expansion = with(s.Expansion, e)
		}
		slices.Sort(s.Expansion)
	}
	s.Activation = Strings{x.Activation.String()}
	if v.Activation && x.Activation != blocks.Identity {
		s.Activation = with(with(s.Activation, blocks.ReLU6.String()), blocks.HSwish.String())
	}
	if x.Kind.has(gAfter) {
		s.ActivationAfter = Strings{afterNames[x.After]}
	}
	if x.Kind == Grouped {
		s.Groups = Ints{x.Groups}
	}
	if x.Multiplier > 1 {
		s.Multiplier = Ints{x.Multiplier}
	}
	s.aroundExperts(&x)
	if x.Kind.has(gAttention) {
		s.aroundGate(row, cin, v)
	}
	return s
}

func (s *StageSpec) aroundExperts(x *Block) {
	n := max(x.Experts, x.PointExperts)
	if n < 2 {
		return
	}
	s.Experts = Ints{n}
	switch {
	case x.Experts == 0:
		s.ExpertsIn = "pointwise"
	case x.PointExperts > 0:
		s.ExpertsIn = "both"
	}
}

func (s *StageSpec) aroundGate(row []Block, cin int, v Vary) {
	g := row[0].Attention
	r, fromInput, _ := gateRatio(row, cin)
	if fromInput {
		s.SEFrom = "input"
	}
	switch g.Kind {
	case NoAttention:
		if v.SE {
			s.SE = Floats{0, 0.25}
		}
		return
	case SE:
		s.SEActivation, s.SEGate = g.Inner.String(), g.Gate.String()
		if v.SE {
			s.SE = Floats{0}
		}
	case ECA:
		s.Attention = Strings{g.Kind.String()}
		return
	case CBAM:
		s.Attention = Strings{g.Kind.String()}
	}
	s.SE = append(s.SE, r)
}

// gateRatio finds the ratio by which the gates of a row have their channels. ok
// is false if no ratio gives them all.
func gateRatio(row []Block, cin int) (r float64, fromInput, ok bool) {
	if k := row[0].Attention.Kind; k != SE && k != CBAM {
		return 0, false, true
	}
	type size struct{ in, inner, squeeze int }
	var sizes []size
	ratios := []float64{0.25, 0.125, 0.5}
	for i := range row {
		b := &row[i]
		q := size{cin, cin * max(1, b.Multiplier), b.Attention.Squeeze}
		if b.Expanded > 0 {
			q.inner = b.Expanded
		}
		sizes = append(sizes, q)
		ratios = append(ratios, float64(q.squeeze)/float64(q.inner), (float64(q.squeeze)+1e-6)/float64(q.in))
		cin = b.Channels
	}
	for _, from := range []bool{false, true} {
		for _, r := range ratios {
			if r <= 1 && !slices.ContainsFunc(sizes, func(q size) bool { return squeezeChannels(r, q.in, q.inner, from) != q.squeeze }) {
				return r, from, true
			}
		}
	}
	return math.Min(1, ratios[3]), false, len(row) == 1
}

// with appends v unless it is there.
func with[L ~[]T, T comparable](list L, v T) L {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}
