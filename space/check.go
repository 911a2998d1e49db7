package space

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"nas/blocks"
)

// Limits on what a Spec may ask for.
const (
	maxChoices  = 64      // of one gene
	maxDepth    = 64      // of one stage
	maxChannels = 1 << 14 //
	maxVariants = 1 << 20 // of one block
)

// checker collects problems and fills in defaults.
type checker struct{ problems []Problem }

func (c *checker) add(key, value, want string) {
	c.problems = append(c.problems, Problem{"space" + key, value, want})
}

// gene checks a list of choices and gives it its default.
func gene[T comparable](c *checker, key string, list *[]T, def T, ok func(T) bool, want string) {
	if len(*list) == 0 {
		if *list != nil {
			c.add(key, "[]", want+", or a list of choices")
		}
		*list = []T{def}
		return
	}
	if n := len(*list); n > maxChoices {
		c.add(key, fmt.Sprintf("a list of %d", n), fmt.Sprintf("at most %d choices", maxChoices))
	}
	for i, v := range *list {
		at := key
		if len(*list) > 1 {
			at = fmt.Sprintf("%s[%d]", key, i+1)
		}
		if !ok(v) {
			c.add(at, text(v), want)
		} else if slices.Index(*list, v) < i {
			c.add(at, text(v), "each choice once")
		}
	}
}

// setting checks one word out of a list, of which the first is the default.
func setting(c *checker, key string, v *string, words ...string) {
	if *v == "" {
		*v = words[0]
	} else if !slices.Contains(words, *v) {
		c.add(key, strconv.Quote(*v), oneOf(words))
	}
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

func oneOf(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " or " + words[n-1]
	}
	return words[0]
}

func between(lo, hi int) func(int) bool { return func(v int) bool { return lo <= v && v <= hi } }
func oddKernel(v int) bool              { return v >= 1 && v <= maxKernel && v%2 == 1 }
func oneWord(words []string) func(string) bool {
	return func(v string) bool { return slices.Contains(words, v) }
}

const wantKernel = "an odd number from 1 to 31"

var (
	scaleWords = []string{"always", "up", "never"}
	kindWords  = func() (w []string) {
		for _, row := range kindTable {
			w = append(w, row.name)
		}
		return w
	}()
	actWords = strings.Split(activationNames(), ", ")
)

// complete checks s and fills in every default.
func (s *Spec) complete() []Problem {
	c := new(checker)
	if len(s.Input) == 0 {
		c.add(".input", "", "height, width and channels, e.g. [224, 224, 3]")
	} else if len(s.Input) != 3 || slices.Min(s.Input) < 1 || max(s.Input[0], s.Input[1]) > maxSide || s.Input[2] > maxChannels {
		c.add(".input", fmt.Sprint(s.Input), fmt.Sprintf("height, width (1 to %d) and channels (1 to %d), e.g. [224, 224, 3]", maxSide, maxChannels))
	}
	input := [3]int{1, 1, 1}
	if len(s.Input) == 3 && slices.Min(s.Input) > 0 {
		input = [3]int(s.Input)
	}
	if s.Classes < 1 || s.Classes > maxChannels {
		value := strconv.Itoa(s.Classes)
		if s.Classes == 0 {
			value = ""
		}
		c.add(".classes", value, fmt.Sprintf("the number of classes, 1 to %d", maxChannels))
	}
	gene(c, ".resolution", (*[]int)(&s.Resolution), input[0], func(v int) bool {
		return v >= 1 && v <= maxSide && v*input[1]%input[0] == 0 && v*input[1]/input[0] <= maxSide && v*input[1] >= input[0]
	}, fmt.Sprintf("a height from 1 to %d at which the width %d/%d of it is whole", maxSide, input[1], input[0]))
	gene(c, ".width", (*[]float64)(&s.Width), 1, func(v float64) bool { return v >= 0.01 && v <= 16 }, "a number from 0.01 to 16")
	gene(c, ".output_stride", (*[]int)(&s.OutputStride), 0, between(0, 1024), "0 (no limit) to 1024")
	s.Stem.complete(c)
	if s.limitsStride() && len(s.Stem.Stride) > 1 {
		c.add(".stem.stride", fmt.Sprint([]int(s.Stem.Stride)), "one value where output_stride is set")
	}
	if len(s.Stage) == 0 {
		c.add(".stage", "", "at least one [[space.stage]] table")
	}
	if len(s.Stage) > maxStages {
		c.add(".stage", fmt.Sprintf("%d tables", len(s.Stage)), fmt.Sprintf("at most %d stages", maxStages))
	}
	s.Stage = slices.Clone(s.Stage)
	depth := 0
	for i := range s.Stage {
		st, key := &s.Stage[i], fmt.Sprintf(".stage[%d]", i+1)
		st.complete(c, key)
		if s.limitsStride() && len(st.Stride) > 1 {
			c.add(key+".stride", fmt.Sprint([]int(st.Stride)), "one value where output_stride is set")
		}
		depth += slices.Max(st.Depth)
	}
	if depth > maxBlocks-1 && len(c.problems) == 0 {
		c.add(".stage", fmt.Sprintf("up to %d blocks", depth), fmt.Sprintf("at most %d blocks in all stages together", maxBlocks-1))
	}
	s.Head.complete(c, len(s.Stage))
	if len(c.problems) == 0 {
		s.checkGroups(c)
	}
	return c.problems
}

func (s *Spec) limitsStride() bool { return len(s.OutputStride) > 1 || s.OutputStride[0] > 0 }

func (s *StemSpec) complete(c *checker) {
	gene(c, ".stem.channels", (*[]int)(&s.Channels), 32, between(0, maxChannels), fmt.Sprintf("1 to %d, or 0 for no stem", maxChannels))
	if len(s.Channels) > 1 && slices.Contains(s.Channels, 0) {
		c.add(".stem.channels", fmt.Sprint([]int(s.Channels)), "0 (no stem) alone, or numbers above 0")
	}
	gene(c, ".stem.kernel", (*[]int)(&s.Kernel), 3, oddKernel, wantKernel)
	gene(c, ".stem.stride", (*[]int)(&s.Stride), 2, between(1, 8), "1 to 8")
	gene(c, ".stem.activation", (*[]string)(&s.Activation), "relu6", oneWord(actWords), oneOf(actWords))
	setting(c, ".stem.scale", &s.Scale, scaleWords...)
}

func (s *StageSpec) complete(c *checker, key string) {
	if len(s.Channels) == 0 {
		c.add(key+".channels", "", fmt.Sprintf("output channels, 1 to %d, or a list of choices", maxChannels))
		s.Channels = Ints{8}
	}
	gene(c, key+".channels", (*[]int)(&s.Channels), 0, between(1, maxChannels), fmt.Sprintf("1 to %d", maxChannels))
	gene(c, key+".stride", (*[]int)(&s.Stride), 1, between(1, 8), "1 to 8")
	gene(c, key+".depth", (*[]int)(&s.Depth), 1, between(1, maxDepth), fmt.Sprintf("1 to %d", maxDepth))
	setting(c, key+".per", &s.Per, "block", "stage")
	setting(c, key+".experts_in", &s.ExpertsIn, "depthwise", "pointwise", "both")
	setting(c, key+".se_from", &s.SEFrom, "expanded", "input")
	setting(c, key+".se_activation", &s.SEActivation, append([]string{"relu"}, slices.DeleteFunc(slices.Clone(actWords), func(w string) bool { return w == "relu" || w == "identity" })...)...)
	setting(c, key+".se_gate", &s.SEGate, "hsigmoid", "sigmoid")

	whole := s.blockSpec()
	before := len(c.problems)
	used := whole.present()
	whole.complete(c, key)
	if s.Choice == nil {
		if len(c.problems) == before {
			whole.useless(c, key, used)
			if n := whole.variants(); n > maxVariants {
				c.add(key, fmt.Sprintf("%d variants of one block", n), fmt.Sprintf("at most %d: shorten a list", maxVariants))
			}
			whole.trim()
		}
		s.setBlock(whole)
		return
	}
	for g, n := range whole.lengths() {
		if n > 1 {
			c.add(key+"."+blockGeneKeys[g], fmt.Sprintf("a list of %d", n), "one value, the default of the entries of choice")
		}
	}
	if n := len(s.Choice); n == 0 || n > maxChoices {
		c.add(key+".choice", fmt.Sprintf("a list of %d", n), fmt.Sprintf("1 to %d blocks, e.g. [{block = \"skip\"}, {block = \"mbconv\", kernel = 3}]", maxChoices))
	}
	s.Choice = slices.Clone(s.Choice)
	for i := range s.Choice {
		o, at := &s.Choice[i], fmt.Sprintf("%s.choice[%d]", key, i+1)
		before, used := len(c.problems), o.present()
		for g, n := range o.lengths() {
			if n > 1 {
				c.add(at+"."+blockGeneKeys[g], fmt.Sprintf("a list of %d", n), "one value: an entry of choice is a whole block")
			}
		}
		o.inherit(&whole)
		o.complete(c, at)
		if len(c.problems) == before {
			o.useless(c, at, used)
			o.trim()
		}
	}
	s.setBlock(whole)
}

// blockSpec views the genes of a stage's blocks as one ChoiceSpec.
func (s *StageSpec) blockSpec() ChoiceSpec {
	return ChoiceSpec{s.Block, s.Kernel, s.Expansion, s.Dilation, s.Activation, s.ActivationAfter, s.Groups, s.SE, s.Residual,
		s.Attention, s.Experts, s.Multiplier}
}

func (s *StageSpec) setBlock(o ChoiceSpec) {
	s.Block, s.Kernel, s.Expansion, s.Dilation, s.Activation, s.ActivationAfter, s.Groups, s.SE, s.Residual =
		o.Block, o.Kernel, o.Expansion, o.Dilation, o.Activation, o.ActivationAfter, o.Groups, o.SE, o.Residual
	s.Attention, s.Experts, s.Multiplier = o.Attention, o.Experts, o.Multiplier
}

// complete checks the genes of a block. Residual stays nil where it is as the
// kind has it.
func (o *ChoiceSpec) complete(c *checker, key string) {
	gene(c, key+".block", (*[]string)(&o.Block), "mbconv", oneWord(kindWords), oneOf(kindWords))
	gene(c, key+".kernel", (*[]int)(&o.Kernel), 3, oddKernel, wantKernel)
	gene(c, key+".expansion", (*[]float64)(&o.Expansion), 6, func(v float64) bool { return v > 0 && v <= 32 }, "a ratio above 0, at most 32")
	gene(c, key+".dilation", (*[]int)(&o.Dilation), 1, between(1, 64), "1 to 64")
	gene(c, key+".activation", (*[]string)(&o.Activation), "relu6", oneWord(actWords), oneOf(actWords))
	gene(c, key+".activation_after", (*[]string)(&o.ActivationAfter), "both", oneWord(afterNames[:]), oneOf(afterNames[:]))
	gene(c, key+".groups", (*[]int)(&o.Groups), 1, between(1, 4096), "1 to 4096")
	gene(c, key+".se", (*[]float64)(&o.SE), 0, func(v float64) bool { return v >= 0 && v <= 1 }, "a ratio from 0 (none) to 1")
	gene(c, key+".attention", (*[]string)(&o.Attention), "se", oneWord(attentionNames[:]), oneOf(attentionNames[:]))
	gene(c, key+".experts", (*[]int)(&o.Experts), 1, between(1, maxExperts), "1 (an ordinary convolution) to 64")
	gene(c, key+".multiplier", (*[]int)(&o.Multiplier), 1, between(1, maxExperts), "1 to 64")
	if o.Residual != nil {
		gene(c, key+".residual", (*[]bool)(&o.Residual), true, func(bool) bool { return true }, "true or false")
	}
}

// lengths returns the number of choices of each gene, 0 where it is not set.
func (o *ChoiceSpec) lengths() [blockGenes]int {
	return [blockGenes]int{
		gKind: len(o.Block), gKernel: len(o.Kernel), gExpansion: len(o.Expansion), gDilation: len(o.Dilation),
		gActivation: len(o.Activation), gAfter: len(o.ActivationAfter), gGroups: len(o.Groups), gSE: len(o.SE), gResidual: len(o.Residual),
		gAttention: len(o.Attention), gExperts: len(o.Experts), gMultiplier: len(o.Multiplier),
	}
}

func (o *ChoiceSpec) present() (set [blockGenes]bool) {
	for g, n := range o.lengths() {
		set[g] = n > 0
	}
	return set
}

func (o *ChoiceSpec) inherit(from *ChoiceSpec) {
	inherit((*[]string)(&o.Block), from.Block)
	inherit((*[]int)(&o.Kernel), from.Kernel)
	inherit((*[]float64)(&o.Expansion), from.Expansion)
	inherit((*[]int)(&o.Dilation), from.Dilation)
	inherit((*[]string)(&o.Activation), from.Activation)
	inherit((*[]string)(&o.ActivationAfter), from.ActivationAfter)
	inherit((*[]int)(&o.Groups), from.Groups)
	inherit((*[]float64)(&o.SE), from.SE)
	inherit((*[]bool)(&o.Residual), from.Residual)
	inherit((*[]string)(&o.Attention), from.Attention)
	inherit((*[]int)(&o.Experts), from.Experts)
	inherit((*[]int)(&o.Multiplier), from.Multiplier)
}

func inherit[T any](to *[]T, from []T) {
	if *to == nil {
		*to = from
	}
}

// useless reports genes that somebody set and no kind of block reads: a
// mistake that would otherwise go unseen.
func (o *ChoiceSpec) useless(c *checker, key string, set [blockGenes]bool) {
	for g := gKind + 1; g < blockGenes; g++ {
		if !set[g] {
			continue
		}
		var users []string
		used := false
		for k, row := range kindTable {
			if Kind(k).has(g) {
				users = append(users, row.name)
				used = used || slices.Contains(o.Block, row.name)
			}
		}
		if !used {
			c.add(key+"."+blockGeneKeys[g], o.value(g), fmt.Sprintf("no such key: block %s does not use it (%s does)",
				strings.Join(o.Block, ", "), oneOf(users)))
		}
	}
	if slices.Contains(o.Block, "grouped") && !set[gGroups] && len(o.Groups) == 1 && o.Groups[0] == 1 {
		c.add(key+".groups", "", "the number of groups of the grouped block")
	}
}

// trim takes away the genes that no kind of block reads, so that a completed
// spec says nothing that New would refuse.
func (o *ChoiceSpec) trim() {
	reads := func(g blockGene) bool {
		return slices.ContainsFunc(o.Block, func(b string) bool { k, _ := parseKind(b); return k.has(g) })
	}
	drop(&o.Kernel, reads(gKernel))
	drop(&o.Expansion, reads(gExpansion))
	drop(&o.Dilation, reads(gDilation))
	drop(&o.Activation, reads(gActivation))
	drop(&o.ActivationAfter, reads(gAfter))
	drop(&o.Groups, reads(gGroups))
	drop(&o.SE, reads(gSE))
	drop(&o.Residual, reads(gResidual))
	drop(&o.Attention, reads(gAttention))
	drop(&o.Experts, reads(gExperts))
	drop(&o.Multiplier, reads(gMultiplier))
}

func drop[L ~[]T, T any](list *L, keep bool) {
	if !keep {
		*list = nil
	}
}

func (o *ChoiceSpec) value(g blockGene) string {
	return fmt.Sprint([blockGenes]any{gKind: o.Block, gKernel: o.Kernel, gExpansion: o.Expansion, gDilation: o.Dilation,
		gActivation: o.Activation, gAfter: o.ActivationAfter, gGroups: o.Groups, gAttention: o.Attention, gSE: o.SE,
		gResidual: o.Residual, gExperts: o.Experts, gMultiplier: o.Multiplier}[g])
}

// variants bounds the number of different blocks.
func (o *ChoiceSpec) variants() int {
	n := 1.0
	for _, l := range o.lengths() {
		n *= float64(max(1, l))
	}
	return int(math.Min(n, math.MaxInt32))
}

func (s *HeadSpec) complete(c *checker, stages int) {
	var words []string
	for _, row := range headTable {
		words = append(words, row.name)
	}
	setting(c, ".head.kind", &s.Kind, words...)
	k := HeadKind(max(0, slices.Index(words, s.Kind)))
	row := headTable[k]
	least, want := 0, fmt.Sprintf("1 to %d, or 0 for no convolution", maxChannels)
	if row.needsC {
		least, want = 1, fmt.Sprintf("1 to %d", maxChannels)
	}
	gene(c, ".head.channels", (*[]int)(&s.Channels), [headKinds]int{1280, 256, 128, 128}[k], between(least, maxChannels), want)
	if s.Hidden != nil && !row.hidden && !slices.Equal(s.Hidden, Ints{0}) {
		c.add(".head.hidden", fmt.Sprint([]int(s.Hidden)), "no such key: only the classifier has a hidden layer")
	}
	gene(c, ".head.hidden", (*[]int)(&s.Hidden), 0, between(0, maxChannels), fmt.Sprintf("0 (none) to %d", maxChannels))
	switch {
	case s.Rates != nil && !row.rates:
		c.add(".head.rates", fmt.Sprint(s.Rates), "no such key: only aspp has rates")
	case row.rates && s.Rates == nil:
		s.Rates = []int{6, 12, 18}
	case len(s.Rates) > maxRates:
		c.add(".head.rates", fmt.Sprint(s.Rates), fmt.Sprintf("at most %d rates", maxRates))
	default:
		for i, r := range s.Rates {
			if r < 2 || r > 1024 {
				c.add(fmt.Sprintf(".head.rates[%d]", i+1), strconv.Itoa(r), "a dilation of 2 to 1024")
			}
		}
	}
	switch {
	case s.Low != 0 && !row.low:
		c.add(".head.low", strconv.Itoa(s.Low), "no such key: only lraspp and fast_scnn take detail from a stage")
	case s.Low < 0 || s.Low > stages:
		c.add(".head.low", strconv.Itoa(s.Low), fmt.Sprintf("the number of a stage, 1 to %d, or 0 for the last one at an eighth of the input", stages))
	}
	gene(c, ".head.activation", (*[]string)(&s.Activation), "relu6", oneWord(actWords), oneOf(actWords))
	if s.Scale == "" {
		s.Scale = "up"
	}
	setting(c, ".head.scale", &s.Scale, scaleWords...)
}

// checkGroups makes sure that no genotype asks for groups that do not divide its
// channels: the remedy would be a silent change of what was asked for.
func (s *Spec) checkGroups(c *checker) {
	for _, width := range s.Width {
		ins := []int{s.Input[2]}
		if s.Stem.Channels[0] > 0 {
			ins = scaled(s.Stem.Channels, width, s.Stem.Scale)
		}
		for i := range s.Stage {
			st, key := &s.Stage[i], fmt.Sprintf(".stage[%d]", i+1)
			outs := scaled(st.Channels, width, "always")
			check := func(key string, kinds []string, groups []int) {
				if !slices.Contains(kinds, "grouped") {
					return
				}
				for _, g := range groups {
					for _, n := range append(slices.Clone(outs), ins...) {
						if n%g != 0 {
							c.add(key+".groups", strconv.Itoa(g), fmt.Sprintf("a divisor of %d, the channels that a grouped block meets at width %g", n, width))
							return
						}
					}
				}
			}
			if st.Choice == nil {
				check(key, st.Block, st.Groups)
			}
			for k := range st.Choice {
				check(fmt.Sprintf("%s.choice[%d]", key, k+1), st.Choice[k].Block, st.Choice[k].Groups)
			}
			ins = outs
		}
		if len(c.problems) > 0 {
			return
		}
	}
}

// scaled applies the width multiplier to each of a gene's choices.
func scaled(channels []int, width float64, rule string) []int {
	if rule == "never" || rule == "up" && width < 1 {
		width = 1
	}
	out := make([]int, len(channels))
	for i, n := range channels {
		if out[i] = n; n > 0 {
			out[i] = scale(n, width)
		}
	}
	return out
}

// activation returns the function of a name that has been checked.
func activation(name string) blocks.ActFunc {
	f, _ := blocks.ParseActFunc(name)
	return f
}
