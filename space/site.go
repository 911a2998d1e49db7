package space

import "nas/blocks"

// site is where a block stands: all that its final numbers depend on besides its
// template and its stage's style.
type site struct {
	cin, cout int
	stride    int
	dilation  int  // factor on the template's dilation, from a limited output stride
	forced    bool // stride is 1 only because of a limited output stride
}

// vanishes reports whether a skip at s is no block at all: nothing changes shape there.
func (s site) vanishes() bool { return s.stride == 1 && s.cin == s.cout && !s.forced }

// style is what a stage settles for all its blocks, beyond their genes.
type style struct {
	seFromInput     bool // the ratio is of the block's input channels
	seInner, seGate blocks.ActFunc
	// Which convolutions have experts, in blocks of several convolutions.
	kernelExperts, pointExperts bool
	divisor                     divisor
}
