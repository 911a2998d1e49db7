package space

import "nas/blocks"

// convLayer is a convolution with the activation behind it.
type convLayer struct {
	conv    *blocks.Conv
	cin     int
	act     blocks.ActFunc
	experts int // of a mixture; 0 for an ordinary convolution
}

func (l convLayer) depthwise() bool { return l.conv.Depthwise(l.cin) }

// parts are the convolutions of a block by what they do. Where there is none, conv is nil.
type parts struct {
	kind    Kind
	before  convLayer // UIB: the depthwise convolution before the expansion
	expand  convLayer // the 1x1 convolution to the channels inside
	window  convLayer // the KxK convolution
	project convLayer // the 1x1 convolution to the output
	gate    Attention
	add     bool // the input is added
}
