package space

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"nas/blocks"
	"nas/internal/fault"
)

// Genes is a genotype: for each gene of [Space.Genes] the index of the chosen value. In
// canonical form, genes without effect are 0: those of an absent block, the expansion of a
// ds block, the dilation of a 1x1 kernel and so on.
type Genes []uint16

// Gene describes one position of a genotype.
type Gene struct {
	Name    string   // e.g. "stage[2].block[1].kernel", counted from 1
	Key     string   // the last part: "kernel", "depth", "resolution" ...
	Choices []string // at least two, as text
	Stage   int      // 0 stem, 1 ... stages, stages+1 head; -1 the whole network
	Block   int      // from 1; 0 for a gene of the whole stage
}

// Space is a search space. It is immutable, and safe for concurrent use.
type Space struct {
	spec  Spec
	genes []Gene

	resolution, width, outputStride slot
	// sameStride maps each choice of the output stride to the first one with the same
	// effect.
	sameStride []int
	stem       stemGenes
	stages     []stage
	head       headGenes

	all       geneSet
	effects   []effect  // what a change of each gene affects
	unchanged []float64 // by number n of genes, the probability that none changes: (1-1/n)^n
	built     blockCache
	spare     sync.Pool // of *scratch
	sizeOnce  sync.Once
	size      *big.Int
}

// slot is the position of a gene in a genotype, or fixed.
type slot int

// fixed is the slot of a gene with a single choice, which is not part of a genotype.
const fixed slot = -1

// of returns the choice of the gene in g.
func (s slot) of(g Genes) int {
	if s == fixed {
		return 0
	}
	return int(g[s])
}

func (s slot) set(g Genes, choice int) {
	if s != fixed {
		g[s] = uint16(choice)
	}
}

type stemGenes struct {
	channels, kernel, stride, activation slot
	acts                                 []float64 // blocks.ActFunc
	width                                widths
}

type headGenes struct {
	kind                         HeadKind
	channels, hidden, activation slot
	acts                         []float64 // blocks.ActFunc
	width                        widths
	rates                        []int
}

// New checks a Spec, fills in its defaults and returns the space that it describes. The
// error is a *[SpecError] that lists every problem.
func New(spec Spec) (*Space, error) {
	if ps := spec.complete(); len(ps) > 0 {
		return nil, &SpecError{ps}
	}
	s := &Space{spec: spec}
	s.resolution = add(s, -1, 0, "resolution", spec.Resolution)
	s.width = add(s, -1, 0, "width", spec.Width)
	s.outputStride = add(s, -1, 0, "output_stride", spec.OutputStride)
	s.stem = stemGenes{
		channels:   add(s, 0, 0, "channels", spec.Stem.Channels),
		kernel:     add(s, 0, 0, "kernel", spec.Stem.Kernel),
		stride:     add(s, 0, 0, "stride", spec.Stem.Stride),
		activation: add(s, 0, 0, "activation", spec.Stem.Activation),
		acts:       actDomain.numbers(reflect.ValueOf(spec.Stem.Activation)),
		width:      newWidths(spec.Stem.Channels, spec.Width, spec.Stem.Scale, divisor(spec.Divisor)),
	}
	s.stages = make([]stage, len(spec.Stage))
	for i := range s.stages {
		s.stages[i].init(s, &spec.Stage[i], i+1)
	}
	h, end := &spec.Head, len(spec.Stage)+1
	s.head = headGenes{
		channels:   add(s, end, 0, "channels", h.Channels),
		hidden:     add(s, end, 0, "hidden", h.Hidden),
		activation: add(s, end, 0, "activation", h.Activation),
		acts:       actDomain.numbers(reflect.ValueOf(h.Activation)),
		width:      newWidths(h.Channels, spec.Width, h.Scale, divisor(spec.Divisor)),
		rates:      h.Rates,
		kind:       HeadKind(slices.Index(headWords, h.Kind)),
	}
	if ps := s.checkHeadStrides(); len(ps) > 0 {
		return nil, &SpecError{ps}
	}
	s.compareStrides()
	s.index()
	if err := s.Arch(s.largest()).Validate(); err != nil {
		return nil, &SpecError{[]Problem{tooLarge(err)}}
	}
	return s, nil
}

// tooLarge is the problem of a space whose largest network breaks a limit.
func tooLarge(err error) Problem {
	want := "smaller choices: " + strings.TrimPrefix(fault.Text(err), "arch: ")
	p := Problem{Key: "space", Of: "space", Value: "a network too large", Want: want}
	stage := 0
	if _, e := fmt.Sscanf(err.Error(), "space: arch: stage %d", &stage); e == nil {
		p.Key = fmt.Sprintf("space.stage[%d]", stage)
	}
	return p
}

// index prepares what the operators look up.
func (s *Space) index() {
	s.all = newGeneSet(len(s.genes))
	s.effects = make([]effect, len(s.genes))
	for i, g := range s.genes {
		s.all.add(i)
		s.effects[i] = effect{stage: -1}
		if k := g.Stage - 1; k >= 0 && k < len(s.stages) {
			st := &s.stages[k]
			depth, ofBlock := i == int(st.depth), i >= st.starts[0]
			s.effects[i] = effect{
				stage:  k,
				inside: !st.shared && (depth || ofBlock),
				opens:  depth || ofBlock && g.Key == geneTable[gKind].key,
			}
		}
	}
	s.unchanged = make([]float64, len(s.genes)+1)
	for n := range s.unchanged[1:] {
		s.unchanged[n+1] = math.Pow(1-1/float64(n+1), float64(n+1))
	}
	n, cins := 0, len(s.stem.width.reach())
	for i := range s.stages {
		n = min(cacheLimit, n+s.stages[i].several(cins, len(s.spec.OutputStride)))
		cins = len(s.stages[i].width.reach())
	}
	s.built = newBlockCache(n)
}

// effect says what a change of a gene affects.
type effect struct {
	stage  int  // from 0; -1 outside the stages
	inside bool // nothing but the blocks of the stage
	opens  bool // genes of the stage may come to life
}

// activation returns the function of a name that has been checked.
func activation(name string) blocks.ActFunc { return blocks.ActFunc(slices.Index(actWords, name)) }

// add appends a gene to the genotype if it has several choices.
func add(s *Space, stage, block int, key string, choices any) slot {
	list := reflect.ValueOf(choices)
	if list.Len() < 2 {
		return fixed
	}
	g := Gene{Key: key, Stage: stage, Block: block, Choices: make([]string, list.Len())}
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
	for i := range g.Choices {
		g.Choices[i] = text(list.Index(i).Interface())
	}
	s.genes = append(s.genes, g)
	return slot(len(s.genes) - 1)
}

// largest is the genotype with the largest value of every gene.
func (s *Space) largest() Genes {
	g := make(Genes, len(s.genes))
	for i, gene := range s.genes {
		best := 0.0
		for c, text := range gene.Choices {
			if v, err := strconv.ParseFloat(text, 64); err == nil && v > best {
				best, g[i] = v, uint16(c)
			}
		}
	}
	return g
}

// compareStrides finds output strides with the same effect.
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

// Spec returns the spec with every default filled in. It must not be changed.
func (s *Space) Spec() Spec { return s.spec }

// Genes returns a description of each position of a genotype. Only genes with
// two choices or more have one. It must not be changed.
func (s *Space) Genes() []Gene { return s.genes }

// ID returns 12 hexadecimal digits that name the space: a hash of its spec with defaults
// filled in. A genotype means the same network in all spaces with one ID.
func (s *Space) ID() string {
	spec := s.spec
	if spec.Divisor == int(usualDivisor) {
		spec.Divisor = 0 // as in the spaces of versions without divisors
	}
	spec.Int8Friendly = false // it refuses keys, and changes no network
	text, err := json.Marshal(spec)
	if err != nil {
		panic("space: " + err.Error()) // numbers and strings only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}

// Check returns an error unless g has the length and the values of a genotype of s. The
// other methods rely on both.
func (s *Space) Check(g Genes) error {
	if len(g) != len(s.genes) {
		return fault.Errorf("space: genotype of %d genes, the space has %d", len(g), len(s.genes))
	}
	for i, v := range g {
		if int(v) >= len(s.genes[i].Choices) {
			return fault.Errorf("space: gene %s has value %d, want 0 to %d", s.genes[i].Name, v, len(s.genes[i].Choices)-1)
		}
	}
	return nil
}
