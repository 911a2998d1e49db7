package space

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var scaleWords = []string{"always", "up", "never"}

// complete checks s and fills in every default.
func (s *Spec) complete() []Problem {
	c := new(checker)
	s.completeInput(c)
	s.Stem.complete(c)
	limited := len(s.OutputStride) > 1 || s.OutputStride[0] > 0
	oneStride := func(key string, strides Ints) {
		if limited && len(strides) > 1 {
			c.add(key, listText(strides), "one value where output_stride is set")
		}
	}
	oneStride(".stem.stride", s.Stem.Stride)
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
		oneStride(key+".stride", st.Stride)
		depth += slices.Max(st.Depth)
	}
	if depth > maxBlocks-1 && c.clean("stage", "depth") {
		c.add(".stage", fmt.Sprintf("up to %d blocks", depth),
			fmt.Sprintf("at most %d blocks in all stages together", maxBlocks-1))
	}
	s.Head.complete(c, len(s.Stage))
	if s.Int8Friendly {
		s.wantInt8(c)
	}
	if c.clean("stage", "input", "width", "divisor", "channels", "scale", "block", "groups", "choice") {
		s.checkGroups(c)
	}
	return c.problems
}

// completeInput treats the keys of the whole network.
func (s *Spec) completeInput(c *checker) {
	valid := len(s.Input) == 3 && slices.Min(s.Input) > 0
	switch {
	case len(s.Input) == 0:
		c.add(".input", "", "height, width and channels, e.g. [224, 224, 3]")
	case !valid || max(s.Input[0], s.Input[1]) > maxSide || s.Input[2] > maxChannels:
		c.add(".input", listText(s.Input),
			fmt.Sprintf("height, width (1 to %d) and channels (1 to %d), e.g. [224, 224, 3]", maxSide, maxChannels))
	}
	h, w := 1, 1
	if valid {
		h, w = s.Input[0], s.Input[1]
	}
	switch bare := headTable[s.Head.kind()].bare; {
	case bare && s.Classes != 0:
		c.add(".classes", strconv.Itoa(s.Classes), "no such key: a network that ends in features has no classes")
	case !bare && (s.Classes < 1 || s.Classes > maxChannels):
		value := strconv.Itoa(s.Classes)
		if s.Classes == 0 {
			value = ""
		}
		c.add(".classes", value, fmt.Sprintf("the number of classes, 1 to %d", maxChannels))
	}
	order := ""
	if valid && s.channelsFirst() {
		order = ", or input with the channels last"
	}
	c.choices(".resolution", &s.Resolution, domain{
		initial: h,
		valid: func(v float64) bool {
			n := int(v)
			return n >= 1 && n <= maxSide && n*w%h == 0 && n*w/h <= maxSide && n*w >= h
		},
		want: fmt.Sprintf("a height from 1 to %d at which the width %d/%d of it is whole%s", maxSide, w, h, order),
	})
	c.choices(".width", &s.Width, domain{
		initial: 1.0,
		valid:   func(v float64) bool { return v >= 0.01 && v <= 16 },
		want:    "a number from 0.01 to 16",
	})
	if s.Divisor == 0 {
		s.Divisor = int(usualDivisor)
	}
	if s.Divisor < 1 || s.Divisor > maxDivisor {
		c.add(".divisor", strconv.Itoa(s.Divisor), fmt.Sprintf("1 to %d", maxDivisor))
	}
	c.choices(".output_stride", &s.OutputStride, domain{0, between(0, 1024), nil, "0 (no limit) to 1024"})
}

// channelsFirst tells whether Input, which is valid, looks like channels, height and width.
func (s *Spec) channelsFirst() bool {
	in := s.Input
	return min(in[0], in[1]) <= 4 && in[2] >= 16 && max(in[0], in[1]) >= 16
}

func (s *StemSpec) complete(c *checker) {
	c.choices(".stem.channels", &s.Channels,
		domain{32, between(0, maxChannels), nil, fmt.Sprintf("1 to %d, or 0 for no stem", maxChannels)})
	if slices.Contains(s.Channels, 0) && slices.Max(s.Channels) > 0 {
		c.add(".stem.channels", listText(s.Channels), "0 (no stem) alone, or numbers above 0")
	}
	c.choices(".stem.kernel", &s.Kernel, kernelDomain)
	c.choices(".stem.stride", &s.Stride, integers(2, 1, 8))
	c.choices(".stem.activation", &s.Activation, actDomain)
	c.setting(".stem.scale", &s.Scale, scaleWords...)
}

func (s *StageSpec) complete(c *checker, key string) {
	if len(s.Channels) == 0 {
		c.add(key+".channels", "", fmt.Sprintf("output channels, 1 to %d, or a list of choices", maxChannels))
		s.Channels = Ints{8}
	}
	c.choices(key+".channels", &s.Channels, integers(0, 1, maxChannels))
	c.choices(key+".stride", &s.Stride, integers(1, 1, 8))
	c.choices(key+".depth", &s.Depth, integers(1, 1, maxDepth))
	c.setting(key+".per", &s.Per, "block", "stage")
	c.setting(key+".experts_in", &s.ExpertsIn, "depthwise", "pointwise", "both")
	c.setting(key+".se_from", &s.SEFrom, "expanded", "input")
	inner := slices.DeleteFunc(slices.Clone(actWords), func(w string) bool { return w == "relu" || w == "identity" })
	c.setting(key+".se_activation", &s.SEActivation, append([]string{"relu"}, inner...)...)
	c.setting(key+".se_gate", &s.SEGate, "hsigmoid", "sigmoid")

	block := s.blockSpec()
	set, before := block.lengths(), len(c.problems)
	block.complete(c, key)
	if s.Choice != nil {
		s.completeChoice(c, key, &block)
	} else if len(c.problems) == before {
		block.useless(c, key, set)
		if n := block.variants(); n > maxVariants {
			c.add(key, fmt.Sprintf("%d variants of one block", n), fmt.Sprintf("at most %d: shorten a list", maxVariants))
		}
		block.trim()
	}
	s.setBlock(&block)
}

// completeChoice treats the entries of a choice. Their defaults are what block has.
func (s *StageSpec) completeChoice(c *checker, key string, block *ChoiceSpec) {
	block.wantSingle(c, key, ", the default of the entries of choice")
	if n := len(s.Choice); n == 0 || n > maxChoices {
		c.add(key+".choice", fmt.Sprintf("a list of %d", n),
			fmt.Sprintf("1 to %d blocks, e.g. [{block = \"skip\"}, {block = \"mbconv\", kernel = 3}]", maxChoices))
	}
	s.Choice = slices.Clone(s.Choice)
	for i := range s.Choice {
		o, at := &s.Choice[i], fmt.Sprintf("%s.choice[%d]", key, i+1)
		set, before := o.lengths(), len(c.problems)
		o.wantSingle(c, at, ": an entry of choice is a whole block")
		o.inherit(block)
		o.complete(c, at)
		if len(c.problems) == before {
			o.useless(c, at, set)
			o.trim()
		}
	}
}

// kind is the kind that is named, or the default.
func (s *HeadSpec) kind() HeadKind { return HeadKind(max(0, slices.Index(headWords, s.Kind))) }

func (s *HeadSpec) complete(c *checker, stages int) {
	c.setting(".head.kind", &s.Kind, headWords...)
	row := headTable[s.kind()]
	if row.bare {
		const want = "no such key: features are the maps of the stages, without a layer behind them"
		if s.Channels != nil && !slices.Equal(s.Channels, Ints{0}) {
			c.add(".head.channels", listText(s.Channels), want)
		}
		if s.Activation != nil && !slices.Equal(s.Activation, Strings{"relu6"}) {
			c.add(".head.activation", strings.Join(s.Activation, ", "), want)
		}
	}
	channels := domain{row.channels, between(0, maxChannels), nil,
		fmt.Sprintf("1 to %d, or 0 for no convolution", maxChannels)}
	if row.needsC {
		channels = integers(row.channels, 1, maxChannels)
	}
	c.choices(".head.channels", &s.Channels, channels)
	if s.Hidden != nil && !row.hidden && !slices.Equal(s.Hidden, Ints{0}) {
		c.add(".head.hidden", listText(s.Hidden), "no such key: only classifier and ssdlite have a hidden layer")
	}
	c.choices(".head.hidden", &s.Hidden,
		domain{0, between(0, maxChannels), nil, fmt.Sprintf("0 (none) to %d", maxChannels)})
	switch {
	case s.Rates != nil && !row.rates:
		c.add(".head.rates", listText(s.Rates), "no such key: only aspp has rates")
	case row.rates && s.Rates == nil:
		s.Rates = []int{6, 12, 18}
	case len(s.Rates) > maxRates:
		c.add(".head.rates", listText(s.Rates), fmt.Sprintf("at most %d rates", maxRates))
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
		c.add(".head.low", strconv.Itoa(s.Low),
			fmt.Sprintf("the number of a stage, 1 to %d, or 0 for the last one at an eighth of the input", stages))
	}
	c.choices(".head.activation", &s.Activation, actDomain)
	if s.Scale == "" {
		s.Scale = "up"
	}
	c.setting(".head.scale", &s.Scale, scaleWords...)
}

// checkGroups makes sure that no genotype asks for groups that do not divide its
// channels: the remedy would be a silent change of what was asked for.
func (s *Spec) checkGroups(c *checker) {
	for _, width := range s.Width {
		ins := []int{s.Input[2]}
		if s.Stem.Channels[0] > 0 {
			ins = scaled(s.Stem.Channels, width, s.Stem.Scale, divisor(s.Divisor))
		}
		for i := range s.Stage {
			st, key := &s.Stage[i], fmt.Sprintf(".stage[%d]", i+1)
			outs := scaled(st.Channels, width, "always", divisor(s.Divisor))
			if st.Choice == nil {
				block := st.blockSpec()
				block.checkDivisors(c, key, ins, outs, width, divisor(s.Divisor))
			}
			for k := range st.Choice {
				st.Choice[k].checkDivisors(c, fmt.Sprintf("%s.choice[%d]", key, k+1), ins, outs, width, divisor(s.Divisor))
			}
			ins = outs
		}
		if !c.clean("groups") {
			return
		}
	}
}

// checkDivisors reports the first of the groups that does not divide all channels that
// the blocks meet.
func (o *ChoiceSpec) checkDivisors(c *checker, key string, ins, outs []int, width float64, d divisor) {
	st := style{divisor: d}
	for _, kind := range o.Block {
		var met []int
		switch kind {
		case Grouped.String():
			met = slices.Concat(outs, ins)
		case bottleneckWord:
			for _, n := range outs {
				for _, x := range o.Expansion {
					met = append(met, st.expandedChannels(n, x))
				}
			}
		}
		for _, g := range o.Groups {
			for _, n := range met {
				if n%g != 0 {
					c.add(key+".groups", strconv.Itoa(g),
						fmt.Sprintf("a divisor of %d, the channels that a %s block meets at width %g", n, kind, width))
					return
				}
			}
		}
	}
}
