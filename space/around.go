package space

import (
	"math"
	"slices"
)

// Vary says what [Around] may change besides depths, kernel sizes, expansion ratios and
// channels. A score that is blind to one of these would always take the cheapest choice, so
// leave it out for such a score.
type Vary struct {
	SE         bool // with and without squeeze-and-excite
	Activation bool // relu6 and hswish besides the network's own
}

// Around describes the space around a network. Each stage may have one block less or more,
// kernel sizes 3, 5 and 7, expansion ratios 3, 4 and 6, and three quarters or five quarters of
// the channels (in multiples of 8), besides what the network has. Input, stem and head stay
// as they are.
//
// The blocks of a stage of the space must be alike, so the stages of a may have to be divided.
// The second result is the same network with its stages divided so. [Space.Nearest] of it is
// its genotype in the space, unless the numbers of a block follow no ratio.
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
		spec.Stem = StemSpec{Channels: Ints{s.Channels}, Kernel: Kernels{s.kernelSize()}, Stride: Ints{s.Stride},
			Activation: Strings{s.Activation.String()}, Scale: "never"}
		b.Stem, rows[0], cin = a.Stem[:1], a.Stem[1:], s.Channels
	}
	ends := make([]int, len(rows)) // by stage of a, the number of stages of b up to its end
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

// plainStem reports whether a [StemSpec] can describe a block.
func (b *Block) plainStem() bool {
	return b.Kind == Conv && b.Dilation == 1 && b.Experts == 0 && !b.Residual
}

// alike reports whether blocks can be one stage. cin is the number of input channels of
// the first. What is decided by genes that are not free must be the same for all.
func alike(row []Block, cin int) bool {
	x := &row[0]
	for i := range row[1:] {
		b := &row[i+1]
		if b.Stride != 1 || b.Channels != x.Channels ||
			b.Attention.Inner != x.Attention.Inner || b.Attention.Gate != x.Attention.Gate {
			return false
		}
	}
	for g := range geneTable {
		gene := &geneTable[g]
		var first *Block
		in := cin
		for i := range row {
			b := &row[i]
			if !gene.free && (gene.shows == nil || gene.shows(b, in)) {
				if first != nil && !gene.agree(first, b) {
					return false
				}
				first = b
			}
			in = b.Channels
		}
	}
	_, _, ok := gateRatio(row, cin)
	return ok
}

// stageAround returns the stage around one row of blocks.
func stageAround(row []Block, cin int, v Vary) StageSpec {
	x := &row[0]
	s := StageSpec{Channels: Ints{x.Channels}, Stride: Ints{x.Stride}}
	for _, n := range []int{len(row) - 1, len(row), len(row) + 1} {
		if n >= 1 && n <= maxDepth {
			s.Depth = append(s.Depth, n)
		}
	}
	if x.Groups == 1 { // groups must divide the channels
		for _, f := range []float64{0.75, 1.25} {
			s.Channels = with(s.Channels, usualDivisor.round(f*float64(x.Channels)))
		}
	}
	slices.Sort(s.Channels)
	for g := range blockGenes {
		if x.Kind.has(g) && g != gAttention && g != gSE {
			s.setValues(g, geneTable[g].around(row, cin, v))
		}
	}
	switch {
	case x.PointExperts == 0:
	case x.Experts == 0:
		s.ExpertsIn = "pointwise"
	default:
		s.ExpertsIn = "both"
	}
	if x.Kind.has(gAttention) {
		s.aroundGate(row, cin, v)
	}
	return s
}

// around returns the values of the gene for the stage around a row of blocks.
func (r *geneRow) around(row []Block, cin int, v Vary) (values []float64) {
	for i := range row {
		b := &row[i]
		if r.shows == nil || r.shows(b, cin) {
			values = with(values, r.of(b, cin, nil))
		}
		cin = b.Channels
	}
	if r.widen != nil {
		values = r.widen(values, row[0].Kind, v.Activation)
	}
	return values
}

// aroundGate sets what decides the gate of the blocks.
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

// gateRatio finds the ratio from which all gates of a row have their channels. ok is false if
// there is none.
func gateRatio(row []Block, cin int) (r float64, fromInput, ok bool) {
	if k := row[0].Attention.Kind; k != SE && k != CBAM {
		return 0, false, true
	}
	type size struct{ in, inner, squeeze int }
	var sizes []size
	ratios := []float64{0.25, 0.125, 0.5}
	for i := range row {
		b := &row[i]
		q := size{cin, b.gatedChannels(cin), b.Attention.Squeeze}
		sizes = append(sizes, q)
		ratios = append(ratios, float64(q.squeeze)/float64(q.inner), (float64(q.squeeze)+1e-6)/float64(q.in))
		cin = b.Channels
	}
	for _, from := range []bool{false, true} {
		for _, r := range ratios {
			wrong := func(q size) bool { return squeezeChannels(r, q.in, q.inner, from, usualDivisor) != q.squeeze }
			if r <= 1 && !slices.ContainsFunc(sizes, wrong) {
				return r, from, true
			}
		}
	}
	return math.Min(1, ratios[3]), false, len(row) == 1
}
