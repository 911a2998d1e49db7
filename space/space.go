package space

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"sync"

	"math/big"

	"nas/blocks"
)

// Genes is a genotype: for each gene of [Space.Genes] the index of the chosen
// value. Genes that have no effect (those of an absent block, the expansion of
// a ds block, the dilation of a 1x1 kernel ...) are 0 in canonical form.
type Genes []int

// Gene describes one position of a genotype.
type Gene struct {
	Name    string   // e.g. "stage[2].block[1].kernel", counted from 1
	Key     string   // the last part: "kernel", "depth", "resolution" ...
	Choices []string // at least two, as text
	Stage   int      // 0 stem, 1 ... stages, stages+1 head; -1 the whole network
	Block   int      // from 1; 0 where the gene belongs to the stage
}

// Space is a search space. It is immutable: safe for concurrent use.
type Space struct {
	spec  Spec
	genes []Gene

	resolution, width, outputStride slot
	// sameStride maps an output stride to the first one of equal effect.
	sameStride []int
	stem       stem
	stages     []stage
	head       head

	spare    sync.Pool // of *scratch
	sizeOnce sync.Once
	size     *big.Int
}

// slot is a gene in a genotype; a gene of one choice has no position there.
type slot struct{ at, n int }

func (s slot) of(g Genes) int {
	if s.at < 0 {
		return 0
	}
	return g[s.at]
}

func (s slot) set(g Genes, v int) {
	if s.at >= 0 {
		g[s.at] = v
	}
}

type stem struct {
	channels, kernel, stride, activation slot
	acts                                 []blocks.ActFunc
	width                                widths
}

type head struct {
	kind                         HeadKind
	channels, hidden, activation slot
	acts                         []blocks.ActFunc
	width                        widths
	rates                        []int
}

type stage struct {
	channels, stride, depth slot
	strides, depths         []int
	width                   widths
	blocks                  [][blockGenes]slot // one a block; a single one if all share it
	active                  [][]activeGene     // the genes of blocks that have a position
	mask                    []uint16           // which of them a block has, bit per blockGene
	plainKind               []bool             // by kind, see plain
	shared                  bool
	values                  values
	options                 []template // the blocks of a choice; nil without one
	style                   style
	skips                   bool // a block may be skip
	skipPick                pick // the first genes that say so
}

// activeGene is a gene of a block and its position in the genotype.
type activeGene struct {
	gene blockGene
	at   int32
}

// values are the choices of the genes of a stage's blocks.
type values struct {
	kinds       []Kind
	kernels     []int
	expansions  []float64
	dilations   []int
	activations []blocks.ActFunc
	afters      []blocks.ActPlace
	groups      []int
	ses         []float64
	residuals   []int8
	attentions  []AttentionKind
	experts     []int
	multipliers []int
}

// pick is one value for each gene of a block.
type pick [blockGenes]uint8

// widths tabulates the channels that a gene has after the width multiplier.
type widths struct {
	eff [][]int // by width, choice
	// as[w][c] has bit v set if some choice gives eff[w][c] at width v too.
	as [][]uint64
}

func newWidths(channels []int, ws []float64, rule string) widths {
	t := widths{make([][]int, len(ws)), make([][]uint64, len(ws))}
	for w, width := range ws {
		t.eff[w] = scaled(channels, width, rule)
	}
	for w := range ws {
		t.as[w] = make([]uint64, len(channels))
		for c, n := range t.eff[w] {
			for v := range ws {
				if slices.Contains(t.eff[v], n) {
					t.as[w][c] |= 1 << v
				}
			}
		}
	}
	return t
}

// New checks a Spec, fills in its defaults and returns the space that it
// describes. The error is a *[SpecError] that lists everything wrong.
func New(spec Spec) (*Space, error) {
	if ps := spec.complete(); len(ps) > 0 {
		return nil, &SpecError{ps}
	}
	s := &Space{spec: spec}
	s.resolution = add(s, -1, 0, "resolution", spec.Resolution)
	s.width = add(s, -1, 0, "width", spec.Width)
	s.outputStride = add(s, -1, 0, "output_stride", spec.OutputStride)
	s.stem = stem{
		channels:   add(s, 0, 0, "channels", spec.Stem.Channels),
		kernel:     add(s, 0, 0, "kernel", spec.Stem.Kernel),
		stride:     add(s, 0, 0, "stride", spec.Stem.Stride),
		activation: add(s, 0, 0, "activation", spec.Stem.Activation),
		acts:       activations(spec.Stem.Activation),
		width:      newWidths(spec.Stem.Channels, spec.Width, spec.Stem.Scale),
	}
	s.stages = make([]stage, len(spec.Stage))
	for i := range s.stages {
		s.stages[i].init(s, &spec.Stage[i], i+1)
	}
	h, end := &spec.Head, len(spec.Stage)+1
	s.head = head{
		channels:   add(s, end, 0, "channels", h.Channels),
		hidden:     add(s, end, 0, "hidden", h.Hidden),
		activation: add(s, end, 0, "activation", h.Activation),
		acts:       activations(h.Activation),
		width:      newWidths(h.Channels, spec.Width, h.Scale),
		rates:      h.Rates,
	}
	for k, row := range headTable {
		if row.name == h.Kind {
			s.head.kind = HeadKind(k)
		}
	}
	s.compareStrides()
	if err := s.Arch(s.largest()).Validate(); err != nil {
		return nil, &SpecError{[]Problem{{"space", "a space of networks too large to count", err.Error()}}}
	}
	return s, nil
}

func activations(names []string) []blocks.ActFunc {
	fs := make([]blocks.ActFunc, len(names))
	for i, n := range names {
		fs[i] = activation(n)
	}
	return fs
}

// add gives a gene its place in the genotype, if it has a choice.
func add[T any](s *Space, stage, block int, key string, choices []T) slot {
	if len(choices) < 2 {
		return slot{-1, 1}
	}
	g := Gene{Key: key, Stage: stage, Block: block, Choices: make([]string, len(choices))}
	switch {
	case stage < 0:
		g.Name = key
	case stage == 0:
		g.Name = "stem." + key
	case stage > len(s.spec.Stage):
		g.Name = "head." + key
	case block == 0:
		g.Name = fmt.Sprintf("stage[%d].%s", stage, key)
	default:
		g.Name = fmt.Sprintf("stage[%d].block[%d].%s", stage, block, key)
	}
	for i, c := range choices {
		if f, ok := any(c).(float64); ok {
			g.Choices[i] = strconv.FormatFloat(f, 'g', -1, 64)
		} else {
			g.Choices[i] = fmt.Sprint(c)
		}
	}
	s.genes = append(s.genes, g)
	return slot{len(s.genes) - 1, len(choices)}
}

func (st *stage) init(s *Space, spec *StageSpec, number int) {
	st.strides, st.depths = spec.Stride, spec.Depth
	st.width = newWidths(spec.Channels, s.spec.Width, "always")
	st.shared = spec.Per == "stage"
	st.style = style{spec.SEFrom == "input", activation(spec.SEActivation), activation(spec.SEGate),
		spec.ExpertsIn != "pointwise", spec.ExpertsIn != "depthwise"}
	st.channels = add(s, number, 0, "channels", spec.Channels)
	st.stride = add(s, number, 0, "stride", spec.Stride)
	st.depth = add(s, number, 0, "depth", spec.Depth)
	own := spec.blockSpec()
	st.values = own.values()
	var names []string
	for i := range spec.Choice {
		v := spec.Choice[i].values()
		st.options = append(st.options, v.template(&pick{}))
		names = append(names, spec.Choice[i].name())
	}
	n := slices.Max(spec.Depth)
	if st.shared {
		n = 1
	}
	st.blocks = make([][blockGenes]slot, n)
	for b := range st.blocks {
		block, gs := b+1, &st.blocks[b]
		if st.shared {
			block = 0
		}
		if st.options != nil {
			for g := range gs {
				gs[g] = slot{-1, 1}
			}
			gs[gKind] = add(s, number, block, "choice", names)
			continue
		}
		*gs = [blockGenes]slot{
			gKind:       add(s, number, block, blockGeneKeys[gKind], own.Block),
			gKernel:     add(s, number, block, blockGeneKeys[gKernel], own.Kernel),
			gExpansion:  add(s, number, block, blockGeneKeys[gExpansion], own.Expansion),
			gDilation:   add(s, number, block, blockGeneKeys[gDilation], own.Dilation),
			gActivation: add(s, number, block, blockGeneKeys[gActivation], own.Activation),
			gAfter:      add(s, number, block, blockGeneKeys[gAfter], own.ActivationAfter),
			gGroups:     add(s, number, block, blockGeneKeys[gGroups], own.Groups),
			gSE:         add(s, number, block, blockGeneKeys[gSE], own.SE),
			gAttention:  add(s, number, block, blockGeneKeys[gAttention], own.Attention),
			gResidual:   add(s, number, block, blockGeneKeys[gResidual], own.Residual),
			gExperts:    add(s, number, block, blockGeneKeys[gExperts], own.Experts),
			gMultiplier: add(s, number, block, blockGeneKeys[gMultiplier], own.Multiplier),
		}
	}
	st.findPlain()
	st.active, st.mask = make([][]activeGene, n), make([]uint16, n)
	for b := range st.blocks {
		for g, sl := range st.blocks[b] {
			if sl.at >= 0 {
				st.active[b] = append(st.active[b], activeGene{blockGene(g), int32(sl.at)})
				st.mask[b] |= 1 << g
			}
		}
	}
	for i := range st.kinds() {
		if p := (pick{gKind: uint8(i)}); !st.skips && st.kind(&p) == skip {
			st.skips, st.skipPick = true, p
		}
	}
}

// values converts checked text and numbers. Genes that no kind reads have one
// value that does not matter.
func (o ChoiceSpec) values() values {
	inherit((*[]int)(&o.Kernel), []int{1})
	inherit((*[]float64)(&o.Expansion), []float64{1})
	inherit((*[]int)(&o.Dilation), []int{1})
	inherit((*[]string)(&o.Activation), []string{"identity"})
	inherit((*[]string)(&o.ActivationAfter), []string{"both"})
	inherit((*[]int)(&o.Groups), []int{1})
	inherit((*[]float64)(&o.SE), []float64{0})
	inherit((*[]string)(&o.Attention), []string{"none"})
	inherit((*[]int)(&o.Experts), []int{1})
	inherit((*[]int)(&o.Multiplier), []int{1})
	v := values{kernels: o.Kernel, expansions: o.Expansion, dilations: o.Dilation,
		activations: activations(o.Activation), groups: o.Groups, ses: o.SE, residuals: []int8{-1},
		experts: o.Experts, multipliers: o.Multiplier}
	for _, name := range o.Attention {
		k, _ := parseAttention(name)
		v.attentions = append(v.attentions, k)
	}
	for _, name := range o.Block {
		k, _ := parseKind(name)
		v.kinds = append(v.kinds, k)
	}
	for _, name := range o.ActivationAfter {
		a, _ := parseAfter(name)
		v.afters = append(v.afters, a)
	}
	if o.Residual != nil {
		v.residuals = v.residuals[:0]
		for _, r := range o.Residual {
			if r {
				v.residuals = append(v.residuals, 1)
			} else {
				v.residuals = append(v.residuals, 0)
			}
		}
	}
	return v
}

// name is a short text for an entry of a choice.
func (o *ChoiceSpec) name() string {
	v := o.values()
	k := v.kinds[0]
	name := k.String()
	if k.has(gKernel) {
		name += "_k" + strconv.Itoa(o.Kernel[0])
	}
	if k.has(gExpansion) {
		name += "_e" + text(o.Expansion[0])
	}
	if k.has(gDilation) && o.Dilation[0] > 1 {
		name += "_d" + strconv.Itoa(o.Dilation[0])
	}
	if k.has(gGroups) {
		name += "_g" + strconv.Itoa(o.Groups[0])
	}
	if a := v.attentions[0]; k.has(gAttention) && a != NoAttention && (a != SE || o.SE[0] > 0) {
		name += "_" + a.String()
		if a != ECA {
			name += text(o.SE[0])
		}
	}
	if k.has(gExperts) && o.Experts[0] > 1 {
		name += "_q" + strconv.Itoa(o.Experts[0])
	}
	if k.has(gMultiplier) && o.Multiplier[0] > 1 {
		name += "_m" + strconv.Itoa(o.Multiplier[0])
	}
	return name
}

func (v *values) template(p *pick) template {
	return template{
		kind: v.kinds[p[gKind]], after: v.afters[p[gAfter]], residual: v.residuals[p[gResidual]],
		kernel: v.kernels[p[gKernel]], dilation: v.dilations[p[gDilation]], groups: v.groups[p[gGroups]],
		expansion: v.expansions[p[gExpansion]], activation: v.activations[p[gActivation]],
		attention: v.attentions[p[gAttention]], se: v.ses[p[gSE]], experts: v.experts[p[gExperts]], multiplier: v.multipliers[p[gMultiplier]],
	}
}

// kinds returns the number of choices of the first gene of a block.
func (st *stage) kinds() int {
	if st.options != nil {
		return len(st.options)
	}
	return len(st.values.kinds)
}

func (st *stage) kind(p *pick) Kind {
	if st.options != nil {
		return st.options[p[gKind]].kind
	}
	return st.values.kinds[p[gKind]]
}

func (st *stage) template(p *pick) template {
	if st.options != nil {
		return st.options[p[gKind]]
	}
	return st.values.template(p)
}

// activeOf returns the genes of block b, counted from 0.
func (st *stage) activeOf(b int) []activeGene {
	if st.shared {
		b = 0
	}
	return st.active[b]
}

func (st *stage) pick(g Genes, b int) (p pick) {
	for _, a := range st.activeOf(b) {
		p[a.gene] = uint8(g[a.at])
	}
	return p
}

func (st *stage) setPick(g Genes, b int, p *pick) {
	for _, a := range st.activeOf(b) {
		g[a.at] = int(p[a.gene])
	}
}

// largest is the genotype with the largest value of every gene.
func (s *Space) largest() Genes {
	g := make(Genes, len(s.genes))
	for i, gene := range s.genes {
		best := 0.0
		for c, text := range gene.Choices {
			if v, err := strconv.ParseFloat(text, 64); err == nil && v > best {
				best, g[i] = v, c
			}
		}
	}
	return g
}

// compareStrides finds output strides that limit nothing differently.
func (s *Space) compareStrides() {
	var seen [][]int
	for i := range s.spec.OutputStride {
		g := make(Genes, len(s.genes))
		s.outputStride.set(g, i)
		flow := s.flow(g)
		var strides []int
		for k := range s.stages {
			first, _ := flow.next(&s.stages[k], 0, 0)
			strides = append(strides, first.stride, flow.dilation)
		}
		same := slices.IndexFunc(seen, func(t []int) bool { return slices.Equal(t, strides) })
		if same < 0 {
			same = i
		}
		seen = append(seen, strides)
		s.sameStride = append(s.sameStride, same)
	}
}

// flow follows channels, stride and dilation from stage to stage.
type flow struct {
	g        Genes
	cin      int
	total    int // stride so far
	limit    int // on total; 0 means none
	dilation int
}

func (s *Space) flow(g Genes) flow {
	f := flow{g: g, cin: s.spec.Input[2], total: 1, limit: s.spec.OutputStride[s.outputStride.of(g)], dilation: 1}
	if c := s.stem.width.eff[s.width.of(g)][s.stem.channels.of(g)]; c > 0 {
		f.cin, f.total = c, s.spec.Stem.Stride[s.stem.stride.of(g)]
	}
	return f
}

// next returns the places of a stage's first block and of the others. The
// stage's output has cout channels; stride is an index into its choices.
func (f *flow) next(st *stage, stride, cout int) (first, rest place) {
	n := st.strides[stride]
	first = place{cin: f.cin, cout: cout, stride: n, dilation: f.dilation}
	if n > 1 && f.limit > 0 && f.total*n > f.limit {
		first.stride, first.forced = 1, true
		f.dilation *= n
	} else {
		f.total *= n
	}
	f.cin = cout
	return first, place{cin: cout, cout: cout, stride: 1, dilation: f.dilation}
}

// Spec returns the spec with every default filled in. It must not be changed.
func (s *Space) Spec() Spec { return s.spec }

// Genes returns a description of each position of a genotype. Only genes with
// two choices or more have one. It must not be changed.
func (s *Space) Genes() []Gene { return s.genes }

// ID returns 12 hexadecimal digits that name the space: a hash of its spec with
// defaults filled in. Equal IDs mean equal genotypes.
func (s *Space) ID() string {
	text, err := json.Marshal(s.spec)
	if err != nil {
		panic("space: " + err.Error()) // numbers and strings only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Check returns an error unless g has the length and the values of a genotype
// of s. The other methods take that for granted.
func (s *Space) Check(g Genes) error {
	if len(g) != len(s.genes) {
		return fmt.Errorf("space: genotype of %d genes, the space has %d", len(g), len(s.genes))
	}
	for i, v := range g {
		if v < 0 || v >= len(s.genes[i].Choices) {
			return fmt.Errorf("space: gene %s has value %d, want 0 to %d", s.genes[i].Name, v, len(s.genes[i].Choices)-1)
		}
	}
	return nil
}

// Arch returns the description of the network that g stands for. Genotypes of
// equal Canonical form have equal Archs.
func (s *Space) Arch(g Genes) Arch {
	w := s.width.of(g)
	in := s.spec.Input
	height := s.spec.Resolution[s.resolution.of(g)]
	a := Arch{
		Input:  blocks.Shape{H: height, W: height * in[1] / in[0], C: in[2]},
		Stages: make([][]Block, len(s.stages)),
	}
	n := 1
	for i := range s.stages {
		n += s.stages[i].depths[s.stages[i].depth.of(g)]
	}
	all := make([]Block, 0, n)
	if c := s.stem.width.eff[w][s.stem.channels.of(g)]; c > 0 {
		a.Stem = append(all, Block{
			Kind: Conv, Kernel: s.spec.Stem.Kernel[s.stem.kernel.of(g)], Stride: s.spec.Stem.Stride[s.stem.stride.of(g)],
			Dilation: 1, Groups: 1, Channels: c, Activation: s.stem.acts[s.stem.activation.of(g)],
		})
		a.Stem = a.Stem[:1:1]
		all = all[:1]
	}
	f := s.flow(g)
	low, total := 1, a.strideOfStem()
	for i := range s.stages {
		st := &s.stages[i]
		start := len(all)
		p, rest := f.next(st, st.stride.of(g), st.width.eff[w][st.channels.of(g)])
		for b := range st.depths[st.depth.of(g)] {
			pk := st.pick(g, b)
			t := st.template(&pk)
			last := len(all)
			if all = all[:last+1]; t.buildTo(&all[last], p, &st.style) {
				total *= all[last].Stride
			} else {
				all = all[:last]
			}
			p = rest
		}
		if len(all) > start {
			a.Stages[i] = all[start:len(all):len(all)]
		}
		if total <= 8 {
			low = i + 1
		}
	}
	h := &s.head
	a.Head = Head{Kind: h.kind, Channels: h.width.eff[w][h.channels.of(g)], Hidden: s.spec.Head.Hidden[h.hidden.of(g)],
		Rates: h.rates, Classes: s.spec.Classes}
	if a.Head.acts() {
		a.Head.Activation = h.acts[h.activation.of(g)]
	}
	if headTable[h.kind].low {
		if a.Head.Low = s.spec.Head.Low; a.Head.Low == 0 {
			a.Head.Low = low
		}
	}
	return a
}

func (a *Arch) strideOfStem() int {
	n := 1
	for i := range a.Stem {
		n *= a.Stem[i].Stride
	}
	return n
}

// firstBit returns the lowest set bit's number.
func firstBit(mask uint64) int { return bits.TrailingZeros64(mask) }
