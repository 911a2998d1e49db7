package space

import (
	"fmt"
	"slices"
	"strconv"

	"nas/blocks"
)

// wantInt8 reports the keys that [Spec.Int8Friendly] forbids, by name.
func (s *Spec) wantInt8(c *checker) {
	c.refuseActs(".stem.activation", s.Stem.Activation)
	for i := range s.Stage {
		st, key := &s.Stage[i], fmt.Sprintf(".stage[%d]", i+1)
		var gated bool
		if st.Choice == nil {
			o := st.blockSpec()
			gated = o.wantInt8(c, key)
		}
		for k := range st.Choice {
			gated = st.Choice[k].wantInt8(c, fmt.Sprintf("%s.choice[%d]", key, k+1)) || gated
		}
		if gated {
			c.refuseActs(key+".se_activation", Strings{st.SEActivation})
			if st.SEGate == blocks.Sigmoid.String() {
				c.refuse(key+".se_gate", strconv.Quote(st.SEGate), "hsigmoid")
			}
		}
	}
	c.refuseActs(".head.activation", s.Head.Activation)
	if s.Head.Kind == LRASPP.String() {
		c.refuse(".head.kind", strconv.Quote(s.Head.Kind), "another head, without a gate of sigmoid")
	}
}

// wantInt8 tells whether the block may have squeeze-and-excite.
func (o *ChoiceSpec) wantInt8(c *checker, key string) (gated bool) {
	c.refuseActs(key+".activation", o.Activation)
	for _, a := range o.Attention {
		if a == ECA.String() || a == CBAM.String() {
			c.refuse(key+".attention", strconv.Quote(a), "none or se, whose gate can be hsigmoid")
		}
	}
	if slices.Max(append(Ints{1}, o.Experts...)) > 1 {
		c.refuse(key+".experts", listText(o.Experts), "1: weights that are mixed for each image have no integers")
	}
	return slices.Max(append(Floats{0}, o.SE...)) > 0 && slices.Contains(o.Attention, SE.String())
}

// refuse reports a value that int8_friendly forbids.
func (c *checker) refuse(key, value, want string) {
	c.addOf(key, ".int8_friendly", value, want+", because int8_friendly = true")
}

// refuseActs reports activations whose values take a range that grids of 8 bits do not hold well.
func (c *checker) refuseActs(key string, list Strings) {
	for _, a := range list {
		if a == blocks.Swish.String() || a == blocks.Sigmoid.String() {
			c.refuse(key, strconv.Quote(a), "relu, relu6 or hswish")
		}
	}
}
