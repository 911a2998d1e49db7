package space

import (
	"fmt"
	"slices"
	"strconv"
)

// Slips returns what the spec may ask for and hardly anybody means. Want says why, as a sentence.
func (s *Space) Slips() []Problem {
	c := new(checker)
	t := &s.spec
	in := t.Input
	if t.channelsFirst() {
		low := min(in[0], in[1])
		sides := slices.DeleteFunc(slices.Clone(in), func(n int) bool { return n == low })
		if len(sides) == 2 {
			c.add(".input", listText(in), fmt.Sprintf("the channels come last, and %d are many: did you mean [%d, %d, %d]?",
				in[2], sides[0], sides[1], low))
		}
	}
	if t.Classes == 1 && t.Head.Kind == headWords[0] {
		c.add(".classes", "1", "a classifier of one class has nothing to tell apart: two answers are 2 classes")
	}
	if t.Classes == 1 && t.Head.Kind == "ssdlite" {
		c.add(".classes", "1", "the classes of ssdlite count the background, and it is the only one: "+
			"one kind of object is 2 classes")
	}
	if len(s.genes) == 0 {
		c.add("", "", "it holds one network: the search has nothing to choose; give some key a list")
	}
	s.slipsOfStages(c)
	return c.problems
}

// slipsOfStages looks at the smallest map that a network of the space can come to.
func (s *Space) slipsOfStages(c *checker) {
	t := &s.spec
	res := slices.Min(t.Resolution)
	h, w := res, max(1, res*t.Input[1]/t.Input[0])
	small, reduced := h*w == 1, 1
	if small {
		c.add(".resolution", listText(t.Resolution), "the image is a single pixel, and kernels see padding around it: "+
			"did you mean a larger number?")
	}
	shrink := func(strides Ints) {
		n := slices.Max(strides)
		reduced *= n
		h, w = (h-1)/n+1, (w-1)/n+1
	}
	if t.Stem.Channels[0] > 0 {
		shrink(t.Stem.Stride)
	}
	linear := len(t.Stage) > 0
	for i := range t.Stage {
		st, key := &t.Stage[i], fmt.Sprintf(".stage[%d]", i+1)
		shrink(st.Stride)
		if h*w == 1 && !small && s.outputStride == fixed && t.OutputStride[0] == 0 {
			small = true
			c.add(key, "", fmt.Sprintf("at resolution %d its map is a single pixel, and kernels see padding around it: "+
				"want fewer strides or a larger input", res))
		}
		if slices.Max(append(st.Dilation, 1)) > 1 && slices.Min(st.Stride) > 1 && slices.Max(st.Depth) == 1 {
			c.add(key+".dilation", listText(st.Dilation),
				"a block with a stride has no dilation, and the stage has no other block: it has no effect")
		}
		squeezes := func(ratios Floats) bool { return slices.Max(append(ratios, 0)) > 0 }
		if st.SEGate == "sigmoid" && !squeezes(st.SE) &&
			!slices.ContainsFunc(st.Choice, func(o ChoiceSpec) bool { return squeezes(o.SE) }) {
			c.add(key+".se_gate", strconv.Quote(st.SEGate),
				"no block of the stage has squeeze-and-excitation: did you forget se = 0.25?")
		}
		linear = linear && slices.Equal(st.Activation, Strings{"identity"})
	}
	if linear {
		c.add(".stage[1].activation", `"identity"`,
			"no stage has a function between its convolutions: together they are one linear layer")
	}
	if side := min(t.Input[0], t.Input[1]); reduced <= 2 && side >= 96 && slices.Max(t.OutputStride) == 0 {
		c.add(".stage[1]", "", fmt.Sprintf("no stage has a stride, so that all work on maps of at least %dx%d pixels: "+
			"did you forget stride = 2?", side/reduced, side/reduced))
	}
}
